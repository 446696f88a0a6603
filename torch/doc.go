//go:build linux && cgo

// Package torch binds libtorch, versions 1.13 to 2.11, by PyTorch's names: tensors,
// gradients, modules, Adam, random numbers and process groups. It builds on
// [gotorch] for tensors, modules and initial weights, and adds what gotorch lacks
// through a thin C++ shim (native/).
//
// It needs libtorch and the native half, which `make` compiles into build/ of a
// checkout; a program of another module points there with a replace directive.
//
// # Scopes
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
// Each line reads as in PyTorch. Every tensor made inside belongs to the scope and
// is freed when Do returns, not when the garbage collector runs; [Scope.Keep] takes
// one out. [NoGrad] is Do without gradients.
//
// # Errors
//
// An error of libtorch, such as shapes that do not fit or a device without memory,
// ends the function at that line and is returned by Do as an [*Error]. Neither a
// panic nor a C++ exception passes it.
//
// # Concurrency
//
// A Do is bound to one thread and one goroutine: tensors may be read by several
// goroutines at a time, a scope must not be shared. Random numbers come from
// libtorch's default generator, of which a process has one.
//
// [gotorch]: https://github.com/wangkuiyi/gotorch
package torch
