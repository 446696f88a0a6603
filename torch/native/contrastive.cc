// The contrastive losses' one heavy operation, and what augmentation needs.
#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <limits>

#include "guard.h"
#include "shim.h"
#include "trace.h"

using latent::guard;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// The loss and its gradient in one pass over blocks of rows of the n x n matrix s,
// each block made, used and forgotten while it is in the cache. With G = ds, which
// is softmax(s_i) - [p positive of i] / |positives of i| for the rows that count,
// the gradient of z is scale (G z + G' z - [norms] diag(G' 1) z).
struct SupCon : public torch::autograd::Function<SupCon> {
  static at::Tensor forward(AutogradContext *ctx, at::Tensor z, at::Tensor labels,
                            double scale, bool norms) {
    z = z.detach().contiguous();
    const int64_t n = z.size(0), d = z.size(1);
    const bool cpu = z.device().is_cpu() && !latent::as_device();
    // G' z is summed in a fixed number of parts, added up in their order: the same
    // sum however many threads.
    const int64_t parts = cpu ? 16 : 1, part_rows = (n + parts - 1) / parts;
    const int64_t block = cpu ? 64 : std::max<int64_t>(1, (1 << 26) / std::max<int64_t>(n, 1));

    const at::Tensor zt = z.t(), all = labels.unsqueeze(0), mine = labels.unsqueeze(1);
    const at::Tensor bias = norms ? z.square().sum(1).mul_(-0.5 * scale) : at::zeros({n}, z.options());
    at::Tensor loss = at::zeros({n}, z.options()), anchor = at::zeros({n}, z.options());
    at::Tensor by_row = at::zeros({n, d}, z.options()), by_column = at::zeros({parts, n, d}, z.options());
    at::Tensor column_sum = at::zeros({parts, n}, z.options());

    auto part = [&](int64_t p) {
      at::AutoDispatchBelowADInplaceOrView no_autograd;  // per thread
      const int64_t end = std::min(n, (p + 1) * part_rows);
      for (int64_t first = p * part_rows; first < end; first += block) {
        const int64_t rows = std::min(block, end - first);
        at::Tensor s = at::addmm(bias, z.narrow(0, first, rows).mul(scale), zt);
        at::Tensor same = at::eq(mine.narrow(0, first, rows), all).to(at::kFloat);
        same.diagonal(first).fill_(0);
        const at::Tensor count = same.sum(1, true);
        const at::Tensor inverse = count.clamp_min(1).reciprocal_();
        const at::Tensor positive = s.mul(same).sum(1, true).mul_(inverse);
        s.diagonal(first).fill_(-std::numeric_limits<float>::infinity());
        const at::Tensor top = s.amax(1, true);
        s.sub_(top).exp_();
        const at::Tensor sum = s.sum(1, true), counts = count.gt(0).to(at::kFloat);
        anchor.narrow(0, first, rows).copy_(counts.squeeze(1));
        loss.narrow(0, first, rows).copy_(sum.log().add_(top).sub_(positive).mul_(counts).squeeze(1));
        s.mul_(counts.div(sum)).addcmul_(same, inverse, -1);  // now G
        by_row.narrow(0, first, rows).copy_(s.mm(z));
        by_column[p].addmm_(s.t(), z.narrow(0, first, rows));
        if (norms) column_sum[p].add_(s.sum(0));
      }
    };
    if (cpu) {
      at::parallel_for(0, parts, 1, [&](int64_t lo, int64_t hi) {
        for (int64_t p = lo; p < hi; ++p) part(p);
      });
    } else {
      part(0);
    }

    const at::Tensor anchors = anchor.sum().to(at::kDouble).clamp_min_(1);  // where z is
    at::Tensor grad = by_row.add_(by_column.sum(0));
    if (norms) grad.addcmul_(column_sum.sum(0).unsqueeze(1), z, -1);
    ctx->save_for_backward({grad.mul_(at::full_like(anchors, scale).div_(anchors))});
    return loss.sum(at::kDouble).div_(anchors).to(at::kFloat);
  }

  static variable_list backward(AutogradContext *ctx, variable_list grads) {
    return {ctx->get_saved_variables()[0] * grads[0], at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

const char *latent_supcon(Tensor z, Tensor labels, double scale, bool norms, Tensor *out) {
  return guard([&] {
    TORCH_CHECK(z->dim() == 2 && labels->dim() == 1 && labels->size(0) == z->size(0),
                "supcon: labels ", labels->sizes(), " do not fit rows ", z->sizes());
    TORCH_CHECK(z->size(0) >= 2, "supcon: wants at least two rows");
    const at::Tensor f = z->scalar_type() == at::kFloat ? *z : z->to(at::kFloat);
    *out = new at::Tensor(SupCon::apply(f, *labels, scale, norms));
  });
}

const char *latent_float(Tensor a, Tensor *out) {
  return guard([&] { *out = new at::Tensor(a->to(at::kFloat)); });
}
