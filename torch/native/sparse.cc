// Four fifths of MNIST's pixels are black, and two of an epoch's five large
// products multiply them: x W^T of the first layer, and g^T x for its gradient.
// Here they are left out. Rows of the sparse side (images; for the gradient,
// pixels) are taken four at a time, since a processor multiplies blocks, not
// numbers: a column is skipped where all four are zero. Of four images that is
// 61 % of the columns, of four neighbouring pixels 72 %.
//
// Zeros add nothing to a sum, so only the rounding differs from the dense product,
// by what two BLAS differ. Every sum runs over its columns in order, in one thread:
// the result does not depend on how many there are. One thing is not seen: a weight
// that is infinite or NaN, where the input is 0.
#include "sparse.h"

#ifdef __x86_64__

#include <ATen/Parallel.h>
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace {

// A tile of the product: its 4 x 24 sums fill twelve of AVX2's sixteen registers.
constexpr int64_t kRows = 4, kColumns = 24;
typedef float Lanes __attribute__((vector_size(32)));
constexpr int kVectors = kColumns / 8;

// A matrix of which element (r, c) is data[r * row_stride + c * column_stride].
struct Matrix {
  const float *data;
  int64_t rows, columns, row_stride, column_stride;
};

// The columns in which one of four rows of a matrix is not zero.
struct Group {
  int32_t *column;
  float *value;  // four a column
  int64_t count;
};

template <typename Four>
int64_t gather(int64_t columns, int32_t *column, float *value, Four four) {
  int64_t n = 0;
  for (int64_t c = 0; c < columns; ++c) {
    const __m128 v = four(c);
    _mm_storeu_ps(value + n * kRows, v);
    column[n] = static_cast<int32_t>(c);
    n += _mm_movemask_ps(_mm_cmpneq_ps(v, _mm_setzero_ps())) != 0;  // NaN is not zero
  }
  return n;
}

void gather(const Matrix &a, int64_t g, Group *group) {
  const int64_t rows = std::min(kRows, a.rows - g * kRows), rs = a.row_stride, cs = a.column_stride;
  const float *p = a.data + g * kRows * rs;
  if (rows < kRows)
    group->count = gather(a.columns, group->column, group->value, [&](int64_t c) {
      return _mm_setr_ps(p[c * cs], rows > 1 ? p[rs + c * cs] : 0.0f,
                         rows > 2 ? p[2 * rs + c * cs] : 0.0f, 0.0f);
    });
  else if (rs == 1)
    group->count = gather(a.columns, group->column, group->value,
                          [&](int64_t c) { return _mm_loadu_ps(p + c * cs); });
  else
    group->count = gather(a.columns, group->column, group->value, [&](int64_t c) {
      return _mm_setr_ps(p[c * cs], p[rs + c * cs], p[2 * rs + c * cs], p[3 * rs + c * cs]);
    });
}

// tile = the group's four rows times the block's 24 columns, 24 floats a row.
__attribute__((target("avx2,fma")))
void multiply(const Group &group, const float *block, float *tile) {
  Lanes sum[kRows][kVectors] = {};
  for (int64_t n = 0; n < group.count; ++n) {
    const Lanes *row = reinterpret_cast<const Lanes *>(block + group.column[n] * kColumns);
    const Lanes b[kVectors] = {row[0], row[1], row[2]};
    const float *value = group.value + n * kRows;
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 3
      for (int v = 0; v < kVectors; ++v) sum[r][v] += value[r] * b[v];
  }
  Lanes *out = reinterpret_cast<Lanes *>(tile);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) out[r * kVectors + v] = sum[r][v];
}

