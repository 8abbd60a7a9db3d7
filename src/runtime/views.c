/* Activations in the arena of one image, as kernels see them. */
#include <string.h>

#include "runtime.h"

rt_view rt_view_of(const rt_tensor* t, float* arena) {
  rt_view view = {arena + t->place + t->origin, t->h, t->w, t->c, t->stride, t->pitch};
  return view;
}

rt_byte_view rt_bytes_of(const rt_tensor* t, float* arena) {
  rt_byte_view view = {(uint8_t*)(arena + t->place) + t->origin, t->h, t->w, t->c, t->stride, t->pitch};
  return view;
}

void rt_clear_halo(const scnn_runtime* runtime, const rt_step* step, float* arena) {
  const rt_tensor* t = &runtime->tensor[step->out];
  uint8_t* begin = (uint8_t*)(arena + t->place);
  const size_t edge = (size_t)(t->halo_w * t->stride), size = t->quantization.scale != 0 ? 1 : sizeof(float);
  const int zero = t->quantization.scale != 0 ? t->quantization.zero_point : 0;
  if (t->halo_h == 0 && t->halo_w == 0) return;
  memset(begin, zero, t->origin * size);
  for (int64_t row = 0; row < t->h; ++row) {
    /* The right edge of a row and the left edge of the next. */
    memset(begin + (t->origin + (size_t)(row * t->pitch + t->w * t->stride)) * size, zero, 2 * edge * size);
  }
  const size_t last = (t->origin + (size_t)(t->h * t->pitch)) * size;
  memset(begin + last, zero, t->floats * sizeof(float) - last);
}
