package tsne

import (
	"fmt"
	"math"
	"runtime"
)

// Method selects how the repulsive forces are computed.
type Method int

const (
	// BarnesHut sums far groups of points as one (van der Maaten 2014):
	// O(n log n) time an iteration, accuracy set by Options.Theta.
	BarnesHut Method = iota
	// Exact sums over all pairs and lets every pair attract: O(n²) time and
	// memory (some 40 bytes a pair), for a few thousand points and as the
	// yardstick of BarnesHut.
	Exact
)

// String returns the method's name as ParseMethod reads it.
func (m Method) String() string {
	switch m {
	case BarnesHut:
		return "barnes-hut"
	case Exact:
		return "exact"
	}
	return fmt.Sprintf("Method(%d)", int(m))
}

// ParseMethod returns the method with the given name, "barnes-hut" or "exact".
func ParseMethod(name string) (Method, error) {
	for _, m := range []Method{BarnesHut, Exact} {
		if name == m.String() {
			return m, nil
		}
	}
	return 0, fmt.Errorf("tsne: unknown method %q: want %q or %q", name, BarnesHut, Exact)
}

// Init selects the starting positions.
type Init int

const (
	// InitPCA starts from the leading principal components, scaled so that the
	// first has standard deviation 1e-4: reproducible, and it keeps the global
	// arrangement (Kobak and Linderman 2021).
	InitPCA Init = iota
	// InitRandom starts from independent normal numbers of standard deviation 1e-4.
	InitRandom
	// InitGiven starts from Options.Initial as it is.
	InitGiven
)

// String returns the start's name as ParseInit reads it.
func (i Init) String() string {
	switch i {
	case InitPCA:
		return "pca"
	case InitRandom:
		return "random"
	case InitGiven:
		return "given"
	}
	return fmt.Sprintf("Init(%d)", int(i))
}

// ParseInit returns the start with the given name: "pca", "random" or "given".
func ParseInit(name string) (Init, error) {
	for _, i := range []Init{InitPCA, InitRandom, InitGiven} {
		if name == i.String() {
			return i, nil
		}
	}
	return 0, fmt.Errorf("tsne: unknown init %q: want %q, %q or %q", name, InitPCA, InitRandom,
		InitGiven)
}

