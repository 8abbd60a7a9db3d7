/* Convolutions of uint8 activations: integer sums, the same on every path.
 *
 * A window is read in groups of four bytes, which lie one behind the other; a group's weights beyond the window are 0.
 * With x = in.scale * (byte - in.zero_point) and y = multiply * sum + add of the layer,
 *   y = (multiply * in.scale) * (sum of w * byte + base) + add,  base = -in.zero_point * sum of w
 * Each operation is rounded separately: the file is compiled as ISO C, which does not contract.  The uint8 value of y
 * is y / out.scale + out.zero_point, rounded.  Most kernels add pairs of products in 16 bits, so for them weights
 * beyond 64 are two groups' with the same four bytes. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

enum { byte_weight = 64, byte_largest = 255, sum_of_16_bits = 32767 };

/* Sum of |w| and of w of an output channel. */
typedef struct weight_sums {
  int64_t size, sum;
} weight_sums;

static weight_sums sums_of(const rt_layer* layer, size_t o) {
  weight_sums sums = {0, 0};
  for (size_t k = 0; k < layer->row; ++k) {
    const int64_t w = layer->integers[o * layer->row + k];
    sums.size += w < 0 ? -w : w;
    sums.sum += w;
  }
  return sums;
}

int rt_suits_bytes(const rt_step* step, rt_quantization quantization) {
  const rt_layer* layer = step->layer;
  const size_t outputs = (size_t)layer->set->live;
  if (quantization.scale == 0 || layer->integers == NULL || layer->groups != 1 || layer->row == 0) return 0;
  for (size_t i = 0; i < outputs * layer->row; ++i) {
    if (layer->integers[i] < -128 || layer->integers[i] > 127) return 0;
  }
  for (size_t o = 0; o < outputs; ++o) {
    if (sums_of(layer, o).size > INT32_MAX / (2 * byte_largest)) return 0; /* with base, whatever the bytes */
  }
  return 1;
}

/* Bytes of a window that lie one behind the other, and how many such runs. */
typedef struct window {
  size_t run, groups_of_run, rows, columns;
} window;

static window window_of(const rt_step* step, const rt_tensor* x) {
  window w = {(size_t)x->c, 0, (size_t)step->kernel.h, (size_t)step->kernel.w};
  if (x->stride == x->c && step->dilation.w == 1) {
    w.run *= w.columns;
    w.columns = 1;
    if (x->pitch == (int64_t)w.run && step->dilation.h == 1) {
      w.run *= w.rows;
      w.rows = 1;
    }
  }
  w.groups_of_run = (w.run + 3) / 4;
  return w;
}

/* 2 where a weight takes two groups. */
static size_t planes_of(const rt_layer* layer) {
  const size_t count = (size_t)layer->set->live * layer->row;
  for (size_t i = 0; i < count; ++i) {
    if (layer->integers[i] < -byte_weight || layer->integers[i] > byte_weight) return 2;
  }
  return 1;
}

static void fill(const rt_layer* layer, const window* w, size_t planes, const rt_panel* panel, int8_t* to) {
  const size_t runs = w->rows * w->columns;
  for (size_t o = 0; o < (size_t)panel->outputs; ++o) {
    const int32_t* row = layer->integers + ((size_t)panel->first_output + o) * layer->row;
    for (size_t k = 0; k < runs * w->run; ++k) {
      const size_t group = k / w->run * w->groups_of_run + k % w->run / 4, place = k % w->run % 4;
      const int32_t half = planes == 2 ? row[k] / 2 : row[k];
      int8_t* at = to + (group * planes * (size_t)panel->width + o) * 4 + place;
      at[0] = (int8_t)half;
      if (planes == 2) at[4 * panel->width] = (int8_t)(row[k] - half);
    }
  }
}

