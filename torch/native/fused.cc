// The training path: the operations in which an epoch is spent, each doing in
// one pass over memory what eager PyTorch does in several. Same formulas, same
// autograd: nn.Linear with ReLU, nn.MSELoss, torch.optim.Adam.
//
// All of it runs on one pool of threads, libtorch's. The BLAS itself is kept to
// one thread (latent_set_num_threads) and each of ours multiplies its own block
// of rows, bias and ReLU while they are in its cache. OpenBLAS with threads of its
// own beside OpenMP's has two pools that wait for each other by spinning.
#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <cmath>
#include <vector>

#include "guard.h"
#include "shim.h"
#include "sparse.h"
#include "trace.h"

// Lets the compiler vectorise sqrt; nobody here reads errno.
#pragma GCC optimize("no-math-errno")

using latent::guard;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Chosen by the CPU at load time; the plain loops below are what it compiles.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define LATENT_CLONES \
  __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define LATENT_CLONES
#endif

bool plain(const at::Tensor &t) {
  return t.device().is_cpu() && !latent::as_device() && t.scalar_type() == at::kFloat && t.is_contiguous();
}

// Calls body(first, count) for one block of 0..n-1 per thread. work is the number
// of multiplications; a small product is not worth waking anybody for.
template <typename Body>
void split(int64_t n, int64_t work, Body body) {
  const int64_t threads = work < (1 << 20) ? 1 : at::get_num_threads();
  const int64_t block = ((n + threads - 1) / threads + 15) / 16 * 16;
  if (block >= n) {
    body(0, n);
    return;
  }
  at::parallel_for(0, (n + block - 1) / block, 1, [&](int64_t lo, int64_t hi) {
    at::AutoDispatchBelowADInplaceOrView no_autograd;  // per thread
    for (int64_t b = lo; b < hi; ++b)
      body(b * block, std::min(block, n - b * block));
  });
}

// The product a b, its rows split over the threads.
at::Tensor mm_rows(const at::Tensor &a, const at::Tensor &b) {
  at::Tensor c = at::empty({a.size(0), b.size(1)}, a.options());
  split(c.size(0), a.numel() * b.size(1), [&](int64_t first, int64_t count) {
    at::Tensor rows = c.narrow(0, first, count);
    at::mm_out(rows, a.narrow(0, first, count), b);
  });
  return c;
}

LATENT_CLONES
void add_bias_rows(float *y, const float *bias, int64_t rows, int64_t columns,
                   bool relu) {
  for (int64_t r = 0; r < rows; ++r) {
    float *row = y + r * columns;
    if (relu) {
      for (int64_t c = 0; c < columns; ++c) {
        const float v = row[c] + bias[c];
        row[c] = v < 0.0f ? 0.0f : v;  // NaN stays, as in PyTorch
      }
    } else {
      for (int64_t c = 0; c < columns; ++c) row[c] += bias[c];
    }
  }
}

// gz = g but 0 where y <= 0, and the column sums of gz are added to sum.
LATENT_CLONES
void relu_backward_rows(const float *g, const float *y, float *gz, float *sum,
                        int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *gr = g + r * columns, *yr = y + r * columns;
    float *out = gz + r * columns;
    for (int64_t c = 0; c < columns; ++c) {
      const float v = yr[c] <= 0.0f ? 0.0f : gr[c];  // NaN in y lets g pass, as in PyTorch
      out[c] = v;
      sum[c] += v;
    }
  }
}

LATENT_CLONES
double squared_error_rows(const float *output, const float *target, float *grad,
                          int64_t n, float scale) {
  // Sixteen float lanes per block of 256, blocks summed in double: no worse
  // than PyTorch's cascade sum.
  double total = 0.0;
  for (int64_t start = 0; start < n; start += 256) {
    const int64_t end = std::min<int64_t>(n, start + 256);
    float lanes[16] = {0};
    int64_t i = start;
    for (; i + 16 <= end; i += 16)
      for (int k = 0; k < 16; ++k) {
        const float d = output[i + k] - target[i + k];
        grad[i + k] = d * scale;
        lanes[k] += d * d;
      }
    for (; i < end; ++i) {
      const float d = output[i] - target[i];
      grad[i] = d * scale;
      lanes[0] += d * d;
    }
    float block = 0.0f;
    for (float lane : lanes) block += lane;
    total += block;
  }
  return total;
}

struct AdamSettings {
  float one_minus_beta1, beta2, one_minus_beta2, eps, weight_decay, step_size,
      inverse_sqrt_bias2;
};

