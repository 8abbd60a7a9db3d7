#include "scnn/nn/channel_set.h"

#include "catch.h"
#include "scnn/core/error.h"

using namespace scnn;

TEST_CASE("channel sets know their channels by their original names") {
  const ChannelSet set(6, {1, 3, 4});
  CHECK(set.size() == 3);
  CHECK(set.position(3) == 1);
  CHECK(set.position(2) == -1);
  CHECK(ChannelSet(3).size() == 3);
}

TEST_CASE("channel sets refuse channels that do not increase or lie outside") {
  CHECK_THROWS_AS(ChannelSet(4, {1, 1}), Error);
  CHECK_THROWS_AS(ChannelSet(4, {2, 1}), Error);
  CHECK_THROWS_AS(ChannelSet(4, {4}), Error);
  CHECK_THROWS_AS(ChannelSet(4, {-1}), Error);
}

TEST_CASE("a channel map tells where each channel of one set lies in another") {
  const ChannelSet from(6, {1, 3, 4});
  const ChannelSet to(6, {0, 3, 4, 5});
  CHECK(channel_map(from, to) == std::vector<std::int32_t>{-1, 1, 2, -1});
}
