// Thin: each function is one libtorch call behind the guard.
#include "shim.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <dlfcn.h>
#include <malloc.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <atomic>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "cuda.h"
#include "guard.h"
#include "trace.h"

using latent::guard;

namespace {

at::ScalarType scalar_type(int8_t dtype) { return static_cast<at::ScalarType>(dtype); }

at::IntArrayRef shape_of(const int64_t *shape, int64_t dims) {
  return at::IntArrayRef(shape, static_cast<size_t>(dims));
}

void keep(Tensor *out, at::Tensor value) { *out = new at::Tensor(std::move(value)); }

at::Generator seeded(uint64_t seed) {
  return at::make_generator<at::CPUGeneratorImpl>(seed);
}

void copy_permutation(const at::Tensor &p, int64_t *values) {
  std::memcpy(values, p.data_ptr<int64_t>(), sizeof(int64_t) * p.numel());
}

}  // namespace

// gotorch's package init asks for half the cores (none on a machine with one,
// which libtorch answers with an exception that nothing catches). Its device.cc
// is built under another name and this does nothing: latent sets its threads
// itself, with latent_set_num_threads.
extern "C" void SetNumThreads(int32_t) {}

void latent_free_string(const char *s) { delete[] s; }

const char *latent_init(void) {
  return guard([] {
    // A step frees and asks again for the same few megabytes. Kept pages cost
    // nothing to reuse; returned ones are faulted in and zeroed every time.
    // glibc before 2.35 refuses more than half of an arena's heap, 32 MiB, and would go on mapping every tensor anew.
    if (!mallopt(M_MMAP_THRESHOLD, 1 << 30)) mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
    mallopt(M_ARENA_MAX, 1);
    // guard.h cuts the C++ backtrace off every error; to write it took libtorch 3 ms.
    c10::SetStackTraceFetcher([] { return std::string(); });
  });
}

const char *latent_set_blas_core(const char *core) {
  return guard([&] {
    using Switch = void (*)();
    const auto quit = reinterpret_cast<Switch>(dlsym(RTLD_DEFAULT, "gotoblas_dynamic_quit"));
    const auto start = reinterpret_cast<Switch>(dlsym(RTLD_DEFAULT, "gotoblas_dynamic_init"));
    if (!quit || !start) return;
    setenv("OPENBLAS_CORETYPE", core, 1);
    quit();  // forgets the choice that was made while loading
    start();
    unsetenv("OPENBLAS_CORETYPE");
  });
}

namespace {
std::atomic<int> wanted_threads{0};
}

