#pragma once

/// The network whose checkpoint and packed file the fuzzers begin with.
namespace scnn::test {

constexpr const char* tiny = R"(version: 1
name: tiny
device: {type: cpu, threads: 1}
data: {type: synthetic, train: 16, test: 8, height: 8, width: 8, classes: 2}
model:
  input: [1, 8, 8]
  layers:
    - {name: conv, type: conv2d, out: 3, kernel: 3, padding: same, bias: false}
    - {name: bn, type: batch_norm}
    - {type: relu}
    - {type: flatten}
    - {name: fc, type: linear, out: 2}
compression: {type: self_compress}
train: {epochs: 2, batch_size: 4}
)";

}  // namespace scnn::test
