/* The integers of all layers, at the end of the body: as bits, or arithmetically coded. */
#include "model.h"

static int has_integers(const rt_layer* layer) { return layer->integers != NULL; }

/* The stored places of a channel, one after the other. */
typedef struct places {
  const rt_layer* layer;
  int32_t* at;
  int column;
} places;

static int32_t* next_place(places* p) {
  for (;;) {
    const int stored = p->layer->stored[p->column];
    if (++p->column == p->layer->columns) p->column = 0;
    if (stored) return p->at++;
    ++p->at;
  }
}

static int32_t as_int32(rt_loading* loading, int64_t value) {
  if (value < INT32_MIN || value > INT32_MAX) rt_fail(loading, SCNN_RT_DAMAGED, "an integer has more than 32 bits");
  return (int32_t)value;
}

typedef struct bits_range {
  unsigned width;
  int64_t minimum;
} bits_range;

static bits_range read_range(rt_loading* loading) {
  const unsigned code = rt_byte(loading);
  bits_range range = {code & 15U, 0};
  uint64_t minimum = code >> 4;
  if (range.width == 15) range.width += (unsigned)rt_varint(loading, 0, 32 - 15, "a width beyond 15");
  if (minimum == 15) minimum += rt_varint(loading, 0, UINT32_MAX - 15, "a minimum beyond 15");
  range.minimum = rt_unzigzag(minimum);
  return range;
}

static void read_bits(rt_loading* loading, rt_layer* layer) {
  const size_t outputs = (size_t)layer->set->live;
  bits_range* ranges;
  uint64_t bits = 0, next = 0;
  if (outputs > (size_t)(loading->end - loading->at)) rt_fail(loading, SCNN_RT_DAMAGED, "it ends too early");
  ranges = rt_temporary(loading, outputs, sizeof(*ranges));
  for (size_t o = 0; o < outputs; ++o) {
    ranges[o] = read_range(loading);
    bits += (uint64_t)ranges[o].width * layer->stored_row;
  }
  const uint8_t* bytes = rt_raw(loading, (bits + 7) / 8);
  for (size_t o = 0; o < outputs; ++o) {
    places to = {layer, layer->integers + o * layer->row, 0};
    for (size_t k = 0; k < layer->stored_row; ++k) {
      uint64_t value = 0;
      for (unsigned bit = 0; bit < ranges[o].width; ++bit, ++next) {
        value |= (uint64_t)(bytes[next / 8] >> (next % 8) & 1) << bit;
      }
      *next_place(&to) = as_int32(loading, ranges[o].minimum + (int64_t)value);
    }
  }
  if (bits % 8 != 0 && bytes[bits / 8] >> (bits % 8) != 0) {
    rt_fail(loading, SCNN_RT_DAMAGED, "unused bits of its integers are set");
  }
}

/* --- coded integers --------------------------------------------------------------------------------------------- */

enum { nodes = 64 };
typedef struct shared_counts {
  uint32_t of[nodes][2];
} shared_counts;
/* The chance of a node's next 1 is known as soon as its last bit is: its divisions delay no decoding.  0: not yet. */
typedef struct local_counts {
  uint16_t of[nodes][2], chance[nodes];
} local_counts;

typedef struct decoder {
  rt_loading* loading;
  uint32_t code, range;
} decoder;

static uint32_t next_byte(rt_loading* loading) { return loading->at < loading->end ? *loading->at++ : 0; }

static unsigned decode_bit(decoder* d, uint32_t p) {
  const uint32_t t = (d->range >> 15) * p;
  const unsigned bit = d->code < t;
  if (bit) {
    d->range = t;
  } else {
    d->code -= t;
    d->range -= t;
  }
  while (d->range < 1U << 24) {
    d->range <<= 8;
    d->code = d->code << 8 | next_byte(d->loading);
  }
  return bit;
}

static uint16_t chance_of(const uint32_t shared[2], const uint16_t local[2]) {
  const uint32_t q = (shared[1] << 15) / (shared[0] + shared[1]); /* together they are below 2^16 */
  const uint32_t p = (((uint32_t)local[1] << 15) + 8 * q) / ((uint32_t)local[0] + local[1] + 8);
  return (uint16_t)(p < 32 ? 32 : p > 32768 - 32 ? 32768 - 32 : p);
}

static unsigned counted_bit(decoder* d, uint32_t shared[2], local_counts* counts, uint64_t node, uint64_t u,
                            uint64_t down) {
  uint16_t* local = counts->of[node];
  if (shared[0] + shared[1] == 0) {
    const uint32_t one = (uint32_t)(64 * u / (u + down));
    shared[1] = one < 1 ? 1 : one;
    shared[0] = shared[1] >= 64 ? 1 : 64 - shared[1];
  }
  if (counts->chance[node] == 0) counts->chance[node] = chance_of(shared, local);
  const unsigned bit = decode_bit(d, counts->chance[node]);
  shared[bit] += 16;
  local[bit] = (uint16_t)(local[bit] + 1);
  if (shared[0] + shared[1] >= 1U << 16) {
    shared[0] = (shared[0] + 1) / 2;
    shared[1] = (shared[1] + 1) / 2;
  }
  if (local[0] + local[1] >= 1 << 12) {
    local[0] = (uint16_t)((local[0] + 1) / 2);
    local[1] = (uint16_t)((local[1] + 1) / 2);
  }
  counts->chance[node] = chance_of(shared, local);
  return bit;
}

