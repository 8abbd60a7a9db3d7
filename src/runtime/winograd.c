/* Convolutions of 3 x 3 windows at stride 1 by Winograd's minimal filtering F(2 x 2, 3 x 3) (Lavin & Gray, arXiv
 * 1509.09308): 16 products for 2 x 2 outputs instead of 36.  Transformed integers, times four, are integers. */
#include "runtime.h"

/* Sums of one panel at all 16 positions of n tiles: m [position, rt_tiles, width]. */
static void multiply(const scnn_runtime* runtime, const rt_step* step, const rt_panel* panel, const float* v,
                     int64_t channels, int64_t n, float* m) {
  void (*kernel)(const rt_product*) = runtime->kernels->product[step->form][panel->width / rt_lanes];
  rt_product product = {v, channels, n, panel->weights, 0, (size_t)panel->inputs, m};
  for (int position = 0; position < rt_positions; ++position) {
    kernel(&product);
    product.v += rt_tiles * channels;
    product.m += rt_tiles * panel->width;
    product.first_weight += product.length * (size_t)panel->width;
  }
}

void rt_winograd(const scnn_runtime* runtime, const rt_step* step, const rt_view* x, const rt_view* y, float* scratch,
                 int64_t begin, int64_t end) {
  const int64_t columns = (y->w + 1) / 2, tiles = (y->h + 1) / 2 * columns;
  float* v = scratch;
  float* m = scratch + rt_positions * rt_tiles * x->stride;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t first = item * rt_tiles;
    const int64_t n = tiles - first < rt_tiles ? tiles - first : rt_tiles;
    for (int64_t t = 0; t < n; ++t) {
      const int64_t row = (first + t) / columns * 2, column = (first + t) % columns * 2;
      const float* from = x->at + (row - step->pad.h) * x->pitch + (column - step->pad.w) * x->stride;
      runtime->kernels->before(from, x->pitch, x->stride, v + t * x->stride, rt_tiles * x->stride, x->stride);
    }
    for (int k = 0; k < step->panels; ++k) {
      const rt_panel* panel = &step->panel[k];
      rt_tile terms;
      multiply(runtime, step, panel, v, x->stride, n, m);
      terms.multiply = step->multiply + panel->first_output;
      terms.add = step->add + panel->first_output;
      terms.relu = step->relu;
      for (int64_t t = 0; t < n; ++t) {
        const int64_t row = (first + t) / columns * 2, column = (first + t) % columns * 2;
        for (int i = 0; i < 4; ++i) {
          const int64_t oy = row + i / 2, ox = column + i % 2;
          const int inside = oy < y->h && ox < y->w;
          terms.y[i] = inside ? y->at + oy * y->pitch + ox * y->stride + panel->first_output : NULL;
        }
        runtime->kernels->after(m + t * panel->width, (int64_t)rt_tiles * panel->width, panel->width, &terms);
      }
    }
  }
}
