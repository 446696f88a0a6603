package tsne

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Embedding is a finished map, or, after cancellation, as far as it got.
type Embedding struct {
	// Y holds the positions, N x Components row-major.
	Y             []float32
	N, Components int
	// KL is the Kullback-Leibler divergence KL(P || Q) of the last iteration, with the
	// normaliser of the method used; NaN if there was none.
	KL float64
	// Iterations is the number done.
	Iterations int
	// Schedule is that of the run.
	Schedule Schedule
	// Stop says why the run ended.
	Stop Stop
	// SecondsNeighbors is the time that the neighbour search took, Seconds the whole of it.
	SecondsNeighbors, Seconds float64

	x         []float32 // the rows, for Transform
	neighbors Neighbors
	threads   int
	theta     float64
}

// Fit embeds the n rows of x (n x d, row-major) in o.Components dimensions. The result is the
// same, to the byte, for every number of threads.
//
// When ctx ends, Fit returns the embedding reached so far and the context's error; before the
// first iteration is done the embedding is nil. The embedding keeps x for Transform: do not
// change it as long as that is wanted.
//
// Fit fails on values that are not finite, fewer than two rows, or a perplexity that is
// not below n. Where a LearningRate that was asked for is too large, positions overflow: Fit
// then returns the embedding as it is, of use to a debugger only, and an error.
func Fit(ctx context.Context, x []float32, n int, o Options) (*Embedding, error) {
	began := time.Now()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := checkRows("fit", x, n); err != nil {
		return nil, err
	}
	if n < 2 {
		return nil, fmt.Errorf("tsne: fit: there is %d row: want at least 2", n)
	}
	if o.Perplexity >= float64(n) {
		return nil, fmt.Errorf("tsne: fit: perplexity %v is too large for %d rows: want less than %d", o.Perplexity, n, n)
	}
	if o.Init == InitGiven && len(o.Initial) != n*o.Components {
		return nil, fmt.Errorf("tsne: fit: Options.Initial has %d values: want %d rows of %d", len(o.Initial), n, o.Components)
	}
	if err := checkEdges(n, neighborCount(o, n)); err != nil {
		return nil, err
	}
	finder := o.Neighbors
	if finder == nil {
		finder = AutoNeighbors(n, len(x)/n, neighborCount(o, n))
	}
	finder = withThreads(finder, o.Threads)
	report := func(s Stage) {
		if o.Progress != nil {
			o.Progress(Progress{Stage: s, Iterations: newPlan(o, n).iterations, KL: nan, GradientNorm: nan})
		}
	}
	report(StageNeighbors)
	graph, order, err := findNeighbors(ctx, finder, x, n, neighborCount(o, n), o)
	if err != nil {
		return nil, err
	}
	e := &Embedding{
		N: n, Components: o.Components, KL: nan, Schedule: o.Schedule, SecondsNeighbors: time.Since(began).Seconds(),
		x: x, neighbors: finder, threads: o.Threads, theta: o.Theta,
	}
	report(StageAffinities)
	p := newPool(threads(o.Threads))
	defer p.close()
	p.ctx = ctx
	joint := jointProbabilities(p, graph, o.Perplexity)
	p.ctx = nil
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	report(StageInit)
	y, err := start(ctx, p, x, n, o)
	if err != nil {
		return nil, err
	}
	if order != nil {
		y = permuted(y, order, o.Components)
	}
	z, err := newOptimizer(p, joint, y, o)
	if err != nil {
		return nil, err
	}
	if order != nil {
		z.f.byRow, z.f.rows = true, order
	}
	err = z.Run(ctx, o.Progress)
	if z.Stop() == StopCanceled && z.Iteration() == 0 {
		return nil, err // the starting positions are no map
	}
	e.Y, e.KL, e.Iterations, e.Stop = z.Positions(), z.KL(), z.Iteration(), z.Stop()
	e.Seconds = time.Since(began).Seconds()
	return e, err
}

// neighborCount returns how many neighbours attract a row: scikit-learn's and van der Maaten's
// three times the perplexity, or all.
func neighborCount(o Options, n int) int {
	if o.Method == Exact {
		return n - 1
	}
	return min(n-1, int(3*o.Perplexity+1))
}

var nan = math.NaN()
