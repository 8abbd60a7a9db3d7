#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>
#include <thread>

#include "core/file.h"
#include "data/image/cache.h"
#include "data/image/folder.h"
#include "files.h"
#include "image_files.h"
#include "scnn/data/catalogue.h"
#include "scnn/data/dataset.h"

namespace scnn {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TemporaryFolder;

/// The cache of decoded images lies in a folder of the test's own.
class Cache {
 public:
  Cache() { setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1); }
  ~Cache() { unsetenv("XDG_CACHE_HOME"); }
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  [[nodiscard]] fs::path path() const { return folder_ / "scnn"; }
  [[nodiscard]] std::vector<fs::path> files() const {
    std::vector<fs::path> list;
    if (fs::exists(path())) {
      for (const auto& entry : fs::directory_iterator(path())) list.push_back(entry.path());
    }
    return list;
  }

 private:
  TemporaryFolder folder_;
};

/// An image of one grey, whatever its size.
void paint(const fs::path& path, int grey, std::uint32_t h = 10, std::uint32_t w = 12) {
  const std::vector<std::uint8_t> bytes(std::size_t{h} * w, static_cast<std::uint8_t>(grey));
  if (path.extension() == ".png") {
    test::write_png(path, h, w, PNG_COLOR_TYPE_GRAY, 8, bytes);
  } else {
    test::write_jpeg(path, h, w, 1, bytes);
  }
}

DataOptions at(const fs::path& root, std::int64_t channels = 1) {
  DataOptions options;
  options.type = "image_folder";
  options.root = root.string();
  options.image_folder.channels = channels;
  options.image_folder.h = 8;
  options.image_folder.w = 9;
  return options;
}

/// The grey of each image, which is all of its pixels.
std::vector<int> greys(const ImageSet& set) {
  std::vector<int> list;
  const std::int64_t pixels = set.images.size() / std::max<std::int64_t>(1, set.size());
  for (std::int64_t i = 0; i < set.size(); ++i) {
    const std::uint8_t* first = set.images.data<std::uint8_t>() + i * pixels;
    CHECK(std::all_of(first, first + pixels, [&](std::uint8_t v) { return v == *first; }));
    list.push_back(*first);
  }
  return list;
}

std::vector<int> labels(const ImageSet& set) {
  const auto values = set.labels.values<std::int32_t>();
  return {values.begin(), values.end()};
}

std::string folder_refusal(const DataOptions& options) {
  std::string text = error_of(ErrorKind::data, [&] { (void)load_dataset(options, 0); });
  for (std::size_t found = text.find(options.root); found != std::string::npos; found = text.find(options.root)) {
    text.replace(found, options.root.size(), "ROOT");
  }
  return text;
}

}  // namespace

TEST_CASE("a folder for each class becomes a data set", "[image]") {
  const Cache cache;
  const TemporaryFolder folder;
  paint(folder / "train/dog/b.jpg", 40);
  paint(folder / "train/dog/a.JPEG", 30, 50, 20);
  paint(folder / "train/cat/deeper/x.png", 10, 3, 3);
  paint(folder / "train/cat/y.png", 20);
  paint(folder / "test/dog/z.png", 50);
  folder.write("train/cat/notes.txt", "no image");
  folder.write("train/cat/.hidden.png", "no image");
  for (const std::int64_t channels : {1, 3}) {
    const Dataset set = load_dataset(at(folder.path(), channels), 0);
    CHECK(set.class_names == std::vector<std::string>{"cat", "dog"});
    CHECK((set.classes == 2 && set.channels == channels && set.h == 8 && set.w == 9));
    CHECK(set.train.images.shape() == Shape{4, 8, 9, channels});
    CHECK(greys(set.train) == std::vector<int>{10, 20, 30, 40});
    CHECK(labels(set.train) == std::vector<int>{0, 0, 1, 1});
    CHECK(greys(set.test) == std::vector<int>{50});
    CHECK(labels(set.test) == std::vector<int>{1});
    CHECK(set.name == folder.path().filename().string());
    REQUIRE(set.warnings.size() == 1);
    CHECK(set.warnings[0].ends_with(": 1 files that are no .jpg, .jpeg or .png were passed over"));
  }
  CHECK(data_shape(at(folder.path(), 3)).classes == 2);
  CHECK(data_shape(at(folder / "absent", 3)).classes == 0);
  CHECK(why_no_data(at(folder.path())).empty());
  CHECK(why_no_data(at(folder / "absent")).find("there is no ") == 0);
}

