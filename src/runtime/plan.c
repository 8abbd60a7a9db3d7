#include "plan.h"

#include <string.h>

typedef struct planner {
  rt_loading* loading;
  const rt_model* model;
  rt_plan* plan;
  int* readers; /* of each layer that matters; 0: not needed */
  int* reader;  /* the last of them */
  int* tensor;  /* that holds a layer's output */
  int bytes;
} planner;

/* Layers that the logits depend on. */
static void find_readers(planner* p) {
  const int layers = p->model->layers;
  p->readers[layers - 1] = 1;
  for (int i = layers - 1; i >= 0; --i) {
    const rt_layer* layer = &p->model->layer[i];
    for (int k = 0; p->readers[i] > 0 && k < layer->inputs; ++k) {
      ++p->readers[layer->from[k]];
      p->reader[layer->from[k]] = i;
    }
  }
  p->readers[layers - 1] = 0; /* nothing reads the logits */
}

static int add_tensor(planner* p, int64_t h, int64_t w, int c, int exact) {
  rt_tensor* t = &p->plan->tensor[p->plan->tensors];
  memset(t, 0, sizeof(*t));
  t->h = h;
  t->w = w;
  t->c = c;
  t->stride = exact ? c : (c + rt_lanes - 1) / rt_lanes * rt_lanes;
  return p->plan->tensors++;
}

static rt_step* add_step(planner* p, rt_op op, const rt_layer* layer, int in) {
  rt_step* step = &p->plan->step[p->plan->steps++];
  memset(step, 0, sizeof(*step));
  step->op = op;
  step->layer = layer;
  step->in = in;
  step->kernel = layer->kernel;
  step->stride = layer->stride;
  step->dilation = layer->dilation;
  step->pad = layer->pad;
  step->average = layer->average;
  step->out = add_tensor(p, layer->h, layer->w, layer->set->live, op == rt_op_input);
  step->items = layer->h;
  return step;
}

/* y = multiply * x + add of a step, to begin with: the weights' scales and biases. */
static void begin_terms(planner* p, rt_step* step) {
  const rt_layer* layer = step->layer;
  const size_t outputs = (size_t)layer->set->live;
  step->multiply_of = rt_temporary(p->loading, outputs, sizeof(double));
  step->add_of = rt_temporary(p->loading, outputs, sizeof(double));
  for (size_t o = 0; o < outputs; ++o) {
    step->multiply_of[o] = layer->scales != NULL ? layer->scales[o] : 1.0;
    step->add_of[o] = layer->bias != NULL ? layer->bias[o] : 0.0;
  }
}

/* Whether `layer` could become part of what `step` does to each number. */
static int fuse(rt_step* step, const rt_layer* layer) {
  const size_t outputs = (size_t)layer->set->live;
  if (layer->type == rt_flatten) return 1;
  if (layer->type == rt_relu) {
    step->relu = 1;
    return 1;
  }
  if ((layer->type != rt_affine && layer->type != rt_scale) || step->relu) return 0;
  for (size_t o = 0; o < outputs; ++o) {
    const double a = layer->a != NULL ? layer->a[o] : layer->factor;
    step->multiply_of[o] *= a;
    step->add_of[o] = a * step->add_of[o] + (layer->c != NULL ? layer->c[o] : 0.0);
  }
  return 1;
}

/* Fuses what follows layer `i` as far as it can; returns the last layer of the step. */
static void fuse_chain(planner* p, rt_step* step, int i) {
  p->tensor[i] = step->out;
  while (p->readers[i] == 1) {
    const int next = p->reader[i];
    if (!fuse(step, &p->model->layer[next])) return;
    p->tensor[next] = step->out;
    i = next;
  }
}

/* Where each output channel of a depthwise convolution finds its input: position among the live, or -1. */
static int depthwise_in_place(const rt_layer* layer, const rt_set* in) {
  const int a_group = layer->set->original / in->original;
  if (a_group != 1 || in->live != layer->set->live) return 0;
  return memcmp(in->channels, layer->set->channels, (size_t)in->live * sizeof(*in->channels)) == 0;
}