// Multiplies the sparse matrix a by a dense one of `columns` columns, of which
// pack(first, width, block) copies some, 24 floats a row of the block;
// store(row, rows, first, width, tile) gets every part of the product once.
// False, with nothing stored, where more than half would have to be multiplied.
template <typename Pack, typename Store>
bool product(const Matrix &a, int64_t columns, Pack pack, Store store) {
  static const bool able = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!able || a.rows * a.columns * columns < (1 << 22)) return false;
  const int64_t groups = (a.rows + kRows - 1) / kRows;
  const at::Tensor column = at::empty({groups, a.columns}, at::kInt);
  const at::Tensor value = at::empty({groups, a.columns * kRows}, at::kFloat);
  std::vector<Group> group(groups);
  for (int64_t g = 0; g < groups; ++g)
    group[g] = {column.data_ptr<int32_t>() + g * a.columns,
                value.data_ptr<float>() + g * a.columns * kRows, 0};

  // Sixteen groups tell, steps of the golden ratio apart: in step with no pattern.
  int64_t looked = 0, found = 0;
  for (int i = 0; i < 16; ++i) {
    Group &g = group[static_cast<int64_t>(std::fmod(i * 0.6180339887, 1.0) * groups)];
    gather(a, &g - group.data(), &g);
    looked += a.columns;
    found += g.count;
  }
  if (2 * found > looked) return false;
  at::parallel_for(0, groups, 1, [&](int64_t lo, int64_t hi) {
    for (int64_t g = lo; g < hi; ++g) gather(a, g, &group[g]);
  });

  // A task is a block of columns and, with many threads, a part of the groups.
  const int64_t blocks = (columns + kColumns - 1) / kColumns;
  const int64_t parts = std::min<int64_t>(groups, 1 + at::get_num_threads() / 8);
  at::parallel_for(0, blocks * parts, 1, [&](int64_t lo, int64_t hi) {
    const at::Tensor scratch = at::empty({a.columns * kColumns}, at::kFloat);  // 64-byte aligned
    float *block = scratch.data_ptr<float>();
    alignas(32) float tile[kRows * kColumns];
    for (int64_t task = lo; task < hi; ++task) {
      const int64_t first = task / parts * kColumns, part = task % parts;
      const int64_t width = std::min(kColumns, columns - first);
      if (task == lo || part == 0) {
        if (width < kColumns) std::fill_n(block, a.columns * kColumns, 0.0f);
        pack(first, width, block);
      }
      for (int64_t g = groups * part / parts; g < groups * (part + 1) / parts; ++g) {
        multiply(group[g], block, tile);
        store(g * kRows, std::min(kRows, a.rows - g * kRows), first, width, tile);
      }
    }
  });
  return true;
}

}  // namespace

namespace latent {

at::Tensor sparse_linear(const at::Tensor &x, const at::Tensor &weight,
                         const at::Tensor &bias, bool relu) {
  const int64_t in = x.size(1), out = weight.size(0);
  at::Tensor y = at::empty({x.size(0), out}, x.options());
  const float *w = weight.data_ptr<float>(), *b = bias.data_ptr<float>();
  float *yp = y.data_ptr<float>();
  const bool done = product(
      {x.data_ptr<float>(), x.size(0), in, in, 1}, out,
      [&](int64_t first, int64_t width, float *block) {
        const int64_t in4 = in / 4 * 4, width4 = width / 4 * 4;
        for (int64_t i = 0; i < in4; i += 4)
          for (int64_t c = 0; c < width4; c += 4) {
            const float *from = w + (first + c) * in + i;
            __m128 r0 = _mm_loadu_ps(from), r1 = _mm_loadu_ps(from + in),
                   r2 = _mm_loadu_ps(from + 2 * in), r3 = _mm_loadu_ps(from + 3 * in);
            _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
            float *to = block + i * kColumns + c;
            _mm_storeu_ps(to, r0);
            _mm_storeu_ps(to + kColumns, r1);
            _mm_storeu_ps(to + 2 * kColumns, r2);
            _mm_storeu_ps(to + 3 * kColumns, r3);
          }
        for (int64_t c = 0; c < width; ++c)
          for (int64_t i = c < width4 ? in4 : 0; i < in; ++i)
            block[i * kColumns + c] = w[(first + c) * in + i];
      },
      [&](int64_t row, int64_t rows, int64_t first, int64_t width, const float *tile) {
        for (int64_t r = 0; r < rows; ++r) {
          float *to = yp + (row + r) * out + first;
          for (int64_t c = 0; c < width; ++c) {
            const float v = tile[r * kColumns + c] + b[first + c];
            to[c] = relu && v < 0.0f ? 0.0f : v;  // NaN stays, as in PyTorch
          }
        }
      });
  return done ? y : at::Tensor();
}

at::Tensor sparse_weight_grad(const at::Tensor &g, const at::Tensor &x) {
  const int64_t rows = x.size(0), in = x.size(1), out = g.size(1);
  at::Tensor grad = at::empty({out, in}, x.options());
  const float *gp = g.data_ptr<float>();
  float *to = grad.data_ptr<float>();
  const bool done = product(
      {x.data_ptr<float>(), in, rows, 1, in}, out,
      [&](int64_t first, int64_t width, float *block) {
        for (int64_t r = 0; r < rows; ++r) {
          const float *from = gp + r * out + first;
          if (width == kColumns)
            std::copy_n(from, kColumns, block + r * kColumns);
          else
            std::copy_n(from, width, block + r * kColumns);
        }
      },
      [&](int64_t pixel, int64_t pixels, int64_t first, int64_t width, const float *tile) {
        for (int64_t c = 0; c < width; ++c)
          for (int64_t p = 0; p < pixels; ++p)
            to[(first + c) * in + pixel + p] = tile[p * kColumns + c];
      });
  return done ? grad : at::Tensor();
}

}  // namespace latent

#else

at::Tensor latent::sparse_linear(const at::Tensor &, const at::Tensor &, const at::Tensor &, bool) {
  return at::Tensor();
}

at::Tensor latent::sparse_weight_grad(const at::Tensor &, const at::Tensor &) {
  return at::Tensor();
}

#endif
