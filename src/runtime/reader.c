#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

struct rt_chunk {
  rt_chunk* next;
};

void rt_fail(rt_loading* loading, scnn_rt_status status, const char* what, ...) {
  scnn_rt_error* error = loading->error;
  int used = 0;
  va_list list;
  error->status = status;
  if (loading->layer != NULL) {
    used = snprintf(error->message, sizeof(error->message), "layer '%.64s': ", loading->layer);
  }
  va_start(list, what);
  vsnprintf(error->message + used, sizeof(error->message) - (size_t)used, what, list);
  va_end(list);
  for (char* c = error->message; *c != 0; ++c) {
    if ((unsigned char)*c < 32 || *c == 127) *c = '?'; /* a name may hold anything */
  }
  longjmp(loading->failed, 1);
}

void* rt_temporary(rt_loading* loading, size_t count, size_t size) {
  const size_t head = 64; /* keeps the alignment of malloc */
  rt_chunk* chunk = NULL;
  if (count <= (SIZE_MAX - head) / (size == 0 ? 1 : size)) chunk = calloc(1, head + count * size);
  if (chunk == NULL) rt_fail(loading, SCNN_RT_MEMORY, "no memory for %lu bytes", (unsigned long)(count * size));
  chunk->next = loading->chunks;
  loading->chunks = chunk;
  return (char*)chunk + head;
}

void rt_release(rt_loading* loading) {
  while (loading->chunks != NULL) {
    rt_chunk* next = loading->chunks->next;
    free(loading->chunks);
    loading->chunks = next;
  }
}

const uint8_t* rt_raw(rt_loading* loading, uint64_t size) {
  const uint8_t* at = loading->at;
  if (size > (uint64_t)(loading->end - at)) rt_fail(loading, SCNN_RT_DAMAGED, "it ends too early");
  loading->at += size;
  return at;
}

unsigned rt_byte(rt_loading* loading) { return *rt_raw(loading, 1); }

uint64_t rt_varint(rt_loading* loading, uint64_t low, uint64_t high, const char* what) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 63; shift += 7) {
    const unsigned next = rt_byte(loading);
    value |= (uint64_t)(next & 0x7FU) << shift;
    if (next < 0x80) {
      if (next == 0 && shift > 0) rt_fail(loading, SCNN_RT_DAMAGED, "%s is not in its shortest form", what);
      if (value > high) {
        rt_fail(loading, SCNN_RT_LIMIT, "%s is %llu, the limit is %llu", what, (unsigned long long)value,
                (unsigned long long)high);
      }
      if (value < low) rt_fail(loading, SCNN_RT_DAMAGED, "%s is %llu", what, (unsigned long long)value);
      return value;
    }
  }
  rt_fail(loading, SCNN_RT_DAMAGED, "%s has too many digits", what);
}

int64_t rt_unzigzag(uint64_t value) { return (int64_t)(value >> 1) ^ -(int64_t)(value & 1); }