LATENT_CLONES
void adam_range(float *p, const float *g, float *m, float *v, int64_t n,
                AdamSettings s) {
  for (int64_t i = 0; i < n; ++i) {
    const float grad = g[i] + s.weight_decay * p[i];
    m[i] += s.one_minus_beta1 * (grad - m[i]);
    v[i] = s.beta2 * v[i] + s.one_minus_beta2 * grad * grad;
    const float denominator = std::sqrt(v[i]) * s.inverse_sqrt_bias2 + s.eps;
    p[i] -= s.step_size * (m[i] / denominator);
  }
}

// y = relu(x W^T + b); the product is BLAS's, bias and ReLU one pass behind it.
// Where x is data, mostly zeros, sparse.cc multiplies.
struct Linear : public torch::autograd::Function<Linear> {
  static at::Tensor forward(AutogradContext *ctx, at::Tensor x, at::Tensor weight,
                            at::Tensor bias, bool relu, bool bf16) {
    at::Tensor y;
    const bool floats = plain(x) && plain(weight) && plain(bias);
    // Leaving out the zeros of data gains more than halving its numbers, and rounds nothing.
    if (floats && !x.requires_grad()) y = latent::sparse_linear(x, weight, bias, relu);
    if (!y.defined() && bf16) {
      const at::Tensor xh = x.to(at::kBFloat16), wh = weight.to(at::kBFloat16);
      y = at::linear(xh, wh, bias.to(at::kBFloat16));
      if (relu) y.relu_();
      ctx->save_for_backward({xh, wh, relu ? y : at::Tensor()});
    } else {
      if (!y.defined() && floats) {
        y = dense(x, weight, bias, relu);
      } else if (!y.defined()) {
        y = at::addmm(bias, x, weight.t());
        if (relu) y.relu_();
      }
      ctx->save_for_backward({x, weight, relu ? y : at::Tensor()});
    }
    ctx->saved_data["relu"] = relu;
    return y;
  }

  static at::Tensor dense(const at::Tensor &x, const at::Tensor &weight,
                          const at::Tensor &bias, bool relu) {
    const int64_t columns = weight.size(0);
    at::Tensor y = at::empty({x.size(0), columns}, x.options());
    const float *b = bias.data_ptr<float>();
    float *data = y.data_ptr<float>();
    const at::Tensor wt = weight.t();
    split(x.size(0), x.numel() * columns, [&](int64_t first, int64_t count) {
      at::Tensor rows = y.narrow(0, first, count);
      at::mm_out(rows, x.narrow(0, first, count), wt);
      add_bias_rows(data + first * columns, b, count, columns, relu);
    });
    return y;
  }

  static variable_list backward(AutogradContext *ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &y = saved[2];
    const bool relu = ctx->saved_data["relu"].toBool();
    at::Tensor g = grads[0], bias_grad;
    if (relu && plain(g) && plain(y)) {
      const int64_t rows = g.size(0), columns = g.size(1);
      at::Tensor gz = at::empty_like(g);
      // Fixed blocks, added up in their order: the same sum however many threads.
      const int64_t block = 64, blocks = (rows + block - 1) / block;
      at::Tensor partial = at::zeros({blocks, columns}, g.options());
      const float *gp = g.data_ptr<float>(), *yp = y.data_ptr<float>();
      float *zp = gz.data_ptr<float>(), *sp = partial.data_ptr<float>();
      at::parallel_for(0, blocks, 1, [&](int64_t lo, int64_t hi) {
        for (int64_t b = lo; b < hi; ++b) {
          const int64_t from = b * block, n = std::min(block, rows - from);
          relu_backward_rows(gp + from * columns, yp + from * columns,
                             zp + from * columns, sp + b * columns, n, columns);
        }
      });
      g = gz;
      bias_grad = partial.sum(0);
    } else {
      if (relu) g = at::threshold_backward(g, y, 0);
      bias_grad = g.scalar_type() == at::kFloat ? g.sum(0) : g.to(at::kFloat).sum(0);
    }
    if (g.scalar_type() != weight.scalar_type()) g = g.to(weight.scalar_type());
    at::Tensor weight_grad, x_grad;
    if (plain(g) && plain(x) && plain(weight)) {
      if (ctx->needs_input_grad(0))
        x_grad = mm_rows(g, weight);
      else
        weight_grad = latent::sparse_weight_grad(g, x);  // x is data, not activations
      if (!weight_grad.defined()) weight_grad = mm_rows(g.t(), x);
    } else {
      weight_grad = g.t().mm(x);
      if (ctx->needs_input_grad(0)) x_grad = g.mm(weight);
    }
    if (weight_grad.scalar_type() != at::kFloat) weight_grad = weight_grad.to(at::kFloat);
    return {x_grad, weight_grad, bias_grad, at::Tensor(), at::Tensor()};
  }
};

