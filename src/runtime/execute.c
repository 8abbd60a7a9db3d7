/* One step of one image. */
#include <string.h>

#include "runtime.h"

/* One number at a time where there is no table. */
static float normalized(const scnn_runtime* runtime, unsigned v, size_t channel) {
  const double mean = runtime->mean != NULL ? runtime->mean[channel] : 0.0;
  const double std = runtime->mean != NULL ? runtime->std[channel] : 1.0;
  return runtime->pixels != NULL ? runtime->pixels[channel * 256 + v] : (float)((v / 255.0 - mean) / std);
}

static void input_rows(const scnn_runtime* runtime, const rt_view* y, const rt_images* images, size_t image,
                       int64_t begin, int64_t end) {
  const size_t row_size = (size_t)(y->w * y->c), c = (size_t)y->c;
  for (int64_t row = begin; row < end; ++row) {
    float* out = y->at + row * y->pitch;
    const size_t from = (image * (size_t)y->h + (size_t)row) * row_size;
    if (images->real != NULL) {
      memcpy(out, images->real + from, row_size * sizeof(float));
    } else if (runtime->pixels != NULL && c == 1) {
      for (size_t i = 0; i < row_size; ++i) out[i] = runtime->pixels[images->bytes[from + i]];
    } else {
      for (size_t i = 0; i < row_size; ++i) out[i] = normalized(runtime, images->bytes[from + i], i % c);
    }
  }
}

static void input_bytes(const scnn_runtime* runtime, const rt_tensor* t, float* arena, const rt_images* images,
                        size_t image, int64_t begin, int64_t end) {
  const rt_byte_view y = rt_bytes_of(t, arena);
  const size_t row_size = (size_t)(y.w * y.c), c = (size_t)y.c;
  for (int64_t row = begin; row < end; ++row) {
    uint8_t* out = y.at + row * y.pitch;
    const size_t from = (image * (size_t)y.h + (size_t)row) * row_size;
    if (images->real != NULL) {
      runtime->kernels->loops->quantize(t->quantization, images->real + from, out, (int64_t)row_size);
    } else if (runtime->pixel_bytes != NULL) {
      for (size_t i = 0, channel = 0; i < row_size; ++i) {
        out[i] = runtime->pixel_bytes[channel * 256 + images->bytes[from + i]];
        if (++channel == c) channel = 0;
      }
    } else {
      for (size_t i = 0; i < row_size; ++i) {
        const float value = normalized(runtime, images->bytes[from + i], i % c);
        runtime->kernels->loops->quantize(t->quantization, &value, out + i, 1);
      }
    }
  }
}

static void convolve(const scnn_runtime* runtime, const rt_step* step, const rt_view* x, const rt_view* y,
                     int64_t begin, int64_t end) {
  const int64_t places = y->h * y->w, runs = (places + rt_run_places - 1) / rt_run_places;
  rt_tile tile;
  float spare[rt_most_places][rt_widest];
  tile.relu = step->relu;
  for (int64_t item = begin; item < end; ++item) {
    const rt_panel* panel = &step->panel[item / runs];
    const int64_t first = item % runs * rt_run_places;
    const int64_t last = first + rt_run_places < places ? first + rt_run_places : places;
    const int eights = panel->width / rt_lanes, o = panel->first_output;
    const int together = last - first <= 2 ? 1 : runtime->kernels->places[eights];
    void (*kernel)(const rt_tile*) =
        (together == 1 ? runtime->kernels->one : runtime->kernels->tile)[step->form][eights];
    tile.weights = panel->weights;
    tile.multiply = step->multiply + o;
    tile.add = step->add + o;
    tile.rows = (size_t)step->kernel.h;
    tile.columns = (size_t)step->kernel.w;
    tile.length = (size_t)panel->inputs;
    tile.row_pitch = (ptrdiff_t)(step->dilation.h * x->pitch);
    tile.column_pitch = (ptrdiff_t)(step->dilation.w * x->stride);
    if (tile.column_pitch == (ptrdiff_t)tile.length) { /* columns lie one behind the other */
      tile.length *= tile.columns;
      tile.columns = 1;
      if (tile.row_pitch == (ptrdiff_t)tile.length) {
        tile.length *= tile.rows;
        tile.rows = 1;
      }
    }
    const float* origin = x->at - step->pad.h * x->pitch - step->pad.w * x->stride + panel->first_input;
    int64_t row = first / y->w, column = first % y->w;
    for (int64_t place = first; place < last; place += together) {
      for (int p = 0; p < together; ++p) { /* behind the last place: that one again */
        tile.x[p] = origin + row * step->stride.h * x->pitch + column * step->stride.w * x->stride;
        tile.y[p] = y->at + row * y->pitch + column * y->stride + o;
        if (place + p + 1 < last && ++column == y->w) {
          column = 0;
          ++row;
        }
      }
      if (panel->tail) {
        kernel(&tile);
        continue;
      }
      float* out[rt_most_places];
      for (int p = 0; p < together; ++p) {
        out[p] = tile.y[p];
        tile.y[p] = spare[p];
      }
      kernel(&tile);
      for (int p = 0; p < together; ++p) memcpy(out[p], spare[p], (size_t)panel->outputs * sizeof(float));
    }
  }
}

void rt_execute(const scnn_runtime* runtime, const rt_step* step, int thread, float* arena, const rt_images* images,
                size_t image, int64_t begin, int64_t end) {
  const rt_tensor* out = &runtime->tensor[step->out];
  const rt_kernels* kernels = runtime->kernels;
  const rt_view y = rt_view_of(out, arena);
  rt_view x = y;
  if (step->in >= 0) x = rt_view_of(&runtime->tensor[step->in], arena);
  if (begin >= end || out->c == 0) return;
  switch (step->op) {
    case rt_op_input:
      if (out->quantization.scale != 0) {
        input_bytes(runtime, out, arena, images, image, begin, end);
        break;
      }
      input_rows(runtime, &y, images, image, begin, end);
      break;
    case rt_op_conv:
      convolve(runtime, step, &x, &y, begin, end);
      break;
    case rt_op_winograd:
      rt_winograd(runtime, step, &x, &y, runtime->scratch + (size_t)thread * runtime->scratch_floats, begin, end);
      break;
    case rt_op_bytes:
      rt_convolve_bytes(runtime, step, arena, begin, end);
      break;
    case rt_op_depthwise:
      kernels->loops->depthwise[step->form](step, &x, &y, begin, end);
      break;
    case rt_op_affine:
      kernels->loops->affine(step, &x, &y, begin, end);
      break;
    case rt_op_pool:
      if (out->quantization.scale != 0) {
        const rt_byte_view to = rt_bytes_of(out, arena), from = rt_bytes_of(&runtime->tensor[step->in], arena);
        kernels->loops->pool_bytes(step, &from, &to, begin, end);
        break;
      }
      kernels->loops->pool(step, &x, &y, begin, end);
      break;
    case rt_op_quantize: {
      const rt_byte_view to = rt_bytes_of(out, arena);
      for (int64_t row = begin; row < end; ++row) {
        kernels->loops->quantize(out->quantization, x.at + row * x.pitch, to.at + row * to.pitch, x.w * x.stride);
      }
      break;
    }
    case rt_op_join:
      for (int64_t row = begin; row < end; ++row) {
        memset(y.at + row * y.pitch, 0, (size_t)(y.w * y.stride) * sizeof(float));
        for (int k = 0; k < step->sources; ++k) {
          const rt_view source = rt_view_of(&runtime->tensor[step->source[k].tensor], arena);
          kernels->loops->join(&step->source[k], &source, &y, row);
        }
      }
  }
}
