/* Which activations are uint8. */
#include <string.h>

#include "plan.h"

/* The section of a calibrated file: which layers' outputs are uint8, with their scales and zero points. */
void rt_read_activations(rt_loading* loading, rt_model* model) {
  const uint8_t* mask = rt_mask(loading, (uint64_t)model->layers);
  uint64_t count = 0;
  for (int i = 0; i < model->layers; ++i) {
    if (!mask[i]) continue;
    if (model->layer[i].type == rt_flatten)
      rt_fail(loading, SCNN_RT_DAMAGED, "a flattened image has a scale of its own");
    ++count;
  }
  if (count == 0) rt_fail(loading, SCNN_RT_DAMAGED, "it is calibrated, and no activation has a scale");
  const float* steps = rt_reals(loading, count);
  const uint8_t* zeros = rt_raw(loading, count);
  for (int i = 0, k = 0; i < model->layers; ++i) {
    if (!mask[i]) continue;
    if (!(steps[k] >= 1e-30F && steps[k] <= 1e30F)) {
      rt_fail(loading, SCNN_RT_DAMAGED, "a step of an activation is not between 1e-30 and 1e30");
    }
    model->layer[i].quantization.scale = steps[k];
    model->layer[i].quantization.zero_point = zeros[k++];
  }
}

static int same(rt_quantization a, rt_quantization b) { return a.scale == b.scale && a.zero_point == b.zero_point; }

static int takes_maximum(const rt_step* step) { return step->op == rt_op_pool && !step->average; }

/* What readers want of a tensor. */
typedef struct wish {
  rt_quantization quantization;
  int readers, floats; /* floats: some read floats, or another quantization */
} wish;

static void want(wish* w, rt_quantization quantization) {
  if (quantization.scale == 0 || (w->readers > 0 && !same(w->quantization, quantization))) w->floats = 1;
  w->quantization = quantization;
  ++w->readers;
}

/* From the logits to the input: what all who read a tensor want it is, if what writes it can.  The largest of bytes is
 * the byte of the largest: such a pool wants what is wanted of it. */
static void decide(rt_loading* loading, rt_plan* plan) {
  const rt_quantization floats = {0, 0};
  wish* wishes = rt_temporary(loading, (size_t)plan->tensors, sizeof(*wishes));
  want(&wishes[plan->logits], floats);
  for (int s = plan->steps - 1; s >= 0; --s) {
    const rt_step* step = &plan->step[s];
    const wish* w = &wishes[step->out];
    const int writes_bytes = step->op == rt_op_input || step->op == rt_op_bytes || takes_maximum(step);
    if (writes_bytes && w->readers > 0 && !w->floats) plan->tensor[step->out].quantization = w->quantization;
    if (step->op == rt_op_join) {
      for (int k = 0; k < step->sources; ++k) want(&wishes[step->source[k].tensor], floats);
    } else if (step->in >= 0) {
      want(&wishes[step->in], step->op == rt_op_bytes ? step->wants
                              : takes_maximum(step)   ? plan->tensor[step->out].quantization
                                                      : floats);
    }
  }
}

/* Tensors are numbered in the order in which they are written. */
typedef struct renumbering {
  rt_plan* plan;
  rt_tensor* tensor;
  int tensors;
  int *now, *copy; /* of each old tensor: itself, and the last copy of it as bytes; -1: none */
  rt_step* step;
  int steps;
} renumbering;

static int number(renumbering* r, rt_tensor tensor) {
  r->tensor[r->tensors] = tensor;
  return r->tensors++;
}

/* The tensor that holds `old` as these bytes. */
static int bytes_of(renumbering* r, int old, rt_quantization quantization) {
  const rt_tensor* from = &r->plan->tensor[old];
  if (from->quantization.scale != 0) return r->now[old];
  if (r->copy[old] >= 0 && same(r->tensor[r->copy[old]].quantization, quantization)) return r->copy[old];
  rt_tensor copy = *from;
  copy.quantization = quantization;
  r->copy[old] = number(r, copy);
  rt_step* step = &r->step[r->steps++];
  memset(step, 0, sizeof(*step));
  step->op = rt_op_quantize;
  step->in = r->now[old];
  step->out = r->copy[old];
  step->items = from->h;
  return step->out;
}

void rt_plan_bytes(rt_loading* loading, rt_plan* plan) {
  const size_t tensors = (size_t)plan->tensors, steps = (size_t)plan->steps;
  renumbering r = {plan, NULL, 0, NULL, NULL, NULL, 0};
  decide(loading, plan);
  r.tensor = rt_temporary(loading, tensors + steps, sizeof(*r.tensor));
  r.step = rt_temporary(loading, 2 * steps, sizeof(*r.step));
  r.now = rt_temporary(loading, tensors, sizeof(int));
  r.copy = rt_temporary(loading, tensors, sizeof(int));
  for (size_t i = 0; i < tensors; ++i) r.copy[i] = -1;
  for (int s = 0; s < plan->steps; ++s) {
    rt_step step = plan->step[s];
    const int bytes =
        step.op == rt_op_bytes || (takes_maximum(&step) && plan->tensor[step.out].quantization.scale != 0);
    const rt_quantization quantization = step.op == rt_op_bytes ? step.wants : plan->tensor[step.out].quantization;
    if (step.op == rt_op_join && step.sources > 0) {
      rt_source* sources = rt_temporary(loading, (size_t)step.sources, sizeof(*sources));
      for (int k = 0; k < step.sources; ++k) sources[k].tensor = r.now[step.source[k].tensor];
      step.source = sources;
    }
    if (step.in >= 0) step.in = bytes ? bytes_of(&r, step.in, quantization) : r.now[step.in];
    step.out = r.now[plan->step[s].out] = number(&r, plan->tensor[plan->step[s].out]);
    r.step[r.steps++] = step;
  }
  plan->logits = r.now[plan->logits];
  plan->step = r.step;
  plan->steps = r.steps;
  plan->tensor = r.tensor;
  plan->tensors = r.tensors;
}
