#include "scnn/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/settings_error.h"
#include "data/formats.h"
#include "data/official.h"
#include "data/order.h"
#include "data/own.h"
#include "scnn/data/catalogue.h"

namespace scnn {
namespace {

[[noreturn]] void refuse(const std::string& setting, const std::string& what) { throw SettingsError(setting, what); }

/// Images `indices`, in their stored order.
ImageSet gather(const ImageSet& set, std::vector<std::int64_t> indices) {
  if (indices.empty()) return {};
  std::ranges::sort(indices);
  Shape shape = set.images.shape();
  const auto n = static_cast<std::int64_t>(indices.size());
  shape.set(0, n);
  ImageSet part{Tensor::host(shape, DType::uint8), Tensor::host(Shape{n}, DType::int32)};
  const std::int64_t bytes = shape.size() / n;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t from = indices[static_cast<std::size_t>(i)];
    std::memcpy(part.images.data<std::uint8_t>() + i * bytes, set.images.data<std::uint8_t>() + from * bytes,
                static_cast<std::size_t>(bytes));
    part.labels.data<std::int32_t>()[i] = set.labels.data<std::int32_t>()[from];
  }
  return part;
}

}  // namespace

ImageSet strided_subset(const ImageSet& set, std::int64_t count) {
  const std::int64_t all = set.size(), some = std::min(count, all);
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < some; ++i) indices.push_back(i * all / some);
  return gather(set, std::move(indices));
}

namespace {

void split(Dataset& set, const DataOptions& options, std::uint64_t seed) {
  const std::int64_t all = set.train.size();
  if (options.train_limit < 0 || options.train_limit > all) {
    refuse("data.train_limit", std::to_string(options.train_limit) + " is out of range: " + set.name + " has " +
                                   std::to_string(all) + " training images; use 0 (all) to " + std::to_string(all));
  }
  const double fraction = options.validation_fraction;
  if (!(fraction >= 0 && fraction < 1)) {
    refuse("data.validation.fraction", std::to_string(fraction) + " is out of range: use 0 or more and less than 1");
  }
  const std::int64_t kept = options.train_limit > 0 ? options.train_limit : all;
  const std::int64_t held =
      fraction > 0 ? std::max<std::int64_t>(1, std::llround(fraction * static_cast<double>(kept))) : 0;
  if (held >= kept) {
    refuse("data.validation.fraction",
           std::to_string(fraction) + " of " + std::to_string(kept) + " images leaves none to train on: lower it");
  }
  if (kept == all && held == 0) return;
  const std::vector<std::int64_t> order = shuffled_order(all, RandomStream(seed, Stream::split));
  const auto first_held = order.begin() + (kept - held);
  set.validation = gather(set.train, {first_held, order.begin() + kept});
  set.train = gather(set.train, {order.begin(), first_held});
}

Normalization given_normalization(const DataOptions& options, std::int64_t channels) {
  const auto need = static_cast<std::size_t>(channels);
  if (options.mean.size() != need || options.std.size() != need) {
    refuse("data.normalize", std::to_string(options.mean.size()) + " means and " + std::to_string(options.std.size()) +
                                 " deviations; the images have " + std::to_string(channels) +
                                 " channels: give one of each a channel, or neither to measure them");
  }
  Normalization normalization;
  for (std::size_t c = 0; c < need; ++c) {
    const auto mean = static_cast<float>(options.mean[c]);
    const auto deviation = static_cast<float>(options.std[c]);
    if (!std::isfinite(mean))
      refuse("data.normalize.mean", "that of channel " + std::to_string(c) + " is not a finite number");
    if (!std::isfinite(deviation) || deviation <= 0) {
      refuse("data.normalize.std", "that of channel " + std::to_string(c) + " is " + std::to_string(options.std[c]) +
                                       ": use a number above 0");
    }
    normalization.mean.push_back(mean);
    normalization.std.push_back(deviation);
  }
  return normalization;
}

Dataset read_official(const DataOptions& options) {
  const DataInfo& info = data_info(options.type);
  const std::filesystem::path folder = require_data(info, options.root);
  Dataset set = read_files(info, folder);
  if (official_evidence(info, folder, set).empty()) {
    set.name += " (unofficial copy)";
    set.warnings.push_back(folder.string() + ": nothing proves that this is the published " + info.title + " (" +
                           std::to_string(set.train.size()) + " training and " + std::to_string(set.test.size()) +
                           " test images; the published set has " + std::to_string(info.train_images) + " and " +
                           std::to_string(info.test_images) + "); to be sure, " + data_remedy(info));
  }
  return set;
}

}  // namespace

