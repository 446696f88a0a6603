package tsne

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestPoolDoesEachTaskOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		p := newPool(threads)
		busy := make([]atomic.Bool, threads)
		for round := range 3000 {
			tasks := round % 17
			done := make([]int32, tasks)
			p.run(tasks, func(task, worker int) {
				if !busy[worker].CompareAndSwap(false, true) {
					t.Error("two tasks share a worker")
				}
				atomic.AddInt32(&done[task], 1)
				busy[worker].Store(false)
			})
			for task, count := range done {
				if count != 1 {
					t.Fatalf("%d threads, round %d: task %d ran %d times", threads, round, task,
						count)
				}
			}
			if round%1000 == 0 {
				time.Sleep(time.Millisecond) // lets workers park
			}
		}
		p.close()
	}
}

func TestPoolHandsPanicsToItsCaller(t *testing.T) {
	for _, threads := range []int{1, 2, 4} {
		p := newPool(threads)
		for bad := range 40 {
			value := func() (v any) {
				defer func() { v = recover() }()
				p.run(40, func(task, _ int) {
					if task == bad {
						var empty []int
						empty[task] = 1
					}
				})
				return nil
			}()
			err, ok := value.(error)
			if !ok || !strings.Contains(err.Error(), "index out of range") {
				t.Fatalf("%d threads, task %d: run panicked with %v", threads, bad, value)
			}
			var sum atomic.Int64
			p.run(40, func(task, _ int) { sum.Add(int64(task)) })
			if sum.Load() != 780 {
				t.Fatalf("%d threads: a run after a panic does other tasks", threads)
			}
		}
		p.close()
	}
}

func BenchmarkPool(b *testing.B) {
	p := newPool(2)
	defer p.close()
	for b.Loop() {
		p.run(2, func(int, int) {})
	}
}
