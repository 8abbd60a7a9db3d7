// The table of settings: data, and weights to start from.
#include "settings/schema.h"

namespace scnn::config {
namespace {

constexpr Option data_types[] = {
    {"fashion_mnist", "Fashion-MNIST: 70,000 grey images of clothes, 28x28, 10 classes"},
    {"mnist", "MNIST: 70,000 grey images of digits, 28x28, 10 classes"},
    {"cifar10", "CIFAR-10: 60,000 colour images, 32x32, 10 classes"},
    {"cifar100", "CIFAR-100: 60,000 colour images, 32x32, 100 classes"},
    {"synthetic", "made-up shapes and noise, seeded, no files: for trying things out"},
    {"image_folder",
     "your own JPEG and PNG files: root/train/<class>/... and root/test/<class>/..., or root/<class>/... alone"},
    {"arrays",
     "your own NumPy arrays x_train, y_train, x_test, y_test: one .npz or a folder of .npy; images uint8 "
     "[n, rows, columns, channels] or [n, rows, columns], labels whole numbers from 0"},
};
constexpr Option image_fits[] = {
    {"crop", ImageFit::crop, "the largest centred part of the wanted proportions, resized"},
    {"stretch", ImageFit::stretch, "all of the image, resized whatever its proportions"},
};
constexpr Option augmentation_types[] = {
    {"pad_crop", "zeros on every side, then a random crop of the original size"},
    {"horizontal_flip", "left and right swapped with a probability"},
    {"cutout", "a square at a random place becomes the mean colour, clipped at the border"},
    {"pad", "zeros on every side; the image stays larger until the next crop"},
    {"crop", "a random part of the size that the image had before padding"},
    {"auto_augment",
     "AutoAugment with the policy found on CIFAR-10 (arXiv 1805.09501), pixel by pixel as torchvision on PIL images; "
     "the host's work, on a GPU too"},
    {"random_erasing", "a random rectangle becomes black (arXiv 1708.04896); the defaults are torchvision's"},
};
constexpr Option validation_sources[] = {{"train", "images held out of the training split"}};
constexpr Option weight_layouts[] = {
    {"pytorch", WeightLayout::pytorch,
     "a PyTorch state_dict: weights OIHW, linear layers behind a flatten in (c, h, w) order"},
    {"scnn", WeightLayout::scnn,
     "this program's own names and order: a checkpoint with no channel removed, or exported NPZ arrays"},
};

/// The alternative of `value` if it is T, else T's defaults.
template <class T>
T alternative(const Augmentation& value) {
  const T* held = std::get_if<T>(&value);
  return held ? *held : T{};
}

void visit(SettingsVisitor& v, Augmentation& o) {
  std::size_t index = o.index();
  auto pad_crop = alternative<PadCrop>(o);
  auto flip = alternative<HorizontalFlip>(o);
  auto cutout = alternative<Cutout>(o);
  auto pad = alternative<Pad>(o);
  auto erasing = alternative<RandomErasing>(o);
  v.type(augmentation_types, index);
  const bool erases = augmentation_types[index].name == "random_erasing";
  v.value({.key = "pad",
           .doc = "zeros on each side",
           .unit = "pixels",
           .range = between(1, 1024),
           .types = "pad_crop, pad"},
          augmentation_types[index].name == "pad" ? pad.pad : pad_crop.pad);
  v.value({.key = "probability",
           .doc = "share of images that are changed",
           .range = between(0, 1),
           .types = "horizontal_flip, random_erasing"},
          erases ? erasing.probability : flip.probability);
  v.value({.key = "size", .doc = "side of the square", .unit = "pixels", .range = between(1, 1024), .types = "cutout"},
          cutout.size);
  const std::string_view of_erasing = "random_erasing";
  v.value({.key = "min_area", .doc = "least share of the image", .range = between(0, 1), .types = of_erasing},
          erasing.min_area);
  v.value({.key = "max_area", .doc = "largest share of the image", .range = between(0, 1), .types = of_erasing},
          erasing.max_area);
  v.value({.key = "min_ratio", .doc = "least height over width", .range = above(0), .types = of_erasing},
          erasing.min_ratio);
  v.value({.key = "max_ratio", .doc = "largest height over width", .range = above(0), .types = of_erasing},
          erasing.max_ratio);
  const Augmentation made[] = {pad_crop, flip, cutout, pad, Crop{}, AutoAugment{}, erasing};
  o = made[index];
}

}  // namespace

/// A choice kept as text.
void text_choice(SettingsVisitor& v, const Field& field, std::string& value, bool is_type) {
  std::size_t index = 0;
  for (std::size_t i = 0; i < field.choices.size(); ++i) {
    if (field.choices[i].name == value) index = i;
  }
  is_type ? v.type(field.choices, index) : v.choice(field, index);
  value = field.choices[index].name;
}

void visit(SettingsVisitor& v, DataOptions& o) {
  text_choice(v, {.key = "type", .doc = "", .choices = data_types}, o.type, true);
  const bool folder = o.type == "image_folder", arrays = o.type == "arrays";
  v.value({.key = "root",
           .doc = "folder with the files, of arrays a folder or an .npz; auto, for published sets: $SCNN_DATA, ./data, "
                  "/usr/share/datasets, /usr/share",
           .types = "fashion_mnist, mnist, cifar10, cifar100, image_folder, arrays",
           .is_path = true},
          o.root);
  if ((folder || arrays) && v.missing("root")) v.need("root", folder ? "the folder of images" : "an .npz or a folder");
  SyntheticOptions& s = o.synthetic;
  ImageFolderOptions& images = o.image_folder;
  const std::string_view made = "synthetic", sized = "synthetic, image_folder", own = "image_folder";
  const NumberRange side = between(8, 1024), count = between(1, 1e7);
  v.value({.key = "train", .doc = "training images", .unit = "images", .range = count, .types = made}, s.train);
  v.value({.key = "test", .doc = "test images", .unit = "images", .range = count, .types = made}, s.test);
  for (const std::string_view key : {"channels", "height", "width"}) {
    if (folder && v.missing(key)) v.need(key, "what every image becomes");
  }
  v.value({.key = "channels",
           .doc = "channels of an image; of image_folder, which must give it, 1, grey, or 3, red, green and blue",
           .range = between(1, 16),
           .types = sized},
          folder ? images.channels : s.channels);
  v.value({.key = "height",
           .doc = "rows of an image; of image_folder, which must give it, after resizing",
           .unit = "pixels",
           .range = side,
           .types = sized},
          folder ? images.h : s.h);
  v.value({.key = "width",
           .doc = "columns of an image; of image_folder, which must give it, after resizing",
           .unit = "pixels",
           .range = side,
           .types = sized},
          folder ? images.w : s.w);
  v.choice_of({.key = "fit", .doc = "how images of other proportions are resized", .types = own, .choices = image_fits},
              images.fit);
  v.value(
      {.key = "test_fraction",
       .doc = "share of each class held out as the test split where root has no folder test; the same images whatever "
              "the seed",
       .range = {.min = 0, .max = 1, .open_min = true, .open_max = true},
       .types = own},
      images.test_fraction);
  v.value({.key = "classes", .doc = "classes", .range = between(2, 24), .types = made}, s.classes);
  v.value({.key = "class_names",
           .doc = "names of the labels 0, 1, ...; [] takes as many as the largest label of y_train says",
           .types = "arrays"},
          o.class_names);
  v.value({.key = "train_limit",
           .doc = "first N training images after the seeded shuffle, before the split",
           .unit = "images",
           .range = at_least(0),
           .word = "all"},
          o.train_limit);
  bool held_out = true;
  if (v.begin({.key = "validation", .doc = "images held out to choose by; the test split chooses nothing"}, held_out)) {
    std::string from = "train";
    text_choice(v, {.key = "from", .doc = "where they come from", .choices = validation_sources}, from, false);
    v.value({.key = "fraction", .doc = "share of the training images held out", .range = share_below_1()},
            o.validation_fraction);
    v.end();
  }
  bool given = !o.mean.empty();
  if (v.begin({.key = "normalize",
               .doc = "pixels in [0, 1] become (x - mean) / std; auto: measured on the training images",
               .word = "auto"},
              given)) {
    v.value({.key = "mean", .doc = "one for each channel", .range = between(-1e6, 1e6), .required = true}, o.mean);
    v.value({.key = "std", .doc = "one for each channel", .range = above(0), .required = true}, o.std);
    v.end();
  } else if (!given) {
    o.mean.clear();
    o.std.clear();
  }
  v.list({.key = "augment", .doc = "random changes of training images, in this order"},
         {[&] { return o.augment.size(); }, [&] { o.augment.emplace_back(); }, [&] { o.augment.clear(); },
          [&](std::size_t i) { visit(v, o.augment[i]); }});
}

void visit(SettingsVisitor& v, InitialWeights& o) {
  v.value({.key = "from", .doc = "file of weights, .safetensors or .npz", .required = true, .is_path = true}, o.from);
  v.choice_of({.key = "layout", .doc = "names and order of the weights in the file", .choices = weight_layouts},
              o.layout);
  v.list(
      {.key = "map", .doc = "names in the file and the layers they are for; the first that fits, else the same name"},
      {[&] { return o.map.size(); }, [&] { o.map.emplace_back(); }, [&] { o.map.clear(); },
       [&](std::size_t i) {
         v.value(
             {.key = "from",
              .doc = "a module (features.0) or a tensor (features.0.weight) of the file; * stands for any characters",
              .required = true},
             o.map[i].from);
         v.value(
             {.key = "to", .doc = "a layer or a parameter; each * is what that of `from` stood for", .required = true},
             o.map[i].to);
       }});
  v.value({.key = "skip", .doc = "parameters that stay random, for example [\"fc.*\"] where the classes are others"},
          o.skip);
}

}  // namespace scnn::config
