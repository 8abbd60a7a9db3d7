/* What is in a packed file, as the reader leaves it: temporary memory, gone once the runtime is built. */
#ifndef SCNN_RUNTIME_MODEL_H
#define SCNN_RUNTIME_MODEL_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include "scnn/runtime/scnn_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { rt_max_layers = 65535, rt_max_channels = 65535, rt_max_extent = 65535, rt_max_string = 4096 };

typedef enum rt_type {
  rt_input,
  rt_conv2d,
  rt_linear,
  rt_affine,
  rt_relu,
  rt_pool,
  rt_flatten,
  rt_scale,
  rt_add,
  rt_concat,
  rt_types
} rt_type;

/* The channels that live, of `original`; in increasing order. */
typedef struct rt_set {
  int original, live;
  const uint16_t* channels; /* [live] */
} rt_set;

typedef struct rt_extent {
  int64_t h, w;
} rt_extent;

/* A uint8 activation stands for scale * (byte - zero_point).  With a scale of 0 the activation is floats. */
typedef struct rt_quantization {
  float scale;
  int zero_point;
} rt_quantization;

typedef struct rt_layer {
  rt_type type;
  const char* name;
  int inputs;
  const int* from; /* [inputs] layers before this one */
  const rt_set* set;
  int64_t h, w;                 /* of the output */
  int flat;                     /* behind a flatten */
  rt_quantization quantization; /* of the output, where the file was calibrated */

  rt_extent kernel, stride, dilation, pad; /* conv2d and pool; a linear layer's kernel is the image it reads */
  int64_t groups;                          /* conv2d: 1, or as many as its inputs had channels */
  int average;                             /* pool */
  float factor;                            /* scale */

  /* conv2d, linear: weights [out, kernel h, kernel w, columns] */
  int columns;
  size_t row;            /* weights of an output channel */
  const float* bias;     /* [out] or null */
  const float* real;     /* float weights, or null: then */
  const float* scales;   /* [out] */
  int32_t* integers;     /* [out, row] */
  const uint8_t* stored; /* [columns] */
  size_t stored_row;     /* stored integers of an output channel */
  const float *a, *c;    /* affine: [live] */
} rt_layer;

typedef struct rt_model {
  const char* name;
  int classes_named;
  const char** class_names;
  int normalized;
  const float *mean, *std; /* [normalized] */
  int layers;
  rt_layer* layer;
} rt_model;

/* Memory that is given back all at once. */
typedef struct rt_chunk rt_chunk;

/* The state of one load.  Whatever goes wrong ends in rt_fail, which jumps back to the loader. */
typedef struct rt_loading {
  jmp_buf failed;
  scnn_rt_error* error;
  const char* layer; /* being read, for messages */
  rt_chunk* chunks;
  const uint8_t *at, *end; /* what is not read yet */
  uint64_t elements_left, original_left;
} rt_loading;

#if defined(__GNUC__)
#define RT_NORETURN __attribute__((noreturn))
#define RT_FORMAT(a, b) __attribute__((format(printf, a, b)))
#else
#define RT_NORETURN
#define RT_FORMAT(a, b)
#endif

RT_NORETURN void rt_fail(rt_loading* loading, scnn_rt_status status, const char* what, ...) RT_FORMAT(3, 4);
/* Zeroed; never null. */
void* rt_temporary(rt_loading* loading, size_t count, size_t size);
void rt_release(rt_loading* loading);

/* Reading; each fails where the bytes end too early. */
unsigned rt_byte(rt_loading* loading);
uint64_t rt_varint(rt_loading* loading, uint64_t low, uint64_t high, const char* what);
int64_t rt_unzigzag(uint64_t value);
const uint8_t* rt_raw(rt_loading* loading, uint64_t size);
float rt_f32(rt_loading* loading);
const char* rt_string(rt_loading* loading, const char* what);
const float* rt_reals(rt_loading* loading, uint64_t count);
/* One byte, 0 or 1, for each of `count` bits. */
uint8_t* rt_mask(rt_loading* loading, uint64_t count);

/* The parts of a file, in this order.  `rt_read_model` leaves the reader at the form of the integers. */
void rt_read_envelope(rt_loading* loading, const void* bytes, size_t size);
void rt_read_model(rt_loading* loading, rt_model* model);
void rt_read_layer(rt_loading* loading, rt_model* model, int index);
void rt_read_integers(rt_loading* loading, rt_model* model);
void rt_read_coded(rt_loading* loading, rt_model* model);
void rt_read_activations(rt_loading* loading, rt_model* model);
/* Extents of the layer's output, and whether it fits its inputs. */
void rt_infer(rt_loading* loading, const rt_model* model, rt_layer* layer);

#ifdef __cplusplus
}
#endif

#endif
