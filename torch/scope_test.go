//go:build linux && cgo

package torch

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func gradEnabled() (on bool) {
	err := Do(func(s *Scope) {
		x := s.Float32s([]float32{1}, 1).RequiresGrad(true)
		on = Do(func(*Scope) { x.Exp().Backward() }) == nil
	})
	return on && err == nil
}

func TestNoGrad(t *testing.T) {
	runtime.LockOSThread() // the mode is the thread's
	defer runtime.UnlockOSThread()
	for name, f := range map[string]func(s *Scope){
		"ends":         func(s *Scope) {},
		"fails":        func(s *Scope) { s.Float32s(nil, 1) },
		"nested":       func(s *Scope) { _ = NoGrad(func(s *Scope) { s.Float32s(nil, 1) }) },
		"nested fails": func(s *Scope) { _ = Do(func(s *Scope) { s.Float32s(nil, 1) }) },
	} {
		err := NoGrad(func(s *Scope) {
			if gradEnabled() {
				t.Errorf("%s: gradients are recorded", name)
			}
			f(s)
			if gradEnabled() {
				t.Errorf("%s: gradients are recorded again too early", name)
			}
		})
		if (err != nil) != (name == "fails") {
			t.Errorf("%s: %v", name, err)
		}
		if !gradEnabled() {
			t.Errorf("%s: gradients are not recorded afterwards", name)
		}
	}
	func() {
		defer func() { _ = recover() }()
		_ = NoGrad(func(s *Scope) { panic("a bug") })
	}()
	if !gradEnabled() {
		t.Error("gradients are not recorded after a panic")
	}
}

func TestPanicsPass(t *testing.T) {
	for _, bug := range []any{"a bug", errors.New("a bug"), 7} {
		func() {
			defer func() {
				if r := recover(); r != bug {
					t.Errorf("recovered %v, want %v", r, bug)
				}
			}()
			err := Do(func(s *Scope) { panic(bug) })
			t.Errorf("%v became the error %v", bug, err)
		}()
	}
	defer func() {
		if _, ok := recover().(runtime.Error); !ok {
			t.Error("an index out of range in Go did not pass")
		}
	}()
	_ = Do(func(s *Scope) {
		var empty []int
		_ = empty[s.Float32s(nil, 0).Len()]
	})
}

func TestScopeOwnsItsTensors(t *testing.T) {
	var kept, lost, view *Tensor
	do(t, func(s *Scope) {
		lost = s.Float32s([]float32{1, 2}, 2)
		kept = s.Keep(lost.Scale(2, 0))
		view = s.Keep(lost.Slice(0, 1, 2))
		do(t, func(inner *Scope) { // results belong to their operand's scope
			if y := lost.Exp(); y.scope != s {
				t.Error("the result of an outer tensor belongs to the inner scope")
			}
			if y := inner.Float32s([]float32{1, 1}, 2).Add(lost); y.scope != inner {
				t.Error("the result does not belong to its first operand's scope")
			}
		})
		lost.Float32s()
	})
	if lost.g.T != nil {
		t.Error("a tensor outlives its scope")
	}
	if x := kept.Float32s(); x[1] != 4 {
		t.Errorf("kept %v, want [2 4]", x)
	}
	if x := view.Float32s(); x[0] != 2 {
		t.Errorf("a view of a closed tensor is %v, want [2]", x)
	}
	do(t, func(s *Scope) {
		if y := s.Float32s([]float32{1, 1}, 2).Mul(kept); y.scope != s || y.Float32s()[1] != 4 {
			t.Error("a kept tensor's product is wrong")
		}
		if y := kept.Mul(s.Float32s([]float32{1, 1}, 2)); y.scope != s {
			t.Error("a product of a kept tensor has no scope")
		}
	})
	do(t, func(s *Scope) { // what belongs to no scope computes in the innermost Do
		if y := kept.Exp(); y.scope != s {
			t.Error("the result of a kept tensor does not belong to the Do that runs")
		}
		do(t, func(inner *Scope) {
			if y := kept.Exp(); y.scope != inner {
				t.Error("the result of a kept tensor does not belong to the inner Do")
			}
		})
		if y := kept.Exp(); y.scope != s {
			t.Error("the outer Do is not back after the inner one")
		}
	})
	func() {
		defer func() {
			if err, ok := recover().(*Error); !ok || !strings.Contains(err.Error(), "inside Do") {
				t.Errorf("an operation outside Do: %v", err)
			}
		}()
		kept.Exp()
		t.Error("an operation ran outside Do")
	}()
	for range 3 {
		kept.Close()
		view.Close()
	}
	(*Tensor)(nil).Close()
}

// A parameter is its module's: closing it frees nothing, so that nothing is freed twice.
func TestParametersAreBorrowed(t *testing.T) {
	q := NewSequential(Linear(3, 2))
	for range 2 {
		for _, p := range q.Parameters("") {
			p.Close()
		}
	}
	do(t, func(s *Scope) { q.Forward(s.Float32s(make([]float32, 3), 1, 3)) })
	q = nil
	for range 3 {
		runtime.GC() // a second free would end the process
	}
}