std::vector<float> normalization_table(const Normalization& normalization) {
  std::vector<float> table;
  for (std::size_t c = 0; c < normalization.mean.size(); ++c) {
    const auto mean = static_cast<double>(normalization.mean[c]);
    const auto deviation = static_cast<double>(normalization.std.at(c));
    for (int v = 0; v < 256; ++v) table.push_back(static_cast<float>((v / 255.0 - mean) / deviation));
  }
  return table;
}

Normalization measure_normalization(const Tensor& images) {
  const auto channels = static_cast<std::size_t>(images.shape()[-1]);
  std::vector<std::array<std::uint64_t, 256>> counts(channels);
  const std::uint8_t* pixel = images.data<std::uint8_t>();
  const auto pixels = static_cast<std::uint64_t>(images.size()) / channels;
  for (std::uint64_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < channels; ++c) ++counts[c][*pixel++];
  }
  Normalization normalization;
  for (const auto& count : counts) {
    std::uint64_t sum = 0;
    for (std::size_t v = 0; v < 256; ++v) sum += v * count[v];
    const double mean = static_cast<double>(sum) / static_cast<double>(pixels);
    double squares = 0;
    for (std::size_t v = 0; v < 256; ++v) {
      const double distance = static_cast<double>(v) - mean;
      squares += static_cast<double>(count[v]) * distance * distance;
    }
    const double deviation = std::sqrt(squares / static_cast<double>(pixels)) / 255.0;
    const bool one_colour = std::ranges::count_if(count, [](std::uint64_t n) { return n > 0; }) <= 1;
    normalization.mean.push_back(static_cast<float>(mean / 255.0));
    normalization.std.push_back(one_colour ? 1.0F : static_cast<float>(deviation));
  }
  return normalization;
}

Dataset read_files(const DataInfo& info, const std::filesystem::path& folder) {
  const std::string remedy = "replace it: " + data_remedy(info);
  std::vector<std::filesystem::path> files;
  for (const std::string& content : info.contents) {
    const auto found = find_content(folder, content);
    if (!found) {
      throw Error(ErrorKind::data, folder.string() + ": " + info.title + " is not complete, " + content +
                                       " is missing; " + data_remedy(info));
    }
    files.push_back(*found);
  }
  const auto classes = static_cast<std::int64_t>(info.class_names.size());
  Dataset set;
  set.name = info.title;
  if (info.archives) {
    const int label_bytes = info.type == "cifar100" ? 2 : 1;  // coarse, fine
    set.train = read_cifar({files.begin(), files.end() - 1}, label_bytes, classes, remedy);
    set.test = read_cifar({files.back()}, label_bytes, classes, remedy);
  } else {
    set.train = read_idx(files[0], files[1], classes, remedy);
    set.test = read_idx(files[2], files[3], classes, remedy);
  }
  const Shape& shape = set.train.images.shape();
  const Shape& other = set.test.images.shape();
  if (shape[1] != other[1] || shape[2] != other[2]) {
    throw Error(ErrorKind::data, folder.string() + ": test images are " + std::to_string(other[1]) + " x " +
                                     std::to_string(other[2]) + " pixels, training images " + std::to_string(shape[1]) +
                                     " x " + std::to_string(shape[2]) + "; " + remedy);
  }
  set.h = shape[1];
  set.w = shape[2];
  set.channels = shape[3];
  set.classes = classes;
  set.class_names = info.class_names;
  return set;
}

Dataset load_dataset(const DataOptions& options, std::uint64_t seed,
                     const std::function<void(const std::string&)>& progress) {
  const auto read = [&] {
    if (options.type == "synthetic") return make_synthetic(options.synthetic, seed);
    if (options.type == "image_folder") return read_image_folder(options, progress);
    if (options.type == "arrays") return read_arrays(options);
    return read_official(options);
  };
  Dataset set = read();
  split(set, options, seed);
  set.normalization = options.mean.empty() && options.std.empty() ? measure_normalization(set.train.images)
                                                                  : given_normalization(options, set.channels);
  return set;
}

}  // namespace scnn
