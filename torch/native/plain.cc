#include "plain.h"

#include <torch/torch.h>

#include <cstring>
#include <sstream>
#include <vector>

#include "guard.h"

using latent::guard;
using torch::optim::AdamParamState;

namespace {

// What an optimiser files a parameter's state under: its address, as text up to
// libtorch 2.0.
[[maybe_unused]] void name(const at::Tensor &parameter, void **key) { *key = parameter.unsafeGetTensorImpl(); }

[[maybe_unused]] void name(const at::Tensor &parameter, std::string *key) {
  std::ostringstream text;
  text << parameter.unsafeGetTensorImpl();
  *key = text.str();
}

using States = std::remove_reference<decltype(std::declval<torch::optim::Optimizer>().state())>::type;

States::key_type key_of(const at::Tensor &parameter) {
  States::key_type key;
  name(parameter, &key);
  return key;
}

void check_count(const at::Tensor &t, int64_t count) {
  TORCH_CHECK(t.numel() == count, "adam: a moment of ", count,
              " elements does not fit a parameter of shape ", t.sizes());
}

void copy_out(const at::Tensor &t, float *to, int64_t count) {
  check_count(t, count);
  const at::Tensor here = t.detach().to(at::kCPU, at::kFloat).contiguous();
  std::memcpy(to, here.data_ptr<float>(), sizeof(float) * count);
}

at::Tensor copy_in(const at::Tensor &like, const float *from, int64_t count) {
  check_count(like, count);
  at::Tensor t = at::empty(like.sizes(), at::kFloat);
  std::memcpy(t.data_ptr<float>(), from, sizeof(float) * count);
  return t.to(like.device());
}

}  // namespace

const char *latent_optimizer_add(Optimizer o, Tensor *parameters, int64_t n) {
  return guard([&] {
    std::vector<at::Tensor> list;
    for (int64_t i = 0; i < n; ++i) list.push_back(*parameters[i]);
    o->add_param_group({list});
  });
}

const char *latent_optimizer_zero_grad(Optimizer o) {
  return guard([&] { o->zero_grad(); });
}

const char *latent_optimizer_step(Optimizer o) {
  return guard([&] { o->step(); });
}

const char *latent_adam_state(Optimizer o, Tensor parameter, float *exp_avg, float *exp_avg_sq,
                              int64_t count) {
  return guard([&] {
    const auto found = o->state().find(key_of(*parameter));
    if (found == o->state().end()) {
      std::memset(exp_avg, 0, sizeof(float) * count);
      std::memset(exp_avg_sq, 0, sizeof(float) * count);
      return;
    }
    auto &state = static_cast<AdamParamState &>(*found->second);
    copy_out(state.exp_avg(), exp_avg, count);
    copy_out(state.exp_avg_sq(), exp_avg_sq, count);
  });
}

const char *latent_adam_set_state(Optimizer o, Tensor parameter, int64_t step, const float *exp_avg,
                                  const float *exp_avg_sq, int64_t count) {
  return guard([&] {
    auto state = std::make_unique<AdamParamState>();
    state->step(step);
    state->exp_avg(copy_in(*parameter, exp_avg, count));
    state->exp_avg_sq(copy_in(*parameter, exp_avg_sq, count));
    o->state()[key_of(*parameter)] = std::move(state);
  });
}
