#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "export/protobuf.h"

/// ONNX's own words (onnx.proto of onnx/onnx): nodes, tensors, and the file they make.
namespace scnn::deploy {

/// TensorProto.DataType
enum class OnnxType : unsigned { float32 = 1, int8 = 3, int64 = 7, int4 = 22 };

using OnnxAttribute = std::pair<std::string, std::variant<std::int64_t, std::vector<std::int64_t>, std::string>>;

class OnnxGraph {
 public:
  /// Adds a constant and returns its name: `wish`, or that made unique.  `data` as it lies in the file (raw_data).
  std::string tensor(const std::string& wish, OnnxType type, const std::vector<std::int64_t>& shape,
                     std::span<const std::byte> data);
  std::string floats(const std::string& wish, const std::vector<std::int64_t>& shape, std::span<const float> values);
  std::string indices(const std::string& wish, const std::vector<std::int64_t>& values);
  /// Adds a node with one output and returns the output's name, as above.
  std::string node(const char* type, std::vector<std::string> inputs, const std::string& wish,
                   std::vector<OnnxAttribute> attributes = {}, const char* domain = "");
  /// A name that nothing else has.
  std::string unique(const std::string& wish);
  /// Gives the output of a node another name, that is unique() already.
  void rename(const std::string& from, const std::string& to);

  /// The ModelProto.  `input` and `output` are float32; an extent of 0 is the batch, "N".  Error(usage) past 2 GiB.
  struct Port {
    std::string name;
    std::vector<std::int64_t> shape;
  };
  [[nodiscard]] std::vector<std::byte> file(const std::string& name, int opset, const Port& input, const Port& output,
                                            const std::vector<std::pair<std::string, std::string>>& metadata) const;

 private:
  struct Node {
    std::string type, domain, output;
    std::vector<std::string> inputs;
    std::vector<OnnxAttribute> attributes;
  };
  std::vector<Node> nodes_;
  std::vector<Message> tensors_;
  std::set<std::string> names_;
};

}  // namespace scnn::deploy
