/* From the bytes of a file to a runtime. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

static const rt_kernels* kernels_of(rt_loading* loading, scnn_rt_path path) {
  const rt_kernels* kernels = NULL;
  if (path == SCNN_RT_AUTO || path == SCNN_RT_AVX512) kernels = rt_avx512();
  if (kernels == NULL && (path == SCNN_RT_AUTO || path == SCNN_RT_AVX2)) kernels = rt_avx2();
  if (kernels == NULL && (path == SCNN_RT_AUTO || path == SCNN_RT_NEON)) kernels = rt_neon();
  if (kernels == NULL && (path == SCNN_RT_AUTO || path == SCNN_RT_PORTABLE)) kernels = &rt_portable;
  if (kernels == NULL) rt_fail(loading, SCNN_RT_PATH, "this processor, or this build, lacks the path asked for");
  return kernels;
}

static const char* keep_text(rt_loading* loading, rt_block* block, const char* text) {
  const size_t size = strlen(text) + 1;
  char* kept = rt_take(loading, block, size, 1);
  return kept == NULL ? NULL : memcpy(kept, text, size);
}

static const float* keep_reals(rt_loading* loading, rt_block* block, const float* values, size_t count) {
  float* kept = rt_take(loading, block, count, sizeof(float));
  return kept == NULL ? NULL : memcpy(kept, values, count * sizeof(float));
}

/* What scnn_rt_run_u8 needs, and texts. */
static void keep_rest(rt_loading* loading, rt_block* block, const rt_model* model, const rt_plan* plan,
                      const rt_kernels* kernels, scnn_runtime* runtime) {
  const size_t channels = (size_t)model->layer[0].set->original, classes = (size_t)model->classes_named;
  const char** names = classes == 0 ? NULL : rt_take(loading, block, classes, sizeof(*names));
  for (size_t i = 0; i < classes; ++i) {
    const char* name = keep_text(loading, block, model->class_names[i]);
    if (names != NULL) names[i] = name;
  }
  runtime->class_names = names;
  runtime->info.name = keep_text(loading, block, model->name);
  if (model->normalized > 0) {
    runtime->mean = keep_reals(loading, block, model->mean, channels);
    runtime->std = keep_reals(loading, block, model->std, channels);
  }
  if (channels > rt_table_channels) return;
  float* pixels = rt_take(loading, block, channels * 256, sizeof(float));
  const rt_tensor* input = &plan->tensor[plan->step[0].out];
  if (input->quantization.scale != 0) runtime->pixel_bytes = rt_take(loading, block, channels * 256, 1);
  if (pixels == NULL) return;
  for (size_t i = 0; i < channels * 256; ++i) {
    const double value = (double)(i % 256) / 255.0;
    const size_t c = i / 256;
    pixels[i] = (float)(model->normalized > 0 ? (value - model->mean[c]) / model->std[c] : value);
  }
  runtime->pixels = pixels;
  if (input->quantization.scale == 0) return;
  kernels->loops->quantize(input->quantization, pixels, runtime->pixel_bytes, (int64_t)channels * 256);
}

/* Takes everything from the block in the same order each time: first to count, then for good. */
static void build(rt_loading* loading, rt_block* block, const rt_model* model, const rt_plan* plan,
                  const rt_kernels* kernels, int threads, scnn_runtime* runtime) {
  rt_step* steps = rt_take(loading, block, (size_t)plan->steps, sizeof(*steps));
  rt_tensor* tensors = rt_take(loading, block, (size_t)plan->tensors, sizeof(*tensors));
  keep_rest(loading, block, model, plan, kernels, runtime);
  if (threads > 1) runtime->workers = rt_take(loading, block, rt_workers_bytes(threads), 1);
  const size_t before = block->used;
  runtime->info.byte_layers = 0;
  for (int s = 0; s < plan->steps; ++s) {
    rt_step step = plan->step[s];
    rt_lay_out(loading, block, kernels->panels, model, plan, &step);
    runtime->info.byte_layers += step.op == rt_op_bytes;
    if (step.op == rt_op_conv || step.op == rt_op_bytes) {
      const rt_tensor* out = &plan->tensor[step.out];
      step.items = step.panels * ((out->h * out->w + rt_run_places - 1) / rt_run_places);
    } else if (step.op == rt_op_winograd) {
      const rt_tensor *in = &plan->tensor[step.in], *out = &plan->tensor[step.out];
      const size_t floats = rt_positions * (size_t)rt_tiles * ((size_t)in->stride + rt_widest);
      step.items = ((out->h + 1) / 2 * ((out->w + 1) / 2) + rt_tiles - 1) / rt_tiles;
      if (floats > runtime->scratch_floats) runtime->scratch_floats = floats;
    }
    step.layer = NULL;
    step.multiply_of = step.add_of = NULL;
    if (steps != NULL) steps[s] = step;
  }
  if (tensors != NULL) memcpy(tensors, plan->tensor, (size_t)plan->tensors * sizeof(*tensors));
  runtime->info.weight_bytes = block->used - before;
  runtime->arena = rt_take(loading, block, plan->arena, sizeof(float) * (size_t)threads);
  runtime->scratch = rt_take(loading, block, runtime->scratch_floats, sizeof(float) * (size_t)threads);
  runtime->info.activation_bytes = (plan->arena + runtime->scratch_floats) * sizeof(float) * (size_t)threads;
  if (block->base == NULL) return;
  memset(runtime->arena, 0, plan->arena * sizeof(float) * (size_t)threads);
  if (runtime->scratch_floats > 0)
    memset(runtime->scratch, 0, runtime->scratch_floats * sizeof(float) * (size_t)threads);
  runtime->arena_floats = plan->arena;
  runtime->step = steps;
  runtime->tensor = tensors;
  runtime->logits = plan->logits;
  runtime->kernels = kernels;
  scnn_rt_info* info = &runtime->info;
  const rt_layer* input = &model->layer[0];
  info->height = (int)input->h;
  info->width = (int)input->w;
  info->channels = input->set->original;
  info->classes = model->layer[model->layers - 1].set->original;
  info->normalized_channels = model->normalized;
  info->layers = model->layers;
  info->steps = plan->steps;
  info->weights = plan->weights;
  info->multiplications = plan->multiplications;
  info->memory_bytes = block->used + rt_alignment;
  info->threads = threads;
  info->path = kernels->name;
}

