// The calls of BenchmarkOverhead from C++; overhead.sh compiles and runs it.
#include <torch/torch.h>

#include <chrono>
#include <cstdio>
#include <vector>

template <typename F>
void measure(const char *name, F f) {
  torch::NoGradGuard no_grad;
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const int steps = 2000, calls = 100;
    const auto start = std::chrono::steady_clock::now();
    for (int s = 0; s < steps; ++s) {
      std::vector<at::Tensor> alive;  // until the step ends, as in Go
      alive.reserve(calls);
      for (int c = 0; c < calls; ++c) alive.push_back(f());
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / (steps * calls));
  }
  std::printf("C++     %-14s %8.0f ns\n", name, best);
}

int main() {
  const at::Tensor x = torch::ones({1}), y = torch::ones({1});
  measure("add of 1", [&] { return at::add(x, y); });
  measure("exp of 1", [&] { return at::exp(x); });
  measure("sum of 1", [&] { return at::sum(x); });
  measure("reshape of 1", [&] { return at::reshape(x, {1, 1}); });
}
