/* The body of a file up to the integers: names, normalization, layers and their weights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

enum { flag_bias = 1, flag_integers = 2, flag_columns = 4, flag_stride = 0x20, flag_depthwise = 0x40 };
enum { flag_dilation = 0x80, flag_groups = 0x100, conv2d_flags = 0x1FF, linear_flags = 7 };

static rt_extent extent(rt_loading* loading, uint64_t low, const char* what) {
  rt_extent e;
  e.h = (int64_t)rt_varint(loading, low, rt_max_extent, what);
  e.w = (int64_t)rt_varint(loading, low, rt_max_extent, what);
  return e;
}

/* Counts elements before memory is asked for them. */
static void claim(rt_loading* loading, uint64_t* left, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  const uint64_t factors[4] = {a, b, c, d};
  uint64_t product = 1;
  for (int i = 0; i < 4; ++i) {
    product *= factors[i]; /* no overflow: a factor is below 2^16, the product so far at most *left */
    if (product > *left) rt_fail(loading, SCNN_RT_LIMIT, "more weights or channels than a file of its size may have");
  }
  *left -= product;
}

static int64_t padding(rt_loading* loading, unsigned code, int64_t kernel, int64_t dilation, int64_t given) {
  if (code > 2) rt_fail(loading, SCNN_RT_DAMAGED, "its padding is unknown");
  return code == 0 ? given : code == 1 ? dilation * (kernel - 1) / 2 : 0;
}

static void pad_by(rt_loading* loading, rt_layer* layer, unsigned code) {
  rt_extent given = {0, 0};
  if (code == 0) given = extent(loading, 0, "its padding");
  layer->pad.h = padding(loading, code, layer->kernel.h, layer->dilation.h, given.h);
  layer->pad.w = padding(loading, code, layer->kernel.w, layer->dilation.w, given.w);
}

/* Returns the flags. */
static unsigned read_conv2d(rt_loading* loading, rt_layer* layer) {
  const unsigned flags = (unsigned)rt_varint(loading, 0, 0xFFFF, "a flag");
  if ((flags & ~(unsigned)conv2d_flags) != 0) rt_fail(loading, SCNN_RT_DAMAGED, "unknown flags are set");
  if ((flags & flag_depthwise) != 0 && (flags & flag_groups) != 0) {
    rt_fail(loading, SCNN_RT_DAMAGED, "it is depthwise and has groups");
  }
  layer->kernel = extent(loading, 1, "its kernel");
  if ((flags & flag_stride) != 0) layer->stride = extent(loading, 1, "its stride");
  if ((flags & flag_dilation) != 0) layer->dilation = extent(loading, 1, "its dilation");
  pad_by(loading, layer, flags >> 3 & 3);
  if ((flags & flag_groups) != 0) {
    layer->groups = (int64_t)rt_varint(loading, 2, rt_max_channels, "the number of its groups");
  }
  if ((flags & flag_depthwise) != 0) layer->groups = 0; /* as many as there are inputs, once these are known */
  return flags;
}

static const char* read_pool(rt_loading* loading, rt_layer* layer) {
  const unsigned flags = rt_byte(loading);
  const int global = (flags & 2) != 0;
  if (flags > 15) rt_fail(loading, SCNN_RT_DAMAGED, "unknown flags are set");
  layer->average = (flags & 1) != 0;
  layer->kernel.h = 0; /* the whole image */
  if (global) {
    if (flags >> 2 > 2) rt_fail(loading, SCNN_RT_DAMAGED, "its padding is unknown");
    return layer->average ? "global_avg_pool" : "global_max_pool";
  }
  layer->kernel = extent(loading, 1, "its window");
  layer->stride = extent(loading, 1, "its stride");
  pad_by(loading, layer, flags >> 2);
  return layer->average ? "avg_pool2d" : "max_pool2d";
}

static void read_inputs(rt_loading* loading, rt_layer* layer, int index, int listed) {
  int* from;
  if (!listed && index == 0) return;
  layer->inputs = listed ? (int)rt_varint(loading, 1, rt_max_layers, "the number of its inputs") : 1;
  if (layer->inputs > loading->end - loading->at) rt_fail(loading, SCNN_RT_DAMAGED, "it ends too early");
  from = rt_temporary(loading, (size_t)layer->inputs, sizeof(*from));
  for (int i = 0; i < layer->inputs; ++i) {
    if (listed && index == 0) rt_fail(loading, SCNN_RT_DAMAGED, "the input layer reads another");
    from[i] = index - (listed ? (int)rt_varint(loading, 1, (uint64_t)index, "an input") : 1);
  }
  layer->from = from;
}