// mean((output - target)^2); the gradient for the output is made in the same pass.
struct MSELoss : public torch::autograd::Function<MSELoss> {
  static at::Tensor forward(AutogradContext *ctx, at::Tensor output,
                            at::Tensor target) {
    const int64_t n = output.numel();
    const int64_t block = 1 << 16, blocks = (n + block - 1) / block;
    at::Tensor grad = at::empty_like(output);
    std::vector<double> partial(blocks);
    const float *o = output.data_ptr<float>(), *t = target.data_ptr<float>();
    float *g = grad.data_ptr<float>();
    const float scale = static_cast<float>(2.0 / static_cast<double>(n));
    at::parallel_for(0, blocks, 1, [&](int64_t lo, int64_t hi) {
      for (int64_t b = lo; b < hi; ++b) {
        const int64_t from = b * block;
        partial[b] = squared_error_rows(o + from, t + from, g + from,
                                        std::min(block, n - from), scale);
      }
    });
    double total = 0.0;
    for (double p : partial) total += p;
    ctx->save_for_backward({grad});
    return at::full({}, total / static_cast<double>(n), output.options());
  }

  static variable_list backward(AutogradContext *ctx, variable_list grads) {
    at::Tensor grad = ctx->get_saved_variables()[0];
    const float upstream = grads[0].item<float>();
    return {upstream == 1.0f ? grad : grad * upstream, at::Tensor()};
  }
};

}  // namespace

const char *latent_linear(Tensor x, Tensor weight, Tensor bias, bool relu, bool bf16,
                          Tensor *out) {
  return guard([&] {
    TORCH_CHECK(x->dim() == 2 && weight->dim() == 2 && bias->dim() == 1 &&
                    x->size(1) == weight->size(1) && bias->size(0) == weight->size(0),
                "linear: input ", x->sizes(), " does not fit weight ",
                weight->sizes(), " and bias ", bias->sizes());
    *out = new at::Tensor(Linear::apply(*x, *weight, *bias, relu, bf16));
  });
}

const char *latent_mse_loss(Tensor output, Tensor target, Tensor *out) {
  return guard([&] {
    TORCH_CHECK(output->sizes() == target->sizes(), "mse_loss: output ",
                output->sizes(), " and target ", target->sizes(), " differ in shape");
    const at::Tensor o = output->scalar_type() == at::kFloat ? *output : output->to(at::kFloat);
    *out = new at::Tensor(plain(o) && plain(*target) && !target->requires_grad()
                              ? MSELoss::apply(o, *target)
                              : at::mse_loss(o, *target));
  });
}

const char *latent_adam_step(Tensor *parameters, Tensor *exp_avg, Tensor *exp_avg_sq,
                             int64_t n, int64_t step, double lr, double beta1,
                             double beta2, double eps, double weight_decay) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    const double bias1 = 1.0 - std::pow(beta1, static_cast<double>(step));
    const double bias2 = 1.0 - std::pow(beta2, static_cast<double>(step));
    const AdamSettings settings = {
        static_cast<float>(1.0 - beta1), static_cast<float>(beta2),
        static_cast<float>(1.0 - beta2), static_cast<float>(eps),
        static_cast<float>(weight_decay), static_cast<float>(lr / bias1),
        static_cast<float>(1.0 / std::sqrt(bias2))};
    for (int64_t i = 0; i < n; ++i) {
      at::Tensor &p = *parameters[i], &m = *exp_avg[i], &v = *exp_avg_sq[i];
      const at::Tensor g = p.grad();
      if (!g.defined()) continue;
      if (plain(p) && plain(m) && plain(v) && plain(g)) {
        float *pp = p.data_ptr<float>(), *mp = m.data_ptr<float>(),
              *vp = v.data_ptr<float>();
        const float *gp = g.data_ptr<float>();
        at::parallel_for(0, p.numel(), 1 << 14, [&](int64_t lo, int64_t hi) {
          adam_range(pp + lo, gp + lo, mp + lo, vp + lo, hi - lo, settings);
        });
      } else {
        const at::Tensor grad = g.add(p, weight_decay);
        m.lerp_(grad, 1.0 - beta1);
        v.mul_(beta2).addcmul_(grad, grad, 1.0 - beta2);
        p.addcdiv_(m, v.sqrt().mul_(settings.inverse_sqrt_bias2).add_(eps),
                   -settings.step_size);
      }
    }
  });
}
