#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace scnn {

/// A JSON value whose keys keep the order in which people read them.
using Json = nlohmann::ordered_json;

/// The text of a value.  Bytes that are not UTF-8 become U+FFFD.  `indent`: spaces a level; -1: one line.
[[nodiscard]] inline std::string dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace scnn
