/* Where activations lie: memory is used again once nothing reads what was in it. */
#include <string.h>

#include "plan.h"

static void read_at(rt_plan* plan, int tensor, int step) {
  if (tensor >= 0) plan->tensor[tensor].last = step;
}

static void find_lifetimes(rt_plan* plan) {
  for (int s = 0; s < plan->steps; ++s) {
    const rt_step* step = &plan->step[s];
    plan->tensor[step->out].first = plan->tensor[step->out].last = s;
    read_at(plan, step->in, s);
    for (int k = 0; k < step->sources; ++k) read_at(plan, step->source[k].tensor, s);
  }
  plan->tensor[plan->logits].last = plan->steps;
}

/* a * b, refused beyond what could be addressed. */
static size_t times(rt_loading* loading, size_t a, size_t b) {
  if (b != 0 && a > (SIZE_MAX >> 4) / b) rt_fail(loading, SCNN_RT_MEMORY, "its activations are beyond any memory");
  return a * b;
}

static void measure(rt_loading* loading, rt_tensor* t) {
  const size_t w = (size_t)(t->w + 2 * t->halo_w), h = (size_t)(t->h + 2 * t->halo_h);
  const size_t pitch = times(loading, w, (size_t)t->stride);
  const size_t step = rt_alignment / sizeof(float);
  t->pitch = (int64_t)pitch;
  size_t floats = times(loading, pitch, h);
  if (t->quantization.scale != 0)
    floats = floats / sizeof(float) + 2; /* the last group of a window may reach beyond it */
  t->floats = (floats + step - 1) / step * step;
  t->origin = (size_t)t->halo_h * pitch + (size_t)(t->halo_w * t->stride);
}

/* First fit among the tensors that live at the same time; `live` is sorted by place. */
void rt_place_tensors(rt_loading* loading, rt_plan* plan) {
  int* live = rt_temporary(loading, (size_t)plan->tensors, sizeof(*live));
  int count = 0;
  find_lifetimes(plan);
  for (int i = 0; i < plan->tensors; ++i) { /* tensors are numbered as they are written */
    rt_tensor* t = &plan->tensor[i];
    int kept = 0, at;
    measure(loading, t);
    for (int k = 0; k < count; ++k) {
      if (plan->tensor[live[k]].last >= t->first) live[kept++] = live[k];
    }
    count = kept;
    t->place = 0;
    for (at = 0; at < count; ++at) {
      const rt_tensor* other = &plan->tensor[live[at]];
      if (other->place >= t->place + t->floats) break;
      t->place = other->place + other->floats;
    }
    if (t->place > (SIZE_MAX >> 5) - t->floats)
      rt_fail(loading, SCNN_RT_MEMORY, "its activations are beyond any memory");
    memmove(live + at + 1, live + at, (size_t)(count - at) * sizeof(*live));
    live[at] = i;
    ++count;
    if (t->place + t->floats > plan->arena) plan->arena = t->place + t->floats;
  }
}
