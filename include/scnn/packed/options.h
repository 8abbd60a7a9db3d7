#pragma once

namespace scnn {

/// How the packed file holds integers: by the bits of each channel's range, or entropy-coded.
enum class IntegerForm { bits, coded };
/// How it holds scales, biases and batch-norm terms.
enum class RealForm { half, float32 };

/// What is done between training and the file, beside exact trimming: the `export` section of an experiment.
struct ExportOptions {
  IntegerForm integers = IntegerForm::coded;
  RealForm reals = RealForm::half;
  bool fold_batch_norm = true;
};

}  // namespace scnn
