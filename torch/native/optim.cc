// The steps of torch.optim, operation by operation as PyTorch's single-tensor
// implementations do them, so that the numbers are theirs.
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "guard.h"
#include "shim.h"

using latent::guard;

const char *latent_has_grad(Tensor parameter, bool *has) {
  return guard([&] { *has = parameter->grad().defined(); });
}

const char *latent_sgd_step(Tensor *parameters, Tensor *momentum_buffers, const int64_t *steps, int64_t n,
                            double lr, double momentum, double dampening, double weight_decay, bool nesterov) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    for (int64_t i = 0; i < n; ++i) {
      at::Tensor &p = *parameters[i];
      at::Tensor g = p.grad();
      if (weight_decay != 0) g = g.add(p, weight_decay);
      if (momentum != 0) {
        at::Tensor &buffer = *momentum_buffers[i];
        if (steps[i] == 1)
          buffer.copy_(g);
        else
          buffer.mul_(momentum).add_(g, 1 - dampening);
        g = nesterov ? g.add(buffer, momentum) : buffer;
      }
      p.add_(g, -lr);
    }
  });
}

const char *latent_adamw_step(Tensor *parameters, Tensor *exp_avg, Tensor *exp_avg_sq, const int64_t *steps,
                              int64_t n, double lr, double beta1, double beta2, double eps,
                              double weight_decay) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    for (int64_t i = 0; i < n; ++i) {
      at::Tensor &p = *parameters[i], &m = *exp_avg[i], &v = *exp_avg_sq[i];
      const at::Tensor g = p.grad();
      const double bias1 = 1 - std::pow(beta1, static_cast<double>(steps[i]));
      const double bias2 = 1 - std::pow(beta2, static_cast<double>(steps[i]));
      p.mul_(1 - lr * weight_decay);
      m.lerp_(g, 1 - beta1);
      v.mul_(beta2).addcmul_(g, g, 1 - beta2);
      p.addcdiv_(m, v.sqrt().div_(std::sqrt(bias2)).add_(eps), -lr / bias1);
    }
  });
}

const char *latent_adadelta_step(Tensor *parameters, Tensor *square_avg, Tensor *acc_delta, int64_t n,
                                 double lr, double rho, double eps, double weight_decay) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    for (int64_t i = 0; i < n; ++i) {
      at::Tensor &p = *parameters[i], &square = *square_avg[i], &acc = *acc_delta[i];
      at::Tensor g = p.grad();
      if (weight_decay != 0) g = g.add(p, weight_decay);
      square.mul_(rho).addcmul_(g, g, 1 - rho);
      const at::Tensor std = square.add(eps).sqrt_();
      const at::Tensor delta = acc.add(eps).sqrt_().div_(std).mul_(g);
      acc.mul_(rho).addcmul_(delta, delta, 1 - rho);
      p.add_(delta, -lr);
    }
  });
}

const char *latent_clip_grad_norm(Tensor *parameters, int64_t n, double max_norm, double *norm) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    std::vector<at::Tensor> norms;
    for (int64_t i = 0; i < n; ++i)
      if (parameters[i]->grad().defined()) norms.push_back(parameters[i]->grad().norm(2));
    *norm = 0;
    if (norms.empty()) return;
    const at::Tensor total = at::stack(norms).norm(2);
    const at::Tensor factor = at::clamp_max(max_norm / (total + 1e-6), 1.0);
    for (int64_t i = 0; i < n; ++i)
      if (parameters[i]->grad().defined()) parameters[i]->mutable_grad().mul_(factor);
    *norm = total.item<double>();
  });
}

const char *latent_clip_grad_value(Tensor *parameters, int64_t n, double value) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    for (int64_t i = 0; i < n; ++i)
      if (parameters[i]->grad().defined()) parameters[i]->mutable_grad().clamp_(-value, value);
  });
}
