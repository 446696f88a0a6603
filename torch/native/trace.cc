#include "trace.h"

#include <ATen/record_function.h>

#include <atomic>
#include <mutex>
#include <string>

#include "guard.h"

using latent::guard;

namespace {
std::atomic<bool> tracing{false};
std::mutex lock;
std::string text;
at::CallbackHandle handle;

std::unique_ptr<at::ObserverContext> note(const at::RecordFunction &f) {
  std::lock_guard<std::mutex> held(lock);
  text += f.name();
  text += '\n';
  return nullptr;
}
}  // namespace

bool latent::as_device() { return tracing; }

const char *latent_trace_start(void) {
  return guard([] {
    TORCH_CHECK(!tracing.exchange(true), "operators are noted already");
    text.clear();
    handle = at::addGlobalCallback(at::RecordFunctionCallback(note).scopes({at::RecordScope::FUNCTION}));
  });
}

const char *latent_trace_stop(const char **names) {
  return guard([&] {
    at::removeCallback(handle);
    tracing = false;
    std::lock_guard<std::mutex> held(lock);
    *names = latent::message(text.c_str());
  });
}
