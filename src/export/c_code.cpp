#include "export/c_code.h"

namespace scnn::deploy::c_code {

const char* const bits =
    R"(/* Integers of a layer, bit for bit: those of a channel in `width` bits each, from its minimum. */
typedef struct {
  uint8_t width;
  MINIMUM minimum;
} range;

static float next_integer(const uint8_t *bytes, uint32_t *bit, range r) {
  uint32_t value = 0;
  unsigned i;
  for (i = 0; i < r.width; ++i, ++*bit) {
    value |= (uint32_t)(bytes[*bit >> 3] >> (*bit & 7) & 1) << i;
  }
  return (float)((int64_t)r.minimum + (int64_t)value);
}

)";

const char* const weights = R"(typedef struct {
  int32_t h, w, c, out_h, out_w, out_c; /* image read and written */
  int32_t pool_h, pool_w, apart_h, apart_w; /* windows of its outputs that a pool makes one of; 1: none */
  int average;
  int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_h, pad_w;
  uint8_t relu, form, depthwise;
  const void *weights; /* [out_c, kernel_h, kernel_w, inputs] */
  const void *ranges;  /* of bits: [out_c] */
  const uint16_t (*groups)[2]; /* [out_c] first input and number of inputs; 0: all */
  const float *multiply, *add; /* [out_c] */
} convolution;

static float row[ROW];

/* The weights of the next output channel; `at` counts weights, or bits. */
static void next_row(const convolution *l, int32_t channel, int32_t count, uint32_t *at) {
  int32_t i;
  for (i = 0; i < count; ++i) {
    switch (l->form) {
FORMS    }
  }
  (void)channel;
}

)";

const char* const convolution = R"(/* Output channel o at one place; `row` has its weights. */
static float convolve_at(const convolution *l, const float *x, int32_t o, int32_t first, int32_t inputs, int32_t oy, int32_t ox) {
  int32_t ky, kx, i;
  float sum = 0;
  for (ky = 0; ky < l->kernel_h; ++ky) {
    const int32_t iy = oy * l->stride_h - l->pad_h + ky * l->dilation_h;
    if (iy < 0 || iy >= l->h) continue;
    for (kx = 0; kx < l->kernel_w; ++kx) {
      const int32_t ix = ox * l->stride_w - l->pad_w + kx * l->dilation_w;
      const float *in = x + (iy * l->w + ix) * l->c + first;
      const float *weight = row + (ky * l->kernel_w + kx) * inputs;
      if (ix < 0 || ix >= l->w) continue;
      for (i = 0; i < inputs; ++i) sum += in[i] * weight[i];
    }
  }
  sum = sum * l->multiply[o] + l->add[o];
  return l->relu && !(sum > 0) ? 0 : sum;
}

static void convolve(const convolution *l, const float *x, float *y) {
  uint32_t at = 0;
  int32_t o, oy, ox, py, px;
  for (o = 0; o < l->out_c; ++o) {
    const int32_t first = l->depthwise ? o : l->groups ? l->groups[o][0] : 0;
    const int32_t inputs = l->depthwise ? 1 : l->groups ? l->groups[o][1] : l->c;
    next_row(l, o, l->kernel_h * l->kernel_w * inputs, &at);
    for (oy = 0; oy < l->out_h; ++oy) {
      for (ox = 0; ox < l->out_w; ++ox) {
        float made = 0;
        for (py = 0; py < l->pool_h; ++py) {
          for (px = 0; px < l->pool_w; ++px) {
            const float v = convolve_at(l, x, o, first, inputs, oy * l->apart_h + py, ox * l->apart_w + px);
            made = py + px == 0 ? v : l->average ? made + v : v > made ? v : made;
          }
        }
        y[(oy * l->out_w + ox) * l->out_c + o] = l->average ? made / (float)(l->pool_h * l->pool_w) : made;
      }
    }
  }
}

)";

const char* const affine =
    R"(static void affine(const float *x, float *y, int32_t places, int32_t c, const float *multiply, const float *add, int relu) {
  int32_t p, i;
  for (p = 0; p < places; ++p) {
    for (i = 0; i < c; ++i) {
      const float v = x[p * c + i] * multiply[i] + add[i];
      y[p * c + i] = relu && !(v > 0) ? 0 : v;
    }
  }
}

)";

const char* const pool = R"(typedef struct {
  int32_t h, w, c, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
  int average;
} pooling;

static void pool(const pooling *l, const float *x, float *y) {
  int32_t oy, ox, ky, kx, i;
  for (oy = 0; oy < l->out_h; ++oy) {
    for (ox = 0; ox < l->out_w; ++ox) {
      float *out = y + (oy * l->out_w + ox) * l->c;
      int32_t seen = 0;
      for (ky = 0; ky < l->kernel_h; ++ky) {
        const int32_t iy = oy * l->stride_h - l->pad_h + ky;
        if (iy < 0 || iy >= l->h) continue;
        for (kx = 0; kx < l->kernel_w; ++kx) {
          const int32_t ix = ox * l->stride_w - l->pad_w + kx;
          const float *in = x + (iy * l->w + ix) * l->c;
          if (ix < 0 || ix >= l->w) continue;
          for (i = 0; i < l->c; ++i) {
            out[i] = seen == 0 ? in[i] : l->average ? out[i] + in[i] : in[i] > out[i] ? in[i] : out[i];
          }
          ++seen;
        }
      }
      for (i = 0; l->average && i < l->c; ++i) out[i] /= (float)seen;
    }
  }
}

)";

const char* const join = R"(/* Adds channel map[i] of x to channel i of y; -1: none. */
static void join(const float *x, int32_t in_c, const int32_t *map, float *y, int32_t places, int32_t c) {
  int32_t p, i;
  for (p = 0; p < places; ++p) {
    for (i = 0; i < c; ++i) {
      if (map[i] >= 0) y[p * c + i] += x[p * in_c + map[i]];
    }
  }
}

)";

}  // namespace scnn::deploy::c_code
