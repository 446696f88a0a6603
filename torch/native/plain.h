// Guarded twins of gotorch's calls that let C++ exceptions through: the same call
// on gotorch's own optimiser (Optimizer_AddParameters, _ZeroGrad, _Step), and the
// state of its Adam, which gotorch does not give.
#pragma once

#include "shim.h"

#ifdef __cplusplus
extern "C" {
#else
typedef void *Optimizer;
#endif

const char *latent_optimizer_add(Optimizer o, Tensor *parameters, int64_t n);
const char *latent_optimizer_zero_grad(Optimizer o);
const char *latent_optimizer_step(Optimizer o);

// The moments of a parameter, copied to and from float arrays of count elements. A
// parameter that has never had a gradient has none: zeros are given.
const char *latent_adam_state(Optimizer o, Tensor parameter, float *exp_avg,
                              float *exp_avg_sq, int64_t count);
const char *latent_adam_set_state(Optimizer o, Tensor parameter, int64_t step,
                                  const float *exp_avg, const float *exp_avg_sq,
                                  int64_t count);

#ifdef __cplusplus
}
#endif
