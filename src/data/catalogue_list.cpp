#include "scnn/data/catalogue.h"

namespace scnn {
namespace {

std::vector<DataDownload> idx_downloads(const std::vector<std::string>& bases, const std::vector<std::string>& md5) {
  std::vector<DataDownload> list;
  for (const char* name : {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
                           "t10k-labels-idx1-ubyte.gz"}) {
    DataDownload one{name, {}, md5[list.size()]};
    for (const std::string& base : bases) one.urls.push_back(base + name);
    list.push_back(std::move(one));
  }
  return list;
}

const std::vector<std::string>& idx_contents() {
  static const std::vector<std::string> names{"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                              "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  return names;
}

DataInfo fashion_mnist() {
  DataInfo info;
  info.type = "fashion_mnist";
  info.title = "Fashion-MNIST";
  info.description = "70,000 grey pictures of clothes, 28 x 28, 10 classes";
  info.homepage = "https://github.com/zalandoresearch/fashion-mnist";
  info.debian_package = "dataset-fashion-mnist";
  info.folders = {"fashion-mnist", "fashion_mnist", "FashionMNIST/raw", "FashionMNIST"};
  info.contents = idx_contents();
  info.downloads = idx_downloads({"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                                  "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"},
                                 {"8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
                                  "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310"});
  info.h = info.w = 28;
  info.train_images = 60000;
  info.test_images = 10000;
  info.class_names = {"T-shirt/top", "trouser", "pullover", "dress", "coat",
                      "sandal",      "shirt",   "sneaker",  "bag",   "ankle boot"};
  // Debian packs the published bytes anew: with the published gzip headers put back, its files have the MD5s above.
  info.content_hashes = {0xc11b6543ae1530f3, 0x1b75ba136467d3e3, 0xacf1cd2c87a40a9b, 0x1d45483c370bde0f};
  return info;
}

DataInfo mnist() {
  DataInfo info;
  info.type = "mnist";
  info.title = "MNIST";
  info.description = "70,000 grey pictures of handwritten digits, 28 x 28, 10 classes";
  info.homepage = "http://yann.lecun.com/exdb/mnist";
  info.folders = {"mnist", "MNIST/raw", "MNIST"};
  info.contents = idx_contents();
  info.downloads = idx_downloads(
      {"https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"},
      {"f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432", "9fb629c4189551a2d022fa330f9573f3",
       "ec29112dd5afa0611ce80d1b7f02629c"});
  info.h = info.w = 28;
  info.train_images = 60000;
  info.test_images = 10000;
  info.class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  return info;
}

DataInfo cifar10() {
  DataInfo info;
  info.type = "cifar10";
  info.title = "CIFAR-10";
  info.description = "60,000 colour pictures of animals and vehicles, 32 x 32, 10 classes";
  info.homepage = "https://www.cs.toronto.edu/~kriz/cifar.html";
  info.folders = {"cifar-10-batches-bin", "cifar10/cifar-10-batches-bin", "cifar-10", "cifar10"};
  info.contents = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                   "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};
  info.downloads = {{"cifar-10-binary.tar.gz",
                     {"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"},
                     "c32a1d4ab5d03f1284b67883e8d87530"}};
  info.archives = true;
  info.channels = 3, info.h = info.w = 32;
  info.train_images = 50000;
  info.test_images = 10000;
  info.class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  return info;
}

DataInfo cifar100() {
  DataInfo info;
  info.type = "cifar100";
  info.title = "CIFAR-100";
  info.description = "60,000 colour pictures, 32 x 32, 100 classes (the fine labels)";
  info.homepage = "https://www.cs.toronto.edu/~kriz/cifar.html";
  info.folders = {"cifar-100-binary", "cifar100/cifar-100-binary", "cifar-100", "cifar100"};
  info.contents = {"train.bin", "test.bin"};
  info.downloads = {{"cifar-100-binary.tar.gz",
                     {"https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"},
                     "03b5dce01913d631647c71ecec9e9cb8"}};
  info.archives = true;
  info.channels = 3, info.h = info.w = 32;
  info.train_images = 50000;
  info.test_images = 10000;
  // In alphabetical order, as the numbers of the fine labels are.
  info.class_names = {
      "apple",      "aquarium_fish", "baby",         "bear",       "beaver",      "bed",         "bee",
      "beetle",     "bicycle",       "bottle",       "bowl",       "boy",         "bridge",      "bus",
      "butterfly",  "camel",         "can",          "castle",     "caterpillar", "cattle",      "chair",
      "chimpanzee", "clock",         "cloud",        "cockroach",  "couch",       "crab",        "crocodile",
      "cup",        "dinosaur",      "dolphin",      "elephant",   "flatfish",    "forest",      "fox",
      "girl",       "hamster",       "house",        "kangaroo",   "keyboard",    "lamp",        "lawn_mower",
      "leopard",    "lion",          "lizard",       "lobster",    "man",         "maple_tree",  "motorcycle",
      "mountain",   "mouse",         "mushroom",     "oak_tree",   "orange",      "orchid",      "otter",
      "palm_tree",  "pear",          "pickup_truck", "pine_tree",  "plain",       "plate",       "poppy",
      "porcupine",  "possum",        "rabbit",       "raccoon",    "ray",         "road",        "rocket",
      "rose",       "sea",           "seal",         "shark",      "shrew",       "skunk",       "skyscraper",
      "snail",      "snake",         "spider",       "squirrel",   "streetcar",   "sunflower",   "sweet_pepper",
      "table",      "tank",          "telephone",    "television", "tiger",       "tractor",     "train",
      "trout",      "tulip",         "turtle",       "wardrobe",   "whale",       "willow_tree", "wolf",
      "woman",      "worm"};
  return info;
}

}  // namespace

const std::vector<DataInfo>& data_catalogue() {
  static const std::vector<DataInfo> list{fashion_mnist(), mnist(), cifar10(), cifar100()};
  return list;
}

}  // namespace scnn
