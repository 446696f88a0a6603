package tsne

// Matrix is what FromMatrix reads: gonum's mat.Matrix is one.
type Matrix interface {
	Dims() (rows, columns int)
	At(i, j int) float64
}

// FromMatrix returns the rows of m, row-major and rounded to float32, and their number, as Fit and
// Transform take them.
func FromMatrix(m Matrix) (x []float32, n int) {
	n, d := m.Dims()
	x = make([]float32, n*d)
	for i := range n {
		for j := range d {
			x[i*d+j] = float32(m.At(i, j))
		}
	}
	return x, n
}

// FromFloat64 returns the values rounded to float32. What is beyond float32 becomes infinite,
// which Fit and Transform name and refuse.
func FromFloat64(values []float64) []float32 {
	x := make([]float32, len(values))
	for i, v := range values {
		x[i] = float32(v)
	}
	return x
}

// Float64 returns the positions as float64, N x Components row-major, for gonum's mat.NewDense.
func (e *Embedding) Float64() []float64 {
	y := make([]float64, len(e.Y))
	for i, v := range e.Y {
		y[i] = float64(v)
	}
	return y
}
