package tsne

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// pool is a fork-join of a fixed number of goroutines for loops that last
// microseconds: workers spin briefly between runs and only then park, so that
// a run costs less than a microsecond to start. Work is handed out one task at
// a time; what a task computes must not depend on who does it or when.
//
// A panic in a task, whoever does it, is the caller's: run panics with it (an error that unwraps
// to an error's value) once all workers are at rest, and can be called again.
//
// A pool serves one caller at a time and must be closed.
type pool struct {
	workers []*poolWorker
	spin    int // checks before parking

	ctx     context.Context // for blocks; nil where runs are short
	f       func(task, worker int)
	tasks   int
	left    atomic.Int64 // tasks not yet claimed; below zero when exhausted
	done    atomic.Int64 // tasks finished
	waiting atomic.Bool  // the caller is parked until done == tasks
	finish  chan struct{}
	closed  atomic.Bool
	failed  atomic.Pointer[taskPanic] // the first in this run
}

// taskPanic is what a task panicked with, and where.
type taskPanic struct {
	value any
	stack []byte
}

// Error makes it an error too, which prints the stack of the task, not only that of run.
func (t *taskPanic) Error() string { return fmt.Sprintf("%v\n\n%s", t.value, t.stack) }

// Unwrap returns the value where it is an error.
func (t *taskPanic) Unwrap() error {
	err, _ := t.value.(error)
	return err
}

type poolWorker struct {
	parked atomic.Bool
	wake   chan struct{}
	_      [64]byte
}

// newPool starts threads-1 goroutines; the caller of run is the last worker.
func newPool(threads int) *pool {
	p := &pool{finish: make(chan struct{}, 1)}
	if threads <= runtime.GOMAXPROCS(0) {
		p.spin = 20_000 // about 20 us
	}
	for i := 1; i < threads; i++ {
		w := &poolWorker{wake: make(chan struct{}, 1)}
		p.workers = append(p.workers, w)
		go p.work(w, i)
	}
	return p
}

// size is the number of workers, the caller included.
func (p *pool) size() int { return len(p.workers) + 1 }

// run calls f(task, worker) once for each task below tasks, in rising order of
// their start, and returns when all are done. worker, below size, is the
// caller's own for that time: it may index scratch memory.
func (p *pool) run(tasks int, f func(task, worker int)) {
	if len(p.workers) == 0 || tasks <= 1 {
		for t := range tasks {
			f(t, 0)
		}
		return
	}
	p.f, p.tasks = f, tasks
	p.done.Store(0)
	p.left.Store(int64(tasks)) // publishes f and tasks
	for _, w := range p.workers {
		if w.parked.Load() && w.parked.CompareAndSwap(true, false) {
			w.wake <- struct{}{}
		}
	}
	p.drain(0)
	p.wait(int64(tasks))
	p.f = nil // frees what it holds
	if t := p.failed.Swap(nil); t != nil {
		panic(t)
	}
}

// wait returns when that many tasks are done.
func (p *pool) wait(tasks int64) {
	for range p.spin {
		if p.done.Load() == tasks {
			return
		}
	}
	// A worker that was slow to leave the run before may wake us early: check again.
	for p.done.Load() != tasks {
		p.waiting.Store(true)
		if p.done.Load() == tasks && p.waiting.CompareAndSwap(true, false) {
			return
		}
		<-p.finish
	}
}

// drain does tasks until none is left to claim. A claim that succeeds orders
// the reads of f and tasks after run's writes; one that fails reads neither.
func (p *pool) drain(worker int) {
	for {
		l := p.left.Add(-1)
		if l < 0 {
			return
		}
		tasks := p.tasks
		if p.failed.Load() == nil { // the rest of a run that failed is only counted
			p.do(tasks-1-int(l), worker)
		}
		if p.done.Add(1) == int64(tasks) && p.waiting.CompareAndSwap(true, false) {
			p.finish <- struct{}{}
		}
	}
}

// do does one task and keeps its panic.
func (p *pool) do(task, worker int) {
	defer func() {
		if v := recover(); v != nil {
			p.failed.CompareAndSwap(nil, &taskPanic{v, debug.Stack()})
		}
	}()
	p.f(task, worker)
}

func (p *pool) work(w *poolWorker, id int) {
	for {
		for i := 0; p.left.Load() <= 0; i++ {
			if p.closed.Load() {
				return
			}
			if i < p.spin {
				continue
			}
			w.parked.Store(true)
			if (p.left.Load() > 0 || p.closed.Load()) && w.parked.CompareAndSwap(true, false) {
				break
			}
			<-w.wake
			i = 0
		}
		p.drain(id)
	}
}

// close ends the workers.
func (p *pool) close() {
	p.closed.Store(true)
	for _, w := range p.workers {
		if w.parked.CompareAndSwap(true, false) {
			w.wake <- struct{}{}
		}
	}
}

// blocks runs f over [0, n) in pieces of size, the last one shorter. Once ctx, unless nil, has
// ended it leaves out what is not done: the caller looks at ctx before it uses any of it.
func (p *pool) blocks(n, size int, f func(lo, hi, worker int)) {
	p.run((n+size-1)/size, func(task, worker int) {
		if p.ctx != nil && p.ctx.Err() != nil {
			return
		}
		lo := task * size
		f(lo, min(lo+size, n), worker)
	})
}
