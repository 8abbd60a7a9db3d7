#include "scnn/data/catalogue.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "catch.h"
#include "files.h"

namespace scnn {
namespace {

using test::error_of;
using test::TemporaryFolder;
using test::write_idx_set;

/// Sets $SCNN_DATA, or removes it, for one scope.
class Variable {
 public:
  explicit Variable(const char* value) {
    const char* old = std::getenv("SCNN_DATA");
    if (old != nullptr) old_ = old;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(old_.empty() ? nullptr : old_.c_str()); }

 private:
  static void set(const char* value) {
    if (value != nullptr) {
      ::setenv("SCNN_DATA", value, 1);
    } else {
      ::unsetenv("SCNN_DATA");
    }
  }
  std::string old_;
};

std::vector<std::string> strings(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> texts;
  for (const auto& path : paths) texts.push_back(path.string());
  return texts;
}

}  // namespace

TEST_CASE("the catalogue is consistent", "[data]") {
  std::set<std::string> types;
  for (const DataInfo& info : data_catalogue()) {
    INFO(info.type);
    CHECK(types.insert(info.type).second);
    CHECK(&data_info(info.type) == &info);
    CHECK(info.class_names.size() == (info.type == "cifar100" ? 100U : 10U));
    CHECK(std::set<std::string>(info.class_names.begin(), info.class_names.end()).size() == info.class_names.size());
    CHECK(info.train_images + info.test_images == (info.archives ? 60000 : 70000));
    for (const DataDownload& file : info.downloads) {
      CHECK(file.md5.size() == 32);
      CHECK(file.md5.find_first_not_of("0123456789abcdef") == std::string::npos);
      REQUIRE_FALSE(file.urls.empty());
      for (const std::string& url : file.urls) CHECK(url.ends_with("/" + file.name));
    }
  }
  CHECK(std::ranges::is_sorted(data_info("cifar100").class_names));
  CHECK(error_of(ErrorKind::experiment, [] { (void)data_info("imagenet"); }) ==
        "data.type 'imagenet' is not known; known: fashion_mnist, mnist, cifar10, cifar100, synthetic, image_folder, "
        "arrays");
}

TEST_CASE("folders are tried in this order", "[data]") {
  const Variable variable("/somewhere");
  CHECK(strings(data_search_path(data_info("cifar100"), "auto")) ==
        std::vector<std::string>{"/somewhere/cifar-100-binary",
                                 "/somewhere/cifar100/cifar-100-binary",
                                 "/somewhere/cifar-100",
                                 "/somewhere/cifar100",
                                 "/somewhere",
                                 "./data/cifar-100-binary",
                                 "./data/cifar100/cifar-100-binary",
                                 "./data/cifar-100",
                                 "./data/cifar100",
                                 "./data",
                                 "/usr/share/datasets/cifar-100-binary",
                                 "/usr/share/datasets/cifar100/cifar-100-binary",
                                 "/usr/share/datasets/cifar-100",
                                 "/usr/share/datasets/cifar100",
                                 "/usr/share/datasets",
                                 "/usr/share/cifar-100-binary",
                                 "/usr/share/cifar100/cifar-100-binary",
                                 "/usr/share/cifar-100",
                                 "/usr/share/cifar100",
                                 "/usr/share"});
  CHECK(strings(data_search_path(data_info("mnist"), "here")) ==
        std::vector<std::string>{"here/mnist", "here/MNIST/raw", "here/MNIST", "here"});
}

TEST_CASE("a set is found below a root, by $SCNN_DATA, or as the root itself", "[data]") {
  const TemporaryFolder folder;
  write_idx_set(folder / "fashion-mnist", 3, 2);
  const DataInfo& info = data_info("fashion_mnist");
  CHECK(find_data(info, folder.path().string()) == folder / "fashion-mnist");
  CHECK(find_data(info, (folder / "fashion-mnist").string()) == folder / "fashion-mnist");
  const Variable variable(folder.path().c_str());
  CHECK(find_data(info, "auto") == folder / "fashion-mnist");
  // The files have MNIST's names; the folder's name says that they are not MNIST.
  CHECK(find_data(data_info("mnist"), (folder / "fashion-mnist").string()) == std::nullopt);
  CHECK(find_data(data_info("mnist"), (folder / "fashion-mnist").string() + "/") == std::nullopt);
}

TEST_CASE("files are found plain, gzip, and with a dot in their name", "[data]") {
  const TemporaryFolder folder;
  const std::string name = "train-images-idx3-ubyte";
  CHECK(find_content(folder.path(), name) == std::nullopt);
  for (const char* file : {"train-images.idx3-ubyte.gz", "train-images.idx3-ubyte", "train-images-idx3-ubyte.gz",
                           "train-images-idx3-ubyte"}) {
    test::write_bytes(folder / file, "x");
    CHECK(find_content(folder.path(), name) == folder / file);
  }
}

TEST_CASE("a missing set lists every path tried and how to get it", "[data]") {
  const TemporaryFolder folder;
  const std::string root = folder.path().string();
  CHECK(error_of(ErrorKind::data, [&] { (void)require_data(data_info("fashion_mnist"), root); }) ==
        "Fashion-MNIST was not found; tried:\n  " + root + "/fashion-mnist\n  " + root + "/fashion_mnist\n  " + root +
            "/FashionMNIST/raw\n  " + root + "/FashionMNIST\n  " + root +
            "\nget the files with: sudo apt install dataset-fashion-mnist, or: scnn data fetch fashion_mnist\n"
            "or set data.root or $SCNN_DATA to its folder");
  CHECK(data_remedy(data_info("cifar10")) == "get the files with: scnn data fetch cifar10");
  const Variable none(nullptr);
  if (find_data(data_info("cifar10"), "auto")) SCNN_SKIP("CIFAR-10 is installed: nothing is missing");
  CHECK(error_of(ErrorKind::data, [] {
          (void)require_data(data_info("cifar10"), "auto");
        }).starts_with("CIFAR-10 was not found; tried ($SCNN_DATA is not set):\n  ./data/cifar-10-batches-bin\n"));
}

}  // namespace scnn
