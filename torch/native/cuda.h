// A training step recorded as a CUDA graph, and the operations that let a step
// find its batch and note its loss without asking the CPU. The operations work
// on every device; streams and graphs exist where LATENT_CUDA was set.
#pragma once

#include "shim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct latent_stream *LatentStream;
typedef struct latent_graph *LatentGraph;

// A stream beside the default one. Between enter and leave, which the same
// thread calls, the thread's work goes there; both order the two streams.
const char *latent_stream_new(const char *device, LatentStream *out);
const char *latent_stream_enter(LatentStream s);
const char *latent_stream_leave(LatentStream s);
void latent_stream_close(LatentStream s);

// Between begin and end what is launched on the current stream, not the default
// one, is recorded and not run. end with `keep` false drops the recording.
// A graph whose begin or end failed is kept for ever: CUDAGraph.cpp warns that its
// destructor cannot know what was left behind.
bool latent_can_capture(void);  // libtorch 2.1 and later: pytorch#106570
const char *latent_graph_begin(LatentGraph *out);
const char *latent_graph_end(LatentGraph g, bool keep);
const char *latent_graph_replay(LatentGraph g);  // does not wait
void latent_graph_close(LatentGraph g);

// The first `length` elements of row counter[0] of an int64 matrix.
const char *latent_row_at(Tensor matrix, Tensor counter, int64_t length, Tensor *out);
// list[counter[0]] = value; counter[0] += 1.
const char *latent_note(Tensor list, Tensor counter, Tensor value);
// flag[0] becomes 1 where an element of value is NaN or infinite, and else stays.
const char *latent_note_not_finite(Tensor flag, Tensor value);
// As latent_adam_step, the number of steps taken in `step` (float32, one element,
// on the device), which grows by one: at::_fused_adam_. Where skip[0] (float32) is 1
// nothing changes.
const char *latent_adam_fused(Tensor *parameters, Tensor *exp_avg, Tensor *exp_avg_sq,
                              int64_t n, Tensor step, Tensor skip, double lr, double beta1,
                              double beta2, double eps, double weight_decay);
// latent_pixels as it is on devices other than the CPU, on all.
const char *latent_pixels_by_table(Tensor bytes, Tensor index, Tensor *out);
// Where a tensor's elements lie.
const char *latent_address(Tensor a, uint64_t *address);

#ifdef __cplusplus
}
#endif
