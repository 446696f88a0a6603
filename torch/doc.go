// Package torch is the one wrapper around libtorch: gotorch's tensors, modules
// and initial weights, and what gotorch lacks through a thin C++ shim (native/).
//
// Code that computes runs inside [Do]:
//
//	err := torch.Do(func(s *torch.Scope) {
//		x := s.Float32s(data, n, 784)
//		z := encoder.Forward(x)
//		loss := torch.MSELoss(decoder.Forward(z), x)
//		optimizer.ZeroGrad()
//		loss.Backward()
//		optimizer.Step()
//	})
//
// Within it a line reads as its PyTorch twin. Whatever libtorch refuses, shapes
// that do not fit, a device without memory, ends the function at that line and
// comes out of Do as an [*Error]; no panic and no C++ exception passes it. Every
// tensor made inside belongs to the scope and is freed when Do returns, not when
// the garbage collector wakes; [Scope.Keep] takes one out.
//
// A Do is bound to one thread and one goroutine: tensors may be read by several
// goroutines at a time, a scope must not be shared.
package torch
