/* Weights as the kernels read them: panels of 8 to 32 output channels, integers in the narrowest type. */
#include <string.h>

#include "plan.h"

static double weight_at(const rt_layer* layer, size_t at) {
  return layer->real != NULL ? layer->real[at] : layer->integers[at];
}

/* Four times the weights at all positions of a transformed 3 x 3 window: G' w G'^T with rows of G', doubled: (2, 0, 0),
 * (1, 1, 1), (1, -1, 1), (0, 0, 2). */
static void transform(const double w[9], double to[rt_positions]) {
  double rows[4][3];
  for (int j = 0; j < 3; ++j) {
    rows[0][j] = 2 * w[j];
    rows[1][j] = w[j] + w[3 + j] + w[6 + j];
    rows[2][j] = w[j] - w[3 + j] + w[6 + j];
    rows[3][j] = 2 * w[6 + j];
  }
  for (int i = 0; i < 4; ++i) {
    to[4 * i] = 2 * rows[i][0];
    to[4 * i + 1] = rows[i][0] + rows[i][1] + rows[i][2];
    to[4 * i + 2] = rows[i][0] - rows[i][1] + rows[i][2];
    to[4 * i + 3] = 2 * rows[i][2];
  }
}

static rt_form form_of(const rt_step* step, rt_panels panels) {
  const rt_layer* layer = step->layer;
  const size_t count = (size_t)layer->set->live * layer->row;
  /* A transformed weight is at most 9 times as large, four times it is counted in. */
  const int64_t times = step->op == rt_op_winograd ? 9 : 1;
  int64_t low = 0, high = 0;
  if (layer->real != NULL) return rt_form_float;
  for (size_t i = 0; i < count; ++i) {
    low = layer->integers[i] < low ? layer->integers[i] : low;
    high = layer->integers[i] > high ? layer->integers[i] : high;
  }
  if (times > 1) high = high > -low ? high : -low;
  if (times > 1) low = -high;
  if (times * low >= -128 && times * high <= 127) return rt_form_int8;
  if (!panels.words && step->op != rt_op_depthwise) return rt_form_float;
  return times * low >= -32768 && times * high <= 32767 ? rt_form_int16 : rt_form_float;
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
    default:
      ((float*)to)[at] = (float)value;
  }
}

/* As few panels as can be, none of 8 but the only one. */
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
  const size_t taps = taps_of(step), width = (size_t)panel->width, inputs = (size_t)panel->inputs;
  for (size_t o = 0; o < (size_t)panel->outputs; ++o) { /* the others are zeros already */
    const size_t row = ((size_t)panel->first_output + o) * layer->row;
    for (size_t i = 0; i < inputs; ++i) {
      const size_t column = g->channel < 0 ? i : (size_t)(in->channels[(size_t)g->first_input + i] - g->channel);
      if (step->op == rt_op_winograd) {
        double w[9], made[rt_positions];
        for (size_t tap = 0; tap < 9; ++tap) w[tap] = weight_at(layer, row + tap * (size_t)layer->columns + column);
        transform(w, made);
        for (size_t k = 0; k < taps; ++k) put(step->form, to, (k * inputs + i) * width + o, made[k]);
      } else {
        for (size_t k = 0; k < taps; ++k) {
          put(step->form, to, (k * inputs + i) * width + o,
              weight_at(layer, row + k * (size_t)layer->columns + column));
        }
      }
    }
  }
}

static void lay_out_panels(rt_loading* loading, rt_block* block, rt_panels wanted, const rt_set* in, rt_step* step) {
  const rt_layer* layer = step->layer;
  const size_t taps = taps_of(step);
  int count = 0;
  const int64_t groups = layer->groups;
  for (int64_t n = 0; n < groups; ++n) {
    const group g = group_of(layer, in, n);
    for (int o = 0; o < g.outputs; o += rt_panel_width(wanted, g.outputs - o)) ++count;
  }
  rt_panel* panels = rt_take(loading, block, (size_t)count, sizeof(*panels));
  step->panels = count;
  step->panel = panels;
  count = 0;
  for (int64_t n = 0; n < groups; ++n) {
    const group g = group_of(layer, in, n);
    for (int o = 0; o < g.outputs;) {
      rt_panel panel = {NULL, rt_panel_width(wanted, g.outputs - o), 0, g.first_output + o, g.inputs, g.first_input, 0,
                        0};
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

void rt_lay_out(rt_loading* loading, rt_block* block, rt_panels panels, const rt_model* model, const rt_plan* plan,
                rt_step* step) {
  const rt_tensor* out = &plan->tensor[step->out];
  if (step->op == rt_op_join) {
    lay_out_join(loading, block, model, step);
    return;
  }
  if (step->op == rt_op_bytes) {
    rt_lay_out_bytes(loading, block, panels, plan, step);
    return;
  }
  if (step->op <= rt_op_depthwise && step->op != rt_op_input) {
    step->form = form_of(step, panels);
    if (step->op == rt_op_depthwise) {
      lay_out_depthwise(loading, block, out, step);
    } else {
      lay_out_panels(loading, block, panels, model->layer[step->layer->from[0]].set, step);
    }
  }
  if (step->multiply_of != NULL) lay_out_terms(loading, block, out, step);
}
