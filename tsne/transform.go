package tsne

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// TransformOptions sets up Embedding.Transform. Start from DefaultTransformOptions.
type TransformOptions struct {
	// Perplexity, at least 1, sets how many of the embedding's rows attract a new one. Default 5.
	Perplexity float64
	// Iterations of the optimisation; 0 leaves new points at the median of their neighbours.
	// Default 250.
	Iterations int
	// LearningRate, above 0, is low so that points do not overshoot. Default 0.1.
	LearningRate float64
	// Exaggeration multiplies the attraction, at least 1. Default 1.5.
	Exaggeration float64
	// Momentum, 0 to below 1. Default 0.8.
	Momentum float64
	// MaxGradient bounds the norm of one point's gradient, above 0. Default 0.25.
	MaxGradient float64
	// Progress, unless nil, is called from Transform's goroutine before the search for neighbours
	// and after every iteration, without KL and GradientNorm. It should return quickly.
	Progress func(Progress)
}

// DefaultTransformOptions returns openTSNE's defaults.
func DefaultTransformOptions() TransformOptions {
	return TransformOptions{Perplexity: 5, Iterations: 250, LearningRate: 0.1, Exaggeration: 1.5,
		Momentum: 0.8, MaxGradient: 0.25}
}

// Validate reports the first field whose value makes no sense.
func (o TransformOptions) Validate() error {
	bad := func(field string, value any, want string) error {
		return fmt.Errorf("tsne: TransformOptions.%s is %v: want %s", field, value, want)
	}
	switch {
	case !(o.Perplexity >= 1) || math.IsInf(o.Perplexity, 0):
		return bad("Perplexity", o.Perplexity, "a number of at least 1")
	case o.Iterations < 0:
		return bad("Iterations", o.Iterations, "at least 0")
	case !(o.LearningRate > 0) || math.IsInf(o.LearningRate, 0):
		return bad("LearningRate", o.LearningRate, "a number above 0")
	case !(o.Exaggeration >= 1) || math.IsInf(o.Exaggeration, 0):
		return bad("Exaggeration", o.Exaggeration, "a number of at least 1")
	case !(o.Momentum >= 0 && o.Momentum < 1):
		return bad("Momentum", o.Momentum, "0 to below 1")
	case !(o.MaxGradient > 0):
		return bad("MaxGradient", o.MaxGradient, "a number above 0")
	}
	return nil
}

// Transform places the m rows of x, with as many columns as the embedding's, in the
// embedding and returns their positions, m x Components row-major. Each new point is placed by
// itself, as openTSNE does: it starts at the median of its nearest rows and follows
// the gradient against the embedding's points, which stay (Poličar, Stražar and
// Zupan 2023). So the result for a row does not depend on the other rows, but for the
// accuracy of Barnes-Hut. When ctx ends, Transform returns the positions reached so far (nil
// before there are any) and the context's error.
func (e *Embedding) Transform(ctx context.Context, x []float32, m int,
	o TransformOptions) ([]float32, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if e.neighbors == nil || len(e.Y) != e.N*e.Components {
		return nil,
			fmt.Errorf("tsne: transform: the embedding was not made by Fit or NewEmbedding")
	}
	if e.x == nil {
		return nil, fmt.Errorf("tsne: transform: the embedding was made without rows: there are " +
			"none to compare new ones with")
	}
	if err := checkRows("transform", x, m); err != nil {
		return nil, err
	}
	if d := len(e.x) / e.N; len(x)/m != d {
		return nil, fmt.Errorf("tsne: transform: rows have %d columns: want the embedding's %d",
			len(x)/m, d)
	}
	report := func(s Stage, iteration int) {
		if o.Progress != nil {
			o.Progress(Progress{Stage: s, Iteration: iteration, Iterations: o.Iterations, KL: nan,
				GradientNorm: nan})
		}
	}
	report(StageNeighbors, 0)
	k := min(e.N, max(1, int(3*o.Perplexity)))
	g, err := e.neighbors.Nearest(ctx, e.x, e.N, x, m, k)
	if err != nil {
		return nil, err
	}
	if err := g.check(m, e.N, k, false); err != nil {
		return nil, err
	}
	t := newPlacement(e, g, o)
	defer t.pool.close()
	for i := range o.Iterations {
		if err := ctx.Err(); err != nil {
			return t.positions(), err
		}
		t.step(i)
		report(StageTransform, i+1)
	}
	return t.positions(), nil
}

// Columns returns the number of columns of the rows that Transform takes, 0 where it takes none.
func (e *Embedding) Columns() int {
	if e.N == 0 {
		return 0
	}
	return len(e.x) / e.N
}

// placement moves new points against a fixed embedding.
type placement struct {
	o          TransformOptions
	pool       *pool
	components int
	ref        *field // of the embedding: positions and tree
	m, width   int    // new points; neighbours of each, padded to a multiple of 8
	columns    []int32
	p          []float32
	order      []int32      // new point at each place
	points     [3][]float32 // by new point
	speed      [3][]float32
	gains      [3][]float32
}

