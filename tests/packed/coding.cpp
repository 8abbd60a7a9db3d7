#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "catch.h"
#include "core/half.h"
#include "packed/integers.h"
#include "packed/packed_width.h"
#include "packed/range_coder.h"
#include "packed/reals.h"
#include "scnn/core/error.h"
#include "scnn/core/random.h"

using namespace scnn;
using namespace scnn::deploy;

namespace {

const std::string where = "model.scnn";

std::vector<std::byte> written(const std::vector<Rows>& layers, IntegerForm form) {
  Writer out;
  write_integers(out, layers, form, [](int, std::size_t) {});
  return out.bytes();
}

std::vector<Rows> read_back(const std::vector<std::byte>& bytes, const std::vector<Rows>& like, IntegerForm form) {
  std::vector<RowsShape> shapes;
  std::vector<Rows> layers;
  for (const Rows& rows : like) {
    shapes.push_back({rows.size(), rows.empty() ? 0 : rows.front().size()});
    layers.emplace_back(rows.size());
  }
  Reader in(bytes, where);
  read_integers(in, bytes.size(), form, shapes,
                [&](std::size_t layer, std::size_t channel, std::vector<std::int32_t> row) {
                  layers[layer][channel] = std::move(row);
                });
  CHECK(in.left() == 0);
  return layers;
}

/// Integers of a normal distribution of deviation `spread`, each channel clipped to a range of its own.
std::vector<Rows> trained(std::uint64_t seed, double spread) {
  const RandomStream stream(seed, Stream::probe);
  std::uint64_t next = 0;
  std::vector<Rows> layers(3);
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    for (int channel = 0; channel < 40; ++channel) {
      const double top = 1.0 + std::floor(3.0 * uniform(stream.draws(next++).v[0]));
      std::vector<std::int32_t>& row = layers[layer].emplace_back();
      for (int i = 0; i < 300; ++i) {
        double sum = -6;
        for (int k = 0; k < 12; ++k) sum += uniform(stream.draws(next++).v[0]);
        row.push_back(static_cast<std::int32_t>(std::clamp(std::rint(spread * sum), -top - 1, top)));
      }
    }
  }
  return layers;
}

/// Bytes of each channel's order-0 entropy and of its model: half the logarithm of the count for each free frequency.
double order_0_bytes(const std::vector<Rows>& layers) {
  double bits = 0;
  for (const Rows& rows : layers) {
    for (const auto& row : rows) {
      std::map<std::int32_t, double> counts;
      for (const std::int32_t value : row) ++counts[value];
      const auto size = static_cast<double>(row.size());
      for (const auto& [value, count] : counts) bits -= count * std::log2(count / size);
      bits += 0.5 * static_cast<double>(counts.size() - 1) * std::log2(size);
    }
  }
  return bits / 8;
}

std::vector<float> through(const std::vector<float>& values, std::size_t* size = nullptr) {
  Writer out;
  write_reals(out, values);
  if (size != nullptr) *size = out.size();
  Reader in(out.bytes(), where);
  std::vector<float> back = read_reals(in, values.size());
  CHECK(in.left() == 0);
  return back;
}

}  // namespace

TEST_CASE("both forms give back every integer") {
  const std::int32_t low = std::numeric_limits<std::int32_t>::min(), high = std::numeric_limits<std::int32_t>::max();
  const std::vector<std::vector<Rows>> cases = {
      {},
      {{}},
      {{{}, {}}},
      {{{0, 0, 0}}},
      {{{-9, -9}, {5, 5}}},
      {{{low, high, 0, -1}, {low, low, low, low}, {high, high, high, high}}},
      {{{1, 2}, {3, 4}}, {}, {{-1}, {0}, {7}}},
      trained(1, 0.2),
      trained(2, 1.0),
      trained(3, 30.0),
  };
  for (const auto& layers : cases) {
    for (const IntegerForm form : {IntegerForm::bits, IntegerForm::coded}) {
      CHECK(read_back(written(layers, form), layers, form) == layers);
    }
  }
}

TEST_CASE("long runs of one value, and of the least likely one, survive the coder") {
  // Counts reach their limits and are halved; probabilities reach theirs; carries run through bytes of 255.
  for (const int period : {1, 2, 3, 7, 5000, 100000}) {
    Rows rows(1);
    for (int i = 0; i < 60000; ++i) rows[0].push_back(i % period == period - 1 ? 3 : -4);
    rows[0][0] = 0;
    const std::vector<Rows> layers = {rows};
    const auto bytes = written(layers, IntegerForm::coded);
    CHECK(read_back(bytes, layers, IntegerForm::coded) == layers);
    if (period == 100000) CHECK(bytes.size() < 60);
  }
}

