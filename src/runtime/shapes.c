/* The extents of every layer's output, and whether layers fit each other. */
#include "model.h"

static int64_t out_extent(rt_loading* loading, int64_t in, int64_t kernel, int64_t dilation, int64_t pad,
                          int64_t stride) {
  const int64_t reach = dilation * (kernel - 1) + 1;
  if (in + 2 * pad < reach) rt_fail(loading, SCNN_RT_DAMAGED, "its window does not fit its input");
  return (in + 2 * pad - reach) / stride + 1;
}

static void slide(rt_loading* loading, const rt_layer* in, rt_layer* layer) {
  if (in->flat && in->h * in->w > 1) rt_fail(loading, SCNN_RT_DAMAGED, "it reads a flattened image");
  layer->h = out_extent(loading, in->h, layer->kernel.h, layer->dilation.h, layer->pad.h, layer->stride.h);
  layer->w = out_extent(loading, in->w, layer->kernel.w, layer->dilation.w, layer->pad.w, layer->stride.w);
}

static void join(rt_loading* loading, const rt_model* model, rt_layer* layer) {
  const rt_layer* first = &model->layer[layer->from[0]];
  int64_t original = 0;
  if (layer->inputs < 2) rt_fail(loading, SCNN_RT_DAMAGED, "it joins one layer");
  for (int i = 0; i < layer->inputs; ++i) {
    const rt_layer* in = &model->layer[layer->from[i]];
    if (in->h != first->h || in->w != first->w || in->flat != first->flat) {
      rt_fail(loading, SCNN_RT_DAMAGED, "its inputs differ in extent");
    }
    if (layer->type == rt_add && in->set->original != layer->set->original) {
      rt_fail(loading, SCNN_RT_DAMAGED, "its inputs differ in channels");
    }
    original += in->set->original;
  }
  if (layer->type == rt_concat && original != layer->set->original) {
    rt_fail(loading, SCNN_RT_DAMAGED, "its inputs have %ld channels, not %d", (long)original, layer->set->original);
  }
  if (layer->type == rt_concat && first->flat && first->h * first->w > 1) {
    rt_fail(loading, SCNN_RT_DAMAGED, "it concatenates flattened images");
  }
}

void rt_infer(rt_loading* loading, const rt_model* model, rt_layer* layer) {
  if (layer->type == rt_input) {
    if (layer->set->live != layer->set->original)
      rt_fail(loading, SCNN_RT_DAMAGED, "channels of the images are missing");
    return;
  }
  const rt_layer* in = &model->layer[layer->from[0]];
  layer->h = in->h;
  layer->w = in->w;
  layer->flat = in->flat;
  if (layer->type == rt_conv2d) {
    slide(loading, in, layer);
    layer->flat = 0;
  } else if (layer->type == rt_linear) {
    if (!in->flat && in->h * in->w > 1) rt_fail(loading, SCNN_RT_DAMAGED, "it reads an image that is not flattened");
    if (in->h != layer->kernel.h || in->w != layer->kernel.w) {
      rt_fail(loading, SCNN_RT_DAMAGED, "its weights do not fit the image it reads");
    }
    layer->h = layer->w = layer->flat = 1;
  } else if (layer->type == rt_pool) {
    if (layer->kernel.h == 0) {
      layer->kernel.h = layer->stride.h = in->h;
      layer->kernel.w = layer->stride.w = in->w;
    }
    if (2 * layer->pad.h > layer->kernel.h || 2 * layer->pad.w > layer->kernel.w) {
      rt_fail(loading, SCNN_RT_DAMAGED, "its padding is more than half its window"); /* windows of padding alone */
    }
    slide(loading, in, layer);
  } else if (layer->type == rt_flatten) {
    layer->flat = 1;
  } else if (layer->type == rt_add || layer->type == rt_concat) {
    join(loading, model, layer);
  }
}
