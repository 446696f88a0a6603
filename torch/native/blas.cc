// Debian's OpenBLAS has threads of its own, which wait for libtorch's by spinning, so it is kept to one thread
// (latent_set_num_threads). Every large product that libtorch asks it for, forward and backward, in whatever operation, comes
// through the two functions here, which stand before OpenBLAS's in the order of the libraries: the result is cut into a
// block for each of libtorch's threads. Products inside a parallel region, as fused.cc's, and those of a BLAS that shares
// libtorch's threads or has none pass unchanged. MKL, in PyTorch's wheels, needs nothing.
#include <ATen/Config.h>

#if !AT_MKL_ENABLED()

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdint>

namespace {

template <typename T>
using Product = void (*)(const char *, const char *, const int *, const int *, const int *, const T *, const T *,
                         const int *, const T *, const int *, const T *, T *, const int *);

bool has_own_threads() {
  static const bool own = [] {
    const auto kind = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_parallel"));
    return kind && kind() == 1;  // pthreads; 2 is OpenMP, which is libtorch's pool
  }();
  return own;
}

// c (m x n) = alpha a b + beta c, by columns.
template <typename T>
void split(Product<T> blas, const char *transpose_a, const char *transpose_b, const int *m, const int *n, const int *k,
           const T *alpha, const T *a, const int *lda, const T *b, const int *ldb, const T *beta, T *c, const int *ldc) {
  const int64_t threads = at::get_num_threads(), longer = std::max(*m, *n);
  const int64_t block = ((longer + threads - 1) / threads + 15) / 16 * 16;
  if (threads < 2 || block >= longer || int64_t{*m} * *n * *k < (1 << 20) || at::in_parallel_region() ||
      !has_own_threads()) {
    blas(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return;
  }
  const bool columns = *n == longer, plain_a = *transpose_a == 'N' || *transpose_a == 'n',
             plain_b = *transpose_b == 'N' || *transpose_b == 'n';
  at::parallel_for(0, (longer + block - 1) / block, 1, [&](int64_t lo, int64_t hi) {
    for (int64_t i = lo; i < hi; ++i) {
      const int64_t from = i * block;
      const int count = static_cast<int>(std::min(block, longer - from));
      if (columns)
        blas(transpose_a, transpose_b, m, &count, k, alpha, a, lda, b + from * (plain_b ? *ldb : 1), ldb, beta,
             c + from * *ldc, ldc);
      else
        blas(transpose_a, transpose_b, &count, n, k, alpha, a + from * (plain_a ? 1 : *lda), lda, b, ldb, beta,
             c + from, ldc);
    }
  });
}

}  // namespace

#define LATENT_PRODUCT(name, T)                                                                                          \
  extern "C" void name(const char *ta, const char *tb, const int *m, const int *n, const int *k, const T *alpha,        \
                       const T *a, const int *lda, const T *b, const int *ldb, const T *beta, T *c, const int *ldc) {   \
    static const auto blas = reinterpret_cast<Product<T>>(dlsym(RTLD_NEXT, #name));                                     \
    split<T>(blas, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);                                               \
  }

LATENT_PRODUCT(sgemm_, float)
LATENT_PRODUCT(dgemm_, double)

#endif