// Options sets up Fit. Start from DefaultOptions: a zero field means zero, not
// "the default", unless its comment says otherwise.
type Options struct {
	// Components is the number of dimensions of the embedding, 1 to 3. Default 2.
	Components int
	// Perplexity is the effective number of neighbours of a point, at least 1
	// and below the number of rows. Larger values show more of the global
	// shape. Default 30.
	Perplexity float64
	// Perplexities, unless nil, replaces Perplexity: affinities are the mean of those for each of
	// them, so that a map shows several scales (openTSNE's Multiscale). The largest sets the
	// number of neighbours. Default nil.
	Perplexities []float64
	// Kernel says how a row's neighbours attract it. Default GaussianKernel.
	Kernel Kernel
	// Metric is the distance between rows. Default Euclidean.
	Metric Metric
	// Graph, unless nil, is every row's nearest rows, found elsewhere: Neighbors and Metric then
	// serve Transform alone. Rows may have fewer neighbours than the perplexity asks for; of
	// longer rows the first ones count. Fit's rows may then be nil, without InitPCA and Transform.
	// It is not changed. Default nil.
	Graph *NeighborGraph
	// Affinities, unless nil, is P itself, made elsewhere or by NewAffinities: no neighbours are
	// looked for, and Perplexity and Kernel do not count; otherwise as with Graph. P must be
	// symmetric. Default nil.
	Affinities *Affinities
	// Theta, 0 or more, is Barnes-Hut's accuracy: a cell of the tree is summed as one
	// point where its width is below Theta times its distance. 0 is exact and
	// slow; above 0.8 the map suffers. Default 0.5.
	Theta float64
	// EarlyExaggeration multiplies the attraction in the first
	// ExaggerationIterations, at least 1, so that clusters form. Default 12.
	EarlyExaggeration float64
	// Schedule sets learning rate and momentum, and the three fields below where they are
	// 0. Default ScheduleAuto.
	Schedule Schedule
	// ExaggerationIterations counts towards Iterations. 0, the default, means the schedule's
	// own number: 80 for ScheduleAuto. For ScheduleScikitLearn 0 means none;
	// ScikitLearnOptions has 250.
	ExaggerationIterations int
	// LateExaggeration multiplies the attraction in the iterations after them, at least 1: above 1
	// clusters are denser and further apart, which shows more of large data (Kobak and Berens
	// 2019 take 4; openTSNE's exaggeration). KL is never exaggerated. Default 1.
	LateExaggeration float64
	// Alpha, above 0, is the degree of freedom of the map's similarities, (1 + d²/Alpha)^-Alpha:
	// below 1 their tails are heavier and clusters fall apart into finer ones, above 1 they are
	// lighter (Kobak et al. 2019; openTSNE's dof). Other values than 1 are slow. Default 1.
	Alpha float64
	// Iterations is the most that are done in all. 0, the default, means the schedule's own
	// number: for ScheduleAuto the larger of 500 - n/50 and min(340 + 45 ln(n/20000),
	// 340 + 10000000/n), with its phases shortened in proportion where fewer are asked for.
	// For ScheduleScikitLearn 0 means none; ScikitLearnOptions has 1000.
	Iterations int
	// LearningRate is the optimiser's step, constant where it is set. 0, the default, means the
	// schedule's own: for ScheduleScikitLearn max(n / EarlyExaggeration / 4, 50), as scikit-learn
	// has it.
	LearningRate float64
	// Init says where points start. Default InitPCA.
	Init Init
	// Initial holds the starting positions, n x Components row-major, for InitGiven
	// alone. It is not changed.
	Initial []float32
	// Seed fixes what is random: InitRandom, and the filling of components in
	// which the data has no spread. Default 0.
	Seed uint64
	// Threads is the number of goroutines that work at once. 0, the default, means
	// all processors that Go may use; more than 4 a processor, or 64 in all, are never
	// started. The result does not depend on it, to the byte.
	Threads int
	// Method computes the repulsion. Default BarnesHut.
	Method Method
	// NoProgress stops the run when the KL divergence has not fallen for more
	// than that many iterations after the exaggeration; 0 never does. Default 300.
	NoProgress int
	// MinGradient stops the run when the norm of the gradient (times the gains) is
	// at or below it. Default 1e-7.
	MinGradient float64
	// Callback, unless nil, is called from Fit's goroutine after every CallbackEvery iterations
	// with the number done, the KL divergence (NaN before the first time, refreshed every 50
	// iterations) and the positions, n x Components row-major, in memory that the next call has
	// too. The run ends there if it returns true.
	Callback func(iteration int, kl float64, y []float32) (stop bool)
	// CallbackEvery, at least 1, is the number of iterations between two calls. Default 50.
	CallbackEvery int
	// Neighbors finds the nearest rows. nil, the default, is AutoNeighbors' choice.
	Neighbors Neighbors
	// Progress, unless nil, is called from Fit's goroutine at the start of every
	// stage, now and then in StageNeighbors, and after every iteration. It should return quickly.
	Progress func(Progress)
}

// Stage names a part of the work, in the order in which Fit does it.
type Stage string

// The stages of Fit, and Transform's.
const (
	StageNeighbors    Stage = "neighbors"
	StageAffinities   Stage = "affinities"
	StageInit         Stage = "init"
	StageExaggeration Stage = "exaggeration"
	StageOptimize     Stage = "optimize"
	StageTransform    Stage = "transform" // of Transform, after its search for neighbours
)

// Progress tells where a run stands.
type Progress struct {
	Stage Stage
	// Iteration of Iterations are done; both are 0 before the first one.
	Iteration, Iterations int
	// Rows of TotalRows are done in StageNeighbors; TotalRows is 0 in the other stages, and as
	// long as it is not known.
	Rows, TotalRows int
	// KL is the last computed Kullback-Leibler divergence, not exaggerated; it
	// is NaN before the first time and refreshed every 50 iterations.
	KL float64
	// GradientNorm is the norm of the gradient at that time, NaN before.
	GradientNorm float64
}

// DefaultOptions returns the defaults: those of scikit-learn but for the schedule.
func DefaultOptions() Options {
	return Options{
		Components:        2,
		Perplexity:        30,
		Theta:             0.5,
		EarlyExaggeration: 12,
		LateExaggeration:  1,
		Alpha:             1,
		CallbackEvery:     50,
		NoProgress:        300,
		MinGradient:       1e-7,
	}
}

// ScikitLearnOptions returns the defaults of scikit-learn's TSNE, its schedule included.
func ScikitLearnOptions() Options {
	o := DefaultOptions()
	o.Schedule, o.ExaggerationIterations, o.Iterations = ScheduleScikitLearn, 250, 1000
	return o
}

// OptionError says that a field of Options has a value that makes no sense.
type OptionError struct {
	Field string // its name in Options, such as "Perplexity"
	Value any    // what it holds
	Want  string // what it may hold, such as "a number of at least 1"
}

func (e *OptionError) Error() string {
	return fmt.Sprintf("tsne: Options.%s is %v: want %s", e.Field, e.Value, e.Want)
}