const char *latent_set_num_threads(int32_t n) {
  return guard([&] {
    TORCH_CHECK(n >= 1, "threads must be at least 1, got ", n);
    wanted_threads = n;
    at::set_num_threads(n);
    // OpenBLAS keeps threads of its own; fused.cc says why it must not use them.
    using Setter = void (*)(int);
    if (auto set = reinterpret_cast<Setter>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
      set(1);
  });
}

const char *latent_enter(void) {
  return guard([] {
    // libtorch keeps the number per thread: one that has worked before has the old one.
    if (at::get_num_threads() != wanted_threads) at::set_num_threads(wanted_threads);
  });
}

const char *latent_info(const char **text) {
  return guard([&] {
    std::ostringstream s;
#ifdef LATENT_LIBTORCH_VERSION  // the package's: Debian's 1.13.1 has a header that says 1.13.0
    s << "version=" << LATENT_LIBTORCH_VERSION << "\n";
#else
    s << "version=" << TORCH_VERSION << "\n";
#endif
    s << "threads=" << at::get_num_threads() << "\n";
    Dl_info where;
    if (dladdr(reinterpret_cast<void *>(&at::get_num_threads), &where) && where.dli_fname)
      s << "path=" << where.dli_fname << "\n";
    using Config = const char *(*)();
    if (auto f = reinterpret_cast<Config>(dlsym(RTLD_DEFAULT, "openblas_get_config"))) {
      s << "blas=" << f();
      if (auto core = reinterpret_cast<Config>(dlsym(RTLD_DEFAULT, "openblas_get_corename")))
        s << " core " << core();
      s << "\n";
      using Count = int (*)();
      if (auto count = reinterpret_cast<Count>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads")))
        s << "blas_threads=" << count() << "\n";
    } else if (at::hasMKL()) {
      s << "blas=MKL\n";
    } else {
      s << "blas=generic\n";
    }
    s << "cuda=" << (torch::cuda::is_available() ? "available" : "not available") << "\n";
    s << "cuda_devices=" << torch::cuda::device_count() << "\n";
    *text = latent::message(s.str().c_str());
  });
}

const char *latent_device_check(const char *device) {
  return guard([&] {
    at::Device d{std::string(device)};
    if (d.is_cuda()) {
#ifdef LATENT_CUDA  // at::hasCUDA() is false too where there is no device
      const char *why = "libtorch finds no usable NVIDIA GPU or driver";
#else
      const char *why = "this build has no CUDA";
#endif
      TORCH_CHECK(torch::cuda::is_available(), "device ", device, " is not available: ", why);
      TORCH_CHECK(!d.has_index() || d.index() < static_cast<int>(torch::cuda::device_count()),
                  "device ", device, " does not exist: there are ",
                  torch::cuda::device_count(), " CUDA devices");
    } else {
      TORCH_CHECK(d.is_cpu(), "device ", device, " is not supported: use cpu, cuda or cuda:N");
    }
  });
}

const char *latent_set_tf32(bool on) {
  return guard([&] { at::globalContext().setAllowTF32CuBLAS(on); });
}

const char *latent_manual_seed(uint64_t seed) {
  return guard([&] { torch::manual_seed(seed); });
}

const char *latent_random_int64(int64_t *value) {
  return guard([&] { *value = at::empty({}, at::kLong).random_().item<int64_t>(); });
}

const char *latent_randperm(int64_t n, int64_t *values) {
  return guard([&] { copy_permutation(at::randperm(n, at::kLong), values); });
}

const char *latent_randperm_seeded(int64_t n, uint64_t seed, int64_t *values) {
  return guard([&] {
    copy_permutation(at::randperm(n, c10::optional<at::Generator>(seeded(seed)), at::kLong), values);
  });
}

const char *latent_get_rng_state(uint8_t *state, int64_t capacity, int64_t *size) {
  return guard([&] {
    auto gen = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(gen.mutex());
    const at::Tensor s = gen.get_state();
    TORCH_CHECK(s.numel() <= capacity, "generator state has ", s.numel(), " bytes");
    std::memcpy(state, s.data_ptr<uint8_t>(), s.numel());
    *size = s.numel();
  });
}

const char *latent_set_rng_state(const uint8_t *state, int64_t size) {
  return guard([&] {
    at::Tensor s = at::empty({size}, at::kByte);
    std::memcpy(s.data_ptr<uint8_t>(), state, size);
    auto gen = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(gen.mutex());
    gen.set_state(s);
  });
}

// Drawn on the CPU wherever `like` lives, so that every device sees the same numbers.
const char *latent_uniform(const int64_t *shape, int64_t dims, double low, double high,
                           Tensor like, Tensor *out) {
  return guard([&] {
    at::Tensor t = at::empty(shape_of(shape, dims), at::kFloat).uniform_(low, high);
    keep(out, t.to(like->device()));
  });
}

const char *latent_grad_enabled(bool *enabled) {
  return guard([&] { *enabled = at::GradMode::is_enabled(); });
}

const char *latent_set_grad_enabled(bool enabled) {
  return guard([&] { at::GradMode::set_enabled(enabled); });
}

// The scope that a thread computes in, for tensors that belong to none.
static thread_local uintptr_t current_scope = 0;

uintptr_t latent_scope(void) { return current_scope; }

uintptr_t latent_enter_scope(uintptr_t scope) {
  const uintptr_t before = current_scope;
  current_scope = scope;
  return before;
}

void latent_free_tensors(Tensor *tensors, int64_t n) {
  for (int64_t i = 0; i < n; ++i) delete tensors[i];
}

void latent_free_list(Tensor *list) { delete[] list; }

const char *latent_backward(Tensor loss) {
  return guard([&] { loss->backward(); });
}

const char *latent_grad_fn(Tensor a, const char **text) {
  return guard([&] { *text = latent::message(a->grad_fn() ? a->grad_fn()->name().c_str() : ""); });
}

const char *latent_grad(Tensor a, Tensor *out) {
  return guard([&] {
    const at::Tensor g = a->grad();
    *out = g.defined() ? new at::Tensor(g) : nullptr;
  });
}

const char *latent_zero_grad(Tensor *parameters, int64_t n) {
  return guard([&] {
    for (int64_t i = 0; i < n; ++i) parameters[i]->mutable_grad().reset();
  });
}

const char *latent_requires_grad(Tensor a, bool on) {
  return guard([&] { a->requires_grad_(on); });
}

const char *latent_shape(Tensor a, int64_t *sizes, int64_t capacity, int64_t *dims, int8_t *dtype) {
  return guard([&] {
    const at::IntArrayRef s = a->sizes();
    *dims = static_cast<int64_t>(s.size());
    std::copy_n(s.begin(), std::min<int64_t>(*dims, capacity), sizes);
    *dtype = static_cast<int8_t>(a->scalar_type());
  });
}

const char *latent_from_data(const void *data, int8_t dtype, const int64_t *shape,
                             int64_t dims, const char *device, Tensor *out) {
  return guard([&] {
    at::Tensor t = at::empty(shape_of(shape, dims), scalar_type(dtype));
    if (t.numel() > 0) std::memcpy(t.data_ptr(), data, t.nbytes());
    keep(out, t.to(at::Device(std::string(device))));
  });
}

const char *latent_copy_out(Tensor a, void *data, int8_t dtype, int64_t count) {
  return guard([&] {
    TORCH_CHECK(a->numel() == count, "tensor of shape ", a->sizes(), " has ", a->numel(),
                " elements, not ", count);
    const at::Tensor t = a->detach().to(at::kCPU, scalar_type(dtype)).contiguous();
    if (count > 0) std::memcpy(data, t.data_ptr(), t.nbytes());
  });
}

const char *latent_copy_in(Tensor a, const void *data, int8_t dtype, int64_t count) {
  return guard([&] {
    TORCH_CHECK(a->numel() == count, "tensor of shape ", a->sizes(), " has ", a->numel(),
                " elements, not ", count);
    at::Tensor t = at::empty(a->sizes(), scalar_type(dtype));
    if (count > 0) std::memcpy(t.data_ptr(), data, t.nbytes());
    torch::NoGradGuard no_grad;
    a->copy_(t);
  });
}

const char *latent_to_device(Tensor a, const char *device, Tensor *out) {
  return guard([&] { keep(out, a->to(at::Device(std::string(device)))); });
}

const char *latent_set_device(Tensor parameter, const char *device) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    parameter->set_data(parameter->detach().to(at::Device(std::string(device))));
  });
}