static int wants_bytes(rt_loading* loading, const rt_model* model, const scnn_rt_options* options) {
  const scnn_rt_activations wanted = options == NULL ? SCNN_RT_AS_CALIBRATED : options->activations;
  int calibrated = 0;
  for (int i = 0; i < model->layers; ++i) calibrated |= model->layer[i].quantization.scale != 0;
  if (wanted == SCNN_RT_BYTES && !calibrated) {
    rt_fail(loading, SCNN_RT_PATH, "it holds no scales for uint8 activations: export it with --calibrate");
  }
  return calibrated && wanted != SCNN_RT_FLOATS;
}

/* Where to put the runtime; `bytes` alone: how large it would be. */
typedef struct target {
  size_t* bytes;
  void* memory;
  size_t memory_size;
  scnn_runtime** runtime;
} target;

static void load(rt_loading* loading, const void* bytes, size_t size, const scnn_rt_options* options,
                 const target* to) {
  const int threads = options == NULL || options->threads == 0 ? 1 : options->threads;
  rt_model model;
  rt_plan plan;
  rt_block block = {NULL, 0};
  memset(&model, 0, sizeof(model));
  memset(&plan, 0, sizeof(plan));
  if (bytes == NULL || (to->bytes == NULL && to->runtime == NULL)) rt_fail(loading, SCNN_RT_ARGUMENT, "a null pointer");
  if (threads < 1 || threads > rt_max_threads) {
    rt_fail(loading, SCNN_RT_ARGUMENT, "%d threads: it must be 1 to %d", threads, (int)rt_max_threads);
  }
  const rt_kernels* kernels = kernels_of(loading, options == NULL ? SCNN_RT_AUTO : options->path);
  rt_read_envelope(loading, bytes, size);
  rt_read_model(loading, &model);
  rt_read_integers(loading, &model);
  rt_make_plan(loading, &model, wants_bytes(loading, &model, options), &plan);
  rt_place_tensors(loading, &plan);
  scnn_runtime runtime;
  memset(&runtime, 0, sizeof(runtime));
  (void)rt_take(loading, &block, 1, sizeof(runtime));
  build(loading, &block, &model, &plan, kernels, threads, &runtime);
  const size_t needed = block.used + rt_alignment;
  if (to->bytes != NULL) *to->bytes = needed;
  if (to->runtime == NULL) return;
  if (to->memory != NULL && to->memory_size < needed) {
    rt_fail(loading, SCNN_RT_MEMORY, "the block has %llu bytes, %llu are needed", (unsigned long long)to->memory_size,
            (unsigned long long)needed);
  }
  void* own = to->memory != NULL ? NULL : malloc(needed);
  char* base = to->memory != NULL ? to->memory : own;
  if (base == NULL) rt_fail(loading, SCNN_RT_MEMORY, "no memory for %llu bytes", (unsigned long long)needed);
  block.used = 0;
  block.base = base + (rt_alignment - (uintptr_t)base % rt_alignment) % rt_alignment;
  scnn_runtime* made = rt_take(loading, &block, 1, sizeof(runtime)); /* cannot fail from here on: it was counted */
  runtime.own = own;
  build(loading, &block, &model, &plan, kernels, threads, &runtime);
  *made = runtime;
  if (made->workers != NULL && !rt_workers_start(made->workers, threads)) {
    free(own);
    rt_fail(loading, SCNN_RT_THREAD, "cannot start %d threads", threads - 1);
  }
  *to->runtime = made;
}

static scnn_rt_status guarded(const void* bytes, size_t size, const scnn_rt_options* options, const target* to,
                              scnn_rt_error* error) {
  scnn_rt_error unread;
  rt_loading loading;
  memset(&loading, 0, sizeof(loading));
  loading.error = error != NULL ? error : &unread;
  loading.error->status = SCNN_RT_OK;
  loading.error->message[0] = 0;
  if (setjmp(loading.failed) == 0) load(&loading, bytes, size, options, to);
  rt_release(&loading);
  return loading.error->status;
}

scnn_rt_status scnn_rt_memory(const void* model, size_t size, const scnn_rt_options* options, size_t* bytes,
                              scnn_rt_error* error) {
  const target to = {bytes, NULL, 0, NULL};
  if (bytes != NULL) *bytes = 0;
  return guarded(model, size, options, &to, error);
}

scnn_rt_status scnn_rt_load(const void* model, size_t size, const scnn_rt_options* options, void* memory,
                            size_t memory_size, scnn_runtime** runtime, scnn_rt_error* error) {
  const target to = {NULL, memory, memory_size, runtime};
  if (runtime != NULL) *runtime = NULL;
  return guarded(model, size, options, &to, error);
}

void scnn_rt_free(scnn_runtime* runtime) {
  if (runtime == NULL) return;
  if (runtime->workers != NULL) rt_workers_stop(runtime->workers);
  free(runtime->own);
}
