/* Convolutions of 3 x 3 windows at stride 1 by Winograd's minimal filtering F(2 x 2, 3 x 3) (Lavin & Gray, arXiv
 * 1509.09308): 16 products for 2 x 2 outputs instead of 36.  Transformed integers, times four, are integers. */
#include "runtime.h"

static size_t form_bytes(rt_form form) { return form == rt_form_int8 ? 1 : form == rt_form_int16 ? 2 : 4; }

/* Sums of one panel at all 16 positions of n tiles: m [position, rt_tile_room, width]. */
static void multiply(const scnn_runtime* runtime, const rt_step* step, const rt_panel* panel, const float* v,
                     int64_t channels, int64_t n, float* m) {
  static const float ones[24] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  static const float zeros[24] = {0};
  const rt_kernels* kernels = runtime->kernels;
  const int eights = panel->width / rt_lanes;
  const int together = n <= 2 ? 1 : kernels->places[eights];
  void (*kernel)(const rt_tile*) = (together == 1 ? kernels->one : kernels->tile)[step->form][eights];
  rt_tile tile;
  tile.rows = tile.columns = 1;
  tile.length = (size_t)panel->inputs;
  tile.row_pitch = tile.column_pitch = 0;
  tile.multiply = ones;
  tile.add = zeros;
  tile.relu = 0;
  for (int64_t position = 0; position < rt_positions; ++position) {
    const size_t first = (size_t)position * (size_t)panel->inputs * (size_t)panel->width;
    tile.weights = (const char*)panel->weights + first * form_bytes(step->form);
    for (int64_t t = 0; t < n; t += together) {
      for (int p = 0; p < together; ++p) { /* behind the last tile: that one again, into room of its own */
        const int64_t from = t + p < n ? t + p : n - 1;
        tile.x[p] = v + (position * rt_tiles + from) * channels;
        tile.y[p] = m + (position * rt_tile_room + t + p) * panel->width;
      }
      kernel(&tile);
    }
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
        runtime->kernels->after(m + t * panel->width, (int64_t)rt_tile_room * panel->width, panel->width, &terms);
      }
    }
  }
}
