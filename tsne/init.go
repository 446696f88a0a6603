package tsne

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
)

// startScale is the standard deviation of starting positions.
const startScale = 1e-4

// startSample is the number of rows in which ScheduleAuto looks for principal directions.
const startSample = 8192

// Start returns the starting positions, n x o.Components row-major, of the
// n x d matrix x as o.Init asks for.
func Start(x []float32, n int, o Options) ([]float32, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := checkRows("init", x, n); err != nil {
		return nil, err
	}
	p := newPool(threads(o.Threads))
	defer p.close()
	return start(context.Background(), p, x, n, o)
}

func start(ctx context.Context, p *pool, x []float32, n int, o Options) ([]float32, error) {
	y := make([]float32, n*o.Components)
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	switch o.Init {
	case InitGiven:
		if len(o.Initial) != len(y) {
			return nil, &OptionError{"Initial", fmt.Sprintf("%d values", len(o.Initial)),
				fmt.Sprintf("%d rows of %d", n, o.Components)}
		}
		if err := checkRows("init", o.Initial, n); err != nil {
			return nil, err
		}
		copy(y, o.Initial)
	case InitRandom:
		for i := range y {
			y[i] = float32(startScale * rng.NormFloat64())
		}
	case InitPCA:
		if err := startPCA(ctx, p, y, x, n, o, rng); err != nil {
			return nil, err
		}
	}
	return y, nil
}

// startPCA sets y to the leading principal components, the first scaled to
// standard deviation 1e-4. Components without spread, as of collinear rows, get random
// numbers: no force would ever move points off a line. ScheduleAuto finds the directions
// in a sample of the rows, since only their arrangement matters for a start.
func startPCA(ctx context.Context, p *pool, y, x []float32, n int, o Options,
	rng *rand.Rand) error {
	d, components := len(x)/n, o.Components
	sample, rows, tol := x, n, 1e-8
	if o.Schedule == ScheduleAuto && n > startSample {
		sample, rows = sampleRows(x, n, startSample)
		tol = 1e-5
	}
	r, err := principal(ctx, p, sample, rows, components, panel, 30, tol)
	if err != nil {
		return err
	}
	scratch := make([][]float32, p.size())
	turned := make([][]float32, p.size())
	for i := range scratch {
		scratch[i] = make([]float32, d*panel)
		turned[i] = make([]float32, rotateRows*panel)
	}
	p.blocks(n, rotateRows, func(lo, hi, worker int) {
		t := turned[worker]
		r.rotateBlock(t, x[lo*d:hi*d], scratch[worker], hi-lo)
		for i := lo; i < hi; i++ {
			for c := range r.h {
				y[i*components+c] = t[(i-lo)*panel+c]
			}
		}
	})
	var scale float64
	for c := range components {
		var sum, squares float64
		for i := range n {
			v := float64(y[i*components+c])
			sum += v
			squares += float64(v * v)
		}
		std := math.Sqrt(max(squares/float64(n)-sum/float64(n)*sum/float64(n), 0))
		if c == 0 && std > 0 {
			scale = startScale / std
		}
		for i := range n {
			if std*scale > 1e-5*startScale {
				y[i*components+c] = float32(float64(y[i*components+c]) * scale)
			} else {
				y[i*components+c] = float32(startScale * rng.NormFloat64())
			}
		}
	}
	return nil
}