// Goroutines compute in parallel, each in scopes of its own, some failing, and on whichever thread
// they are: all get what one alone gets.
func TestGoroutines(t *testing.T) {
	q := NewSequential(Linear(40, 30), ReLU(), Linear(30, 40))
	data := make([]float32, 8*40)
	for i := range data {
		data[i] = float32(i%17)/8 - 1
	}
	step := func() (result []float32, err error) {
		err = Do(func(s *Scope) {
			x := s.Float32s(data, 8, 40).RequiresGrad(true)
			MSELoss(q.Forward(x), x.Detach()).Backward()
			result = x.Grad(s).Float32s()
		})
		return result, err
	}
	want, err := step()
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 25 {
				got, err := step()
				if err != nil || difference(got, want) > 0 {
					t.Errorf("goroutine %d, step %d: off by %g (%v)", g, i, difference(got, want),
						err)
					return
				}
				if err := NoGrad(func(s *Scope) { s.Float32s(data, 1).Exp() }); err == nil {
					t.Error("no error of a wrong shape")
				}
				runtime.Gosched()
			}
		})
	}
	group.Wait()
}

// A step that goes from thread to thread, between its forward pass, its backward pass and the
// optimiser, ends with the bits of one that stays: nothing that counts is kept in a thread. (Do
// keeps its goroutine where it is, so no step of this program moves.)
func TestThreadsChangeNothing(t *testing.T) {
	train := func(move bool) (end []float32) {
		if err := ManualSeed(11); err != nil {
			t.Fatal(err)
		}
		q := NewSequential(Linear(30, 64), ReLU(), Linear(64, 30))
		a, err := NewAdam(q.Parameters(""), 1e-2, 1e-8)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		threads := map[int]bool{}
		run := func(f func()) {
			if !move {
				f()
				return
			}
			done := make(chan struct{})
			go func() {
				// never unlocked: the thread ends with the goroutine, the next needs another
				runtime.LockOSThread()
				threads[threadID(t)] = true
				f()
				close(done)
			}()
			<-done
		}
		for range 20 {
			do(t, func(s *Scope) {
				var x, loss *Tensor
				run(func() { x = s.Uniform(s.Float32s(nil, 0), 0, 1, 64, 30) })
				run(func() { loss = MSELoss(q.Forward(x), x) })
				run(func() { a.ZeroGrad(); loss.Backward() })
				run(a.Step)
			})
		}
		if move && len(threads) < 40 {
			t.Errorf("only %d threads", len(threads))
		}
		do(t, func(s *Scope) {
			for _, p := range q.Parameters("") {
				end = append(end, p.Float32s()...)
			}
		})
		return end
	}
	if d := difference(train(true), train(false)); d != 0 {
		t.Errorf("moving from thread to thread changes weights by %g", d)
	}
}

// In the midst of Do a goroutine stays on its thread, also when others want it.
func TestDoStaysOnItsThread(t *testing.T) {
	do(t, func(s *Scope) {
		thread := threadID(t)
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() { runtime.Gosched() })
			runtime.Gosched()
			time.Sleep(100 * time.Microsecond)
			if now := threadID(t); now != thread {
				t.Fatalf("from thread %d to %d", thread, now)
			}
		}
		group.Wait()
	})
}

func threadID(t testing.TB) int {
	link, err := os.Readlink("/proc/thread-self")
	if err != nil {
		t.Skip("no /proc here")
	}
	id := 0
	for _, c := range link[strings.LastIndexByte(link, '/')+1:] {
		id = id*10 + int(c-'0')
	}
	return id
}

// rss is the resident size of this process in bytes.
func rss(t testing.TB) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc here")
	}
	pages := 0
	for _, c := range strings.Fields(string(b))[1] {
		pages = pages*10 + int(c-'0')
	}
	return pages * os.Getpagesize()
}

// Tensors are freed when their scope ends: in 2,000 rounds of tensors of 64 KiB one that stays
// shows.
func TestScopesLeakNothing(t *testing.T) {
	q := NewSequential(Linear(64, 64), ReLU())
	flat(t, 2000, func() {
		do(t, func(s *Scope) {
			x := s.Float32s(make([]float32, 256*64), 256, 64)
			y := q.Forward(x)
			MSELoss(y, x).Backward()
			y.Detach().Add(x).Slice(0, 0, 5).Rows(From(s, "cpu", []int64{0, 1}, 2))
			s.Keep(y.Exp()).Close()
		})
	})
}

// So are those of operations that fail. (libtorch takes milliseconds to make an exception.)
func TestErrorsLeakNothing(t *testing.T) {
	data := make([]float32, 1<<18)
	flat(t, 100, func() {
		if Do(func(s *Scope) {
			s.Float32s(data, 512,
				512).Exp().Add(s.Float32s(data, 256, 1024))
		}) == nil {
			t.Error("no error of a wrong shape")
		}
		kept := (*Tensor)(nil)
		do(t, func(s *Scope) { kept = s.Keep(s.Float32s(data, 512, 512)) })
		if refused(func() { kept.Exp() }) == nil || refused(func() { kept.Scale(2, 0) }) == nil {
			t.Error("no error of an operation outside Do")
		}
		kept.Close()
	})
}

// refused returns the error that f, outside any Do, panics with.
func refused(f func()) (err error) {
	defer func() {
		if e, ok := recover().(*Error); ok {
			err = e
		}
	}()
	f()
	return nil
}

// flat fails if n rounds make the process grow by more than 16 MiB.
func flat(t *testing.T, n int, round func()) {
	t.Helper()
	for range n / 10 {
		round()
	}
	before := rss(t)
	for range n {
		round()
	}
	if after := rss(t); after > before+16<<20 {
		t.Errorf("resident size grew from %d to %d MiB in %d rounds", before>>20, after>>20, n)
	}
}