const char *latent_device(Tensor a, const char **text) {
  return guard([&] { *text = latent::message(a->device().str().c_str()); });
}

const char *latent_item(Tensor a, double *value) {
  return guard([&] { *value = a->item<double>(); });
}

// Rows of a byte matrix as float32 in 0..1, as torchvision's ToTensor makes
// them: byte / 255, each of the 256 quotients computed once.
const char *latent_pixels(Tensor bytes, Tensor index, Tensor *out) {
  return guard([&] {
    TORCH_CHECK(bytes->scalar_type() == at::kByte && bytes->dim() == 2 &&
                    bytes->is_contiguous() && index->scalar_type() == at::kLong &&
                    index->dim() == 1 && index->is_contiguous() &&
                    index->device() == bytes->device(),
                "pixels: wants a byte matrix and an int64 index on its device");
    if (!bytes->device().is_cpu() || latent::as_device()) {
      if (const char *failed = latent_pixels_by_table(bytes, index, out)) {
        const std::string text = failed;
        latent_free_string(failed);
        TORCH_CHECK(false, text);
      }
      return;
    }
    static const std::vector<float> quotient = [] {
      std::vector<float> q(256);
      for (int i = 0; i < 256; ++i) q[i] = static_cast<float>(i) / 255.0f;
      return q;
    }();
    const int64_t rows = index->numel(), columns = bytes->size(1), n = bytes->size(0);
    at::Tensor result = at::empty({rows, columns}, at::kFloat);
    const uint8_t *from = bytes->data_ptr<uint8_t>();
    const int64_t *chosen = index->data_ptr<int64_t>();
    for (int64_t r = 0; r < rows; ++r)
      TORCH_CHECK_INDEX(chosen[r] >= 0 && chosen[r] < n, "pixels: row ", chosen[r], " of ", n);
    float *to = result.data_ptr<float>();
    at::parallel_for(0, rows, 64, [&](int64_t lo, int64_t hi) {
      for (int64_t r = lo; r < hi; ++r) {
        const uint8_t *source = from + chosen[r] * columns;
        float *target = to + r * columns;
        for (int64_t c = 0; c < columns; ++c) target[c] = quotient[source[c]];
      }
    });
    keep(out, result);
  });
}

const char *latent_fast_bf16(const char *device, bool *yes) {
  return guard([&] {
    *yes = at::Device(std::string(device)).is_cuda();
#if defined(__x86_64__) && TORCH_VERSION_MAJOR >= 2
    // CPUID leaf 7, subleaf 1, EAX bit 5 is AVX512-BF16; subleaf 0, EDX bit 22 AMX-BF16.
    unsigned a, b, c, d;
    if (__builtin_cpu_supports("avx512f")) {
      if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1)) *yes = true;
      if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1)) *yes = true;
    }
#endif
  });
}

const char *latent_product(float *dst, const float *a, const float *b, int64_t m, int64_t n,
                           int64_t k) {
  return guard([&] {
    torch::NoGradGuard no_grad;
    at::Tensor c = at::from_blob(dst, {m, n}, at::kFloat);
    at::mm_out(c, at::from_blob(const_cast<float *>(a), {m, k}, at::kFloat),
               at::from_blob(const_cast<float *>(b), {n, k}, at::kFloat).t());
  });
}
