// The process group. Where the build lacked gloo's and NCCL's headers, or
// libtorch came without c10d, joining says so; everything else compiles.
#include "dist.h"

#include <c10/util/Logging.h>
#include <torch/torch.h>
#include <torch/version.h>

#if defined(LATENT_GLOO) || defined(LATENT_NCCL)
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif
#ifdef LATENT_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef LATENT_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <chrono>
#include <cstdlib>
#include <vector>

#include "guard.h"

using latent::guard;

bool latent_has_gloo(void) {
#ifdef LATENT_GLOO
  return true;
#else
  return false;
#endif
}

bool latent_has_nccl(void) {
#ifdef LATENT_NCCL
  return true;
#else
  return false;
#endif
}

#if defined(LATENT_GLOO) || defined(LATENT_NCCL)

#if defined(__GNUC__)
namespace fLI {
extern __attribute__((weak)) int32_t FLAGS_minloglevel;  // glog's, where libtorch uses it
}
#endif

namespace {
#if TORCH_VERSION_MAJOR >= 2
using Backend = c10d::Backend;
#else
using Backend = c10d::ProcessGroup;
#endif
}  // namespace

struct latent_group {
  c10::intrusive_ptr<c10d::Store> store;  // outlives the backend, which may ask it
  c10::intrusive_ptr<Backend> backend;
  int size;
  at::TensorOptions options;  // float32 where the group computes
  at::Tensor flat;            // gradients and values, kept from step to step
};

namespace {

// c10d writes lines to stderr beside the exceptions that it throws, which say the
// same. They stay off unless the variable that turns up libtorch's log is set.
void quiet_log() {
  if (std::getenv("TORCH_CPP_LOG_LEVEL")) return;
  constexpr int fatal = 3;
  FLAGS_caffe2_log_level = fatal;
#if defined(__GNUC__)
  if (&fLI::FLAGS_minloglevel) fLI::FLAGS_minloglevel = fatal;
#endif
}

#ifdef LATENT_GLOO
c10::intrusive_ptr<Backend> gloo(const c10::intrusive_ptr<c10d::Store> &store, int rank,
                                 int size, std::chrono::milliseconds timeout) {
  using Gloo = c10d::ProcessGroupGloo;
  auto options = Gloo::Options::create(timeout);
  // The variable that torch.distributed knows; without it, the interface of this
  // machine's name, else loopback.
  const char *interface = std::getenv("GLOO_SOCKET_IFNAME");
  options->devices.push_back(interface && *interface ? Gloo::createDeviceForInterface(interface)
                                                     : Gloo::createDefaultDevice());
  return c10::make_intrusive<Gloo>(store, rank, size, options);
}
#endif

#ifdef LATENT_NCCL
c10::intrusive_ptr<Backend> nccl(const c10::intrusive_ptr<c10d::Store> &store, int rank,
                                 int size, std::chrono::milliseconds timeout) {
  // wait() then ends with an exception here; else a watchdog ends the process.
  setenv("TORCH_NCCL_BLOCKING_WAIT", "1", 0);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
}
#endif

c10::intrusive_ptr<Backend> backend(bool cuda, const c10::intrusive_ptr<c10d::Store> &store,
                                    int rank, int size, std::chrono::milliseconds timeout) {
  if (cuda) {
#ifdef LATENT_NCCL
    return nccl(store, rank, size, timeout);
#endif
  } else {
#ifdef LATENT_GLOO
    return gloo(store, rank, size, timeout);
#endif
  }
  TORCH_CHECK(false, "this build has no ", cuda ? "NCCL" : "gloo");
}

}  // namespace

const char *latent_group_join(const char *host, uint16_t port, bool serve, const char *prefix,
                              int32_t rank, int32_t size, int64_t timeout_ms,
                              const char *device, LatentGroup *out) {
  return guard([&] {
    quiet_log();
    const at::Device where{std::string(device)};
    const std::chrono::milliseconds timeout(timeout_ms);
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = serve;
    options.numWorkers = static_cast<std::size_t>(size);
    options.timeout = timeout;
    auto g = std::make_unique<latent_group>();
    g->store = c10::make_intrusive<c10d::PrefixStore>(
        prefix, c10::make_intrusive<c10d::TCPStore>(std::string(host), options));
    g->backend = backend(where.is_cuda(), g->store, rank, size, timeout);
    g->size = size;
    g->options = at::TensorOptions().dtype(at::kFloat).device(where);
    *out = g.release();
  });
}

const char *latent_group_average(LatentGroup g, Tensor *parameters, int64_t n, float *values,
                                 int64_t m) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    int64_t total = m;
    for (int64_t i = 0; i < n; ++i) {
      TORCH_CHECK(parameters[i]->grad().defined(), "parameter ", i, " has no gradient");
      total += parameters[i]->numel();
    }
    if (!g->flat.defined() || g->flat.numel() != total) g->flat = at::empty({total}, g->options);
    const at::Tensor own = at::from_blob(values, {m}, at::kFloat);
    int64_t offset = m;
    g->flat.narrow(0, 0, m).copy_(own);
    for (int64_t i = 0; i < n; ++i) {
      const at::Tensor grad = parameters[i]->grad();
      g->flat.narrow(0, offset, grad.numel()).copy_(grad.reshape({-1}));
      offset += grad.numel();
    }
    std::vector<at::Tensor> list = {g->flat};
    g->backend->allreduce(list)->wait();
    g->flat.div_(g->size);
    own.copy_(g->flat.narrow(0, 0, m));
    offset = m;
    for (int64_t i = 0; i < n; ++i) {
      at::Tensor grad = parameters[i]->grad();
      grad.copy_(g->flat.narrow(0, offset, grad.numel()).view_as(grad));
      offset += grad.numel();
    }
  });
}

const char *latent_group_broadcast(LatentGroup g, Tensor t) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    at::Tensor sent = t->detach().to(g->options.device()).contiguous();
    std::vector<at::Tensor> list = {sent};
    c10d::BroadcastOptions options;
    options.rootRank = 0;
    g->backend->broadcast(list, options)->wait();
    if (!sent.is_same(*t)) t->detach().copy_(sent);
  });
}

const char *latent_group_barrier(LatentGroup g) {
  // An all-reduce: it needs no device ids, which NCCL's own barrier asks for.
  return guard([&] {
    std::vector<at::Tensor> list = {at::zeros({1}, g->options)};
    g->backend->allreduce(list)->wait();
    list[0].item<float>();
  });
}

void latent_group_close(LatentGroup g) {
  const char *ignored = guard([&] { delete g; });
  latent_free_string(ignored);
}

#else

namespace {
const char *missing() {
  return latent::message("this build has neither gloo nor NCCL: install libgloo-dev and build again");
}
}  // namespace

const char *latent_group_join(const char *, uint16_t, bool, const char *, int32_t, int32_t,
                              int64_t, const char *, LatentGroup *) {
  return missing();
}
const char *latent_group_average(LatentGroup, Tensor *, int64_t, float *, int64_t) {
  return missing();
}
const char *latent_group_broadcast(LatentGroup, Tensor) { return missing(); }
const char *latent_group_barrier(LatentGroup) { return missing(); }
void latent_group_close(LatentGroup) {}

#endif
