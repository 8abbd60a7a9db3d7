#pragma once

#include "cuda/runtime/launch.h"

/// out [m, n] = sum over k of a(m, k) b(n, k) in float, for every convolution and linear layer.
///
/// A block computes a tile of out: 16 steps of k at a time go through shared memory, in two stages, while the next ones
/// are fetched into registers.  Where a and b come from is the sources' matter (cuda/conv/fp32/gemm_sources.h).
namespace scnn::cuda {

constexpr int gemm_depth = 16;  ///< steps of k in a stage

template <int rows_, int columns_, int thread_rows_, int thread_columns_>
struct Tile {
  static constexpr int rows = rows_, columns = columns_;
  static constexpr int thread_rows = thread_rows_, thread_columns = thread_columns_;  ///< multiples of 4
  static constexpr int threads_across = columns / thread_columns;
  static constexpr int threads = rows / thread_rows * threads_across;

  // Four floats more than needed: transposed stores then meet fewer bank conflicts.
  struct Stage {
    float a[gemm_depth][rows + 4];
    float b[gemm_depth][columns + 4];
  };
  struct Shared {
    Stage stage[2];
  };
};

template <int width>
struct Vector {
  float v[width];
};

template <int width>
__device__ __forceinline__ Vector<width> load_vector(const float* from) {
  if constexpr (width == 4) {
    const float4 all = *reinterpret_cast<const float4*>(from);
    return {{all.x, all.y, all.z, all.w}};
  } else {
    return {{*from}};
  }
}

/// Fetches `extent` rows of a source whose neighbours in memory are neighbours in k, and stores them transposed.
template <class Source, int extent, int threads, int width>
class RowLoader {
 public:
  __device__ RowLoader(const Source& source, std::int64_t first, int k, int k_end, int thread)
      : source_(source), k_(k + thread % lanes * width), k_end_(k_end), thread_(thread) {
    GPU_UNROLL
    for (int p = 0; p < passes; ++p) rows_[p] = source.row(first + row_of(p));
  }
  __device__ void fetch() {
    const auto place = source_.place(k_ < k_end_ ? k_ : -1);
    GPU_UNROLL
    for (int p = 0; p < passes; ++p) values_[p] = source_.template load<width>(rows_[p], place);
    k_ += gemm_depth;
  }
  template <int stride>
  __device__ void store(float (&to)[gemm_depth][stride]) const {
    GPU_UNROLL
    for (int p = 0; p < passes; ++p) {
      GPU_UNROLL
      for (int i = 0; i < width; ++i) to[thread_ % lanes * width + i][row_of(p)] = values_[p].v[i];
    }
  }

 private:
  static constexpr int lanes = gemm_depth / width;
  static constexpr int rows_of_pass = threads / lanes;
  static constexpr int passes = extent / rows_of_pass;
  static_assert(passes * rows_of_pass == extent);
  __device__ int row_of(int pass) const { return pass * rows_of_pass + thread_ / lanes; }

  const Source& source_;
  int k_, k_end_, thread_;
  typename Source::Row rows_[passes];
  Vector<width> values_[passes];
};

/// Fetches `extent` columns of a source whose neighbours in memory are neighbours in the column.
template <class Source, int extent, int threads, int width>
class ColumnLoader {
 public:
  __device__ ColumnLoader(const Source& source, std::int64_t first, int k, int k_end, int thread)
      : source_(source),
        k_(k),
        k_end_(k_end),
        thread_(thread),
        column_(source.column(first + thread % lanes * width)) {}
  __device__ void fetch() {
    GPU_UNROLL
    for (int p = 0; p < passes; ++p) {
      const int k = k_ + depth_of(p);
      values_[p] = source_.template load<width>(column_, k < k_end_ ? k : -1);
    }
    k_ += gemm_depth;
  }
  template <int stride>
  __device__ void store(float (&to)[gemm_depth][stride]) const {
    GPU_UNROLL
    for (int p = 0; p < passes; ++p) {
      GPU_UNROLL
      for (int i = 0; i < width; ++i) to[depth_of(p)][thread_ % lanes * width + i] = values_[p].v[i];
    }
  }

 private:
  static constexpr int lanes = extent / width;
  static constexpr int depth_of_pass = threads / lanes;
  static constexpr int passes = gemm_depth / depth_of_pass;
  static_assert(passes * depth_of_pass == gemm_depth);
  __device__ int depth_of(int pass) const { return pass * depth_of_pass + thread_ / lanes; }