/* Whether the sums of pairs within each `block` groups fit 16 bits, whatever the bytes. */
static int fits(const int8_t* weights, size_t groups, size_t width, size_t block) {
  for (size_t lane = 0; lane < 2 * width; ++lane) {
    int32_t up = 0, down = 0;
    for (size_t g = 0; g < groups; ++g) {
      if (g % block == 0) up = down = 0;
      for (size_t k = 0; k < 2; ++k) {
        const int32_t w = weights[(g * width * 2 + lane) * 2 + k];
        up += w > 0 ? w : 0;
        down -= w < 0 ? w : 0;
      }
      if (byte_largest * up > sum_of_16_bits || byte_largest * down > sum_of_16_bits) return 0;
    }
  }
  return 1;
}

static void fill_terms(const rt_step* step, const rt_tensor* out, rt_quantization in, int32_t* base, float* multiply,
                       float* add) {
  const double unit = out->quantization.scale != 0 ? out->quantization.scale : 1.0;
  for (size_t o = 0; o < (size_t)out->c; ++o) {
    base[o] = (int32_t)(-in.zero_point * sums_of(step->layer, o).sum);
    multiply[o] = (float)(step->multiply_of[o] * in.scale / unit);
    add[o] = (float)(step->add_of[o] / unit);
  }
}

void rt_lay_out_bytes(rt_loading* loading, rt_block* block, rt_panels wanted, const rt_plan* plan, rt_step* step) {
  const rt_layer* layer = step->layer;
  const rt_tensor *x = &plan->tensor[step->in], *out = &plan->tensor[step->out];
  const window w = window_of(step, x);
  const size_t planes = wanted.whole ? 1 : planes_of(layer);
  step->groups = w.rows * w.columns * w.groups_of_run * planes;
  for (int o = 0; o < layer->set->live; o += rt_panel_width(wanted, layer->set->live - o)) ++step->panels;
  rt_panel* panels = rt_take(loading, block, (size_t)step->panels, sizeof(*panels));
  ptrdiff_t* offsets = rt_take(loading, block, step->groups, sizeof(*offsets));
  int32_t* base = rt_take(loading, block, (size_t)out->stride, sizeof(*base));
  float* multiply = rt_take(loading, block, (size_t)out->stride, sizeof(*multiply));
  float* add = rt_take(loading, block, (size_t)out->stride, sizeof(*add));
  rt_panel panel = {NULL, 0, 0, 0, x->c > 0 ? (int)x->c : 0, 0, 1, step->groups};
  for (int k = 0; k < step->panels; ++k, panel.first_output += panel.outputs) {
    const int left = layer->set->live - panel.first_output;
    panel.width = rt_panel_width(wanted, left);
    panel.outputs = left < panel.width ? left : panel.width;
    const size_t size = step->groups * (size_t)panel.width * 4;
    int8_t* weights = rt_take(loading, block, size, 1);
    if (weights == NULL) continue;
    memset(weights, 0, size);
    fill(layer, &w, planes, &panel, weights);
    panel.weights = weights;
    panel.block = step->groups;
    while (!wanted.whole && !fits(weights, step->groups, (size_t)panel.width, panel.block))
      panel.block = (panel.block + 1) / 2;
    panels[k] = panel;
  }
  step->panel = panels;
  step->offset = offsets;
  step->base = base;
  step->multiply = multiply;
  step->add = add;
  if (offsets == NULL) return;
  memset(base, 0, (size_t)out->stride * sizeof(*base));
  memset(multiply, 0, (size_t)out->stride * sizeof(*multiply));
  memset(add, 0, (size_t)out->stride * sizeof(*add));
  fill_terms(step, out, x->quantization, base, multiply, add);
  for (size_t g = 0; g < step->groups; ++g) {
    const size_t run = g / planes / w.groups_of_run, place = g / planes % w.groups_of_run * 4;
    offsets[g] = (ptrdiff_t)(run / w.columns) * (ptrdiff_t)(step->dilation.h * x->pitch) +
                 (ptrdiff_t)(run % w.columns) * (ptrdiff_t)(step->dilation.w * x->stride) + (ptrdiff_t)place;
  }
}
