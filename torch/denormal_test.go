//go:build linux && cgo

package torch

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// Denormal floats are what they are in PyTorch by default, numbers, on every thread: flushing them
// to zero is a setting of the single thread (MXCSR), and results would hang on the thread that
// they came from.
func TestDenormalsAreKept(t *testing.T) {
	const n = 1 << 17 // enough that libtorch splits it over its threads
	data := make([]float32, n)
	for i := range data {
		data[i] = math.Float32frombits(uint32(2*(i+1))) * float32(1-2*(i%2))
	}
	halves := make([]float32, 256*256) // half the identity
	for i := range 256 {
		halves[257*i] = 0.5
	}
	check := func() {
		do(t, func(s *Scope) {
			x := s.Float32s(data, n)
			half := x.Scale(0.5, 0).Float32s()
			product := x.Reshape(n/256, 256).MatMul(s.Float32s(halves, 256, 256)).Float32s()
			for i, v := range data {
				if want := v * 0.5; half[i] != want || product[i] != want {
					t.Errorf("half of %g is %g, in a product of matrices %g, want %g", v, half[i],
						product[i], want)
					return
				}
			}
		})
	}
	check()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			runtime.LockOSThread() // not unlocked: each of these on a new thread
			check()
		})
	}
	group.Wait()
}

// A step of the notebook's model on inputs, or with first weights, that are denormal.
func BenchmarkDenormalStep(b *testing.B) {
	const rows, dim = 1024, 784
	for _, way := range []string{"none", "inputs", "weights"} {
		b.Run("denormal="+way, func(b *testing.B) {
			if err := ManualSeed(0); err != nil {
				b.Fatal(err)
			}
			x := normals(rand.New(rand.NewPCG(1, 1)), rows*dim)
			q := NewSequential(Linear(dim, 1000), ReLU(), Linear(1000, 25), ReLU(), Linear(25, 50),
				ReLU(), Linear(50, 1000), ReLU(), Linear(1000, dim))
			parameters := q.Parameters("")
			if way == "inputs" {
				for i := range x {
					x[i] *= 1e-40
				}
			}
			if way == "weights" {
				do(b, func(s *Scope) {
					w := parameters[0].Float32s()
					for i := range w {
						w[i] *= 1e-38
					}
					CopyFrom(parameters[0].Tensor, w)
				})
			}
			a, err := NewAdam(parameters, 0, 0) // the weights stay as they are
			if err != nil {
				b.Fatal(err)
			}
			defer a.Close()
			for b.Loop() {
				do(b, func(s *Scope) {
					in := s.Float32s(x, rows, dim)
					loss := MSELoss(q.Forward(in), in)
					a.ZeroGrad()
					loss.Backward()
					a.Step()
				})
			}
		})
	}
}
