package run

import (
	"os"
	"time"

	"latent/internal/matrix"
)

// maxFrame is the most points of a frame.
const maxFrame = 20_000

// Frames keeps the file of a map that is forming up to date, at most once a second, for
// those who watch. What cannot be written is left alone.
type Frames struct {
	path    string
	written time.Time
}

// NewFrames writes into path, which ends in .frame.npy.
func NewFrames(path string) *Frames { return &Frames{path: path} }

// Show writes y, n x 2 row-major, or each k-th of its rows; other widths have no frames.
func (f *Frames) Show(y []float32, n int) {
	if len(y) != 2*n || time.Since(f.written) < time.Second {
		return
	}
	f.written = time.Now()
	m := matrix.Matrix{Data: y, Rows: n, Cols: 2}
	_ = matrix.WriteFile(f.path, m.Every((n+maxFrame-1)/maxFrame))
}

// Close removes the file: the map itself is there.
func (f *Frames) Close() { _ = os.Remove(f.path) }
