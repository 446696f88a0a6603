package centroid

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"gonum.org/v1/gonum/optimize"
)

// LinearOptions are the settings of [FitLinear]. Start from [DefaultLinearOptions]; zero
// means zero.
type LinearOptions struct {
	// C is the inverse of the regularisation's strength, as scikit-learn's: the sum of the
	// rows' losses is multiplied by it. Above 0.
	C             float64
	MaxIterations int // of L-BFGS, at least 1
	// Tolerance ends the iterations when the loss, a mean over the rows in nats, falls by
	// less than it in ten of them. Above 0.
	Tolerance float64

	// Progress, unless nil, is called after each iteration with the mean loss.
	Progress func(iteration int, loss float64)
}

// DefaultLinearOptions returns C 1, as scikit-learn's LogisticRegression, and limits at
// which the accuracy no longer changes.
func DefaultLinearOptions() LinearOptions {
	return LinearOptions{C: 1, MaxIterations: 1000, Tolerance: 1e-6}
}

// Validate returns an error that names the first option out of range.
func (o LinearOptions) Validate() error {
	switch {
	case !(o.C > 0) || math.IsInf(o.C, 1):
		return fmt.Errorf("centroid: C is %v: want a number above 0", o.C)
	case o.MaxIterations < 1:
		return fmt.Errorf("centroid: MaxIterations is %d: want at least 1", o.MaxIterations)
	case !(o.Tolerance > 0):
		return fmt.Errorf("centroid: Tolerance is %v: want a number above 0", o.Tolerance)
	}
	return nil
}

// Linear is a multinomial logistic regression: the class of a row x is the k with the
// largest Weights[k] . x + Intercepts[k]. On frozen latents it is the field's linear probe.
type Linear struct {
	Classes    []int     // the distinct labels, ascending
	Weights    []float64 // len(Classes) x Dim, row-major
	Intercepts []float64
	Dim        int
	Loss       float64 // what was minimised, a mean over the rows
	Iterations int
	Converged  bool // false when MaxIterations ended the fit
}

// FitLinear minimises, over weights W and intercepts b, C times the sum over rows of the
// cross-entropy of softmax(W x + b), plus half the squared weights: scikit-learn's
// LogisticRegression(C=C). With two classes the penalty is doubled, as theirs is. x is n x d and
// labels has n entries of at least two classes. Sums are over blocks of rows in a fixed order, so
// that the result is the same for any number of processors. When ctx ends, its error is returned.
func FitLinear(ctx context.Context, x []float32, n int, labels []int, o LinearOptions) (*Linear,
	error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	l, err := fitLinear(ctx, x, n, labels, o)
	if err != nil {
		return nil, fmt.Errorf("centroid: FitLinear: %w", err)
	}
	return l, nil
}

// regression is the problem that L-BFGS solves. Its variables are scaled weights, d x k,
// and k intercepts of the centred rows: columns of different size then count alike, which
// saves iterations, and the minimum stays where it is.
type regression struct {
	x      []float32
	class  []int
	n, d   int
	k      int
	mean   []float64 // of each column
	scale  []float64 // weight = variable * scale
	factor float64   // of half the squared weights beside the mean loss: 1 / (C n)

	weights, offsets []float64 // at the variables last looked at, d x k and k
	blocks           []blockSum
	loss             float64
	gradient         []float64
	at               []float64 // the variables of loss and gradient
}

// blockSum is what a block of rows adds.
type blockSum struct {
	loss     float64
	gradient []float64 // d x k, then k
}

