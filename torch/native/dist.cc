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

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <sstream>
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
  int size = 0;
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
  // The variable that torch.distributed knows, one interface or several with commas
  // between; without it, the interface of this machine's name, else loopback.
  const char *interfaces = std::getenv("GLOO_SOCKET_IFNAME");
  std::istringstream list(interfaces ? interfaces : "");
  for (std::string name; std::getline(list, name, ',');) {
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    if (!name.empty()) options->devices.push_back(Gloo::createDeviceForInterface(name));
  }
  if (options->devices.empty()) options->devices.push_back(Gloo::createDefaultDevice());
  options->threads = static_cast<int>(options->devices.size()) * 2;  // as torch.distributed
  return c10::make_intrusive<Gloo>(store, rank, size, options);
}
#endif

#ifdef LATENT_NCCL
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
#define LATENT_NCCL_VARIABLE(name) "TORCH_NCCL_" name
#else
#define LATENT_NCCL_VARIABLE(name) "NCCL_" name
#endif

c10::intrusive_ptr<Backend> nccl(const c10::intrusive_ptr<c10d::Store> &store, int rank,
                                 int size, std::chrono::milliseconds timeout) {
  // wait() then ends with an exception here. Else a watchdog ends the process, which
  // is what torchrun asks for with the second variable: it would overrule the first.
  setenv(LATENT_NCCL_VARIABLE("BLOCKING_WAIT"), "1", 1);
  setenv(LATENT_NCCL_VARIABLE("ASYNC_ERROR_HANDLING"), "0", 1);
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

// The store's server by libuv, the default since libtorch 2.4, is missing in Debian's build; 1.13 has no such option.
template <class Options>
auto without_libuv(Options &options, int) -> decltype(options.useLibUV, void()) {
  options.useLibUV = false;
}
template <class Options>
void without_libuv(Options &, int64_t) {}

}  // namespace

const char *latent_group_meet(const char *host, uint16_t port, bool serve, const char *prefix,
                              int64_t timeout_ms, LatentGroup *out) {
  return guard([&] {
    quiet_log();
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = serve;
    without_libuv(options, 0);
    options.waitWorkers = false;  // who is missing is said by name, by those who wait
    options.timeout = std::chrono::milliseconds(std::max<int64_t>(timeout_ms, 1000));  // it counts seconds
    auto g = std::make_unique<latent_group>();
    g->store = c10::make_intrusive<c10d::PrefixStore>(
        prefix, c10::make_intrusive<c10d::TCPStore>(std::string(host), options));
    *out = g.release();
  });
}

const char *latent_group_put(LatentGroup g, const char *key, const char *value, int64_t n) {
  return guard([&] {
    g->store->set(key, std::vector<uint8_t>(value, value + n));
  });
}

const char *latent_group_has(LatentGroup g, const char *key, bool *yes) {
  return guard([&] { *yes = g->store->check({std::string(key)}); });
}

const char *latent_group_get(LatentGroup g, const char *key, const char **value, int64_t *n) {
  return guard([&] {
    const std::vector<uint8_t> v = g->store->get(key);
    char *copy = new char[v.size() + 1];
    std::copy(v.begin(), v.end(), copy);
    *value = copy;
    *n = static_cast<int64_t>(v.size());
  });
}

const char *latent_group_connect(LatentGroup g, int32_t rank, int32_t size, int64_t timeout_ms,
                                 const char *device) {
  return guard([&] {
    const at::Device where{std::string(device)};
    g->size = size;
    g->options = at::TensorOptions().dtype(at::kFloat).device(where);
    g->backend = backend(where.is_cuda(), g->store, rank, size, std::chrono::milliseconds(timeout_ms));
  });
}

void latent_group_disconnect(LatentGroup g) {
  if (!g->options.device().is_cpu()) return;  // a communicator that hangs would hang this, too
  const char *ignored = guard([&] { g->backend.reset(); });
  latent_free_string(ignored);
}

const char *latent_group_average(LatentGroup g, Tensor *parameters, int64_t n, Tensor values) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    TORCH_CHECK(g->backend, "the group is not connected");
    std::vector<at::Tensor> all = {values->detach()};
    for (int64_t i = 0; i < n; ++i) {
      all.push_back(parameters[i]->grad());
      TORCH_CHECK(all.back().defined(), "parameter ", i, " has no gradient");
    }
    int64_t total = 0;
    for (const at::Tensor &t : all) total += t.numel();
    if (!g->flat.defined() || g->flat.numel() != total) g->flat = at::empty({total}, g->options);
    std::vector<at::Tensor> rows;
    for (const at::Tensor &t : all) rows.push_back(t.reshape({-1}));
    at::cat_out(g->flat, rows);
    std::vector<at::Tensor> list = {g->flat};
    g->backend->allreduce(list)->wait();
    g->flat.div_(g->size);
    int64_t offset = 0;
    for (at::Tensor &t : all) {
      t.copy_(g->flat.narrow(0, offset, t.numel()).view_as(t));
      offset += t.numel();
    }
  });
}

const char *latent_group_broadcast(LatentGroup g, Tensor t) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    at::Tensor sent = t->detach().to(g->options.device()).contiguous();
    TORCH_CHECK(g->backend, "the group is not connected");
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
    TORCH_CHECK(g->backend, "the group is not connected");
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

const char *latent_group_meet(const char *, uint16_t, bool, const char *, int64_t, LatentGroup *) {
  return missing();
}
const char *latent_group_put(LatentGroup, const char *, const char *, int64_t) { return missing(); }
const char *latent_group_has(LatentGroup, const char *, bool *) { return missing(); }
const char *latent_group_get(LatentGroup, const char *, const char **, int64_t *) { return missing(); }
const char *latent_group_connect(LatentGroup, int32_t, int32_t, int64_t, const char *) {
  return missing();
}
void latent_group_disconnect(LatentGroup) {}
const char *latent_group_average(LatentGroup, Tensor *, int64_t, Tensor) { return missing(); }
const char *latent_group_broadcast(LatentGroup, Tensor) { return missing(); }
const char *latent_group_barrier(LatentGroup) { return missing(); }
void latent_group_close(LatentGroup) {}

#endif
