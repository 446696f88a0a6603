package tsne

import (
	"context"
	"fmt"
	"math"
)

// Stop says why a run ended.
type Stop string

// The reasons to stop.
const (
	StopIterations Stop = "iterations"  // all were done
	StopNoProgress Stop = "no progress" // Options.NoProgress
	StopGradient   Stop = "gradient"    // Options.MinGradient
	StopCanceled   Stop = "canceled"    // the context ended
	StopCallback   Stop = "callback"    // Options.Callback asked for it
)

const (
	checkEvery   = 50 // iterations between computations of the divergence, as scikit-learn's
	reorderEvery = 50 // iterations between refreshes of the points' order
	minGain      = 0.01
)

// Optimizer moves points down the gradient of the Kullback-Leibler divergence, with
// momentum and a gain for every coordinate, in two phases: attraction exaggerated, then as it
// is. It sees only P and Y. It is not safe for concurrent use and must be closed.
type Optimizer struct {
	o     Options
	pool  *pool
	f     *field
	plan  plan
	shown []float32 // what the callback saw last
	speed []float32 // n x stride
	gains []float32
	norms []float64 // partial sums of the squared gradient

	iteration          int
	kl, gradientNorm   float64
	phase, phaseStart  int // 0 exaggerated, 1 plain; the iteration it started with
	rate, momentum     float32
	best               float64
	bestIteration      int
	phaseEnd, patience int
	stop               Stop
}

// NewOptimizer starts at y, a.N x o.Components row-major, which is copied. Of o it uses
// what concerns the optimisation and the gradient. It fails where a is not a matrix as
// Affinities describes it; that it is symmetric is not checked.
func NewOptimizer(a *Affinities, y []float32, o Options) (*Optimizer, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := a.check(); err != nil {
		return nil, err
	}
	p := newPool(threads(o.Threads))
	z, err := newOptimizer(p, a.joint(), y, o)
	if err != nil {
		p.close()
	}
	return z, err
}

func newOptimizer(p *pool, q *joint, y []float32, o Options) (*Optimizer, error) {
	if len(y) != q.n*o.Components {
		return nil, fmt.Errorf("tsne: optimizer: %d starting values: want %d rows of %d", len(y),
			q.n, o.Components)
	}
	if err := checkRows("optimizer", y, q.n); err != nil {
		return nil, err
	}
	z := &Optimizer{o: o, pool: p, kl: math.NaN(), gradientNorm: math.NaN()}
	z.f = newField(z.pool, q, y, o.Components, o.Theta, o.Method == Exact)
	z.f.stretch(o.Alpha)
	z.speed = make([]float32, len(z.f.pos))
	z.gains = make([]float32, len(z.f.pos))
	z.norms = make([]float64, len(z.f.partBox))
	z.plan = newPlan(o, q.n)
	z.enter(0)
	return z, nil
}

// Close ends the optimiser's goroutines.
func (z *Optimizer) Close() { z.pool.close() }

// Positions returns the points' positions, n x Components row-major.
func (z *Optimizer) Positions() []float32 { return z.f.positions(nil, z.o.Components) }

// Iteration returns the number of iterations done.
func (z *Optimizer) Iteration() int { return z.iteration }

// Stop returns why the run ended, or "" while it goes on.
func (z *Optimizer) Stop() Stop { return z.stop }

// KL returns the divergence, not exaggerated, that was computed last, NaN before the first time.
func (z *Optimizer) KL() float64 { return z.kl }

// GradientNorm returns the norm of the gradient, times the gains, that was computed last.
func (z *Optimizer) GradientNorm() float64 { return z.gradientNorm }

// enter starts a phase afresh: no speed, gains of 1, as scikit-learn does.
func (z *Optimizer) enter(phase int) {
	z.phase, z.phaseStart = phase, z.iteration
	clear(z.speed)
	for i := range z.gains {
		z.gains[i] = 1
	}
	z.best, z.bestIteration = math.Inf(1), z.iteration
	if phase == 0 {
		z.phaseEnd = min(z.plan.exaggerated, z.plan.iterations)
		z.patience = z.plan.exaggerated
	} else {
		z.phaseEnd = z.plan.iterations
		z.patience = z.o.NoProgress
	}
}