/* Whether 16 products for four outputs beat 36, with the transforms around them. */
static int suits_winograd(const rt_layer* layer, const rt_tensor* in) {
  return layer->type == rt_conv2d && layer->groups == 1 && layer->kernel.h == 3 && layer->kernel.w == 3 &&
         layer->stride.h == 1 && layer->stride.w == 1 && layer->dilation.h == 1 && layer->dilation.w == 1 &&
         in->stride % rt_lanes == 0 && in->c >= rt_lanes && layer->set->live >= rt_lanes && layer->h * layer->w >= 9;
}

/* A flattened image has the quantization of the image. */
static rt_quantization quantization_of(const rt_model* model, int i) {
  while (model->layer[i].type == rt_flatten) i = model->layer[i].from[0];
  return model->layer[i].quantization;
}

/* Borders of zeros around what convolutions read; a depthwise one clips its windows itself. */
static void set_halos(rt_plan* plan) {
  for (int s = 0; s < plan->steps; ++s) {
    const rt_step* step = &plan->step[s];
    if (step->op != rt_op_conv && step->op != rt_op_winograd && step->op != rt_op_bytes) continue;
    rt_tensor* read = &plan->tensor[step->in];
    const rt_tensor* out = &plan->tensor[step->out];
    int64_t halo_h = step->pad.h, halo_w = step->pad.w;
    if (step->op == rt_op_winograd) { /* the last tile reaches beyond the image */
      halo_h += out->h % 2;
      halo_w += out->w % 2;
    }
    if (halo_h > read->halo_h) read->halo_h = halo_h;
    if (halo_w > read->halo_w) read->halo_w = halo_w;
  }
}

static void add_weights(planner* p, int i) {
  const rt_layer* layer = &p->model->layer[i];
  const rt_layer* from = &p->model->layer[layer->from[0]];
  int in = p->tensor[layer->from[0]];
  rt_op op = rt_op_conv;
  if (layer->type == rt_conv2d && layer->groups > 1 && layer->groups == from->set->original) {
    op = rt_op_depthwise;
    if (!depthwise_in_place(layer, from->set)) {
      rt_step* gather = add_step(p, rt_op_join, layer, in);
      gather->gathers = 1;
      rt_tensor* t = &p->plan->tensor[gather->out];
      t->h = from->h;
      t->w = from->w;
      gather->items = from->h;
      in = gather->out;
    }
  }
  rt_step* step = add_step(p, op, layer, in);
  begin_terms(p, step);
  fuse_chain(p, step, i);
  /* One original channel may have weights that read it alone, by "depthwise" or groups, though it is gone. */
  const int dense = layer->columns == p->plan->tensor[in].c;
  if (op == rt_op_conv && p->bytes && dense && rt_suits_bytes(step, quantization_of(p->model, layer->from[0]))) {
    step->op = rt_op_bytes;
    step->wants = quantization_of(p->model, layer->from[0]);
  } else if (op == rt_op_conv && suits_winograd(layer, &p->plan->tensor[in])) {
    step->op = rt_op_winograd;
  }
  p->plan->weights += (size_t)layer->set->live * layer->row;
  p->plan->multiplications += (uint64_t)layer->set->live * layer->row * (uint64_t)(layer->h * layer->w);
}

