#include <stdio.h>

#include "scnn/runtime/scnn_runtime.h"

int main(void) {
  scnn_runtime* runtime = NULL;
  scnn_rt_error error;
  const scnn_rt_status status = scnn_rt_load("SCNN", 4, NULL, NULL, 0, &runtime, &error);
  printf("%s: %s\n", scnn_rt_strerror(status), error.message);
  return status == SCNN_RT_FORMAT && runtime == NULL ? 0 : 1;
}