TEST_CASE("without a folder test a share of each class is held out, whatever the seed", "[image]") {
  const Cache cache;
  const TemporaryFolder folder;
  for (int i = 0; i < 20; ++i) paint(folder / ("a/" + std::to_string(i) + ".png"), i);
  for (int i = 0; i < 5; ++i) paint(folder / ("b/" + std::to_string(i) + ".png"), 100 + i);
  DataOptions options = at(folder.path());
  const Dataset set = load_dataset(options, 1);
  CHECK(set.train.size() == 20);
  const auto tested = labels(set.test);
  CHECK((std::ranges::count(tested, 0) == 4 && std::ranges::count(tested, 1) == 1));
  std::set<int> all;
  for (const ImageSet* part : {&set.train, &set.test}) {
    for (const int grey : greys(*part)) CHECK(all.insert(grey).second);
  }
  CHECK(all.size() == 25);
  CHECK(greys(set.test) != std::vector<int>{0, 1, 10, 11, 100});  // not the first by name
  CHECK(greys(load_dataset(options, 2).test) == greys(set.test));
  REQUIRE(set.warnings.size() == 1);
  CHECK(set.warnings[0].ends_with("has no folder test: 5 images are held out as the test split (data.test_fraction)"));

  options.image_folder.test_fraction = 0.4;  // more are held out, the same first
  const std::vector<int> more = greys(load_dataset(options, 1).test);
  CHECK(more.size() == 10);
  for (const int grey : greys(set.test)) CHECK(std::ranges::count(more, grey) == 1);

  // Another class changes nothing for the others; nor does a folder `train` around all.
  for (int i = 0; i < 4; ++i) paint(folder / ("c/" + std::to_string(i) + ".png"), 200 + i);
  options.image_folder.test_fraction = 0.2;
  std::vector<int> again = greys(load_dataset(options, 1).test);
  again.pop_back();
  CHECK(again == greys(set.test));
  const TemporaryFolder around;
  fs::copy(folder.path(), around / "train", fs::copy_options::recursive);
  again = greys(load_dataset(at(around.path()), 1).test);
  again.pop_back();
  CHECK(again == greys(set.test));

  options.validation_fraction = 0.25;
  CHECK(load_dataset(options, 1).validation.size() == 6);
}

TEST_CASE("decoded images are kept until a file or a setting changes", "[image]") {
  const Cache cache;
  const TemporaryFolder folder;
  for (const char* name : {"train/a/1.png", "train/b/2.png", "test/a/3.png"}) paint(folder / name, 7);
  const DataOptions options = at(folder.path());
  (void)load_dataset(options, 0);
  REQUIRE(cache.files().size() == 1);
  const fs::path file = cache.files()[0];
  CHECK(file.filename().string().starts_with(folder.path().filename().string() + "-"));

  // What is in the file is what is used.
  std::string bytes = test::read_bytes(file);
  const auto time = fs::last_write_time(file);
  (void)load_dataset(options, 0);
  CHECK(fs::last_write_time(file) == time);

  // Damage is found, and mended.
  std::string damaged = bytes;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  test::write_bytes(file, damaged);
  CHECK(greys(load_dataset(options, 0).test) == std::vector<int>{7});
  CHECK(test::read_bytes(file) == bytes);
  test::write_bytes(file, bytes.substr(0, bytes.size() / 2));
  CHECK(greys(load_dataset(options, 0).train) == std::vector<int>{7, 7});
  CHECK(test::read_bytes(file) == bytes);

  // A setting, and a file of the same size and another time.
  DataOptions other = options;
  other.image_folder.fit = ImageFit::stretch;
  (void)load_dataset(other, 0);
  CHECK(cache.files().size() == 2);
  const auto before = fs::last_write_time(folder / "train/a/1.png");
  paint(folder / "train/a/1.png", 8);
  fs::last_write_time(folder / "train/a/1.png", before + std::chrono::seconds(1));
  CHECK(greys(load_dataset(options, 0).train) == std::vector<int>{8, 7});
  CHECK(cache.files().size() == 3);
}

