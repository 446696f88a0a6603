// What the generated operations stand on.
#pragma once

#include <torch/torch.h>
#include <torch/version.h>

#include <cmath>
#include <string>
#include <vector>

#include "cgotorch/torch.h"
#include "guard.h"
#include "shim.h"

#define LATENT_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) ||         \
   (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

namespace latent {

inline void give(Tensor *out, at::Tensor value) { *out = new at::Tensor(std::move(value)); }

// The caller frees the array with latent_free_list, once it has the tensors.
inline void give_list(Tensor **out, int64_t *n, const std::vector<at::Tensor> &values) {
  std::vector<Tensor> made;
  made.reserve(values.size());
  for (const at::Tensor &v : values) made.push_back(new at::Tensor(v));
  *out = new Tensor[made.size()];
  std::copy(made.begin(), made.end(), *out);
  *n = static_cast<int64_t>(made.size());
}

inline std::vector<at::Tensor> tensors(Tensor *list, int64_t n) {
  std::vector<at::Tensor> v;
  v.reserve(n);
  for (int64_t i = 0; i < n; ++i) v.push_back(*list[i]);
  return v;
}

// A Go constant is a float64; beside a tensor of integers Python's 2 stays an integer, and so does this one.
inline at::Scalar scalar(const at::Tensor &x, double value) {
  if (x.defined() && at::isIntegralType(x.scalar_type(), /*includeBool=*/true) &&
      std::trunc(value) == value && std::fabs(value) < 9007199254740992.0)
    return at::Scalar(static_cast<int64_t>(value));
  return at::Scalar(value);
}

inline at::Tensor scale(const at::Tensor &x, double factor, double offset) {
  at::Tensor t = factor == 1.0 ? x : x.mul(factor);
  return offset == 0.0 ? t : t.add(offset);
}

// libtorch 1.13 gives a wrong gradient for an empty list of dimensions.
inline at::Tensor var(const at::Tensor &x, at::IntArrayRef dims, bool unbiased) {
  return dims.empty() ? at::var(x, unbiased) : at::var(x, dims, unbiased, /*keepdim=*/false);
}

inline at::Tensor deviation(const at::Tensor &x, at::IntArrayRef dims, bool unbiased) {
  return dims.empty() ? at::std(x, unbiased) : at::std(x, dims, unbiased, /*keepdim=*/false);
}

inline at::Tensor normalize(const at::Tensor &x, int64_t dim) {
  namespace F = torch::nn::functional;
  return F::normalize(x, F::NormalizeFuncOptions().p(2).dim(dim).eps(1e-12));
}

// libtorch 1.13 crashes in the gradient of a single row without classes.
inline const at::Tensor &classes(const at::Tensor &x) {
  TORCH_CHECK(x.dim() != 1 || x.numel() > 0, "a row of no classes");
  return x;
}

// libtorch 2 divides by zero where there is nothing to attend to.
inline const at::Tensor &attended(const at::Tensor &x) {
  TORCH_CHECK(x.numel() > 0, "an empty tensor of shape ", x.sizes());
  return x;
}

inline at::Tensor linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  return bias.defined() ? at::linear(x, weight, bias) : at::linear(x, weight);
}

inline at::Tensor affine_grid(const at::Tensor &theta, int64_t n, int64_t h, int64_t w) {
  namespace F = torch::nn::functional;
  return F::affine_grid(theta, {n, 1, h, w}, /*align_corners=*/false);
}

inline at::Tensor grid_sample(const at::Tensor &x, const at::Tensor &grid) {
  namespace F = torch::nn::functional;
  return F::grid_sample(x, grid,
                        F::GridSampleFuncOptions()
                            .mode(torch::kBilinear)
                            .padding_mode(torch::kZeros)
                            .align_corners(false));
}

inline const char *too_old(const char *operation, const char *since) {
  return message((std::string(operation) + " needs libtorch " + since + " or later; this is " + TORCH_VERSION).c_str());
}

}  // namespace latent
