package tsne

import (
	"fmt"
	"io"
	"slices"
	"time"

	"latent/internal/matrix"
)

// NewEmbedding makes an Embedding of a map made elsewhere, for Transform: row i of x (n x d,
// row-major) is at row i of y (n x o.Components). Both are kept and must not change. Of o it
// uses Components, Theta, Alpha, Metric, Neighbors and Threads.
func NewEmbedding(x []float32, n int, y []float32, o Options) (*Embedding, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := checkRows("embedding", x, n); err != nil {
		return nil, err
	}
	if len(y) != n*o.Components {
		return nil, fmt.Errorf("tsne: embedding: the map has %d values: want %d rows of %d",
			len(y), n, o.Components)
	}
	if err := checkRows("embedding", y, n); err != nil {
		return nil, err
	}
	return &Embedding{
		Y: y, N: n, Components: o.Components, KL: nan, x: x,
		neighbors: withThreads(o.finder(n, len(x)/n),
			o.Threads), metric: o.Metric, threads: o.Threads, theta: o.Theta, alpha: o.Alpha,
	}, nil
}

const (
	modelFormat  = "latent t-SNE embedding"
	modelVersion = 1
)

// Save writes what Transform needs, and how the run went, as a .npz file that ReadEmbedding and
// numpy.load read; the same embedding gives the same bytes. Its arrays are
//
//	format            text, "latent t-SNE embedding"
//	version           1
//	embedding         Y, float32, n x components
//	data              the rows, float32, n x d; missing where there were none
//	metric            text, "euclidean" or "cosine"
//	theta, alpha      Options.Theta, Options.Alpha
//	kl, iterations    KL (NaN for none), Iterations
//	stop              text, Stop
//	seconds, seconds_neighbors   Elapsed, ElapsedNeighbors
func (e *Embedding) Save(w io.Writer) error {
	if e.neighbors == nil || len(e.Y) != e.N*e.Components {
		return fmt.Errorf("tsne: save: the embedding was not made by Fit or NewEmbedding")
	}
	arrays := []matrix.Named{
		{Name: "format", Data: modelFormat}, {Name: "version", Data: modelVersion},
		{Name: "embedding", Data: e.Y, Shape: []int{e.N, e.Components}},
		{Name: "metric", Data: e.metric.String()}, {Name: "theta", Data: e.theta}, {Name: "alpha",
			Data: e.alpha},
		{Name: "kl", Data: e.KL}, {Name: "iterations", Data: e.Iterations}, {Name: "stop",
			Data: string(e.Stop)},
		{Name: "seconds", Data: e.Elapsed.Seconds()}, {Name: "seconds_neighbors",
			Data: e.ElapsedNeighbors.Seconds()},
	}
	if e.x != nil {
		arrays = slices.Insert(arrays, 3,
			matrix.Named{Name: "data", Data: e.x, Shape: []int{e.N, len(e.x) / e.N}})
	}
	if err := matrix.WriteArchive(w, arrays); err != nil {
		return fmt.Errorf("tsne: save: %w", err)
	}
	return nil
}

// ReadEmbedding reads what Save wrote, from a file of size bytes. The embedding's Transform gives
// the positions that the saved one's gives; of o it uses Neighbors and Threads, as NewEmbedding
// does.
func ReadEmbedding(r io.ReaderAt, size int64, o Options) (*Embedding, error) {
	e, err := readEmbedding(r, size, o)
	if err != nil {
		return nil, fmt.Errorf("tsne: read embedding: %w", err)
	}
	return e, nil
}

func readEmbedding(r io.ReaderAt, size int64, o Options) (*Embedding, error) {
	a, err := matrix.OpenArchive(r, size)
	if err != nil {
		return nil, err
	}
	if !a.Has("format") || !a.Has("version") {
		return nil, fmt.Errorf("not a saved embedding: there are no arrays called format and " +
			"version")
	}
	m := modelReader{a: a}
	if format, version := m.text("format"), m.number("version"); m.err == nil {
		if format != modelFormat {
			return nil, fmt.Errorf("the format is %q: want %q", format, modelFormat)
		}
		if version != modelVersion {
			return nil, fmt.Errorf("the format's version is %v: this program knows %d; use a "+
				"newer one", version, modelVersion)
		}
	}
	var x []float32
	n, d := 0, 0
	y, n, components := m.rows("embedding")
	if a.Has("data") {
		var rows int
		if x, rows, d = m.rows("data"); m.err == nil && rows != n {
			return nil, fmt.Errorf("data has %d rows and embedding %d", rows, n)
		}
	}
	metric := m.text("metric")
	o.Components, o.Theta, o.Alpha = components, m.number("theta"), m.number("alpha")
	kl, iterations, stop := m.number("kl"), m.number("iterations"), m.text("stop")
	seconds, neighbors := m.number("seconds"), m.number("seconds_neighbors")
	if m.err != nil {
		return nil, m.err
	}
	if o.Metric, err = ParseMetric(metric); err != nil {
		return nil, err
	}
	if iterations != float64(int32(iterations)) || iterations < 0 {
		return nil, fmt.Errorf("iterations are %v: want a count", iterations)
	}
	base := DefaultOptions()
	base.Components, base.Theta, base.Alpha, base.Metric = o.Components, o.Theta, o.Alpha, o.Metric
	base.Neighbors, base.Threads = o.Neighbors, o.Threads
	rows := x
	if x == nil {
		rows = y // to be checked like any
	}
	e, err := NewEmbedding(rows, n, y, base)
	if err != nil {
		return nil, err
	}
	if x == nil || d == 0 {
		e.x = nil
	}
	e.KL, e.Iterations, e.Stop = kl, int(iterations), Stop(stop)
	e.Elapsed, e.ElapsedNeighbors = duration(seconds), duration(neighbors)
	return e, nil
}

// duration is a time in seconds; one that makes no sense is 0.
func duration(seconds float64) time.Duration {
	if !(seconds >= 0 && seconds < 1e9) {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// modelReader reads arrays until the first error.
type modelReader struct {
	a   *matrix.Archive
	err error
}

func (m *modelReader) text(name string) (s string) {
	if m.err == nil {
		s, m.err = m.a.Text(name)
	}
	return s
}

func (m *modelReader) number(name string) (v float64) {
	if m.err == nil {
		v, m.err = m.a.Number(name)
	}
	return v
}

func (m *modelReader) rows(name string) (x []float32, n, d int) {
	if m.err != nil {
		return nil, 0, 0
	}
	var shape []int
	if x, shape, m.err = m.a.Floats(name); m.err != nil {
		return nil, 0, 0
	}
	if len(shape) != 2 {
		m.err = fmt.Errorf("array %s has %d dimensions: want 2", name, len(shape))
		return nil, 0, 0
	}
	return x, shape[0], shape[1]
}