func newPlacement(e *Embedding, g *NeighborGraph, o TransformOptions) *placement {
	t := &placement{o: o, components: e.Components, m: g.N, width: (g.K + 7) / 8 * 8,
		pool: newPool(threads(e.threads))}
	t.ref = newField(t.pool, &joint{n: e.N, start: make([]int, e.N+1)}, e.Y, e.Components, e.theta,
		false)
	t.ref.stretch(e.alpha)
	lo, side := t.ref.box()
	t.ref.tree.build(t.ref.pos, t.ref.stride, lo, side)
	t.columns = make([]int32, t.m*t.width)
	t.p = make([]float32, t.m*t.width)
	t.order = make([]int32, t.m)
	for c := range t.ref.dims {
		t.points[c], t.speed[c], t.gains[c] = make([]float32, t.m), make([]float32, t.m),
			make([]float32, t.m)
	}
	t.pool.blocks(t.m, 64, func(lo, hi, _ int) {
		row := make([]float64, g.K)
		at := make([]float32, g.K)
		index, distance := make([]int32, 0, g.K), make([]float32, 0, g.K)
		for i := lo; i < hi; i++ {
			// Those that there are: a foreign search may find fewer than asked for.
			index, distance = index[:0], distance[:0]
			for j, r := range g.Index[i*g.K : (i+1)*g.K] {
				if r >= 0 {
					index, distance = append(index, r), append(distance, g.Distance[i*g.K+j])
				}
			}
			conditional(row[:len(index)], distance, o.Perplexity)
			copy(t.columns[i*t.width:], index)
			for j, v := range row[:len(index)] {
				t.p[i*t.width+j] = float32(v)
			}
			for c := range t.ref.dims {
				for j, r := range index {
					at[j] = t.ref.pos[int(r)*t.ref.stride+c]
				}
				slices.Sort(at[:len(index)])
				t.points[c][i] = (at[(len(index)-1)/2] + at[len(index)/2]) / 2
				t.gains[c][i] = 1
			}
		}
	})
	return t
}

// sort orders the new points so that those of a group are close together.
func (t *placement) sort() {
	stride := t.ref.stride
	pos := make([]float32, t.m*stride)
	f := &field{pool: t.pool, n: t.m, dims: t.ref.dims, stride: stride, pos: pos,
		partBox: make([][6]float32, (t.m+moveChunk-1)/moveChunk)}
	for c := range f.dims {
		for i, v := range t.points[c] {
			pos[i*stride+c] = v
		}
	}
	f.measureBox()
	lo, side := f.box()
	tr := newTree(t.pool, t.m, f.dims)
	tr.sort(pos, stride, lo, side)
	for k := range t.order {
		t.order[k] = int32(tr.index(k))
	}
}

// step does one iteration of gradient descent.
func (t *placement) step(iteration int) {
	if iteration%reorderEvery == 0 {
		t.sort()
	}
	t.pool.blocks(t.m, groupSize, func(lo, hi, worker int) {
		s := &t.ref.scratch[worker]
		at := tree{dims: t.ref.dims} // the group's points alone
		var group [3][groupSize]float32
		for c := range at.dims {
			for i := range group[c] {
				group[c][i] = t.points[c][t.order[min(lo+i, hi-1)]]
			}
			at.points[c] = group[c][:]
		}
		b := at.groupBox(0)
		s.repel(&at, 0, t.ref.tree.walk(&b, t.ref.theta2, s.list))
		for i := range hi - lo {
			t.move(int(t.order[lo+i]), i, &group, &s.out)
		}
	})
}

// move updates new point k, at slot i of its group.
func (t *placement) move(k, i int, group *[3][groupSize]float32, out *interaction) {
	columns, p := t.columns[k*t.width:(k+1)*t.width], t.p[k*t.width:(k+1)*t.width]
	var pull [3]float32
	if t.ref.dims == 2 {
		pull[0], pull[1] = attract2(t.ref.pos, columns, p, group[0][i], group[1][i])
	} else {
		pull[0], pull[1], pull[2] = attract3(t.ref.pos, columns, p, group[0][i], group[1][i],
			group[2][i])
	}
	var g [3]float32
	var norm float64
	for c := range t.ref.dims {
		g[c] = float32(float32(t.o.Exaggeration)*pull[c]) - out.f[c][i]/max(out.q[i], 1e-30)
		norm += float64(float64(g[c]) * float64(g[c]))
	}
	if norm = math.Sqrt(norm) * float64(t.ref.unit()); norm > t.o.MaxGradient {
		for c := range g {
			g[c] *= float32(t.o.MaxGradient / norm)
		}
	}
	for c := range t.ref.dims {
		gain, speed := &t.gains[c][k], &t.speed[c][k]
		if *speed*g[c] < 0 {
			*gain += 0.2
		} else {
			*gain = max(float32(*gain*0.8), minGain)
		}
		*speed = float32(float32(t.o.Momentum)**speed) -
			float32(float32(t.o.LearningRate)*float32(*gain*g[c]))
		t.points[c][k] += *speed
	}
}

func (t *placement) positions() []float32 {
	y := make([]float32, t.m*t.components)
	for c := range t.components {
		for i, v := range t.points[c] {
			y[i*t.components+c] = v * t.ref.unit()
		}
	}
	return y
}
