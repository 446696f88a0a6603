//go:build linux && cgo

package torch

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A kept tensor is read by many goroutines, each with a Do of its own, whose results are its own;
// a tensor of one Do is read by others while it runs, and their results end with it.
func TestConcurrentReaders(t *testing.T) {
	var kept *Tensor
	do(t, func(s *Scope) { kept = s.Keep(s.Arange(0, 1000, 1)) })
	defer kept.Close()
	do(t, func(outer *Scope) {
		shared := outer.Ones(1000)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 200 {
					var mine *Tensor
					err := Do(func(s *Scope) {
						if y := kept.Mul(kept); y.scope != s || y.Max().Item() != 998001 {
							t.Error("a kept tensor's square is wrong")
						}
						mine = s.Zeros(1000).Add(shared).Add(kept)
						if most := shared.Add(kept).Max().Item(); most != 1000 {
							t.Errorf("the largest is %g", most)
						}
					})
					if err != nil {
						t.Error(err)
					}
					if mine.g.T != nil {
						t.Error("a tensor outlives its scope")
					}
				}
			})
		}
		group.Wait()
	})
}

// A tensor that is used after its scope is an error, inside another Do and outside any, of every
// way to use it.
func TestUseAfterScope(t *testing.T) {
	var lost, other *Tensor
	do(t, func(s *Scope) { lost, other = s.Ones(2), s.Keep(s.Ones(2)) })
	defer other.Close()
	uses := map[string]func(){
		"operation":      func() { lost.Exp() },
		"second operand": func() { other.Add(lost) },
		"list":           func() { Cat(0, other, lost) },
		"list result":    func() { lost.Unbind(0) },
		"two results":    func() { lost.MaxDim(0, false) },
		"in place":       func() { lost.FillI(1) },
		"shape":          func() { lost.Shape() },
		"copy":           func() { lost.Float32s() },
		"item":           func() { lost.Item() },
		"backward":       func() { lost.Backward() },
		"keep":           func() { (&Scope{}).Keep(lost) },
		"optional":       func() { other.Reshape(1, 2).Linear(other.Reshape(1, 2), lost) },
	}
	for name, use := range uses {
		if err := Do(func(*Scope) { use() }); err == nil ||
			!strings.Contains(err.Error(), "closed tensor") {
			t.Errorf("%s inside Do: %v", name, err)
		}
		if err := refused(use); name != "optional" &&
			(err == nil || !strings.Contains(err.Error(), "closed tensor")) {
			t.Errorf("%s outside Do: %v", name, err)
		}
	}
}

// A panic in the middle frees what the scope had, and nothing twice.
func TestPanicFreesTensors(t *testing.T) {
	flat(t, 300, func() {
		defer func() { _ = recover() }()
		_ = Do(func(s *Scope) {
			s.Ones(1 << 16).Exp()
			_ = Do(func(s *Scope) { s.Ones(1 << 16) })
			panic("a bug")
		})
	})
	if current() != nil {
		t.Error("the scope is still there after a panic")
	}
}

// A kept tensor that nobody closes is freed by the garbage collector, once; one that is closed, by
// Close alone.
func TestLeakedKeep(t *testing.T) {
	round := 0
	flat(t, 400, func() {
		do(t, func(s *Scope) {
			s.Keep(s.Ones(1 << 16))
			closed := s.Keep(s.Ones(1 << 16))
			s.Keep(closed) // again: one owner
			closed.Close()
		})
		if round++; round%20 == 0 {
			runtime.GC()
		}
	})
	for range 3 {
		runtime.GC()
	}
}

// Ten thousand steps of a convolutional network leave the resident size as it was.
func TestConvolutionSoak(t *testing.T) {
	steps := 300
	if os.Getenv("LATENT_LONG") != "" {
		steps = 10_000
	}
	var conv1, conv2, drop, fc Module
	do(t, func(*Scope) {
		conv1, conv2, drop, fc = Conv2d(1, 8, 3, Conv{}), Conv2d(8, 16, 3, Conv{}), Dropout(0.25),
			Linear(16*4*4, 10)
	})
	model := NewSequential(conv1, BatchNorm2d(8), ReLU(), conv2, ReLU(),
		MaxPool2d(Pool{Kernel: []int{2}}), drop, Flatten(), fc)
	o := NewAdadelta(model.Parameters(""), 1)
	defer o.Close()
	flat(t, steps, func() {
		do(t, func(s *Scope) {
			x, y := s.Rand(16, 1, 12, 12), s.RandInt(0, 10, 16)
			o.ZeroGrad()
			loss := CrossEntropy(model.Forward(x), y)
			loss.Backward()
			ClipGradNorm(o.parameters, 1)
			o.Step()
		})
	})
}
