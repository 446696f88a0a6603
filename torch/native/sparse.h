// The products of a layer whose input is mostly zeros, as pictures are.
#pragma once

#include <torch/torch.h>

namespace latent {

// x W^T + bias, with ReLU where asked; x is rows x in, weight out x in, all
// contiguous float32 on the CPU. Undefined where BLAS does it sooner.
at::Tensor sparse_linear(const at::Tensor &x, const at::Tensor &weight,
                         const at::Tensor &bias, bool relu);

// g^T x, the gradient of that weight; g is rows x out. Undefined likewise.
at::Tensor sparse_weight_grad(const at::Tensor &g, const at::Tensor &x);

}  // namespace latent
