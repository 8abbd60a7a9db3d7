/* Classifies one image with the C runtime, which needs nothing but libc.
 *
 *   03_infer model.scnn image.raw
 *
 * image.raw holds height x width x channels bytes, 0 to 255, channels last.  Without it the image is black. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "scnn/runtime/scnn_runtime.h"

static unsigned char* read_image(const char* path, size_t size) {
  unsigned char* pixels = calloc(size, 1);
  if (pixels == NULL) fprintf(stderr, "out of memory\n");
  if (pixels == NULL || path == NULL) return pixels;
  FILE* file = fopen(path, "rb");
  const int exact = file != NULL && fread(pixels, 1, size, file) == size && fgetc(file) == EOF;
  if (file != NULL) fclose(file);
  if (exact) return pixels;
  fprintf(stderr, file != NULL ? "%s: not an image of %zu bytes\n" : "%s: cannot open this image of %zu bytes\n", path,
          size);
  free(pixels);
  return NULL;
}

int main(int argc, char** argv) {
  scnn_runtime* model = NULL;
  scnn_rt_error error;
  if (argc < 2) {
    fprintf(stderr, "usage: 03_infer model.scnn [image.raw]\n");
    return 2;
  }
  if (scnn_rt_load_file(argv[1], NULL, &model, &error) != SCNN_RT_OK) {
    fprintf(stderr, "%s: %s\n", argv[1], error.message);
    return 7;
  }
  const scnn_rt_info info = scnn_rt_describe(model);
  unsigned char* pixels = read_image(argc > 2 ? argv[2] : NULL, (size_t)info.height * info.width * info.channels);
  float* logits = malloc((size_t)info.classes * sizeof(float));
  int code = 4;
  if (pixels != NULL && logits != NULL && scnn_rt_run_u8(model, pixels, 1, logits) == SCNN_RT_OK) {
    int best = 0;
    double sum = 0;
    for (int i = 1; i < info.classes; ++i) best = logits[i] > logits[best] ? i : best;
    for (int i = 0; i < info.classes; ++i) sum += exp((double)logits[i] - logits[best]);
    const char* name = scnn_rt_class_name(model, best);
    printf("class %d (%s), probability %.3f\n", best, name != NULL ? name : "no name", 1 / sum);
    code = 0;
  } else if (pixels != NULL) {
    fprintf(stderr, "%s: could not classify the image\n", argv[1]);
  }
  free(logits);
  free(pixels);
  scnn_rt_free(model);
  return code;
}