static void read_set(rt_loading* loading, rt_layer* layer) {
  rt_set* set = rt_temporary(loading, 1, sizeof(*set));
  const uint64_t code = rt_varint(loading, 2, 2 * rt_max_channels + 1, "the number of its channels");
  const int original = (int)(code >> 1);
  const uint8_t* mask = NULL;
  uint16_t* channels;
  claim(loading, &loading->elements_left, (uint64_t)original, 1, 1, 1);
  if ((code & 1) != 0) mask = rt_mask(loading, (uint64_t)original);
  channels = rt_temporary(loading, (size_t)original, sizeof(*channels));
  for (int i = 0; i < original; ++i) {
    if (mask == NULL || mask[i]) channels[set->live++] = (uint16_t)i;
  }
  set->original = original;
  set->channels = channels;
  layer->set = set;
}

static void read_weights(rt_loading* loading, const rt_model* model, rt_layer* layer, unsigned flags) {
  const rt_set* in = model->layer[layer->from[0]].set;
  const uint64_t outputs = (uint64_t)layer->set->live;
  const uint64_t h = (uint64_t)layer->kernel.h, w = (uint64_t)layer->kernel.w;
  int64_t original = in->original;
  if (layer->groups == 0) layer->groups = in->original;
  if (in->original % layer->groups != 0 || layer->set->original % layer->groups != 0) {
    rt_fail(loading, SCNN_RT_DAMAGED, "its groups do not divide its channels");
  }
  original /= layer->groups;
  layer->columns = (flags & (flag_depthwise | flag_groups)) != 0 ? (int)original : in->live;
  claim(loading, &loading->elements_left, outputs, h, w, (uint64_t)layer->columns);
  claim(loading, &loading->original_left, (uint64_t)layer->set->original, h, w, (uint64_t)original);
  layer->row = (size_t)(h * w) * (size_t)layer->columns;
  if ((flags & flag_bias) != 0) layer->bias = rt_reals(loading, outputs);
  if ((flags & flag_integers) == 0) {
    if ((flags & flag_columns) != 0) rt_fail(loading, SCNN_RT_DAMAGED, "columns are left out of float weights");
    layer->real = rt_reals(loading, outputs * layer->row);
    return;
  }
  layer->scales = rt_reals(loading, outputs);
  if ((flags & flag_columns) == 0) {
    uint8_t* all = rt_temporary(loading, (size_t)layer->columns + 1, 1);
    memset(all, 1, (size_t)layer->columns);
    layer->stored = all;
  } else {
    if ((flags & (flag_depthwise | flag_groups)) != 0) {
      rt_fail(loading, SCNN_RT_DAMAGED, "columns are left out of grouped weights");
    }
    layer->stored = rt_mask(loading, (uint64_t)layer->columns);
  }
  for (int i = 0; i < layer->columns; ++i) layer->stored_row += layer->stored[i];
  layer->stored_row *= (size_t)(h * w);
  layer->integers = rt_temporary(loading, (size_t)outputs * layer->row + 1, sizeof(*layer->integers));
}

static void read_name(rt_loading* loading, rt_layer* layer, const char* stem, int is_string) {
  char* name;
  if (is_string) {
    layer->name = rt_string(loading, "the length of its name");
    return;
  }
  name = rt_temporary(loading, 32, 1);
  snprintf(name, 32, "%s_%d", stem, (int)rt_varint(loading, 0, rt_max_layers, "its number"));
  layer->name = name;
}