// Step does one iteration. It reports whether the run goes on; when it does not, Stop
// says why. It fails when positions are no longer finite, which is looked at every 50
// iterations; Positions then returns them as they are.
func (z *Optimizer) Step() (bool, error) {
	if z.stop != "" {
		return false, nil
	}
	if z.iteration >= z.phaseEnd && z.phase == 0 {
		z.enter(1)
	}
	if z.iteration >= z.phaseEnd {
		z.stop = StopIterations
		return false, nil
	}
	if z.iteration%reorderEvery == 0 || z.iteration == 10 {
		from := z.f.reorder()
		z.f.move(z.speed, from)
		z.f.move(z.gains, from)
	}
	last := z.iteration+1 == z.phaseEnd
	check := (z.iteration+1)%checkEvery == 0
	z.f.compute(check || last)
	exaggeration := float32(z.o.LateExaggeration)
	if z.phase == 0 {
		exaggeration = float32(z.o.EarlyExaggeration)
	}
	z.rate, z.momentum = z.plan.at(z.phase, z.iteration-z.phaseStart)
	z.move(exaggeration, check || last)
	z.iteration++
	if !check && !last {
		return true, nil
	}
	z.kl = z.f.divergence()
	var sum float64
	for _, v := range z.norms {
		sum += v
	}
	z.gradientNorm = math.Sqrt(sum)
	if math.IsNaN(z.gradientNorm) || math.IsInf(z.gradientNorm, 0) || math.IsNaN(z.kl) {
		return false, fmt.Errorf("tsne: optimizer: positions are no longer finite at iteration "+
			"%d: lower the learning rate (%v)", z.iteration, z.rate)
	}
	if check {
		if z.kl < z.best {
			z.best, z.bestIteration = z.kl, z.iteration
		} else if z.patience > 0 && z.iteration-z.bestIteration > z.patience {
			z.endPhase(StopNoProgress)
		}
		if z.gradientNorm <= z.o.MinGradient {
			z.endPhase(StopGradient)
		}
	}
	if z.iteration >= z.plan.iterations && z.stop == "" {
		z.stop = StopIterations
	}
	return z.stop == "", nil
}

// endPhase ends the run or, as scikit-learn does, only its exaggeration.
func (z *Optimizer) endPhase(why Stop) {
	if z.phase == 0 {
		z.phaseEnd = z.iteration
		return
	}
	z.stop = why
}

// move updates gains, speeds and positions from the forces, and the norms where they are wanted.
func (z *Optimizer) move(exaggeration float32, norms bool) {
	f := z.f
	s := &step{pull: 4 * exaggeration, push: float32(4 / f.z), momentum: z.momentum, rate: z.rate}
	f.pool.blocks(f.n, moveChunk, func(lo, hi, _ int) {
		l, h := lo*f.stride, hi*f.stride
		advance(f.pos[l:h], z.speed[l:h], z.gains[l:h], f.attraction[l:h], f.repulsion[l:h], s)
		if z.plan.maxStep < infinity {
			shorten(f.pos[l:h], z.speed[l:h], f.stride, z.plan.maxStep)
		}
		f.chunkBox(lo, hi)
		if norms {
			var sum float64
			for _, g := range f.attraction[l:h] {
				sum += float64(float64(g) * float64(g))
			}
			z.norms[lo/moveChunk] = sum
		}
	})
}

// Run steps until the run ends, and calls progress, unless nil, after each iteration. When ctx
// ends it returns the context's error between two iterations.
func (z *Optimizer) Run(ctx context.Context, progress func(Progress)) error {
	for {
		if err := ctx.Err(); err != nil {
			z.stop = StopCanceled
			return err
		}
		before := z.iteration
		more, err := z.Step()
		if err != nil {
			return err
		}
		if progress != nil && z.iteration > before {
			stage := StageOptimize
			if z.phase == 0 {
				stage = StageExaggeration
			}
			progress(Progress{Stage: stage, Iteration: z.iteration, Iterations: z.plan.iterations,
				KL: z.kl, GradientNorm: z.gradientNorm})
		}
		if call := z.o.Callback; call != nil && z.iteration > before &&
			z.iteration%z.o.CallbackEvery == 0 && more {
			z.shown = z.f.positions(z.shown, z.o.Components)
			if call(z.iteration, z.kl, z.shown) {
				z.stop = StopCallback
				return nil
			}
		}
		if !more {
			return nil
		}
	}
}
