#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "catch.h"
#include "packed/packed_width.h"
#include "random_model.h"
#include "scnn/core/error.h"
#include "scnn/core/random.h"

using namespace scnn;
using scnn::test::difference;
using scnn::test::random_model;

namespace {

/// The message of the Error(checkpoint) that decoding gives; empty where it gives a model.
std::string failure(std::span<const std::byte> bytes) {
  try {
    const PackedModel model = decode(bytes, "dir/model.scnn");
    (void)encode(model);
    return "";
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::checkpoint);
    return error.what();
  }
}

/// Makes the checksum right again, so that what lies behind it is reached.
void sign(std::vector<std::byte>& bytes) {
  const std::size_t covered = bytes.size() - 4;
  const auto sum = static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), covered));
  std::memcpy(bytes.data() + covered, &sum, 4);
}

/// The smallest seed from `seed` on whose file has at most `limit` bytes.
std::vector<std::byte> small_file(std::uint64_t seed, std::size_t limit) {
  for (;; ++seed) {
    std::vector<std::byte> bytes = encode(random_model(seed));
    if (bytes.size() <= limit) return bytes;
  }
}

}  // namespace

TEST_CASE("packed_width is the bits that max - min + 1 values need") {
  const auto width = [](std::vector<std::int32_t> values) { return packed_width(values); };
  CHECK(width({}) == 0);
  CHECK(width({-7}) == 0);
  CHECK(width({-1, 0}) == 1);
  CHECK(width({-3, 2}) == 3);
  CHECK(width({-2, 1}) == 2);
  CHECK(width({0, 4}) == 3);
  CHECK(width({-128, 127}) == 8);
  CHECK(width({std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()}) == 32);
}

TEST_CASE("random models survive the file, and always give the same bytes") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    INFO("seed " << seed);
    const PackedModel model = random_model(seed);
    const std::vector<std::byte> bytes = encode(model);
    const PackedModel back = decode(bytes, "model.scnn");
    REQUIRE(difference(model, back) == "");
    REQUIRE(encode(back) == bytes);
    REQUIRE(encode(random_model(seed)) == bytes);
  }
}

TEST_CASE("extreme integers survive the file") {
  PackedModel model = random_model(3);
  for (PackedLayer& layer : model.layers) {
    if (!layer.quantized() || layer.channels[0].integers.size() < 2) continue;
    layer.channels[0].integers[0] = std::numeric_limits<std::int32_t>::min();
    layer.channels[0].integers[1] = std::numeric_limits<std::int32_t>::max();
  }
  CHECK(difference(model, decode(encode(model), "model.scnn")) == "");
}

TEST_CASE("every byte of the file is accounted for") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    INFO("seed " << seed);
    const PackedModel model = random_model(seed);
    const std::vector<FilePart> parts = account(model);
    REQUIRE(parts.size() == model.network.size() + 1);
    std::size_t sum = 0;
    for (const FilePart& part : parts) sum += part.total();
    CHECK(sum == encode(model).size());
    for (std::size_t i = 0; i < model.network.size(); ++i) {
      const FilePart& part = parts[i + 1];
      const PackedLayer& layer = model.layers[i];
      CHECK(part.layer == model.network[i].name);
      CHECK(part.of(FileBytes::affine) <= 2 + 8 * model.affines[i].a.size());
      CHECK(part.of(FileBytes::bias) <= 1 + 4 * layer.bias.size());
      CHECK(part.of(FileBytes::weights) <= 1 + 4 * layer.weights.size());
      CHECK(part.of(FileBytes::scales) <= 1 + 4 * layer.channels.size());
      std::int64_t bits = 32 * static_cast<std::int64_t>(layer.weights.size());
      if (layer.quantized()) {
        const std::vector<bool> stored = stored_columns(layer, model.network[i].options);
        for (const IntegerChannel& channel : layer.channels) {
          std::vector<std::int32_t> row;
          for (std::size_t k = 0; k < channel.integers.size(); ++k) {
            if (stored[k % stored.size()]) row.push_back(channel.integers[k]);
          }
          bits += packed_width(row) * static_cast<std::int64_t>(row.size());
        }
      }
      CHECK(part.packed_bits == bits);
      if (model.integers == IntegerForm::coded || !layer.quantized()) continue;
      // Each channel's range takes a byte, and a varint for what does not fit there.
      const std::size_t least = layer.channels.size() + static_cast<std::size_t>((bits + 7) / 8);
      CHECK(part.of(FileBytes::integers) >= least);
      CHECK(part.of(FileBytes::integers) <= least + 6 * layer.channels.size());
    }
  }
}

