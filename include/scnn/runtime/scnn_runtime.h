/* Inference from a packed model (model.scnn, docs/file-format.md), in C99 on libc alone.
 *
 * A runtime is one block of memory, sized and filled by loading; running allocates nothing.  Weights stay integers of 8
 * bits (16, or floats, where they do not fit).  Activations are floats, or, in a file that was calibrated, bytes
 * between the layers that can take them.  A damaged file is refused with a status, whatever is in it.  One runtime runs
 * one call at a time; several runtimes are independent. */
#ifndef SCNN_RUNTIME_H
#define SCNN_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum scnn_rt_status {
  SCNN_RT_OK = 0,
  SCNN_RT_ARGUMENT = 1, /* an argument of the call makes no sense */
  SCNN_RT_FILE = 2,     /* the file cannot be read */
  SCNN_RT_FORMAT = 3,   /* not a packed model */
  SCNN_RT_VERSION = 4,  /* a packed model of another format version */
  SCNN_RT_LENGTH = 5,   /* cut off, or longer than it says */
  SCNN_RT_CHECKSUM = 6, /* bytes were altered */
  SCNN_RT_DAMAGED = 7,  /* the checksum is right, what is in the file is not */
  SCNN_RT_LIMIT = 8,    /* more of something than a file may have */
  SCNN_RT_MEMORY = 9,   /* no memory, or the caller's block is too small */
  SCNN_RT_THREAD = 10,  /* a thread cannot be started */
  SCNN_RT_PATH = 11     /* this processor, this build or this file lacks the path or the bytes asked for */
} scnn_rt_status;

/* What a status means, in a few words; never null. */
const char* scnn_rt_strerror(scnn_rt_status status);

/* Why loading failed: which layer, and what about it. */
typedef struct scnn_rt_error {
  scnn_rt_status status;
  char message[224];
} scnn_rt_error;

/* Which code computes. */
typedef enum scnn_rt_path {
  SCNN_RT_AUTO = 0,
  SCNN_RT_PORTABLE = 1,
  SCNN_RT_AVX2 = 2,
  SCNN_RT_NEON = 3,
  SCNN_RT_AVX512 = 4 /* with VL, BW, DQ and VNNI */
} scnn_rt_path;

/* What activations are.  With bytes, dense convolutions and linear layers whose weights fit 8 bits sum integers, on
 * every path to the same; all other layers stay in floats. */
typedef enum scnn_rt_activations {
  SCNN_RT_AS_CALIBRATED = 0, /* uint8 where the file holds their scales, else floats */
  SCNN_RT_FLOATS = 1,
  SCNN_RT_BYTES = 2 /* refused (SCNN_RT_PATH) where the file holds no scales */
} scnn_rt_activations;

typedef struct scnn_rt_options {
  int threads;       /* 1 to 64; 0: 1 */
  scnn_rt_path path; /* SCNN_RT_AUTO: the fastest that this processor has */
  scnn_rt_activations activations;
} scnn_rt_options;

typedef struct scnn_runtime scnn_runtime;

/* The bytes that a runtime of this model takes, activations included.  Reads the whole file as loading does, and gives
 * back the memory it takes for that.  `options` and `error` may be null, here and below. */
scnn_rt_status scnn_rt_memory(const void* model, size_t size, const scnn_rt_options* options, size_t* bytes,
                              scnn_rt_error* error);

/* Makes a runtime of the `size` bytes of a packed model, which are not needed afterwards.  It lives in `memory`
 * (`memory_size` bytes, at least what scnn_rt_memory says, of any alignment), or, where that is null, in memory of its
 * own.  Loading takes further memory for a while (about 4 bytes a weight).  On failure *runtime is null. */
scnn_rt_status scnn_rt_load(const void* model, size_t size, const scnn_rt_options* options, void* memory,
                            size_t memory_size, scnn_runtime** runtime, scnn_rt_error* error);
scnn_rt_status scnn_rt_load_file(const char* path, const scnn_rt_options* options, scnn_runtime** runtime,
                                 scnn_rt_error* error);
/* Ends the threads and gives back the runtime's own memory.  Null is allowed. */
void scnn_rt_free(scnn_runtime* runtime);

typedef struct scnn_rt_info {
  const char* name;         /* of the model; lives as long as the runtime */
  int height, width;        /* of an image */
  int channels;             /* of an image */
  int classes;              /* logits of an image */
  int normalized_channels;  /* as many as an image has, or 0: the model has no normalization */
  int layers;               /* of the file */
  int steps;                /* what they became: batch-norms and relus are part of the layer before */
  size_t weights;           /* live weights */
  size_t memory_bytes;      /* of the whole runtime */
  size_t weight_bytes;      /* of it: weights, scales, biases */
  size_t activation_bytes;  /* of it: activations of all threads */
  uint64_t multiplications; /* of weights, for one image */
  int byte_layers;          /* that read bytes, see scnn_rt_activations; 0: all activations are floats */
  int threads;
  const char* path; /* "portable", "avx2", "avx512", "neon" */
} scnn_rt_info;
scnn_rt_info scnn_rt_describe(const scnn_runtime* runtime);
/* Null where the class has no name, or there is no such class. */
const char* scnn_rt_class_name(const scnn_runtime* runtime, int index);

/* Logits [n, classes] of images [n, height, width, channels] that are already normalized.  With several threads, images
 * are shared out among them; a single image's layers are. */
scnn_rt_status scnn_rt_run(scnn_runtime* runtime, const float* images, size_t n, float* logits);
/* The same of pixels 0 to 255: x = (pixel / 255 - mean) / std, or pixel / 255 where the model has no normalization. */
scnn_rt_status scnn_rt_run_u8(scnn_runtime* runtime, const uint8_t* images, size_t n, float* logits);

#ifdef __cplusplus
}
#endif

#endif
