/* The runtime itself: all of it lies in one block. */
#ifndef SCNN_RUNTIME_RUNTIME_H
#define SCNN_RUNTIME_RUNTIME_H

#include "kernels.h"

enum { rt_max_threads = 64, rt_table_channels = 16 };

typedef struct rt_workers rt_workers;

struct scnn_runtime {
  scnn_rt_info info;
  const char* const* class_names;
  const float *mean, *std;
  const float* pixels;  /* [channels, 256] normalized, or null: too many channels for a table */
  uint8_t* pixel_bytes; /* the same as bytes of the input, where that is bytes */
  const rt_kernels* kernels;
  const rt_tensor* tensor;
  const rt_step* step;
  int logits;
  float* arena; /* [threads, arena_floats] */
  size_t arena_floats;
  float* scratch; /* [threads, scratch_floats] */
  size_t scratch_floats;
  rt_workers* workers; /* null: one thread */
  void* own;           /* what scnn_rt_free gives back */
};

/* The images of a call; one of the two is set. */
typedef struct rt_images {
  const float* real;
  const uint8_t* bytes;
} rt_images;

/* A tensor of floats, and one of bytes, in the arena of an image. */
rt_view rt_view_of(const rt_tensor* t, float* arena);
rt_byte_view rt_bytes_of(const rt_tensor* t, float* arena);
/* Clears the border around what the step writes: other steps may have left numbers there. */
void rt_clear_halo(const scnn_runtime* runtime, const rt_step* step, float* arena);

/* Items [begin, end) of a step, for image `image`, in an arena; `thread` says which scratch memory is its own. */
void rt_execute(const scnn_runtime* runtime, const rt_step* step, int thread, float* arena, const rt_images* images,
                size_t image, int64_t begin, int64_t end);
/* A convolution by Winograd's F(2 x 2, 3 x 3); an item is up to rt_tiles tiles. */
void rt_winograd(const scnn_runtime* runtime, const rt_step* step, const rt_view* x, const rt_view* y, float* scratch,
                 int64_t begin, int64_t end);

/* A convolution of bytes; items as of any convolution. */
void rt_convolve_bytes(const scnn_runtime* runtime, const rt_step* step, float* arena, int64_t begin, int64_t end);
/* Work that is done on every thread; `thread` 0 is the caller's. */
typedef void (*rt_work)(void* context, int thread);

size_t rt_workers_bytes(int threads);
/* Starts threads - 1 threads.  Returns 0 where that fails; then none is left. */
int rt_workers_start(rt_workers* workers, int threads);
void rt_workers_stop(rt_workers* workers);
/* Runs `work` on all threads, and returns when all are done. */
void rt_workers_run(rt_workers* workers, rt_work work, void* context);
/* To be called by all threads within `work`: none goes on before all are here. */
void rt_workers_meet(rt_workers* workers);
/* 0, 1, 2, ...: each number once, from the beginning of a `work`. */
size_t rt_workers_next(rt_workers* workers);

#endif
