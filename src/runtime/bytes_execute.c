/* Runs a convolution of bytes that bytes.c laid out. */
#include "runtime.h"

enum { byte_largest = 255 };

void rt_convolve_bytes(const scnn_runtime* runtime, const rt_step* step, float* arena, int64_t begin, int64_t end) {
  const rt_tensor *in = &runtime->tensor[step->in], *out = &runtime->tensor[step->out];
  const rt_byte_view x = rt_bytes_of(in, arena);
  const int64_t places = out->h * out->w, runs = (places + rt_run_places - 1) / rt_run_places;
  const size_t size = out->quantization.scale != 0 ? 1 : sizeof(float);
  uint8_t* to = (uint8_t*)(arena + out->place) + out->origin * size;
  const uint8_t* origin = x.at - step->pad.h * x.pitch - step->pad.w * x.stride;
  rt_byte_tile tile;
  tile.offset = step->offset;
  tile.groups = step->groups;
  tile.relu = step->relu;
  tile.to_bytes = out->quantization.scale != 0;
  tile.zero = out->quantization.zero_point;
  tile.low = step->relu ? 0.0F : (float)-out->quantization.zero_point;
  tile.high = (float)(byte_largest - out->quantization.zero_point);
  for (int64_t item = begin; item < end; ++item) {
    const rt_panel* panel = &step->panel[item / runs];
    const int64_t first = item % runs * rt_run_places;
    const int64_t last = first + rt_run_places < places ? first + rt_run_places : places;
    const int eights = panel->width / rt_lanes;
    const int together = last - first <= 2 ? 1 : runtime->kernels->byte_places[eights];
    void (*kernel)(const rt_byte_tile*) = (together == 1 ? runtime->kernels->byte : runtime->kernels->bytes)[eights];
    tile.weights = panel->weights;
    tile.block = panel->block;
    tile.base = step->base + panel->first_output;
    tile.multiply = step->multiply + panel->first_output;
    tile.add = step->add + panel->first_output;
    int64_t row = first / out->w, column = first % out->w;
    for (int64_t place = first; place < last; place += together) {
      for (int p = 0; p < together; ++p) { /* behind the last place: that one again */
        tile.x[p] = origin + row * step->stride.h * x.pitch + column * step->stride.w * x.stride;
        tile.y[p] = to + (size_t)(row * out->pitch + column * out->stride + panel->first_output) * size;
        if (place + p + 1 < last && ++column == out->w) {
          column = 0;
          ++row;
        }
      }
      kernel(&tile);
    }
  }
}
