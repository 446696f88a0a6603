// The C face of what gotorch lacks, on the same at::Tensor pointers.
//
// Every function returns NULL when it succeeded, else a message that the caller
// frees with latent_free_string. No C++ exception leaves this library. Results
// come through out-pointers; a Tensor made here is owned by the caller, who
// frees it with Tensor_Close (gotorch's). No Go memory is kept after a call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include "cgotorch/tensor.h"
extern "C" {
#else  // cgo does not know where gotorch's headers lie
typedef void *Tensor;
void Tensor_Close(Tensor a);
#endif

void latent_free_string(const char *s);

// --- process-wide settings and information ---------------------------------
const char *latent_init(void);  // keeps freed pages
// Makes OpenBLAS use the kernels of this core; no product may be at work.
const char *latent_set_blas_core(const char *core);
const char *latent_set_num_threads(int32_t n);
// Brings the calling thread to the number of latent_set_num_threads.
const char *latent_enter(void);
const char *latent_info(const char **text);  // key=value lines
const char *latent_device_check(const char *device);
const char *latent_set_tf32(bool on);
const char *latent_fast_bf16(const char *device, bool *yes);

// --- random numbers ----------------------------------------------------------
const char *latent_manual_seed(uint64_t seed);
const char *latent_random_int64(int64_t *value);
const char *latent_randperm(int64_t n, int64_t *values);  // default generator
const char *latent_randperm_seeded(int64_t n, uint64_t seed, int64_t *values);
const char *latent_get_rng_state(uint8_t *state, int64_t capacity, int64_t *size);
const char *latent_set_rng_state(const uint8_t *state, int64_t size);
const char *latent_uniform(const int64_t *shape, int64_t dims, double low,
                           double high, Tensor like, Tensor *out);

// --- autograd ----------------------------------------------------------------
const char *latent_grad_enabled(bool *enabled);
const char *latent_set_grad_enabled(bool enabled);
const char *latent_backward(Tensor loss);
const char *latent_grad_fn(Tensor a, const char **text);
const char *latent_grad(Tensor a, Tensor *out);  // *out = NULL: no gradient
const char *latent_zero_grad(Tensor *parameters, int64_t n);
const char *latent_requires_grad(Tensor a, bool on);

// --- scopes ------------------------------------------------------------------
uintptr_t latent_scope(void);  // what this thread entered last
uintptr_t latent_enter_scope(uintptr_t scope);  // returns the one before
void latent_free_tensors(Tensor *tensors, int64_t n);
void latent_free_list(Tensor *list);  // the array alone

// --- in and out ---------------------------------------------------------------
const char *latent_from_data(const void *data, int8_t dtype,
                             const int64_t *shape, int64_t dims,
                             const char *device, Tensor *out);
// The first `capacity` sizes, the number of dimensions and the element type.
const char *latent_shape(Tensor a, int64_t *sizes, int64_t capacity,
                         int64_t *dims, int8_t *dtype);
const char *latent_copy_out(Tensor a, void *data, int8_t dtype, int64_t count);
const char *latent_copy_in(Tensor a, const void *data, int8_t dtype,
                           int64_t count);
const char *latent_to_device(Tensor a, const char *device, Tensor *out);
const char *latent_set_device(Tensor parameter, const char *device);
const char *latent_device(Tensor a, const char **text);
const char *latent_item(Tensor a, double *value);

// --- operations -----------------------------------------------------------------
const char *latent_pixels(Tensor bytes, Tensor index, Tensor *out);
const char *latent_float(Tensor a, Tensor *out);
const char *latent_supcon(Tensor z, Tensor labels, double scale, bool norms,
                          Tensor *out);

// dst (m x n) = a (m x k) times the transpose of b (n x k), row-major; used
// during the call only.
const char *latent_product(float *dst, const float *a, const float *b, int64_t m,
                           int64_t n, int64_t k);

// --- the training path, fused -----------------------------------------------------
// Linear and an optional ReLU behind it; weight is out x in, as nn.Linear's.
const char *latent_linear(Tensor x, Tensor weight, Tensor bias, bool relu,
                          bool bf16, Tensor *out);
const char *latent_mse_loss(Tensor output, Tensor target, Tensor *out);
// One step of torch.optim.Adam (amsgrad off) over n parameters. Parameters whose
// gradient is undefined are left as they are, as PyTorch leaves them.
const char *latent_adam_step(Tensor *parameters, Tensor *exp_avg,
                             Tensor *exp_avg_sq, int64_t n, int64_t step,
                             double lr, double beta1, double beta2, double eps,
                             double weight_decay);

// --- optimisers ---------------------------------------------------------------
// Each parameter of a step has a gradient. steps: how many each has taken with this one; on its first SGD's momentum starts from
// the gradient.
const char *latent_has_grad(Tensor parameter, bool *has);
const char *latent_sgd_step(Tensor *parameters, Tensor *momentum_buffers,
                            const int64_t *steps, int64_t n, double lr,
                            double momentum, double dampening,
                            double weight_decay, bool nesterov);
const char *latent_adamw_step(Tensor *parameters, Tensor *exp_avg,
                              Tensor *exp_avg_sq, const int64_t *steps,
                              int64_t n, double lr, double beta1, double beta2,
                              double eps, double weight_decay);
const char *latent_adadelta_step(Tensor *parameters, Tensor *square_avg,
                                 Tensor *acc_delta, int64_t n, double lr,
                                 double rho, double eps, double weight_decay);
const char *latent_clip_grad_norm(Tensor *parameters, int64_t n,
                                  double max_norm, double *norm);
const char *latent_clip_grad_value(Tensor *parameters, int64_t n, double value);

#include "operations.h"

#ifdef __cplusplus
}
#endif
