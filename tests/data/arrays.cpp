#include <cstring>
#include <map>

#include "files.h"
#include "scnn/data/dataset.h"

namespace scnn {
namespace {

using test::error_of;
using test::TemporaryFolder;

std::string npy(const std::string& type, const std::string& shape, const std::string& data) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + data;
}

std::string bytes(int n) {
  std::string data;
  for (int i = 0; i < n; ++i) data += static_cast<char>(i);
  return data;
}

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

using ArrayFiles = std::map<std::string, std::string>;

ArrayFiles good() {
  return {{"x_train", npy("|u1", "(3, 2, 4)", bytes(24))},
          {"y_train", npy("<i8", "(3,)", raw<std::int64_t>({0, 2, 1}))},
          {"x_test", npy("|u1", "(1, 2, 4)", bytes(8))},
          {"y_test", npy("|u1", "(1,)", bytes(1))}};
}

Dataset read(const ArrayFiles& files, const std::vector<std::string>& names = {}) {
  const TemporaryFolder folder;
  for (const auto& [name, content] : files) folder.write("set/" + name + ".npy", content);
  DataOptions options;
  options.type = "arrays";
  options.root = (folder / "set").string();
  options.class_names = names;
  return load_dataset(options, 0);
}

std::string arrays_refusal(const ArrayFiles& files, const std::vector<std::string>& names = {}) {
  std::string text = error_of(ErrorKind::data, [&] { (void)read(files, names); });
  for (std::size_t at = text.find("/set/"); at != std::string::npos; at = text.find("/set/")) {
    const std::size_t line = text.rfind('\n', at);
    text.erase(line == std::string::npos ? 0 : line + 1, at + 5 - (line == std::string::npos ? 0 : line + 1));
  }
  return text;
}

std::string with(const std::string& name, const std::string& content) {
  ArrayFiles files = good();
  files[name] = content;
  return arrays_refusal(files);
}

}  // namespace

TEST_CASE("NumPy arrays become a data set", "[arrays]") {
  const Dataset grey = read(good());
  CHECK(grey.name == "set");
  CHECK((grey.h == 2 && grey.w == 4 && grey.channels == 1 && grey.classes == 3));
  CHECK(grey.train.images.shape() == Shape{3, 2, 4, 1});
  for (int i = 0; i < 24; ++i) CHECK(grey.train.images.data<std::uint8_t>()[i] == i);
  CHECK(grey.train.labels.values<std::int32_t>()[1] == 2);
  CHECK(grey.class_names == std::vector<std::string>{"0", "1", "2"});
  CHECK(grey.warnings.empty());

  ArrayFiles colour = good();
  colour["x_train"] = npy("|u1", "(3, 1, 2, 4)", bytes(24));
  colour["x_test"] = npy("|u1", "(1, 1, 2, 4)", bytes(8));
  const Dataset named = read(colour, {"cat", "dog", "cow", "hen"});
  CHECK((named.h == 1 && named.w == 2 && named.channels == 4 && named.classes == 4));
  CHECK(named.class_names[3] == "hen");
  REQUIRE(named.warnings.size() == 1);
  CHECK(named.warnings[0].ends_with(": 1 of the 4 classes have no image in x_train"));
}

TEST_CASE("mistakes in arrays are told with place and remedy", "[arrays]") {
  CHECK(arrays_refusal({}).find("there is no such file or folder; save with np.savez(") != std::string::npos);
  CHECK(with("x_train", npy("<f4", "(3, 1, 1)", raw<float>({0, 0.5F, 1}))) ==
        "x_train.npy: its dtype is float32, expected uint8: it holds 0 to 1, save (x * 255).round().astype(np.uint8)");
  CHECK(with("x_train", npy("<f4", "(3, 1, 1)", raw<float>({0, NAN, 1}))) ==
        "x_train.npy: its dtype is float32, expected uint8, and [1, 0, 0] is no finite number: mend the values first");
  CHECK(with("x_train", npy("<i2", "(3, 1, 1)", raw<std::int16_t>({0, 255, 7}))) ==
        "x_train.npy: its dtype is int16, expected uint8: save x.round().astype(np.uint8)");
  CHECK(with("x_train", npy("<f8", "(3, 1, 1)", raw<double>({0, -1, 7}))).find("bring its values into that range") !=
        std::string::npos);
  CHECK(with("x_train", npy("|u1", "(24,)", bytes(24)))
            .find("expected (n, rows, columns, channels) or (n, rows, columns)") != std::string::npos);
  CHECK(with("x_train", npy("|u1", "(3, 1, 2, 20)", bytes(120))).find("save x.transpose(0, 2, 3, 1)") !=
        std::string::npos);
  CHECK(with("x_train", npy("|u1", "(0, 2, 4)", "")) == "x_train.npy: it is empty: its shape is (0, 2, 4)");
  CHECK(with("x_test", npy("|u1", "(1, 4, 2)", bytes(8))) ==
        "x_test.npy: its shape is (1, 4, 2), images of x_train are 2 x 4 x 1: they must be alike");
  CHECK(with("y_train", npy("<f4", "(3,)", raw<float>({0, 1, 2}))) ==
        "y_train.npy: its dtype is float32, expected whole numbers: save y.astype(np.int64)");
  CHECK(with("y_train", npy("|u1", "(3, 1)", bytes(3))).find("save y.reshape(-1)") != std::string::npos);
  CHECK(with("y_train", npy("|u1", "(3, 2)", bytes(6))).find("save y.argmax(axis=1)") != std::string::npos);
  CHECK(with("y_train", npy("|u1", "(2,)", bytes(2))) ==
        "y_train.npy: 2 labels for the 3 images of x_train: one for each");
  CHECK(with("y_train", npy("<i4", "(3,)", raw<std::int32_t>({0, -1, 2}))) ==
        "y_train.npy: label [1] is -1, expected 0 to 2: number the classes from 0");
  CHECK(with("y_test", npy("|u1", "(1,)", "\x03")) ==
        "y_test.npy: label [0] is 3, expected 0 to 2: number the classes from 0");
  CHECK(arrays_refusal(good(), {"a", "b"}) ==
        "y_train.npy: label [1] is 2, expected 0 to 1: number the classes from 0");
  // All at once.
  ArrayFiles files = good();
  files["x_train"] = npy("|u1", "(24,)", bytes(24));
  files["y_test"] = npy("<f4", "(1,)", raw<float>({0}));
  const std::string both = arrays_refusal(files);
  CHECK((both.find("x_train.npy") != std::string::npos && both.find("y_test.npy") != std::string::npos));
  files.erase("y_train");
  files.erase("x_test");
  const std::string absent = arrays_refusal(files);
  CHECK((absent.find("no array y_train") != std::string::npos && absent.find("no array x_test") != std::string::npos));
}

}  // namespace scnn
