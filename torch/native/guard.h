// The one place where C++ exceptions become messages.
#pragma once

#include <cstring>
#include <exception>
#include <string>

namespace latent {

inline const char *message(const char *text) {
  // libtorch appends its own C++ backtrace to what(); users need the first line.
  const char *end = std::strstr(text, "\nException raised from");
  std::size_t n = end ? static_cast<std::size_t>(end - text) : std::strlen(text);
  char *copy = new char[n + 1];
  std::memcpy(copy, text, n);
  copy[n] = '\0';
  return copy;
}

// guard runs body and returns NULL, or the message of what it threw.
template <typename Body>
const char *guard(Body body) noexcept {
  try {
    body();
    return nullptr;
  } catch (const std::exception &e) {
    try {
      return message(e.what());
    } catch (...) {
    }
  } catch (...) {
  }
  static const char unknown[] = "unknown C++ exception";
  try {
    return message(unknown);
  } catch (...) {
    std::terminate();  // not even 22 bytes of memory are left
  }
}

}  // namespace latent
