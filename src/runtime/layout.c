/* Weights as the kernels read them: panels of 8, 16 or 24 output channels, integers in the narrowest type. */
#include <string.h>

#include "plan.h"

void* rt_take(rt_loading* loading, rt_block* block, size_t count, size_t size) {
  void* place = block->base == NULL ? NULL : block->base + block->used;
  if (size != 0 && count > (SIZE_MAX >> 2) / size) rt_fail(loading, SCNN_RT_MEMORY, "it is beyond any memory");
  const size_t bytes = (count * size + rt_alignment - 1) / rt_alignment * rt_alignment;
  if (bytes > (SIZE_MAX >> 1) - block->used) rt_fail(loading, SCNN_RT_MEMORY, "it is beyond any memory");
  block->used += bytes;
  return place;
}

static double weight_at(const rt_layer* layer, size_t at) {
  return layer->real != NULL ? layer->real[at] : layer->integers[at];
}

/* Four times the weight that stands at `position` of a transformed 3 x 3 window: a whole number of whole numbers. */
static double transformed(const rt_layer* layer, size_t output, size_t column, int position) {
  static const int twice[4][3] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
  double sum = 0;
  for (int tap = 0; tap < 9; ++tap) {
    const int factor = twice[position / 4][tap / 3] * twice[position % 4][tap % 3];
    if (factor != 0) sum += factor * weight_at(layer, output * layer->row + (size_t)(tap * layer->columns) + column);
  }
  return sum;
}

static rt_form form_for(double low, double high) {
  if (low >= -128 && high <= 127) return rt_form_int8;
  if (low >= -32768 && high <= 32767) return rt_form_int16;
  return low >= INT32_MIN && high <= INT32_MAX ? rt_form_int32 : rt_form_float;
}

