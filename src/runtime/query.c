#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

const char* scnn_rt_strerror(scnn_rt_status status) {
  switch (status) {
    case SCNN_RT_OK:
      return "success";
    case SCNN_RT_ARGUMENT:
      return "an argument makes no sense";
    case SCNN_RT_FILE:
      return "the file cannot be read";
    case SCNN_RT_FORMAT:
      return "not a packed model";
    case SCNN_RT_VERSION:
      return "a packed model of another format version; export it again";
    case SCNN_RT_LENGTH:
      return "the packed model is cut off or too long; copy it again";
    case SCNN_RT_CHECKSUM:
      return "the packed model was altered: its checksum is wrong; copy it again";
    case SCNN_RT_DAMAGED:
      return "the packed model contradicts itself; export it again";
    case SCNN_RT_LIMIT:
      return "the packed model is beyond a limit of its format";
    case SCNN_RT_MEMORY:
      return "not enough memory";
    case SCNN_RT_THREAD:
      return "a thread cannot be started";
    case SCNN_RT_PATH:
      return "this processor or build lacks the path asked for";
  }
  return "an unknown status";
}

scnn_rt_info scnn_rt_describe(const scnn_runtime* runtime) { return runtime->info; }

const char* scnn_rt_class_name(const scnn_runtime* runtime, int index) {
  if (runtime->class_names == NULL || index < 0 || index >= runtime->info.classes) return NULL;
  return runtime->class_names[index];
}

static scnn_rt_status no_file(const char* path, scnn_rt_error* error) {
  if (error != NULL) {
    error->status = SCNN_RT_FILE;
    snprintf(error->message, sizeof(error->message), "cannot read %.180s", path == NULL ? "(null)" : path);
  }
  return SCNN_RT_FILE;
}

scnn_rt_status scnn_rt_load_file(const char* path, const scnn_rt_options* options, scnn_runtime** runtime,
                                 scnn_rt_error* error) {
  FILE* file = path == NULL ? NULL : fopen(path, "rb");
  size_t size = 0, capacity = 1 << 16;
  char* bytes = NULL;
  scnn_rt_status status;
  if (runtime != NULL) *runtime = NULL;
  if (file == NULL) return no_file(path, error);
  for (;;) { /* not by its length: it may be a pipe */
    char* more = realloc(bytes, capacity);
    if (more == NULL) break;
    bytes = more;
    size += fread(bytes + size, 1, capacity - size, file);
    if (size < capacity) break;
    capacity *= 2;
  }
  if (ferror(file) || size == capacity || bytes == NULL) {
    status = no_file(path, error);
  } else {
    status = scnn_rt_load(bytes, size, options, NULL, 0, runtime, error);
  }
  free(bytes);
  fclose(file);
  return status;
}