TEST_CASE("decoding says how far it is, on the calling thread and not too often", "[image]") {
  const Cache cache;
  const TemporaryFolder folder;
  for (int i = 0; i < 30; ++i) {
    for (const char* name : {"train/a/", "train/b/", "test/b/"}) paint(folder / (name + std::to_string(i) + ".png"), i);
  }
  const DataOptions options = at(folder.path());
  const ImageFolder list = list_image_folder(options);
  const auto told = [&](std::chrono::milliseconds period) {
    std::vector<int> done;
    std::string warning;
    const auto progress = [&, caller = std::this_thread::get_id()](const std::string& line) {
      CHECK(std::this_thread::get_id() == caller);
      int number = -1;
      REQUIRE(std::sscanf(line.c_str(), "decoding images: %d of 90", &number) == 1);
      CHECK(line == "decoding images: " + std::to_string(number) + " of 90");
      done.push_back(number);
    };
    (void)folder_pixels(list, options.image_folder, progress, warning, period);
    CHECK(warning.empty());
    return done;
  };
  CHECK(told(std::chrono::hours(1)).empty());
  fs::remove_all(cache.path());
  const std::vector<int> done = told(std::chrono::milliseconds(0));
  REQUIRE(!done.empty());
  CHECK(done.front() >= 1);
  CHECK(done.back() <= 90);
  CHECK(std::ranges::adjacent_find(done, std::greater_equal()) == done.end());
  CHECK(told(std::chrono::milliseconds(0)).empty());  // from the cache
  fs::remove_all(cache.path());
  const auto began = std::chrono::steady_clock::now();
  const auto lines = static_cast<std::int64_t>(told(std::chrono::milliseconds(1)).size());
  CHECK(lines <= (std::chrono::steady_clock::now() - began) / std::chrono::milliseconds(1));
}

TEST_CASE("a cache that cannot be written is a warning", "[image]") {
  const Cache cache;
  const TemporaryFolder folder;
  for (const char* name : {"train/a/1.png", "train/b/2.png", "test/a/3.png"}) paint(folder / name, 7);
  test::write_bytes(cache.path(), "a file where the folder should be");
  const Dataset set = load_dataset(at(folder.path()), 0);
  CHECK(greys(set.test) == std::vector<int>{7});
  REQUIRE(set.warnings.size() == 1);
  CHECK(set.warnings[0].find("every run decodes them again") != std::string::npos);
}

TEST_CASE("what is wrong with a folder of images is said with its place", "[image]") {
  const Cache cache;
  const TemporaryFolder folder;
  const DataOptions options = at(folder.path());
  const std::string layout =
      "data.root of an image_folder holds train/<class>/*.jpg|png and test/<class>/..., or <class>/... alone";
  CHECK(folder_refusal(at(folder / "absent")) == "ROOT: there is no such folder; " + layout);
  CHECK(folder_refusal(options) == "ROOT: it has 0 folders, expected one for each class, at least 2; " + layout);
  paint(folder / "train/a/1.png", 1);
  paint(folder / "train/b/1.png", 1);
  CHECK(folder_refusal(options) ==
        "ROOT/train/a: 1 images, of which data.test_fraction holds out 1: none is left to train on; "
        "add images, or make a folder test");
  fs::create_directories(folder / "val");
  CHECK(folder_refusal(options).find("it has a folder val and no folder test") != std::string::npos);
  fs::create_directories(folder / "test");
  CHECK(folder_refusal(options) == "ROOT/test: no images in it; " + layout);
  paint(folder / "test/c/1.png", 1);
  CHECK(folder_refusal(options) == "ROOT/test/c: train has no class of that name: rename or remove it");
  fs::rename(folder / "test/c", folder / "test/b");
  fs::create_directories(folder / "train/c");
  CHECK(folder_refusal(options) ==
        "ROOT/train/c: no .jpg, .jpeg or .png in it: every folder here is a class; add images or remove it");
  fs::remove(folder / "train/c");
  CHECK(load_dataset(options, 0).test.size() == 1);

  folder.write("train/a/bad.jpg", "\xFF\xD8\xFFrubbish");
  folder.write("train/b/gif.png", "GIF89a");
  CHECK(folder_refusal(options).find("2 images cannot be read:\n  ROOT/train/a/bad.jpg: ") == 0);
  CHECK(
      folder_refusal(options).ends_with("\n  ROOT/train/b/gif.png: its first bytes are those of neither JPEG nor PNG\n"
                                        "replace or remove them"));
}

}  // namespace scnn
