// Several processes training one model: libtorch's own c10d process group, gloo
// on the CPU, NCCL on CUDA. Same conventions as shim.h; every call but the last
// waits for all processes, at most for the group's timeout.
#pragma once

#include "shim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct latent_group *LatentGroup;

// Which backends this build has.
bool latent_has_gloo(void);
bool latent_has_nccl(void);

// Joins the group of `size` processes that meet at the TCP store host:port, which
// this process serves if `serve`. prefix keeps groups on one store apart.
const char *latent_group_join(const char *host, uint16_t port, bool serve,
                              const char *prefix, int32_t rank, int32_t size,
                              int64_t timeout_ms, const char *device,
                              LatentGroup *out);

// Gradients of n parameters and m further values become their means over the
// processes, in one flat all-reduce.
const char *latent_group_average(LatentGroup g, Tensor *parameters, int64_t n,
                                 float *values, int64_t m);

// Overwrites the tensor with rank 0's.
const char *latent_group_broadcast(LatentGroup g, Tensor t);

const char *latent_group_barrier(LatentGroup g);

void latent_group_close(LatentGroup g);  // does not wait for the others

#ifdef __cplusplus
}
#endif
