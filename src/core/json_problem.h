#pragma once

#include <exception>
#include <nlohmann/json.hpp>
#include <string>

namespace scnn {

/// What is wrong with JSON, in plain words with its place, instead of the library's own text.
inline std::string json_problem(const std::exception& error) {
  if (const auto* parse = dynamic_cast<const nlohmann::json::parse_error*>(&error)) {
    return "no JSON from byte " + std::to_string(parse->byte) + " on";
  }
  if (dynamic_cast<const nlohmann::json::exception*>(&error) == nullptr) return error.what();
  const std::string text = error.what();
  // "[json.exception.out_of_range.403] key 'state' not found"
  const std::size_t end = text.find("] ");
  const std::string rest = end == std::string::npos ? text : text.substr(end + 2);
  return rest.starts_with("key '") ? rest : "a value of another kind than expected (" + rest + ")";
}

}  // namespace scnn