  const Source& source_;
  int k_, k_end_, thread_;
  typename Source::Column column_;
  Vector<width> values_[passes];
};

/// Where out [m, n] goes; each group and each slice of k has a matrix of its own.
struct GemmOutput {
  float* to;
  const float* bias;  ///< [groups, n], or null
  std::int64_t row, group, slice;
  bool vectors;  ///< four neighbours of n are aligned
};

struct GemmExtents {
  std::int64_t m;
  int n, k;
  int groups, slice;  ///< steps of k in a slice
};

template <class T>
__device__ __forceinline__ void multiply(const typename T::Stage& stage, int row, int column,
                                         float (&sums)[T::thread_rows][T::thread_columns]) {
  // Groups of four rows lie this far apart, so that a warp reads neighbouring words.
  constexpr int row_step = 4 * T::rows / T::thread_rows;
  constexpr int column_step = 4 * T::columns / T::thread_columns;
  GPU_UNROLL
  for (int k = 0; k < gemm_depth; ++k) {
    float a[T::thread_rows];
    float b[T::thread_columns];
    GPU_UNROLL
    for (int i = 0; i < T::thread_rows; i += 4) {
      const Vector<4> v = load_vector<4>(&stage.a[k][i / 4 * row_step + row]);
      GPU_UNROLL
      for (int e = 0; e < 4; ++e) a[i + e] = v.v[e];
    }
    GPU_UNROLL
    for (int j = 0; j < T::thread_columns; j += 4) {
      const Vector<4> v = load_vector<4>(&stage.b[k][j / 4 * column_step + column]);
      GPU_UNROLL
      for (int e = 0; e < 4; ++e) b[j + e] = v.v[e];
    }
    GPU_UNROLL
    for (int i = 0; i < T::thread_rows; ++i) {
      GPU_UNROLL
      for (int j = 0; j < T::thread_columns; ++j) sums[i][j] = fmaf(a[i], b[j], sums[i][j]);
    }
  }
}

template <class T>
__device__ __forceinline__ void store_tile(const GemmOutput& out, const GemmExtents& e, int group, int slice,
                                           std::int64_t row, int column,
                                           const float (&sums)[T::thread_rows][T::thread_columns]) {
  constexpr int row_step = 4 * T::rows / T::thread_rows;
  constexpr int column_step = 4 * T::columns / T::thread_columns;
  float* to = out.to + slice * out.slice + group * out.group;
  GPU_UNROLL
  for (int i = 0; i < T::thread_rows; ++i) {
    const std::int64_t m = row + i / 4 * row_step + i % 4;
    if (m >= e.m) continue;
    GPU_UNROLL
    for (int j = 0; j < T::thread_columns; j += 4) {
      const int n = column + j / 4 * column_step;
      float v[4];
      GPU_UNROLL
      for (int c = 0; c < 4; ++c) {
        v[c] = sums[i][j + c];
        if (out.bias != nullptr && n + c < e.n) v[c] += out.bias[group * e.n + n + c];
      }
      float* at = to + m * out.row + n;
      if (out.vectors && n + 4 <= e.n) {
        *reinterpret_cast<float4*>(at) = make_float4(v[0], v[1], v[2], v[3]);
      } else {
        GPU_UNROLL
        for (int c = 0; c < 4; ++c) {
          if (n + c < e.n) at[c] = v[c];
        }
      }
    }
  }
}

template <class T, template <class, int, int, int> class ALoader, template <class, int, int, int> class BLoader,
          int width, class A, class B>
__global__ void __launch_bounds__(T::threads) gemm_kernel(A a, B b, GemmOutput out, GemmExtents e) {
  GPU_SMEM(typename T::Shared, shared);
  const int t = static_cast<int>(threadIdx.x);
  const int group = static_cast<int>(blockIdx.z) % e.groups;
  const int slice = static_cast<int>(blockIdx.z) / e.groups;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * T::rows;
  const int first_column = static_cast<int>(blockIdx.y) * T::columns;
  const int k_begin = slice * e.slice;
  const int k_end = k_begin + e.slice < e.k ? k_begin + e.slice : e.k;
  a.enter(group);
  b.enter(group);
  ALoader<A, T::rows, T::threads, width> a_loader(a, first_row, k_begin, k_end, t);
  BLoader<B, T::columns, T::threads, width> b_loader(b, first_column, k_begin, k_end, t);

  float sums[T::thread_rows][T::thread_columns] = {};
  const int row = t / T::threads_across * 4;
  const int column = t % T::threads_across * 4;
  a_loader.fetch();
  b_loader.fetch();
  a_loader.store(shared.stage[0].a);
  b_loader.store(shared.stage[0].b);
  __syncthreads();
  int now = 0;
  for (int k = k_begin; k < k_end; k += gemm_depth) {
    const bool more = k + gemm_depth < k_end;
    if (more) {
      a_loader.fetch();
      b_loader.fetch();
    }
    multiply<T>(shared.stage[now], row, column, sums);
    if (more) {
      a_loader.store(shared.stage[1 - now].a);
      b_loader.store(shared.stage[1 - now].b);
    }
    __syncthreads();
    now = 1 - now;
  }
  store_tile<T>(out, e, group, slice, first_row + row, first_column + column, sums);
}

template <class T, template <class, int, int, int> class ALoader, template <class, int, int, int> class BLoader,
          int width, class A, class B>
void gemm(Stream& stream, const char* op, const A& a, const B& b, const GemmOutput& out, const GemmExtents& e) {
  const int slices = (e.k + e.slice - 1) / e.slice;
  const dim3 grid(blocks_for(e.m, T::rows), blocks_for(e.n, T::columns), static_cast<unsigned>(e.groups * slices));
  launch(stream, op, gemm_kernel<T, ALoader, BLoader, width, A, B>, grid, dim3(T::threads), sizeof(typename T::Shared),
         a, b, out, e);
}

}  // namespace scnn::cuda