void rt_read_layer(rt_loading* loading, rt_model* model, int index) {
  static const char* const stems[] = {"input", "conv2d",  "linear", "batch_norm", "relu",
                                      "",      "flatten", "scale",  "add",        "concat"};
  rt_layer* layer = &model->layer[index];
  const unsigned head = rt_byte(loading);
  unsigned flags = 0;
  const rt_extent one = {1, 1};
  if ((head & 15) >= rt_types || head > 0x3F) rt_fail(loading, SCNN_RT_DAMAGED, "layer %d has an unknown type", index);
  layer->type = (rt_type)(head & 15);
  const char* stem = stems[layer->type];
  if ((index == 0) != (layer->type == rt_input)) {
    rt_fail(loading, SCNN_RT_DAMAGED, "layer 0, and only it, must be the input");
  }
  read_inputs(loading, layer, index, (head & 16) != 0);
  layer->kernel = layer->stride = layer->dilation = one;
  layer->groups = 1;
  if (layer->type == rt_input) {
    const rt_extent image = extent(loading, 1, "an extent of the image");
    layer->h = image.h;
    layer->w = image.w;
  } else if (layer->type == rt_conv2d) {
    flags = read_conv2d(loading, layer);
  } else if (layer->type == rt_linear) {
    flags = (unsigned)rt_varint(loading, 0, 0xFFFF, "a flag");
    if (flags > linear_flags) rt_fail(loading, SCNN_RT_DAMAGED, "unknown flags are set");
    layer->kernel = extent(loading, 1, "an extent of its weights");
  } else if (layer->type == rt_pool) {
    stem = read_pool(loading, layer);
  } else if (layer->type == rt_scale) {
    layer->factor = rt_f32(loading);
  }
  read_name(loading, layer, stem, (head & 32) != 0);
  loading->layer = layer->name;
  if (layer->inputs > 1 && layer->type != rt_add && layer->type != rt_concat) {
    rt_fail(loading, SCNN_RT_DAMAGED, "it reads %d layers", layer->inputs);
  }
  if (layer->type <= rt_linear || layer->type >= rt_add) {
    read_set(loading, layer);
  } else {
    layer->set = model->layer[layer->from[0]].set;
  }
  if (layer->type == rt_conv2d || layer->type == rt_linear) read_weights(loading, model, layer, flags);
  if (layer->type == rt_affine) {
    layer->a = rt_reals(loading, (uint64_t)layer->set->live);
    layer->c = rt_reals(loading, (uint64_t)layer->set->live);
  }
  rt_infer(loading, model, layer);
  loading->layer = NULL;
}

static int by_name(const void* a, const void* b) { return strcmp(*(const char* const*)a, *(const char* const*)b); }

static void check_names(rt_loading* loading, const rt_model* model) {
  const char** names = rt_temporary(loading, (size_t)model->layers, sizeof(*names));
  for (int i = 0; i < model->layers; ++i) names[i] = model->layer[i].name;
  qsort(names, (size_t)model->layers, sizeof(*names), by_name);
  for (int i = 1; i < model->layers; ++i) {
    if (strcmp(names[i - 1], names[i]) == 0)
      rt_fail(loading, SCNN_RT_DAMAGED, "two layers have the name '%.64s'", names[i]);
  }
}

void rt_read_model(rt_loading* loading, rt_model* model) {
  model->name = rt_string(loading, "the length of the model's name");
  model->classes_named = (int)rt_varint(loading, 0, rt_max_channels, "the number of class names");
  if (model->classes_named > loading->end - loading->at) rt_fail(loading, SCNN_RT_DAMAGED, "it ends too early");
  model->class_names = rt_temporary(loading, (size_t)model->classes_named, sizeof(*model->class_names));
  for (int i = 0; i < model->classes_named; ++i) {
    model->class_names[i] = rt_string(loading, "the length of a class name");
  }
  model->normalized = (int)rt_varint(loading, 0, rt_max_channels, "the number of normalized channels");
  model->mean = rt_reals(loading, (uint64_t)model->normalized);
  model->std = rt_reals(loading, (uint64_t)model->normalized);
  model->layers = (int)rt_varint(loading, 2, rt_max_layers, "the number of layers");
  if (model->layers > loading->end - loading->at) rt_fail(loading, SCNN_RT_DAMAGED, "it ends too early");
  model->layer = rt_temporary(loading, (size_t)model->layers, sizeof(*model->layer));
  for (int i = 0; i < model->layers; ++i) rt_read_layer(loading, model, i);
  check_names(loading, model);
  const rt_layer* last = &model->layer[model->layers - 1];
  if (last->h * last->w != 1) rt_fail(loading, SCNN_RT_DAMAGED, "it ends with an image instead of logits");
  if (last->set->live != last->set->original) rt_fail(loading, SCNN_RT_DAMAGED, "some of its logits are missing");
  if (model->classes_named != 0 && model->classes_named != last->set->original) {
    rt_fail(loading, SCNN_RT_DAMAGED, "its class names do not fit its %d logits", last->set->original);
  }
  if (model->normalized != 0 && model->normalized != model->layer[0].set->original) {
    rt_fail(loading, SCNN_RT_DAMAGED, "its normalization does not fit its images");
  }
}
