//go:build linux && cgo

package torch

import "testing"

// What a call costs beside the work: scripts/bench/overhead.sh runs the same from C++ and from
// Python.
func BenchmarkOverhead(b *testing.B) {
	for _, c := range []struct {
		name string
		f    func(x, y *Tensor)
	}{
		{"add of 1", func(x, y *Tensor) { x.Add(y) }},
		{"exp of 1", func(x, y *Tensor) { x.Exp() }},
		{"sum of 1", func(x, y *Tensor) { x.Sum() }},
		{"reshape of 1", func(x, y *Tensor) { x.Reshape(1, 1) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for done := 0; done < b.N; {
				err := NoGrad(func(s *Scope) { // as many as a step has
					x, y := s.Ones(1), s.Ones(1)
					for range min(100, b.N-done) {
						c.f(x, y)
					}
				})
				if err != nil {
					b.Fatal(err)
				}
				done += 100
			}
		})
	}
	b.Run("error", func(b *testing.B) {
		for b.Loop() {
			if err := Do(func(s *Scope) { s.Ones(2).Add(s.Ones(3)) }); err == nil {
				b.Fatal("no error")
			}
		}
	})
	b.Run("Do", func(b *testing.B) {
		for b.Loop() {
			if err := Do(func(*Scope) {}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A step of examples/mnist's network, batches of 64.
func BenchmarkConvolutionStep(b *testing.B) {
	var m *Sequential
	if err := Do(func(*Scope) {
		m = NewSequential(Conv2d(1, 32, 3, Conv{}), ReLU(), Conv2d(32, 64, 3, Conv{}), ReLU(),
			MaxPool2d(Pool{Kernel: []int{2}}),
			Dropout(0.25), Flatten(), Linear(9216, 128), ReLU(), Dropout(0.5), Linear(128,
				10), LogSoftmax(1))
	}); err != nil {
		b.Fatal(err)
	}
	o := NewAdadelta(m.Parameters(""), 1)
	defer o.Close()
	for b.Loop() {
		err := Do(func(s *Scope) {
			x, y := s.Rand(64, 1, 28, 28), s.RandInt(0, 10, 64)
			o.ZeroGrad()
			NLLLoss(m.Forward(x), y).Backward()
			o.Step()
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
