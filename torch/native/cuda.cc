// Streams and graphs are what torch.cuda.Stream and torch.cuda.CUDAGraph are.
#include "cuda.h"

#include <torch/torch.h>
#include <torch/version.h>

#ifdef LATENT_CUDA
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "guard.h"

using latent::guard;

#ifdef LATENT_CUDA

struct latent_stream {
  c10::cuda::CUDAStream side;
  std::unique_ptr<c10::cuda::CUDAStreamGuard> guard;  // while entered
};

struct latent_graph {
  at::cuda::CUDAGraph graph;
};

namespace {
// What is launched on `then` from now on runs after what `first` has got so far.
void order(const c10::cuda::CUDAStream &first, const c10::cuda::CUDAStream &then) {
  at::cuda::CUDAEvent event;
  event.record(first);
  event.block(then);
}
}  // namespace

const char *latent_stream_new(const char *device, LatentStream *out) {
  return guard([&] {
    const c10::Device d{std::string(device)};
    *out = new latent_stream{c10::cuda::getStreamFromPool(false, d.has_index() ? d.index() : -1), nullptr};
  });
}

const char *latent_stream_enter(LatentStream s) {
  return guard([&] {
    order(c10::cuda::getCurrentCUDAStream(s->side.device_index()), s->side);
    s->guard = std::make_unique<c10::cuda::CUDAStreamGuard>(s->side.unwrap());
  });
}

const char *latent_stream_leave(LatentStream s) {
  return guard([&] {
    s->guard.reset();
    order(s->side, c10::cuda::getCurrentCUDAStream(s->side.device_index()));
  });
}

void latent_stream_close(LatentStream s) {
  const char *ignored = guard([&] { delete s; });
  latent_free_string(ignored);
}

bool latent_can_capture(void) {
  return TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1);
}

const char *latent_graph_begin(LatentGraph *out) {
  return guard([&] {
    auto *g = new latent_graph;  // on failure not deleted, see the header
    g->graph.capture_begin();
    *out = g;
  });
}

const char *latent_graph_end(LatentGraph g, bool keep) {
  const char *failed = guard([&] { g->graph.capture_end(); });
  if (failed && !keep) {  // what made the caller give up is the message
    latent_free_string(failed);
    failed = nullptr;
  }
  return failed;
}

const char *latent_graph_replay(LatentGraph g) {
  return guard([&] { g->graph.replay(); });
}

void latent_graph_close(LatentGraph g) {
  const char *ignored = guard([&] { delete g; });
  latent_free_string(ignored);
}

#else

namespace {
const char *missing() { return latent::message("this build has no CUDA"); }
}  // namespace

const char *latent_stream_new(const char *, LatentStream *) { return missing(); }
const char *latent_stream_enter(LatentStream) { return missing(); }
const char *latent_stream_leave(LatentStream) { return missing(); }
void latent_stream_close(LatentStream) {}
bool latent_can_capture(void) { return true; }  // latent_stream_new says what is missing
const char *latent_graph_begin(LatentGraph *) { return missing(); }
const char *latent_graph_end(LatentGraph, bool) { return missing(); }
const char *latent_graph_replay(LatentGraph) { return missing(); }
void latent_graph_close(LatentGraph) {}

#endif

const char *latent_row_at(Tensor matrix, Tensor counter, int64_t length, Tensor *out) {
  return guard([&] {
    *out = new at::Tensor(matrix->index_select(0, *counter).select(0, 0).narrow(0, 0, length));
  });
}

const char *latent_note(Tensor list, Tensor counter, Tensor value) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    list->index_copy_(0, *counter, value->detach().reshape({1}));
    counter->add_(1);
  });
}

const char *latent_note_not_finite(Tensor flag, Tensor value) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    const at::Tensor v = value->detach();
    at::maximum_out(*flag, *flag, v.sub(v).sum().ne(0).to(at::kFloat).reshape({1}));  // 0, or NaN
  });
}

const char *latent_adam_fused(Tensor *parameters, Tensor *exp_avg, Tensor *exp_avg_sq,
                              int64_t n, Tensor step, Tensor skip, double lr, double beta1,
                              double beta2, double eps, double weight_decay) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    step->add_(1);
    std::vector<at::Tensor> p, g, m, v;
    for (int64_t i = 0; i < n; ++i) {
      const at::Tensor grad = parameters[i]->grad();
      if (!grad.defined()) continue;
      p.push_back(*parameters[i]);
      g.push_back(grad);
      m.push_back(*exp_avg[i]);
      v.push_back(*exp_avg_sq[i]);
    }
    const std::vector<at::Tensor> steps(p.size(), *step);  // one count serves all; it is only read
    at::_fused_adam_(p, g, m, v, /*max_exp_avg_sqs=*/{}, steps, lr, beta1, beta2, weight_decay,
                     eps, /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/{},
                     /*found_inf=*/*skip);
    step->sub_(*skip);
  });
}

namespace {
// The 256 values byte / 255, each the nearest float32, on a device. A GPU divides by
// a number by multiplying with its reciprocal, which gives 126 of them otherwise.
at::Tensor quotients(const at::Device &device) {
  static std::mutex lock;
  static auto *tables = new std::map<std::string, at::Tensor>;  // never freed: CUDA ends first
  std::lock_guard<std::mutex> held(lock);
  at::Tensor &table = (*tables)[device.str()];
  if (!table.defined()) {
    at::Tensor q = at::empty({256}, at::kFloat);
    for (int i = 0; i < 256; ++i) q.data_ptr<float>()[i] = static_cast<float>(i) / 255.0f;
    table = q.to(device);
  }
  return table;
}
}  // namespace

const char *latent_pixels_by_table(Tensor bytes, Tensor index, Tensor *out) {
  return guard([&] {
    const at::Tensor rows = bytes->index_select(0, *index);
    *out = new at::Tensor(quotients(bytes->device())
                              .index_select(0, rows.reshape({-1}).to(at::kInt))
                              .reshape(rows.sizes()));
  });
}

const char *latent_address(Tensor a, uint64_t *address) {
  return guard([&] { *address = reinterpret_cast<uint64_t>(a->data_ptr()); });
}
