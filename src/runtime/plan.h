/* What a model becomes: steps over activations that lie in one arena. */
#ifndef SCNN_RUNTIME_PLAN_H
#define SCNN_RUNTIME_PLAN_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A thread computes this many places of a panel at a time: a multiple of what every kernel does at once. */
enum { rt_lanes = 8, rt_alignment = 64, rt_run_places = 24 };
enum { rt_widest = 32 }; /* panel of any path */
/* Tiles of 2 x 2 outputs that are transformed together: a multiple of what every product does at once. */
enum { rt_tiles = 12, rt_positions = 16 };

/* An activation [h, w, c] with a border of zeros, `halo` wide, where a convolution that pads reads it.  Pixels are
 * `stride` floats apart: c, or the next multiple of rt_lanes, what is between being 0.  An activation with quantization
 * is bytes instead, its border and whatever else is 0 its byte for 0; between the channels of pixels there is anything.
 */
typedef struct rt_tensor {
  int64_t h, w, c, stride, halo_h, halo_w;
  rt_quantization quantization; /* of bytes; step 0: floats */
  int64_t pitch;                /* numbers between rows */
  size_t origin;                /* of pixel (0, 0), from the beginning of the tensor */
  size_t floats, place;         /* size, and where it begins in the arena */
  int first, last;              /* steps that write and that last read it */
} rt_tensor;

typedef enum rt_op {
  rt_op_input,
  rt_op_conv,
  rt_op_winograd, /* the same for 3 x 3 windows at stride 1: winograd.c */
  rt_op_bytes,    /* the same of bytes: bytes.c */
  rt_op_depthwise,
  rt_op_affine,
  rt_op_pool,
  rt_op_join,
  rt_op_quantize /* floats to bytes */
} rt_op;

/* How weights are kept.  Integers beyond 16 bits become floats, as a kernel would make them;
 * of panels, with a path that has no kernels for 16 bits, those beyond 8. */
typedef enum rt_form { rt_form_int8, rt_form_int16, rt_form_float, rt_forms } rt_form;

/* What a path wants of panels. */
typedef struct rt_panels {
  int widest; /* 24 or 32 */
  int whole;  /* sums of bytes never leave their type */
  int words;  /* weights of 16 bits stay so; else they become floats */
} rt_panels;

/* Some output channels of a convolution: weights [k, width] with k over (window row, window column, input), or
 * (position, input) of transformed windows; of bytes [group, width, 4], see bytes.c. */
typedef struct rt_panel {
  const void* weights;
  int width; /* 8, 16, 24 or 32 */
  int outputs, first_output;
  int inputs, first_input; /* channels it reads */
  int tail;                /* may write its whole width: nothing lies behind its outputs that another writes */
  size_t block;            /* of bytes: groups whose sums stay within 16 bits */
} rt_panel;

/* Channels of an input that go, one after the other, to channels of the output. */
typedef struct rt_piece {
  uint16_t to, from, count;
} rt_piece;
typedef struct rt_source {
  int tensor, pieces;
  const rt_piece* piece;
} rt_source;

typedef struct rt_step {
  rt_op op;
  int in, out; /* tensors */
  rt_extent kernel, stride, dilation, pad;
  int average, relu;
  const struct rt_step*
      pool;      /* rt_open_plan alone: the pool that reads this convolution's output, and nothing else does */
  int64_t items; /* what threads share out: rows of the output, or of a convolution runs of places of a panel */
  rt_form form;
  int panels;
  const rt_panel* panel;
  const void* weights;   /* depthwise: [kernel h, kernel w, stride of the output] */
  rt_quantization wants; /* bytes alone: of what it reads */
  size_t groups;
  const ptrdiff_t* offset; /* [groups] of a group's four bytes from where a window begins */
  const int32_t* base;     /* [stride of the output] added to the sum */
  int sources;
  const rt_source* source;
  const float *multiply, *add; /* y = relu?(multiply * sum + add) for each channel of the output's stride */
  /* While planning: where these come from. */
  const rt_layer* layer; /* of the weights, or of the join */
  double *multiply_of, *add_of;
  int gathers; /* a join that repeats what a depthwise convolution `layer` reads */
} rt_step;

typedef struct rt_plan {
  int steps, tensors;
  rt_step* step;
  rt_tensor* tensor;
  rt_step* pooled; /* pools that became part of a convolution */
  int logits;      /* tensor */
  size_t arena;    /* floats */
  size_t weights;
  uint64_t multiplications;
} rt_plan;

/* Makes the steps of `model`; fused are affine, relu and scale layers behind a convolution.  With `bytes`, layers that
 * can read bytes do. */
void rt_make_plan(rt_loading* loading, const rt_model* model, int bytes, rt_plan* plan);
/* Whether the step, a dense convolution, can sum integers of activations with this quantization. */
int rt_suits_bytes(const rt_step* step, rt_quantization quantization);
/* Decides which tensors are bytes, and puts in steps that make bytes of floats where both are read. */
void rt_plan_bytes(rt_loading* loading, rt_plan* plan);
/* Sizes of the tensors and their places in the arena: two lie apart if both are needed at some step. */
void rt_place_tensors(rt_loading* loading, rt_plan* plan);

/* All of this for tensors without borders, a pixel's channels one behind the other: for who writes code out of a plan.
 * A pool whose windows do not overlap becomes part of the convolution before it, so that the image between them needs
 * no memory.  What it fills lives until rt_release(loading), also where it fails. */
scnn_rt_status rt_open_plan(rt_loading* loading, const void* bytes, size_t size, rt_model* model, rt_plan* plan,
                            scnn_rt_error* error);

/* The runtime's own memory: counted first (`base` null), then taken. */
typedef struct rt_block {
  char* base;
  size_t used;
} rt_block;
/* Aligned to rt_alignment; null while counting. */
void* rt_take(rt_loading* loading, rt_block* block, size_t count, size_t size);

/* Of 8, 16, 24 or 32: the width of the next panel where `outputs` channels are left. */
int rt_panel_width(rt_panels panels, int outputs);
/* The same of a convolution of bytes. */
void rt_lay_out_bytes(rt_loading* loading, rt_block* block, rt_panels panels, const rt_plan* plan, rt_step* step);
/* Puts the weights of a step, its terms and its pieces into the block, as the kernels read them. */
void rt_lay_out(rt_loading* loading, rt_block* block, rt_panels panels, const rt_model* model, const rt_plan* plan,
                rt_step* step);

#ifdef __cplusplus
}
#endif

#endif