TEST_CASE("the coder stays within 1.02 of order-0 entropy and model, and learns what the range does not say") {
  for (const double spread : {0.2, 0.4, 0.6, 1.0}) {
    const std::vector<Rows> layers = trained(7, spread);
    const auto coded = static_cast<double>(written(layers, IntegerForm::coded).size());
    CHECK(coded < 1.02 * order_0_bytes(layers));
    CHECK(coded < 0.9 * static_cast<double>(written(layers, IntegerForm::bits).size()));
  }
}

TEST_CASE("coded bytes that are left over, missing or damaged give an error or other integers") {
  const std::vector<Rows> layers = trained(4, 1.0);
  std::vector<std::byte> bytes = written(layers, IntegerForm::coded);
  CHECK(bytes.back() != std::byte{0});
  bytes.resize(bytes.size() + 5, std::byte{1});  // a reader is at most four bytes ahead
  CHECK_THROWS_WITH(read_back(bytes, layers, IntegerForm::coded), Catch::Matchers::Contains("bytes are left over"));
  bytes.resize(bytes.size() / 2);
  std::vector<Rows> found;
  try {
    found = read_back(bytes, layers, IntegerForm::coded);
  } catch (const Error& error) {  // a range that is left without a channel
    CHECK(error.kind() == ErrorKind::checkpoint);
  }
  CHECK(found != layers);
}

TEST_CASE("reals take the shortest form that holds them exactly") {
  std::size_t size = 0;
  const std::vector<float> powers = {1.0F, 0.25F, 0x1p-126F, 0x1p127F};
  CHECK(through(powers, &size) == powers);
  CHECK(size == 1 + 4);
  const std::vector<float> halves = {0.5F, -3.0F, 0.0F, 2047.0F, 0x1p-10F};
  CHECK(through(halves, &size) == halves);
  CHECK(size == 2 + 2 * 5);
  const std::vector<float> any = {0.1F, 3.0F};
  CHECK(through(any, &size) == any);
  CHECK(size == 1 + 4 * 2);
  CHECK(std::signbit(through({-0.0F, 1.5F})[0]));
  CHECK(through({}, &size).empty());
  CHECK(size == 0);
}

TEST_CASE("numbers that are not finite are neither written nor read") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    Writer out;
    CHECK_THROWS_WITH(write_reals(out, std::vector<float>{0.1F, bad}),
                      Catch::Matchers::Contains("not a finite number"));
    out.byte(0);  // the form of float32
    out.floats(std::vector<float>{0.1F, bad});
    const auto bytes = out.bytes();
    Reader in(bytes, where);
    CHECK_THROWS_WITH(read_reals(in, 2), Catch::Matchers::Contains("not finite"));
  }
}

TEST_CASE("snapped numbers are within 2^-11, take two bytes, and stay when snapped again") {
  const RandomStream stream(5, Stream::probe);
  for (std::uint64_t k = 0; k < 200; ++k) {
    std::vector<float> values;
    for (std::uint64_t i = 0; i < 20; ++i) {
      const Draws draws = stream.draws(20 * k + i);
      const float size = std::exp2(8.0F * uniform(draws.v[0]) - 20.0F + 0.2F * static_cast<float>(k));
      values.push_back((draws.v[1] & 1U) != 0 ? size : -size);
    }
    const std::vector<float> snap = snapped(values);
    for (std::size_t i = 0; i < values.size(); ++i)
      REQUIRE(std::abs(snap[i] - values[i]) <= std::abs(values[i]) * 0x1p-11F);
    CHECK(snapped(snap) == snap);
    std::size_t size = 0;
    CHECK(through(snap, &size) == snap);
    CHECK(size == 2 + 2 * snap.size());
  }
  CHECK(snapped({0.0F, 0.0F}) == std::vector<float>{0.0F, 0.0F});
  CHECK(snapped({1.0F, 0x1p-120F})[1] == 0.0F);
  CHECK_THROWS_AS(snapped({1.0F, std::numeric_limits<float>::infinity()}), Error);
}

TEST_CASE("half_bits rounds to the nearest half, ties to even, and turns every half back") {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    if ((bits & 0x7C00U) == 0x7C00U) continue;
    const float value = half_value(static_cast<std::uint16_t>(bits));
    REQUIRE(half_bits(static_cast<double>(value)) == bits);
  }
  CHECK(half_value(half_bits(1.0 + 0x1p-11)) == 1.0F);
  CHECK(half_value(half_bits(1.0 + 3 * 0x1p-11)) == 1.0F + 0x1p-9F);
  CHECK(half_value(half_bits(2048.0 - 0x1p-1)) == 2048.0F);
  CHECK(half_bits(65519.0) == 0x7BFFU);
  CHECK(half_bits(65520.0) == 0x7C00U);
  CHECK(half_bits(-1e9) == 0xFC00U);
  CHECK(half_bits(0x1p-25) == 0);
  CHECK(half_bits(0x1.8p-25) == 1);
}
