//go:build linux && cgo

// Package torch binds libtorch, versions 1.13 to 2.11, by PyTorch's names: tensors,
// gradients, operations, modules, optimisers, random numbers and process groups. It
// builds on [gotorch] for tensors, some operations and initial weights, and adds what
// gotorch lacks through a thin C++ shim (native/).
//
// It needs libtorch and the native half, which `make` compiles into build/ of a
// checkout and `make install` puts into /usr/local/lib/latent for programs of other
// modules.
//
// # Scopes
//
// Code that computes runs inside [Do]:
//
//	err := torch.Do(func(s *torch.Scope) {
//		x := s.Float32s(data, n, 784)
//		loss := torch.MSELoss(model.Forward(x), x)
//		optimizer.ZeroGrad()
//		loss.Backward()
//		optimizer.Step()
//	})
//
// Each line reads as in PyTorch. Every tensor made inside belongs to the scope and
// is freed when Do returns, not when the garbage collector runs; [Scope.Keep] takes
// one out. [NoGrad] is Do without gradients.
//
// The result of an operation belongs to the scope of its first operand that has
// one. Parameters and kept tensors have none: what they alone make belongs to the
// innermost Do of the goroutine.
//
// # Modules
//
// A [Module] is anything with a Forward. A struct with modules in its fields has
// PyTorch's names: [Parameters], [Train], [Eval], [StateDict], [Save] and [Load] take
// it.
//
// # Operations
//
// Methods of [Tensor] and [Scope] and a few functions, by PyTorch's names. They are
// made from one table, operations.table, and tested against PyTorch's values and
// gradients. docs/torch.md shows how PyTorch's calls are written here.
//
// # Errors
//
// An error of libtorch, such as shapes that do not fit or a device without memory,
// ends the function at that line and is returned by Do as an [*Error]. Neither a
// panic nor a C++ exception passes it.
//
// # Concurrency
//
// A Do is bound to one thread and one goroutine. Any number of goroutines may each
// run their own and read each other's tensors; one that outlives a Do is shared by
// Keep. Training one module from two goroutines is a race, as in PyTorch. Random
// numbers come from libtorch's default generator, of which a process has one.
//
// [gotorch]: https://github.com/wangkuiyi/gotorch
package torch
