// Several processes training one model: libtorch's own c10d process group, gloo
// on the CPU, NCCL on CUDA. Same conventions as shim.h; connect, average, broadcast
// and barrier wait for all processes, at most for the group's timeout.
#pragma once

#include "shim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct latent_group *LatentGroup;

// Which backends this build has.
bool latent_has_gloo(void);
bool latent_has_nccl(void);

// Connects to the TCP store host:port, where the processes meet, and which this one
// serves if `serve`. prefix keeps groups on one store apart.
const char *latent_group_meet(const char *host, uint16_t port, bool serve,
                              const char *prefix, int64_t timeout_ms, LatentGroup *out);

// What the processes tell each other through the store, before they compute and
// after that failed. get returns what put stored, to be freed with
// latent_free_string; ask with has first, for get waits.
const char *latent_group_put(LatentGroup g, const char *key, const char *value, int64_t n);
const char *latent_group_has(LatentGroup g, const char *key, bool *yes);
const char *latent_group_get(LatentGroup g, const char *key, const char **value, int64_t *n);

// Connects the `size` processes for what follows: gloo where device is the CPU,
// else NCCL. disconnect closes gloo's connections, so that others which wait for
// this process notice.
const char *latent_group_connect(LatentGroup g, int32_t rank, int32_t size,
                                 int64_t timeout_ms, const char *device);
void latent_group_disconnect(LatentGroup g);

// Gradients of n parameters and the float32 vector `values`, where the gradients
// are, become their means over the processes, in one flat all-reduce. Nothing is
// read by the CPU.
const char *latent_group_average(LatentGroup g, Tensor *parameters, int64_t n, Tensor values);

// Overwrites the tensor with rank 0's.
const char *latent_group_broadcast(LatentGroup g, Tensor t);

const char *latent_group_barrier(LatentGroup g);

void latent_group_close(LatentGroup g);  // does not wait for the others

#ifdef __cplusplus
}
#endif
