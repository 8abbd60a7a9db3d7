#include "packed/integers.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "packed/packed_width.h"
#include "packed/range_coder.h"

namespace scnn::deploy {
namespace {

using Int32 = std::numeric_limits<std::int32_t>;

/// Lowest and highest integer; 0, 0 where there are none.
using Range = std::pair<std::int64_t, std::int64_t>;
Range range_of(const std::vector<std::int32_t>& row) {
  if (row.empty()) return {0, 0};
  const auto [low, high] = std::ranges::minmax(row);
  return {low, high};
}

/// One byte for a width below 15 and a minimum of -7..7.
void write_range(Writer& out, int width, std::int64_t minimum) {
  const auto low = static_cast<std::uint64_t>(width);
  const std::uint64_t high = zigzag(minimum);
  out.byte(std::min<std::uint64_t>(low, 15) | (std::min<std::uint64_t>(high, 15) << 4U));
  if (low >= 15) out.varint(low - 15);
  if (high >= 15) out.varint(high - 15);
}

void write_bits(Writer& out, const std::vector<Rows>& layers, const Behind& behind) {
  behind(-1, out.size());
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    for (const auto& row : layers[layer]) write_range(out, packed_width(row), range_of(row).first);
    for (const auto& row : layers[layer]) {
      const std::int64_t low = range_of(row).first;
      const int width = packed_width(row);
      for (const std::int32_t value : row) out.bit(static_cast<std::uint64_t>(value - low), width);
    }
    out.flush_bits();
    behind(static_cast<int>(layer), out.size());
  }
}

void write_coded(Writer& out, const std::vector<Rows>& layers, const Behind& behind) {
  std::map<Range, std::int64_t> numbers;  // of the ranges, in increasing order
  for (const Rows& rows : layers) {
    for (const auto& row : rows) numbers[range_of(row)] = 0;
  }
  out.varint(numbers.size());
  std::int64_t next = 0;
  for (auto& [range, number] : numbers) {
    number = next++;
    out.varint(zigzag(range.first));
    out.varint(static_cast<std::uint64_t>(range.second - range.first));
  }
  behind(-1, out.size());
  RangeEncoder encoder;
  Counts range_counts, local;
  std::vector<Counts> counts(numbers.size());
  const auto write = [&encoder](std::int64_t value, std::int64_t low, std::int64_t high, Counts& shared, Counts& own) {
    (void)bisect(low, high, shared, own, [&](std::uint32_t p, std::int64_t middle) {
      encoder.bit(value >= middle, p);
      return value >= middle;
    });
  };
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    Counts ranges_here;
    for (const auto& row : layers[layer]) {
      const auto [low, high] = range_of(row);
      const std::int64_t number = numbers.at({low, high});
      write(number, 0, next - 1, range_counts, ranges_here);
      local.clear();
      for (const std::int32_t value : row) write(value, low, high, counts[static_cast<std::size_t>(number)], local);
    }
    behind(static_cast<int>(layer), out.size() + encoder.size());
  }
  const std::vector<std::byte> code = encoder.finish();
  out.raw(code.data(), code.size());
}

struct Width {
  int width = 0;
  std::int64_t minimum = 0;
};
Width read_range(Reader& in) {
  const unsigned code = in.byte();
  std::uint64_t width = code & 15U;
  std::uint64_t minimum = code >> 4U;
  if (width == 15) width += in.varint(32 - 15, "a width beyond 15");
  if (minimum == 15) minimum += in.varint(std::numeric_limits<std::uint32_t>::max() - 15, "a minimum beyond 15");
  return {static_cast<int>(width), unzigzag(minimum)};
}

