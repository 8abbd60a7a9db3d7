#include "scnn/core/version.h"

#include <string_view>

namespace scnn {

// The build passes these three; see src/CMakeLists.txt.

const char* program_version() { return SCNN_VERSION; }

const char* build_description() { return SCNN_BUILD; }

std::map<std::string, std::string> library_versions() {
  std::map<std::string, std::string> versions;
  std::string_view rest = SCNN_LIBRARIES;  // "name=1.2,name=3"
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(item.size() < rest.size() ? item.size() + 1 : item.size());
    const std::size_t equals = item.find('=');
    if (equals != std::string_view::npos && equals + 1 < item.size()) {
      versions.emplace(item.substr(0, equals), item.substr(equals + 1));
    }
  }
  return versions;
}

}  // namespace scnn
