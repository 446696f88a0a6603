//go:build linux && cgo

// Package malloctest tells tests how much memory C and C++ hold. (Test files themselves cannot use
// cgo.)
package malloctest

/*
#include <malloc.h>
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static int used(void) {
  struct mallinfo m = mallinfo(); // mallinfo2 is glibc 2.33's
  return m.uordblks + m.hblkhd;
}
*/
import "C"

// Used is the number of bytes that were allocated by malloc and not freed, modulo 4 GiB.
func Used() int { return int(C.used()) }