void read_bits(Reader& in, const std::vector<RowsShape>& layers, const Take& take) {
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const auto [channels, stored] = layers[layer];
    if (channels > in.left()) in.fail("it ends too early: every channel takes at least a byte");
    std::vector<Width> ranges(channels);
    std::uint64_t bits = 0;
    for (Width& range : ranges) {
      range = read_range(in);
      bits += stored * static_cast<std::uint64_t>(range.width);
    }
    in.begin_bits((bits + 7) / 8);
    for (std::size_t channel = 0; channel < channels; ++channel) {
      std::vector<std::int32_t> row(stored);
      for (std::int32_t& integer : row) {
        const std::int64_t value = ranges[channel].minimum + static_cast<std::int64_t>(in.bit(ranges[channel].width));
        if (value > Int32::max()) in.fail("an integer has more than 32 bits");
        integer = static_cast<std::int32_t>(value);
      }
      take(layer, channel, std::move(row));
    }
    in.end_bits();
  }
}

std::vector<Range> read_ranges(Reader& in, const std::vector<RowsShape>& layers) {
  std::uint64_t channels = 0;
  for (const RowsShape& layer : layers) channels += layer.channels;
  const std::uint64_t count = in.varint(channels, "the number of ranges");
  if (count == 0 && channels > 0) in.fail("there are integers without a range");
  if (count > in.left()) in.fail("it ends too early: every range takes two bytes");
  std::vector<Range> ranges(count);
  const Range* before = nullptr;
  for (Range& range : ranges) {
    auto& [low, high] = range;
    low = unzigzag(in.varint(std::numeric_limits<std::uint32_t>::max(), "a minimum"));
    high =
        low + static_cast<std::int64_t>(in.varint(std::numeric_limits<std::uint32_t>::max(), "the extent of a range"));
    if (high > Int32::max()) in.fail("an integer has more than 32 bits");
    if (before != nullptr && !(*before < range)) in.fail("the ranges are not in increasing order");
    before = &range;
  }
  return ranges;
}

void read_coded(Reader& in, std::uint64_t size, const std::vector<RowsShape>& layers, const Take& take) {
  const std::uint64_t end = in.left() - size;  // bytes behind the body
  const std::vector<Range> ranges = read_ranges(in, layers);
  if (in.left() < end) in.fail("it ends too early: the ranges do not fit");
  RangeDecoder decoder(in.raw(in.left() - end));
  Counts range_counts, local;
  std::vector<Counts> counts(ranges.size());
  std::vector<bool> used(ranges.size());
  const auto read = [&decoder](std::int64_t low, std::int64_t high, Counts& shared, Counts& own) {
    return bisect(low, high, shared, own, [&](std::uint32_t p, std::int64_t) { return decoder.bit(p); });
  };
  const std::int64_t last = static_cast<std::int64_t>(ranges.size()) - 1;
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    Counts ranges_here;
    for (std::size_t channel = 0; channel < layers[layer].channels; ++channel) {
      const auto number = static_cast<std::size_t>(read(0, last, range_counts, ranges_here));
      const auto [low, high] = ranges[number];
      used[number] = true;
      if (layers[layer].stored == 0 && (low != 0 || high != 0)) {
        in.fail("a channel without integers has a range of others");
      }
      local.clear();
      std::vector<std::int32_t> row(layers[layer].stored);
      for (std::int32_t& value : row) value = static_cast<std::int32_t>(read(low, high, counts[number], local));
      take(layer, channel, std::move(row));
    }
  }
  if (!std::ranges::all_of(used, std::identity{})) in.fail("a range belongs to no channel");
  if (!decoder.at_end()) in.fail("bytes are left over behind the last integer");
}

}  // namespace

void write_integers(Writer& out, const std::vector<Rows>& layers, IntegerForm form, const Behind& behind) {
  form == IntegerForm::bits ? write_bits(out, layers, behind) : write_coded(out, layers, behind);
}

void read_integers(Reader& in, std::uint64_t size, IntegerForm form, const std::vector<RowsShape>& layers,
                   const Take& take) {
  form == IntegerForm::bits ? read_bits(in, layers, take) : read_coded(in, size, layers, take);
}

}  // namespace scnn::deploy
