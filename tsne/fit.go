package tsne

import (
	"context"
	"fmt"
	"math"
	"slices"
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
	// ElapsedNeighbors is the time that the neighbour search took, Elapsed the whole of it.
	ElapsedNeighbors, Elapsed time.Duration

	x            []float32 // the rows, for Transform
	neighbors    Neighbors
	metric       Metric
	threads      int
	theta, alpha float64
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
	if err := o.checkData(x, n); err != nil {
		return nil, err
	}
	finder := withThreads(o.finder(n, len(x)/n), o.Threads)
	report := func(s Stage) {
		if o.Progress != nil {
			o.Progress(Progress{Stage: s, Iterations: newPlan(o, n).iterations, KL: nan,
				GradientNorm: nan})
		}
	}
	e := &Embedding{
		N: n, Components: o.Components, KL: nan, Schedule: o.Schedule, x: x,
		neighbors: finder, metric: o.Metric, threads: o.Threads, theta: o.Theta, alpha: o.Alpha,
	}
	p := newPool(threads(o.Threads))
	defer p.close()
	var q *joint
	var order []int32 // of P's rows, where it is not the rows' own
	if o.Affinities != nil {
		q = o.Affinities.joint()
	} else {
		report(StageNeighbors)
		var graph *NeighborGraph
		var err error
		if o.Graph != nil {
			graph = o.Graph.nearest(o.neighborCount(n))
			err = graph.check(n, n, graph.K, true)
		} else {
			graph, order, err = findNeighbors(ctx, finder, x, n, o.neighborCount(n), o)
		}
		if err != nil {
			return nil, err
		}
		e.ElapsedNeighbors = time.Since(began)
		report(StageAffinities)
		p.ctx = ctx
		q = jointProbabilities(p, graph, o.perplexities())
		p.ctx = nil
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	report(StageInit)
	y, err := start(ctx, p, x, n, o)
	if err != nil {
		return nil, err
	}
	if order != nil {
		y = permuted(y, order, o.Components)
	}
	z, err := newOptimizer(p, q, y, o)
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
	e.Elapsed = time.Since(began)
	return e, err
}

// checkData reports rows that o does not fit, as an *OptionError where an option is at fault.
func (o Options) checkData(x []float32, n int) error {
	given := o.Graph != nil || o.Affinities != nil
	if x != nil || !given {
		if err := checkRows("fit", x, n); err != nil {
			return err
		}
	}
	if n < 2 {
		return fmt.Errorf("tsne: fit: there is %d row: want at least 2", n)
	}
	if o.Init == InitGiven && len(o.Initial) != n*o.Components {
		return &OptionError{"Initial", fmt.Sprintf("%d values", len(o.Initial)),
			fmt.Sprintf("%d rows of %d", n, o.Components)}
	}
	if x == nil && o.Init == InitPCA {
		return &OptionError{"Init", o.Init, "random or given where there are no rows"}
	}
	if o.Affinities != nil {
		if o.Affinities.N != n {
			return &OptionError{"Affinities", fmt.Sprintf("of %d rows", o.Affinities.N),
				fmt.Sprint(n)}
		}
		return o.Affinities.checkSum()
	}
	if most := slices.Max(o.perplexities()); most >= float64(n) {
		return fmt.Errorf("tsne: fit: perplexity %v is too large for %d rows: want less than %d",
			most, n, n)
	}
	if g := o.Graph; g != nil {
		if g.N != n || len(g.Index) != n*g.K || len(g.Distance) != n*g.K {
			return &OptionError{"Graph", fmt.Sprintf("of %d rows of %d neighbours", g.N, g.K),
				fmt.Sprintf("%d rows", n)}
		}
		if most := slices.Max(o.perplexities()); most >= float64(g.K+1) {
			return &OptionError{"Perplexity", most, fmt.Sprintf(
				"less than %d, better a third, of the graph's %d neighbours", g.K+1, g.K)}
		}
	}
	return checkEdges(n, o.neighborCount(n))
}

// finder is the neighbour search that o asks for, among n rows of d values.
func (o Options) finder(n, d int) Neighbors {
	finder := o.Neighbors
	if finder == nil {
		finder = AutoNeighbors(n, d, o.neighborCount(n))
	}
	if o.Metric == Cosine {
		finder = cosineNeighbors{finder}
	}
	return finder
}

var nan = math.NaN()
