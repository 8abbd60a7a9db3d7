#include "op_cases.h"
#include "reference.h"

namespace scnn::test {
namespace {

using Kind = AugmentStep::Kind;

AugmentSteps list_of(const std::vector<AugmentStep>& steps) {
  AugmentSteps list;
  for (const AugmentStep& step : steps) list.step[list.count++] = step;
  return list;
}

void add(const char* name, const Shape& stored, std::int64_t batch, const AugmentSteps& steps,
         std::vector<OpCase>& cases) {
  const RandomStream stream(9, Stream::augment, 4);
  cases.push_back({.op = "load_images",
                   .name = name,
                   .tolerance = 0,
                   .prepare =
                       [=] {
                         Arrays a{{"pixels", zeros(stored)},
                                  {"labels", zeros({stored[0]})},
                                  {"indices", zeros({batch})},
                                  {"table", uniform_array({stored[3], 256}, 3, -3, 3)},
                                  {"x", junk({batch, stored[1], stored[2], stored[3]})},
                                  {"y", junk({batch}, DType::int32)}};
                         a["pixels"].dtype = DType::uint8;
                         a["labels"].dtype = a["indices"].dtype = DType::int32;
                         for (std::int64_t i = 0; i < stored.size(); ++i) {
                           a["pixels"][i] = static_cast<double>((i * 37 + i / 11) % 256);
                         }
                         for (std::int64_t i = 0; i < stored[0]; ++i) a["labels"][i] = static_cast<double>(i % 10);
                         for (std::int64_t i = 0; i < batch; ++i) {
                           a["indices"][i] = static_cast<double>((i * 5 + 2) % stored[0]);
                         }
                         return a;
                       },
                   .run =
                       [=](Backend& b, Tensors& t) {
                         b.load_images(t["pixels"], t["labels"], t["indices"], t["table"], steps, stream, t["x"],
                                       t["y"]);
                       },
                   .expect =
                       [=](const Arrays& a) {
                         return reference::load_images(a.at("pixels"), a.at("labels"), a.at("indices"), a.at("table"),
                                                       steps, stream);
                       }});
}

}  // namespace

std::vector<OpCase> image_cases() {
  std::vector<OpCase> cases;
  const AugmentSteps all = list_of({{Kind::pad_crop, 2, 1}, {Kind::horizontal_flip, 0, 0.5F}, {Kind::cutout, 3, 1}});
  const AugmentSteps odd = list_of({{Kind::cutout, 4, 1},
                                    {Kind::horizontal_flip, 0, 1},
                                    {Kind::pad_crop, 9, 1},
                                    {Kind::cutout, 2, 1},
                                    {Kind::pad_crop, 1, 1},
                                    {Kind::horizontal_flip, 0, 0.5F}});
  add("as stored", {7, 11, 12, 3}, 9, {}, cases);
  add("crop, flip, cutout", {31, 8, 7, 3}, 23, all, cases);
  add("one channel, steps in an odd order, crops beyond the image", {20, 6, 9, 1}, 40, odd, cases);
  const AugmentStep erasing{Kind::random_erasing, 0, 0.7F, {0.02F, 0.33F}, {0.3F, 3.3F}};
  add("pad, flip, crop, erase", {31, 12, 10, 3}, 31,
      list_of({{Kind::pad, 4}, {Kind::horizontal_flip, 0, 0.5F}, {Kind::crop}, erasing}), cases);
  add("holes of both colours over each other, while padded", {25, 9, 11, 1}, 30,
      list_of({erasing,
               {Kind::pad, 3},
               {Kind::cutout, 5},
               erasing,
               {Kind::horizontal_flip, 0, 0.5F},
               {Kind::cutout, 4},
               {Kind::pad, 1},
               {Kind::crop}}),
      cases);
  add("an empty batch", {3, 4, 4, 2}, 0, all, cases);
  return cases;
}

}  // namespace scnn::test
