#pragma once

#include <cstddef>
#include <cstdint>

namespace scnn {

enum class DType : std::uint8_t { float32, uint8, int32 };

constexpr std::size_t byte_size(DType dtype) noexcept { return dtype == DType::uint8 ? 1 : 4; }
constexpr const char* name(DType dtype) noexcept {
  return dtype == DType::float32 ? "float32" : dtype == DType::uint8 ? "uint8" : "int32";
}

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::float32;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::uint8;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::int32;
};

}  // namespace scnn
