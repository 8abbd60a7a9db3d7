#include "packed/reals.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "core/half.h"

namespace scnn::deploy {
namespace {

enum class Form : unsigned { float32, half, power };
constexpr unsigned forms = 3;
constexpr int least_power = -126, greatest_power = 127;

bool normal_or_zero(float value) { return value == 0.0F || std::isnormal(value); }

/// The largest number's exponent; nothing where all are 0.
std::optional<int> top_exponent(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return largest > 0 ? std::optional(std::ilogb(largest)) : std::nullopt;
}

/// 2^k * half for every number, or nothing where one has no such half.
std::optional<std::vector<std::uint16_t>> halves(std::span<const float> values, int k) {
  std::vector<std::uint16_t> list;
  for (const float value : values) {
    const double scaled = std::ldexp(static_cast<double>(value), -k);
    const std::uint16_t half = half_bits(scaled);
    if ((half & 0x7C00U) == 0x7C00U || !normal_or_zero(value)) return std::nullopt;
    if (static_cast<double>(half_value(half)) != scaled) return std::nullopt;
    if (value == 0.0F && std::signbit(value) != ((half & 0x8000U) != 0)) return std::nullopt;
    list.push_back(half);
  }
  return list;
}

void require_finite(std::span<const float> values) {
  if (std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) return;
  throw Error(ErrorKind::training, "a scale, bias or batch-norm term is not a finite number");
}

/// Where the largest number lies in a half's upper binades, the least precision is lost below it.
constexpr int headroom[] = {14, 15};

}  // namespace

void write_reals(Writer& out, std::span<const float> values) {
  if (values.empty()) return;
  require_finite(values);
  const bool powers = std::ranges::all_of(values, [](float value) {
    return value > 0 && std::isnormal(value) && std::ldexp(1.0F, std::ilogb(value)) == value;
  });
  if (powers) {
    out.byte(static_cast<unsigned>(Form::power));
    for (const float value : values) out.byte(static_cast<std::uint8_t>(std::ilogb(value)));
    return;
  }
  const int top = top_exponent(values).value_or(0);
  for (const int room : headroom) {
    const int k = top - room;
    if (k < -128 || k > 127) continue;
    const auto list = halves(values, k);
    if (!list) continue;
    out.byte(static_cast<unsigned>(Form::half));
    out.byte(static_cast<std::uint8_t>(k));
    return out.raw(list->data(), list->size() * sizeof(std::uint16_t));
  }
  out.byte(static_cast<unsigned>(Form::float32));
  out.floats(values);
}

std::vector<float> read_reals(Reader& in, std::uint64_t count) {
  if (count == 0) return {};
  const unsigned form = in.byte();
  if (form >= forms) in.fail("the form of its numbers is unknown");
  if (form == static_cast<unsigned>(Form::float32)) return in.floats(count);
  const bool half = form == static_cast<unsigned>(Form::half);
  const int k = half ? static_cast<std::int8_t>(in.byte()) : 0;
  const std::size_t each = half ? sizeof(std::uint16_t) : 1;
  if (count > in.left() / each) {
    in.fail("it ends too early: " + std::to_string(count) + " numbers needed, " + std::to_string(in.left()) +
            " bytes left");
  }
  const auto part = in.raw(count * each);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (half) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, part.data() + i * each, each);
      values[i] = std::ldexp(half_value(bits), k);
      if (!normal_or_zero(values[i])) in.fail("a number has no place in float32");
    } else {
      const int power = (std::to_integer<int>(part[i]) ^ 0x80) - 0x80;  // of two's complement
      if (power < least_power || power > greatest_power) in.fail("a power of two has no place in float32");
      values[i] = std::ldexp(1.0F, power);
    }
  }
  return values;
}

std::vector<float> snapped(std::vector<float> values) {
  require_finite(values);
  const auto top = top_exponent(values);
  if (!top) return values;
  const int k = std::clamp(*top - headroom[0], -128, 127);
  for (float& value : values) {
    value = static_cast<float>(
        std::ldexp(static_cast<double>(half_value(half_bits(std::ldexp(static_cast<double>(value), -k)))), k));
    if (!normal_or_zero(value)) value = std::copysign(0.0F, value);
  }
  return values;
}

}  // namespace scnn::deploy
