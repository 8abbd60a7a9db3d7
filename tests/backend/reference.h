#pragma once

#include "arrays.h"
#include "scnn/backend/augment.h"
#include "scnn/backend/geometry.h"
#include "scnn/backend/update.h"
#include "scnn/core/random.h"

/// Slow double-precision forms of every op, written from the contract alone.
namespace scnn::test::reference {

Array gather(const Array& x, int axis, const Array& indices, const Array* add_to);
Array dropout(const Array& x, double rate, const RandomStream& stream);

Array conv2d_forward(const Conv2d& shape, const Array& x, const Array& w, const Array* bias);
Array conv2d_backward_data(const Conv2d& shape, const Array& dy, const Array& w);
Array conv2d_backward_weights(const Conv2d& shape, const Array& x, const Array& dy);
/// Sums over all axes but the last.
Array channel_sums(const Array& dy);
Array linear_forward(const Array& x, const Array& w, const Array* bias);
Array linear_backward_data(const Array& dy, const Array& w, const Shape& x_shape);
Array linear_backward_weights(const Array& x, const Array& dy, const Shape& w_shape);

Array quantize(const Array& w, const Array& bits, const Array& exponents);
/// rint(clamp(2^-e w)) - clamp(2^-e w): what the straight-through estimator holds constant.
Array rounding(const Array& w, const Array& bits, const Array& exponents);
/// dw, dbits, dexponents of dL/dq = g by the table of the paper, section 3, for the given `rounding`.
Arrays quantize_backward(const Array& w, const Array& bits, const Array& exponents, const Array& rounding,
                         const Array& g, bool revive);
/// 2^e (clamp(2^-e w) + rounding): equal to quantize where `rounding` was taken, and differentiable.
Array quantize_surrogate(const Array& w, const Array& bits, const Array& exponents, const Array& rounding);

struct Normalized {
  Array y, mean, inv_std, running_mean, running_var;
};
Normalized batch_norm(const Array& x, const Array& scale, const Array& shift, double eps, double momentum,
                      const Array* frozen, bool relu, const Array& running_mean, const Array& running_var);
/// dx, dscale, dshift from the textbook formulas; `dy` is masked where `y` (may be null) is not positive.
Arrays batch_norm_backward(const Array& x, const Array* y, const Array& dy, const Array& scale, const Array& mean,
                           const Array& inv_std);

struct Pooled {
  Array y, argmax;
};
Pooled max_pool(const Pool2d& shape, const Array& x);
Array max_pool_backward(const Pool2d& shape, const Array& dy, const Array& argmax);
Array avg_pool(const Pool2d& shape, const Array& x);
Array avg_pool_backward(const Pool2d& shape, const Array& dy);

/// x and y.  The image goes through the steps one after the other, each a picture of its own.
Arrays load_images(const Array& pixels, const Array& labels, const Array& indices, const Array& table,
                   const AugmentSteps& steps, const RandomStream& stream);

/// loss, predicted, dlogits.
Arrays softmax_cross_entropy(const Array& logits, const Array& labels, double smoothing);

/// value and moments after one step of torch's documented algorithms, then the rule.
struct Rule {
  double lower, upper;
  const Array* bits;
  const Array* pull;
};
void adam(const AdamStep& step, const Rule& rule, const Array& gradient, Array& m, Array& v, Array& value);
void sgd(const SgdStep& step, const Rule& rule, const Array& gradient, Array& velocity, Array& value);

}  // namespace scnn::test::reference