void rt_make_plan(rt_loading* loading, const rt_model* model, int bytes, rt_plan* plan) {
  const size_t layers = (size_t)model->layers;
  planner p = {loading, model, plan, NULL, NULL, NULL, bytes};
  p.readers = rt_temporary(loading, layers, sizeof(int));
  p.reader = rt_temporary(loading, layers, sizeof(int));
  p.tensor = rt_temporary(loading, layers, sizeof(int));
  plan->step = rt_temporary(loading, 2 * layers, sizeof(*plan->step));
  plan->tensor = rt_temporary(loading, 2 * layers, sizeof(*plan->tensor));
  for (size_t i = 0; i < layers; ++i) p.tensor[i] = -1;
  find_readers(&p);
  for (int i = 0; i < model->layers; ++i) {
    const rt_layer* layer = &model->layer[i];
    const int is_last = i == model->layers - 1;
    if ((p.readers[i] == 0 && !is_last && i > 0) || p.tensor[i] >= 0) continue;
    const int in = layer->inputs > 0 ? p.tensor[layer->from[0]] : -1;
    if (layer->type == rt_flatten) {
      p.tensor[i] = in;
    } else if (layer->type == rt_conv2d || layer->type == rt_linear) {
      add_weights(&p, i);
    } else if (layer->type == rt_affine || layer->type == rt_relu || layer->type == rt_scale) {
      rt_step* step = add_step(&p, rt_op_affine, layer, in);
      begin_terms(&p, step);
      (void)fuse(step, layer);
      fuse_chain(&p, step, i);
    } else {
      const rt_op op = layer->type == rt_input ? rt_op_input : layer->type == rt_pool ? rt_op_pool : rt_op_join;
      p.tensor[i] = add_step(&p, op, layer, in)->out;
    }
  }
  plan->logits = p.tensor[model->layers - 1];
  /* The joins' inputs, as tensors. */
  for (int s = 0; s < plan->steps; ++s) {
    rt_step* step = &plan->step[s];
    if (step->op != rt_op_join) continue;
    step->sources = step->gathers ? 1 : step->layer->inputs;
    rt_source* source = rt_temporary(loading, (size_t)step->sources, sizeof(*source));
    for (int k = 0; k < step->sources; ++k)
      source[k].tensor = step->gathers ? step->in : p.tensor[step->layer->from[k]];
    step->source = source;
  }
  if (bytes) rt_plan_bytes(loading, plan);
  set_halos(plan);
}

static int reads(const rt_step* step, int tensor) {
  int count = step->in == tensor && step->op != rt_op_join;
  for (int k = 0; k < step->sources; ++k) count += step->source[k].tensor == tensor;
  return count;
}

/* Pools that directly follow the convolution they read, at windows apart from each other and without padding. */
static void fuse_pools(rt_plan* plan) {
  int kept = 0;
  for (int s = 0; s < plan->steps; ++s) {
    rt_step* before = kept > 0 ? &plan->step[kept - 1] : NULL;
    const rt_step* pool = &plan->step[s];
    int readers = 0;
    const int convolves =
        before != NULL && (before->op == rt_op_conv || before->op == rt_op_winograd || before->op == rt_op_depthwise);
    if (convolves && pool->op == rt_op_pool && pool->in == before->out && before->pool == NULL && pool->pad.h == 0 &&
        pool->pad.w == 0 && pool->stride.h >= pool->kernel.h && pool->stride.w >= pool->kernel.w) {
      for (int k = s; k < plan->steps; ++k) readers += reads(&plan->step[k], before->out);
    }
    if (readers == 1) {
      rt_tensor* between = &plan->tensor[before->out];
      between->h = between->w = 0; /* takes no memory */
      before->out = pool->out;
      plan->pooled[kept - 1] = *pool;
      before->pool = &plan->pooled[kept - 1];
      continue;
    }
    plan->step[kept++] = *pool;
  }
  plan->steps = kept;
}

scnn_rt_status rt_open_plan(rt_loading* loading, const void* bytes, size_t size, rt_model* model, rt_plan* plan,
                            scnn_rt_error* error) {
  memset(loading, 0, sizeof(*loading));
  memset(model, 0, sizeof(*model));
  memset(plan, 0, sizeof(*plan));
  memset(error, 0, sizeof(*error));
  loading->error = error;
  if (setjmp(loading->failed) == 0) {
    rt_read_envelope(loading, bytes, size);
    rt_read_model(loading, model);
    rt_read_integers(loading, model);
    rt_make_plan(loading, model, 0, plan);
    plan->pooled = rt_temporary(loading, (size_t)plan->steps, sizeof(*plan->pooled));
    fuse_pools(plan);
    for (int i = 0; i < plan->tensors; ++i) {
      rt_tensor* t = &plan->tensor[i];
      t->stride = t->c;
      t->halo_h = t->halo_w = 0;
    }
    rt_place_tensors(loading, plan);
  }
  return error->status;
}