static rt_form form_of(const rt_step* step) {
  const rt_layer* layer = step->layer;
  const size_t outputs = (size_t)layer->set->live;
  double low = 0, high = 0;
  if (layer->real != NULL) return rt_form_float;
  for (size_t i = 0; step->op != rt_op_winograd && i < outputs * layer->row; ++i) {
    low = layer->integers[i] < low ? layer->integers[i] : low;
    high = layer->integers[i] > high ? layer->integers[i] : high;
  }
  for (size_t i = 0; step->op == rt_op_winograd && i < outputs * (size_t)layer->columns * rt_positions; ++i) {
    const size_t o = i / rt_positions / (size_t)layer->columns, column = i / rt_positions % (size_t)layer->columns;
    const double value = transformed(layer, o, column, (int)(i % rt_positions));
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  return form_for(low, high);
}

static size_t form_size(rt_form form) { return form == rt_form_int8 ? 1 : form == rt_form_int16 ? 2 : 4; }

static void put(rt_form form, void* to, size_t at, double value) {
  switch (form) {
    case rt_form_int8:
      ((int8_t*)to)[at] = (int8_t)value;
      break;
    case rt_form_int16:
      ((int16_t*)to)[at] = (int16_t)value;
      break;
    case rt_form_int32:
      ((int32_t*)to)[at] = (int32_t)value;
      break;
    default:
      ((float*)to)[at] = (float)value;
  }
}

/* Panels of `outputs` channels: as few as can be, none of 8 but the only one. */
static int panel_width(int outputs) {
  const int eights = (outputs + rt_lanes - 1) / rt_lanes;
  if (eights <= 1) return 8;
  return eights == 2 || eights == 4 ? 16 : 24;
}

/* Positions of the first channel of `set` from `channel` on. */
static int position(const rt_set* set, int64_t channel) {
  int low = 0, high = set->live;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (set->channels[middle] < channel) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

typedef struct group {
  int first_output, outputs, first_input, inputs;
  int64_t channel; /* original, of column 0; -1: the columns are the live inputs */
} group;

static group group_of(const rt_layer* layer, const rt_set* in, int64_t number) {
  group g = {0, layer->set->live, 0, in->live, -1};
  if (layer->columns == in->live && layer->groups == 1) return g;
  const int64_t inputs = in->original / layer->groups, outputs = layer->set->original / layer->groups;
  g.first_output = position(layer->set, number * outputs);
  g.outputs = position(layer->set, (number + 1) * outputs) - g.first_output;
  g.first_input = position(in, number * inputs);
  g.inputs = position(in, (number + 1) * inputs) - g.first_input;
  g.channel = number * inputs;
  return g;
}

/* What comes before the inputs in a panel's order of weights. */
static size_t taps_of(const rt_step* step) {
  return step->op == rt_op_winograd ? rt_positions : (size_t)(step->kernel.h * step->kernel.w);
}

static void fill_panel(const rt_step* step, const rt_set* in, const group* g, const rt_panel* panel, void* to) {
  const rt_layer* layer = step->layer;
  size_t at = 0;
  for (size_t tap = 0; tap < taps_of(step); ++tap) {
    for (int i = 0; i < panel->inputs; ++i) {
      const size_t column = g->channel < 0 ? (size_t)i : (size_t)(in->channels[g->first_input + i] - g->channel);
      for (int o = 0; o < panel->width; ++o, ++at) {
        if (o >= panel->outputs) continue; /* zeros already */
        const size_t output = (size_t)(panel->first_output + o);
        put(step->form, to, at,
            step->op == rt_op_winograd ? transformed(layer, output, column, (int)tap)
                                       : weight_at(layer, output * layer->row + tap * (size_t)layer->columns + column));
      }
    }
  }
}

static void lay_out_panels(rt_loading* loading, rt_block* block, const rt_set* in, rt_step* step) {
  const rt_layer* layer = step->layer;
  const size_t taps = taps_of(step);
  int count = 0;
  const int64_t groups = layer->groups;
  for (int64_t n = 0; n < groups; ++n) {
    const group g = group_of(layer, in, n);
    for (int o = 0; o < g.outputs; o += panel_width(g.outputs - o)) ++count;
  }
  rt_panel* panels = rt_take(loading, block, (size_t)count, sizeof(*panels));
  step->panels = count;
  step->panel = panels;
  count = 0;
  for (int64_t n = 0; n < groups; ++n) {
    const group g = group_of(layer, in, n);
    for (int o = 0; o < g.outputs;) {
      rt_panel panel = {NULL, panel_width(g.outputs - o), 0, g.first_output + o, g.inputs, g.first_input, 0};
      panel.outputs = g.outputs - o < panel.width ? g.outputs - o : panel.width;
      panel.tail = panel.outputs == panel.width || panel.first_output + panel.outputs == layer->set->live;
      /* A tail of a group begins anywhere: its width may reach beyond the pixel. */
      if (panel.first_output % rt_lanes != 0 && panel.outputs < panel.width) panel.tail = 0;
      const size_t size = taps * (size_t)panel.inputs * (size_t)panel.width;
      void* weights = rt_take(loading, block, size, form_size(step->form));
      if (weights != NULL) {
        memset(weights, 0, size * form_size(step->form));
        fill_panel(step, in, &g, &panel, weights);
        panel.weights = weights;
        panels[count] = panel;
      }
      ++count;
      o += panel.outputs;
    }
  }
}

static void lay_out_depthwise(rt_loading* loading, rt_block* block, const rt_tensor* out, rt_step* step) {
  const rt_layer* layer = step->layer;
  const size_t size = layer->row * (size_t)out->stride;
  void* weights = rt_take(loading, block, size, form_size(step->form));
  step->weights = weights;
  if (weights == NULL) return;
  memset(weights, 0, size * form_size(step->form));
  for (size_t tap = 0; tap < layer->row; ++tap) {
    for (size_t o = 0; o < (size_t)layer->set->live; ++o) {
      put(step->form, weights, tap * (size_t)out->stride + o, weight_at(layer, o * layer->row + tap));
    }
  }
}

static void lay_out_terms(rt_loading* loading, rt_block* block, const rt_tensor* out, rt_step* step) {
  float* multiply = rt_take(loading, block, (size_t)out->stride, sizeof(float));
  float* add = rt_take(loading, block, (size_t)out->stride, sizeof(float));
  step->multiply = multiply;
  step->add = add;
  if (multiply == NULL) return;
  const double factor = step->op == rt_op_winograd ? 0.25 : 1.0;
  for (int64_t o = 0; o < out->stride; ++o) {
    multiply[o] = o < out->c ? (float)(factor * step->multiply_of[o]) : 0.0F;
    add[o] = o < out->c ? (float)step->add_of[o] : 0.0F;
  }
}

/* Pieces of one source; counts them where `pieces` is null. `place` says which channel of `in` output channel i holds.
 */
static int find_pieces(const rt_step* step, const rt_set* in, int64_t offset, rt_piece* pieces) {
  const rt_set* out = step->layer->set;
  const int a_group = step->gathers ? out->original / in->original : 1;
  int count = 0, last_from = -2, last_to = -2;
  for (int i = 0; i < out->live; ++i) {
    const int64_t channel = step->gathers ? out->channels[i] / a_group : (int64_t)out->channels[i] - offset;
    if (channel < 0 || channel >= in->original) continue;
    const int from = position(in, channel);
    if (from >= in->live || in->channels[from] != channel) continue;
    if (from == last_from + 1 && i == last_to + 1) {
      if (pieces != NULL) ++pieces[count - 1].count;
    } else {
      if (pieces != NULL) {
        pieces[count].to = (uint16_t)i;
        pieces[count].from = (uint16_t)from;
        pieces[count].count = 1;
      }
      ++count;
    }
    last_from = from;
    last_to = i;
  }
  return count;
}

static void lay_out_join(rt_loading* loading, rt_block* block, const rt_model* model, rt_step* step) {
  const rt_source* planned = step->source;
  rt_source* sources = rt_take(loading, block, (size_t)step->sources, sizeof(*sources));
  int64_t offset = 0;
  for (int k = 0; k < step->sources; ++k) {
    const rt_set* in = model->layer[step->layer->from[k]].set;
    const int count = find_pieces(step, in, offset, NULL);
    rt_piece* pieces = rt_take(loading, block, (size_t)count, sizeof(*pieces));
    if (pieces != NULL) {
      (void)find_pieces(step, in, offset, pieces);
      sources[k].tensor = planned[k].tensor;
      sources[k].pieces = count;
      sources[k].piece = pieces;
    }
    if (step->layer->type == rt_concat) offset += in->original;
  }
  if (sources != NULL) step->source = sources;
}

void rt_lay_out(rt_loading* loading, rt_block* block, const rt_model* model, const rt_plan* plan, rt_step* step) {
  const rt_tensor* out = &plan->tensor[step->out];
  if (step->op == rt_op_join) {
    lay_out_join(loading, block, model, step);
    return;
  }
  if (step->op <= rt_op_depthwise && step->op != rt_op_input) {
    step->form = form_of(step);
    if (step->op == rt_op_depthwise) {
      lay_out_depthwise(loading, block, out, step);
    } else {
      lay_out_panels(loading, block, model->layer[step->layer->from[0]].set, step);
    }
  }
  if (step->multiply_of != NULL) lay_out_terms(loading, block, out, step);
}