TEST_CASE("a truncated file is refused at every length") {
  const std::vector<std::byte> bytes = small_file(0, 600);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    INFO("length " << length);
    const std::string message = failure(std::span(bytes).first(length));
    REQUIRE(message.find("dir/model.scnn") == 0);
    REQUIRE(message.find("export or copy the file again") != std::string::npos);
    if (length < 20) continue;
    std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    sign(cut);
    REQUIRE_FALSE(failure(cut).empty());
  }
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  CHECK_FALSE(failure(longer).empty());
}

TEST_CASE("a flipped byte is refused wherever it is") {
  const std::vector<std::byte> bytes = small_file(0, 600);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
      std::vector<std::byte> bad = bytes;
      bad[i] ^= static_cast<std::byte>(flip);
      INFO("byte " << i << " xor " << flip);
      REQUIRE_FALSE(failure(bad).empty());
    }
  }
}

TEST_CASE("bad content behind a right checksum gives an error or a model, never a crash") {
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const std::vector<std::byte> bytes = small_file(100 * seed, 900);
    const RandomStream stream(seed, Stream::probe);
    for (std::size_t i = 0; i + 4 < bytes.size(); ++i) {
      for (std::uint64_t k = 0; k < 4; ++k) {
        std::vector<std::byte> bad = bytes;
        bad[i] = static_cast<std::byte>(stream.below(4 * i + k, 256));
        sign(bad);
        refused += failure(bad).empty() ? 0 : 1;
      }
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("a damaged model that decodes does not crash a graph") {
  const auto backend = backend_for(Device{}, BackendOptions{1});
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const std::vector<std::byte> bytes = small_file(50 * seed, 600);
    for (std::size_t i = 0; i + 4 < bytes.size(); ++i) {
      std::vector<std::byte> bad = bytes;
      bad[i] ^= std::byte{1};
      sign(bad);
      try {
        (void)unpack(decode(bad, "model.scnn"), *backend);
      } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::checkpoint);
      }
    }
  }
}

TEST_CASE("a small file cannot ask for much memory") {
  PackedModel model = random_model(0);
  model.network = {{"in", InputSpec{60'000, 1, 1}, {}, ""}, {"fc", LinearSpec{60'000, false}, {0}, ""}};
  model.sets = {ChannelSet(60'000), ChannelSet(60'000, {})};
  model.layers = {PackedLayer{}, PackedLayer{{}, {}, {0, 1, 1, 60'000}, {}}};
  model.affines.assign(2, {});
  model.class_names.clear();
  model.normalization = {};
  CHECK(failure(encode(model)).find("more weights than") != std::string::npos);
}

TEST_CASE("messages say what is wrong") {
  const std::vector<std::byte> bytes = encode(random_model(1));
  const auto with = [&](std::size_t place, unsigned value) {
    std::vector<std::byte> bad = bytes;
    bad[place] = static_cast<std::byte>(value);
    return failure(bad);
  };
  CHECK(with(0, 'X').find("does not begin with SCNN") != std::string::npos);
  CHECK(with(4, 9).find("of format version 9, this program reads version 2: it needs a newer scnn") !=
        std::string::npos);
  CHECK(with(4, 1).find("an older scnn wrote it; scnn export with its run folder") != std::string::npos);
  CHECK(with(bytes.size() - 1, std::to_integer<unsigned>(bytes.back()) ^ 1U).find("checksum") != std::string::npos);
  CHECK(failure(std::span(bytes).first(bytes.size() - 1)).find("it should have") != std::string::npos);
}

TEST_CASE("encode refuses a model whose parts do not fit") {
  PackedModel model = random_model(1);
  model.layers.back().shape = {1, 1, 1, 1};
  CHECK_THROWS_AS(encode(model), Error);
  model = random_model(1);
  model.network.back().name = model.network.front().name;
  CHECK_THROWS_AS(encode(model), Error);
}
