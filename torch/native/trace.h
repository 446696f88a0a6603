// What a GPU would be asked for, found out on the CPU.
#pragma once

#include "shim.h"

#ifdef __cplusplus
extern "C" {
#endif

// Between start and stop the names of all operators that the process runs are noted,
// in order, and the CPU runs the code for other devices in place of its own.
const char *latent_trace_start(void);
const char *latent_trace_stop(const char **names);  // one a line

#ifdef __cplusplus
}

namespace latent {
bool as_device();  // the CPU is to run the code for other devices
}
#endif
