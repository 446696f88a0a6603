package tsne

import (
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
					t.Fatalf("%d threads, round %d: task %d ran %d times", threads, round, task, count)
				}
			}
			if round%1000 == 0 {
				time.Sleep(time.Millisecond) // lets workers park
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