// Validate reports the first field whose value makes no sense for any data, as an
// *OptionError.
func (o Options) Validate() error {
	bad := func(field string, value any, want string) error {
		return &OptionError{Field: field, Value: value, Want: want}
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	switch {
	case o.Components < 1 || o.Components > 3:
		return bad("Components", o.Components, "1, 2 or 3")
	case !finite(o.Perplexity) || o.Perplexity < 1:
		return bad("Perplexity", o.Perplexity, "a number of at least 1")
	case o.Perplexities != nil && !valid(o.Perplexities):
		return bad("Perplexities", o.Perplexities, "numbers of at least 1")
	case o.Kernel != GaussianKernel && o.Kernel != UniformKernel:
		return bad("Kernel", o.Kernel, "GaussianKernel or UniformKernel")
	case o.Kernel == UniformKernel && o.Perplexities != nil:
		return bad("Kernel", o.Kernel, "GaussianKernel where Perplexities is set")
	case o.Metric != Euclidean && o.Metric != Cosine:
		return bad("Metric", o.Metric, "Euclidean or Cosine")
	case !finite(o.LateExaggeration) || o.LateExaggeration < 1:
		return bad("LateExaggeration", o.LateExaggeration, "a number of at least 1")
	case !finite(o.Alpha) || o.Alpha <= 0:
		return bad("Alpha", o.Alpha, "a number above 0")
	case o.CallbackEvery < 1:
		return bad("CallbackEvery", o.CallbackEvery, "at least 1")
	case !finite(o.Theta) || o.Theta < 0:
		return bad("Theta", o.Theta, "a number of at least 0")
	case !finite(o.EarlyExaggeration) || o.EarlyExaggeration < 1:
		return bad("EarlyExaggeration", o.EarlyExaggeration, "a number of at least 1")
	case o.Schedule != ScheduleAuto && o.Schedule != ScheduleScikitLearn:
		return bad("Schedule", o.Schedule, "ScheduleAuto or ScheduleScikitLearn")
	case o.ExaggerationIterations < 0:
		return bad("ExaggerationIterations", o.ExaggerationIterations, "at least 0")
	case o.Iterations < 0:
		return bad("Iterations", o.Iterations, "at least 0")
	case !finite(o.LearningRate) || o.LearningRate < 0:
		return bad("LearningRate", o.LearningRate, "a number above 0, or 0 for the schedule's own")
	case o.Init < InitPCA || o.Init > InitGiven:
		return bad("Init", o.Init, "InitPCA, InitRandom or InitGiven")
	case o.Init != InitGiven && o.Initial != nil:
		return bad("Init", o.Init, "InitGiven where Initial is set")
	case o.Threads < 0:
		return bad("Threads", o.Threads, "at least 1, or 0 for all processors")
	case o.Method != BarnesHut && o.Method != Exact:
		return bad("Method", o.Method, "BarnesHut or Exact")
	case o.NoProgress < 0:
		return bad("NoProgress", o.NoProgress, "at least 0")
	case !finite(o.MinGradient) || o.MinGradient < 0:
		return bad("MinGradient", o.MinGradient, "a number of at least 0")
	}
	return nil
}

// threads returns the number of goroutines to use.
func threads(n int) int {
	if n == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return min(n, max(64, 4*runtime.NumCPU()))
}

// checkRows reports an x that is not n rows of finite numbers.
func checkRows(op string, x []float32, n int) error {
	switch {
	case n < 0 || (n == 0 && len(x) > 0) || (n > 0 && len(x)%n != 0):
		return fmt.Errorf("tsne: %s: %d values cannot be %d rows", op, len(x), n)
	case len(x) == 0:
		return fmt.Errorf("tsne: %s: the matrix is empty", op)
	}
	d := len(x) / n
	for i := range n {
		row := x[i*d : (i+1)*d]
		// v-v is 0 unless v is NaN or infinite; the sum keeps a NaN.
		var s0, s1, s2, s3 float32
		j := 0
		for ; j+4 <= d; j += 4 {
			a, b, c, e := row[j], row[j+1], row[j+2], row[j+3]
			s0 += a - a
			s1 += b - b
			s2 += c - c
			s3 += e - e
		}
		for ; j < d; j++ {
			s0 += row[j] - row[j]
		}
		if s := s0 + s1 + s2 + s3; s == 0 {
			continue
		}
		for j, v := range row {
			if v-v != 0 {
				return fmt.Errorf("tsne: %s: row %d, column %d is %v: only finite numbers can "+
					"be embedded", op, i, j, v)
			}
		}
	}
	return nil
}
