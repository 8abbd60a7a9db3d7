/* usage: run_files FOLDER N PATH: the logits of N models, FOLDER/<i>.scnn, for the images in <i>.x go to <i>.y. */
#include <stdio.h>
#include <stdlib.h>

#include "scnn/runtime/scnn_runtime.h"

static int run(const char* folder, int i, int path) {
  char name[512];
  const scnn_rt_options options = {2, (scnn_rt_path)path, SCNN_RT_AS_CALIBRATED};
  scnn_runtime* runtime = NULL;
  scnn_rt_error error;
  snprintf(name, sizeof(name), "%s/%d.scnn", folder, i);
  if (scnn_rt_load_file(name, &options, &runtime, &error) != SCNN_RT_OK) {
    fprintf(stderr, "%s: %s\n", name, error.message);
    return 1;
  }
  const scnn_rt_info info = scnn_rt_describe(runtime);
  const size_t image = (size_t)info.height * (size_t)info.width * (size_t)info.channels;
  float* x = malloc(image * sizeof(float));
  float* logits = malloc((size_t)info.classes * sizeof(float));
  snprintf(name, sizeof(name), "%s/%d.x", folder, i);
  FILE* in = fopen(name, "rb");
  snprintf(name, sizeof(name), "%s/%d.y", folder, i);
  FILE* out = fopen(name, "wb");
  int failed = x == NULL || logits == NULL || in == NULL || out == NULL;
  while (!failed && fread(x, sizeof(float), image, in) == image) {
    failed = scnn_rt_run(runtime, x, 1, logits) != SCNN_RT_OK ||
             fwrite(logits, sizeof(float), (size_t)info.classes, out) != (size_t)info.classes;
  }
  if (in != NULL) fclose(in);
  if (out != NULL) failed = fclose(out) != 0 || failed;
  free(x);
  free(logits);
  scnn_rt_free(runtime);
  return failed;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  for (int i = 0; i < atoi(argv[2]); ++i) {
    if (run(argv[1], i, atoi(argv[3])) != 0) return 1;
  }
  return 0;
}
