/* The runtime's own memory, and how wide the next panel of weights is. */
#include "plan.h"

void* rt_take(rt_loading* loading, rt_block* block, size_t count, size_t size) {
  void* place = block->base == NULL ? NULL : block->base + block->used;
  if (size != 0 && count > (SIZE_MAX >> 2) / size) rt_fail(loading, SCNN_RT_MEMORY, "it is beyond any memory");
  const size_t bytes = (count * size + rt_alignment - 1) / rt_alignment * rt_alignment;
  if (bytes > (SIZE_MAX >> 1) - block->used) rt_fail(loading, SCNN_RT_MEMORY, "it is beyond any memory");
  block->used += bytes;
  return place;
}

int rt_panel_width(rt_panels panels, int outputs) {
  const int eights = (outputs + rt_lanes - 1) / rt_lanes, most = panels.widest / rt_lanes;
  if (eights <= most) return eights <= 1 ? rt_lanes : eights * rt_lanes;
  return eights == most + 1 ? panels.widest - rt_lanes : panels.widest;
}