func fitLinear(ctx context.Context, x []float32, n int, labels []int, o LinearOptions) (*Linear,
	error) {
	d, err := dim(x, n)
	if err != nil {
		return nil, err
	}
	if len(labels) != n {
		return nil, fmt.Errorf("%d labels for %d rows", len(labels), n)
	}
	classes, class := distinct(labels)
	if len(classes) < 2 {
		return nil, fmt.Errorf("all rows are of class %d: want at least two classes", classes[0])
	}
	if err := findNotFinite(x, d); err != nil {
		return nil, err
	}
	r := &regression{x: x, class: class, n: n, d: d, k: len(classes),
		factor: 1 / (o.C * float64(n))}
	if r.k == 2 {
		// on two classes scikit-learn's penalty is on the difference of their weights
		r.factor *= 2
	}
	r.prepare()
	result, err := optimize.Minimize(
		optimize.Problem{
			Func: func(v []float64) float64 { r.evaluate(v); return r.loss },
			Grad: func(g, v []float64) { r.evaluate(v); copy(g, r.gradient) },
		},
		make([]float64, (d+1)*r.k),
		&optimize.Settings{
			MajorIterations: o.MaxIterations,
			Converger:       &optimize.FunctionConverge{Absolute: o.Tolerance, Iterations: 10},
			Recorder:        recorder{ctx, o.Progress},
		},
		&optimize.LBFGS{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if result == nil {
		return nil, err
	}
	// A line search that finds nothing lower has reached the precision of the loss.
	r.evaluate(result.X)
	l := &Linear{Classes: classes, Weights: make([]float64, r.k*d), Intercepts: r.offsets, Dim: d,
		Loss: r.loss, Iterations: result.MajorIterations,
		Converged: result.Status != optimize.IterationLimit}
	for j := range d {
		for k := range r.k {
			l.Weights[k*d+j] = r.weights[j*r.k+k]
		}
	}
	return l, nil
}

// prepare measures the columns. Gonum has no use for the Hessian, but its diagonal, about
// a tenth of a column's variance plus the penalty, is what the scale takes out.
func (r *regression) prepare() {
	sums, squares := make([]float64, r.d), make([]float64, r.d)
	for i := range r.n {
		for j, v := range r.x[i*r.d : (i+1)*r.d] {
			sums[j] += float64(v)
		}
	}
	r.mean, r.scale = sums, make([]float64, r.d)
	for j := range sums {
		r.mean[j] /= float64(r.n)
	}
	for i := range r.n {
		for j, v := range r.x[i*r.d : (i+1)*r.d] {
			squares[j] += float64((float64(v) - r.mean[j]) * (float64(v) - r.mean[j]))
		}
	}
	for j, s := range squares {
		r.scale[j] = 1 / math.Sqrt(0.1*s/float64(r.n)+r.factor)
	}
	r.weights, r.offsets = make([]float64, r.d*r.k), make([]float64, r.k)
	r.gradient = make([]float64, (r.d+1)*r.k)
	r.blocks = make([]blockSum, (r.n+r.block()-1)/r.block())
	for i := range r.blocks {
		r.blocks[i].gradient = make([]float64, len(r.gradient))
	}
}

// block is the number of rows whose sums are taken at a time: at most 64 blocks.
func (r *regression) block() int { return max(rowBlock, (r.n+63)/64) }

// evaluate computes loss and gradient, unless it has them already: gonum asks for one after
// the other.
func (r *regression) evaluate(v []float64) {
	if same(r.at, v) {
		return
	}
	r.at = append(r.at[:0], v...)
	d, k := r.d, r.k
	copy(r.offsets, v[d*k:])
	penalty := 0.0
	for j := range d {
		for c := range k {
			w := v[j*k+c] * r.scale[j]
			r.weights[j*k+c] = w
			penalty += float64(w * w)
			r.offsets[c] -= float64(r.mean[j] * w)
		}
	}
	parallelBlocks(r.n, r.block(), func(lo, hi int) { r.blocks[lo/r.block()].add(r, lo, hi) })
	r.loss = 0
	clear(r.gradient)
	for _, b := range r.blocks {
		r.loss += b.loss
		for i, g := range b.gradient {
			r.gradient[i] += g
		}
	}
	rows := float64(r.n)
	r.loss = r.loss/rows + float64(r.factor*penalty/2)
	offsets := r.gradient[d*k:]
	for j := range d {
		for c := range k {
			g := (r.gradient[j*k+c]-float64(r.mean[j]*offsets[c]))/rows +
				float64(r.factor*r.weights[j*k+c])
			r.gradient[j*k+c] = g * r.scale[j]
		}
	}
	for c := range offsets {
		offsets[c] /= rows
	}
}

// add sums the losses of rows lo to hi-1 and their gradients. Columns that are 0 cost
// nothing, as most of an image's are.
func (b *blockSum) add(r *regression, lo, hi int) {
	b.loss = 0
	clear(b.gradient)
	d, k := r.d, r.k
	p := make([]float64, k)
	for i := lo; i < hi; i++ {
		row := r.x[i*d : (i+1)*d]
		copy(p, r.offsets)
		for j, v := range row {
			if v != 0 {
				addScaled(p, float64(v), r.weights[j*k:(j+1)*k])
			}
		}
		own := p[r.class[i]]
		greatest, sum := math.Inf(-1), 0.0
		for _, s := range p {
			greatest = max(greatest, s)
		}
		for c, s := range p {
			p[c] = math.Exp(s - greatest)
			sum += p[c]
		}
		b.loss += math.Log(sum) + greatest - own
		for c := range p {
			p[c] /= sum
		}
		p[r.class[i]]--
		for j, v := range row {
			if v != 0 {
				addScaled(b.gradient[j*k:(j+1)*k], float64(v), p)
			}
		}
		addScaled(b.gradient[d*k:], 1, p)
	}
}

// addScaled adds a times x to y, of the same length.
func addScaled(y []float64, a float64, x []float64) {
	x = x[:len(y)]
	for i := range y {
		y[i] += float64(a * x[i]) // no fused multiply-add, on any platform
	}
}

func same(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i, v := range a {
		if v != b[i] {
			return false
		}
	}
	return true
}

// recorder ends the iterations when ctx does.
type recorder struct {
	ctx      context.Context
	progress func(iteration int, loss float64)
}

func (r recorder) Init() error { return nil }

func (r recorder) Record(l *optimize.Location, op optimize.Operation, s *optimize.Stats) error {
	if op == optimize.MajorIteration && r.progress != nil {
		r.progress(s.MajorIterations, l.F)
	}
	return r.ctx.Err()
}

// Predict returns the class of each of the n rows of x. The lowest class wins a tie. A row
// with NaN or an infinity is an error.
func (l *Linear) Predict(x []float32, n int) ([]int, error) {
	d, err := dim(x, n)
	switch {
	case err != nil:
	case d != l.Dim:
		err = fmt.Errorf("rows have %d values, weights %d", d, l.Dim)
	case len(l.Classes) == 0 || len(l.Weights) != len(l.Classes)*d ||
		len(l.Intercepts) != len(l.Classes):
		err = errors.New("weights, intercepts and classes do not belong together")
	}
	if err != nil {
		return nil, fmt.Errorf("centroid: Predict: %w", err)
	}
	out := make([]int, n)
	var bad atomic.Bool
	parallel(n, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := x[i*d : (i+1)*d]
			best, greatest := 0, math.Inf(-1)
			for k := range l.Classes {
				score := l.Intercepts[k]
				for j, w := range l.Weights[k*d : (k+1)*d] {
					score += float64(w * float64(row[j]))
				}
				if score > greatest {
					best, greatest = k, score
				}
			}
			if !finite(greatest) {
				bad.Store(true)
			}
			out[i] = l.Classes[best]
		}
	})
	if bad.Load() {
		err := findNotFinite(x, d)
		if err == nil {
			err = errors.New("a weight is no finite number")
		}
		return nil, fmt.Errorf("centroid: Predict: %w", err)
	}
	return out, nil
}