static uint32_t u32_at(const uint8_t* p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static const char not_finite[] = "a number is not finite";

static float f32_at(rt_loading* loading, const uint8_t* p) {
  const uint32_t bits = u32_at(p);
  float value;
  memcpy(&value, &bits, sizeof(value));
  if (!isfinite(value)) rt_fail(loading, SCNN_RT_DAMAGED, not_finite);
  return value;
}

float rt_f32(rt_loading* loading) { return f32_at(loading, rt_raw(loading, 4)); }

/* A zero byte becomes C0 80, which no UTF-8 contains: names stay different, and end where they end. */
const char* rt_string(rt_loading* loading, const char* what) {
  const uint64_t size = rt_varint(loading, 0, rt_max_string, what);
  const uint8_t* bytes = rt_raw(loading, size);
  char* text = rt_temporary(loading, 2 * (size_t)size + 1, 1);
  char* to = text;
  for (uint64_t i = 0; i < size; ++i) {
    if (bytes[i] == 0) *to++ = (char)0xC0;
    *to++ = (char)(bytes[i] == 0 ? 0x80 : bytes[i]);
  }
  return text;
}

/* 2^k times the binary16 `half`: exactly a normal float, or 0. */
static float scaled_half(rt_loading* loading, unsigned half, int k) {
  const int exponent = (int)(half >> 10 & 31);
  const int fraction = (int)(half & 1023);
  if (exponent == 31) rt_fail(loading, SCNN_RT_DAMAGED, not_finite);
  const float magnitude = (float)(exponent == 0 ? fraction : fraction + 1024);
  const double value = ldexp(magnitude, (exponent == 0 ? 1 : exponent) - 25 + k);
  if (value != 0 && (value < 1.17549435082228750797e-38 || value > 3.40282346638528859812e+38)) {
    rt_fail(loading, SCNN_RT_DAMAGED, "a number is beyond the range of floats");
  }
  return (half & 0x8000U) != 0 ? -(float)value : (float)value;
}

const float* rt_reals(rt_loading* loading, uint64_t count) {
  if (count == 0) return rt_temporary(loading, 1, sizeof(float));
  const unsigned form = rt_byte(loading);
  const int k = form == 1 ? (int)(int8_t)rt_byte(loading) : 0;
  if (form > 2) rt_fail(loading, SCNN_RT_DAMAGED, "its numbers have an unknown form");
  /* Taken before memory is: the file's own size bounds it. */
  const uint8_t* bytes = rt_raw(loading, form == 0 ? 4 * count : form == 1 ? 2 * count : count);
  float* values = rt_temporary(loading, (size_t)count, sizeof(float));
  for (uint64_t i = 0; i < count; ++i) {
    if (form == 0) {
      values[i] = f32_at(loading, bytes + 4 * i);
    } else if (form == 1) {
      values[i] = scaled_half(loading, (unsigned)bytes[2 * i] | (unsigned)bytes[2 * i + 1] << 8, k);
    } else {
      const int e = (int8_t)bytes[i];
      if (e < -126) rt_fail(loading, SCNN_RT_DAMAGED, "an exponent is below -126");
      values[i] = (float)ldexp(1.0, e);
    }
  }
  return values;
}

uint8_t* rt_mask(rt_loading* loading, uint64_t count) {
  const uint8_t* bytes = rt_raw(loading, (count + 7) / 8);
  uint8_t* mask = rt_temporary(loading, (size_t)count + 1, 1);
  for (uint64_t i = 0; i < count; ++i) mask[i] = bytes[i / 8] >> (i % 8) & 1;
  if (count % 8 != 0 && bytes[count / 8] >> (count % 8) != 0) {
    rt_fail(loading, SCNN_RT_DAMAGED, "unused bits of a mask are set");
  }
  return mask;
}

static uint32_t crc32_of(const uint8_t* bytes, size_t size) {
  uint32_t table[16]; /* half a byte at a time: small, and a model is read once */
  uint32_t crc = 0xFFFFFFFFU;
  for (uint32_t i = 0; i < 16; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 4; ++bit) table[i] = table[i] >> 1 ^ ((table[i] & 1) != 0 ? 0xEDB88320U : 0);
  }
  for (size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}

void rt_read_envelope(rt_loading* loading, const void* bytes, size_t size) {
  const uint8_t* begin = bytes;
  enum { version = 2, checksum = 4 };
  loading->at = begin;
  loading->end = begin + size;
  if (size < 5 || memcmp(begin, "SCNN", 4) != 0) {
    rt_fail(loading, SCNN_RT_FORMAT, "it does not begin with SCNN, so it is not a packed model");
  }
  loading->at += 4;
  const unsigned found = rt_byte(loading);
  if (found != version) {
    rt_fail(loading, SCNN_RT_VERSION, "its format version is %u, this runtime reads version %d", found, (int)version);
  }
  if (size < 10) rt_fail(loading, SCNN_RT_LENGTH, "it ends too early");
  const uint64_t body = rt_varint(loading, 0, UINT32_MAX, "its length");
  const uint64_t whole = (uint64_t)(loading->at - begin) + body + checksum;
  if (whole != size) {
    rt_fail(loading, SCNN_RT_LENGTH, "it should have %llu bytes and has %llu", (unsigned long long)whole,
            (unsigned long long)size);
  }
  loading->end -= checksum;
  if (crc32_of(begin, size - checksum) != u32_at(loading->end)) {
    rt_fail(loading, SCNN_RT_CHECKSUM, "its checksum is wrong: it was altered; copy or export it again");
  }
  loading->elements_left = 4000000 + 1000 * (uint64_t)size;
  loading->original_left = (uint64_t)1 << 28;
}