static int64_t decode_value(decoder* d, int64_t low, int64_t high, shared_counts* shared, local_counts* local) {
  uint64_t node = 1;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    const uint64_t u = (uint64_t)(high - middle + 1), down = (uint64_t)(middle - low);
    const unsigned bit = node < nodes ? counted_bit(d, shared->of[node], local, node, u, down)
                                      : decode_bit(d, (uint32_t)((u << 15) / (u + down)));
    if (bit) {
      low = middle;
    } else {
      high = middle - 1;
    }
    node = 2 * node + bit;
  }
  return low;
}

typedef struct coded_range {
  int64_t low, high;
  int used;
} coded_range;

void rt_read_coded(rt_loading* loading, rt_model* model) {
  uint64_t outputs = 0;
  static const local_counts fresh = {{{0, 0}}, {0}};
  for (int i = 0; i < model->layers; ++i) {
    if (has_integers(&model->layer[i])) outputs += (uint64_t)model->layer[i].set->live;
  }
  const size_t count = (size_t)rt_varint(loading, 0, outputs, "the number of ranges");
  /* A range takes two bytes at least: the file's size bounds the memory of its counts. */
  if (2 * count > (size_t)(loading->end - loading->at)) rt_fail(loading, SCNN_RT_DAMAGED, "it ends too early");
  coded_range* ranges = rt_temporary(loading, count, sizeof(*ranges));
  shared_counts* shared = rt_temporary(loading, count + 1, sizeof(*shared)); /* the last: of the ranges' numbers */
  for (size_t r = 0; r < count; ++r) {
    ranges[r].low = as_int32(loading, rt_unzigzag(rt_varint(loading, 0, UINT32_MAX, "a minimum")));
    ranges[r].high = ranges[r].low + (int64_t)rt_varint(loading, 0, UINT32_MAX, "the extent of a range");
    (void)as_int32(loading, ranges[r].high);
    if (r > 0 && (ranges[r].low < ranges[r - 1].low ||
                  (ranges[r].low == ranges[r - 1].low && ranges[r].high <= ranges[r - 1].high))) {
      rt_fail(loading, SCNN_RT_DAMAGED, "the ranges are not in increasing order");
    }
  }
  if (outputs > 0 && count == 0) rt_fail(loading, SCNN_RT_DAMAGED, "its channels have no range");
  decoder d = {loading, 0, 0xFFFFFFFFU};
  for (int i = 0; i < 4; ++i) d.code = d.code << 8 | next_byte(loading);
  for (int i = 0; i < model->layers; ++i) {
    rt_layer* layer = &model->layer[i];
    local_counts of_numbers = fresh;
    if (!has_integers(layer)) continue;
    loading->layer = layer->name;
    for (size_t o = 0; o < (size_t)layer->set->live; ++o) {
      local_counts local = fresh;
      const size_t r = (size_t)decode_value(&d, 0, (int64_t)count - 1, &shared[count], &of_numbers);
      places to = {layer, layer->integers + o * layer->row, 0};
      ranges[r].used = 1;
      for (size_t k = 0; k < layer->stored_row; ++k) {
        *next_place(&to) = (int32_t)decode_value(&d, ranges[r].low, ranges[r].high, &shared[r], &local);
      }
      if (layer->stored_row == 0 && (ranges[r].low != 0 || ranges[r].high != 0)) {
        rt_fail(loading, SCNN_RT_DAMAGED, "a channel without integers has a range of others");
      }
    }
    loading->layer = NULL;
  }
  for (size_t r = 0; r < count; ++r) {
    if (!ranges[r].used) rt_fail(loading, SCNN_RT_DAMAGED, "a range belongs to no channel");
  }
  if (loading->at != loading->end) rt_fail(loading, SCNN_RT_DAMAGED, "bytes are left over behind the last integer");
}

void rt_read_integers(rt_loading* loading, rt_model* model) {
  const unsigned form = rt_byte(loading);
  if (form > 3) rt_fail(loading, SCNN_RT_DAMAGED, "its integers have an unknown form");
  if ((form & 2) != 0) rt_read_activations(loading, model);
  if ((form & 1) != 0) {
    rt_read_coded(loading, model);
    return;
  }
  for (int i = 0; i < model->layers; ++i) {
    loading->layer = model->layer[i].name;
    if (has_integers(&model->layer[i])) read_bits(loading, &model->layer[i]);
  }
  loading->layer = NULL;
  if (loading->at != loading->end) rt_fail(loading, SCNN_RT_DAMAGED, "bytes are left over behind the last layer");
}
