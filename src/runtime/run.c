/* Running: images one after the other, or shared out among threads. */
#include <string.h>

#include "runtime.h"

typedef struct call {
  const scnn_runtime* runtime;
  rt_images images;
  size_t count;
  float* logits;
} call;

static void copy_logits(const call* c, const float* arena, size_t image) {
  const rt_tensor* t = &c->runtime->tensor[c->runtime->logits];
  const size_t classes = (size_t)c->runtime->info.classes;
  memcpy(c->logits + image * classes, arena + t->place + t->origin, classes * sizeof(float));
}

static void run_image(const call* c, int thread, size_t image) {
  float* arena = c->runtime->arena + (size_t)thread * c->runtime->arena_floats;
  for (int s = 0; s < c->runtime->info.steps; ++s) {
    const rt_step* step = &c->runtime->step[s];
    rt_clear_halo(c->runtime, step, arena);
    rt_execute(c->runtime, step, thread, arena, &c->images, image, 0, step->items);
  }
  copy_logits(c, arena, image);
}

/* Every thread whole images, in an arena of its own. */
static void share_images(void* context, int thread) {
  const call* c = context;
  for (size_t i = rt_workers_next(c->runtime->workers); i < c->count; i = rt_workers_next(c->runtime->workers)) {
    run_image(c, thread, i);
  }
}

/* All threads the same image, each a part of every step. */
static void share_steps(void* context, int thread) {
  const call* c = context;
  const int threads = c->runtime->info.threads;
  for (int s = 0; s < c->runtime->info.steps; ++s) {
    const rt_step* step = &c->runtime->step[s];
    const int64_t begin = step->items * thread / threads, end = step->items * (thread + 1) / threads;
    if (thread == 0) rt_clear_halo(c->runtime, step, c->runtime->arena);
    rt_execute(c->runtime, step, thread, c->runtime->arena, &c->images, 0, begin, end);
    rt_workers_meet(c->runtime->workers);
  }
  if (thread == 0) copy_logits(c, c->runtime->arena, 0);
}

static scnn_rt_status run(scnn_runtime* runtime, rt_images images, size_t n, float* logits) {
  call c = {runtime, images, n, logits};
  if (n == 0) return SCNN_RT_OK;
  if (runtime == NULL || logits == NULL) return SCNN_RT_ARGUMENT;
  if (runtime->workers == NULL) {
    for (size_t i = 0; i < n; ++i) run_image(&c, 0, i);
  } else {
    rt_workers_run(runtime->workers, n == 1 ? share_steps : share_images, &c);
  }
  return SCNN_RT_OK;
}

scnn_rt_status scnn_rt_run(scnn_runtime* runtime, const float* images, size_t n, float* logits) {
  const rt_images of = {images, NULL};
  return images == NULL && n > 0 ? SCNN_RT_ARGUMENT : run(runtime, of, n, logits);
}

scnn_rt_status scnn_rt_run_u8(scnn_runtime* runtime, const uint8_t* images, size_t n, float* logits) {
  const rt_images of = {NULL, images};
  return images == NULL && n > 0 ? SCNN_RT_ARGUMENT : run(runtime, of, n, logits);
}
