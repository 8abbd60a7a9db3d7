#pragma once

#include <map>
#include <string>

namespace scnn {

/// Version of this program, "0.1.0".
[[nodiscard]] const char* program_version();
/// The compiler and the kind of build, for people.
[[nodiscard]] const char* build_description();
/// Name and version of every library the program was built with.
[[nodiscard]] std::map<std::string, std::string> library_versions();

}  // namespace scnn
