package run

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"latent/internal/matrix"
)

// MaxFrame is the most points of a frame.
const MaxFrame = 20_000

// FrameFile and MapStatusFile are the files beside the map in path while it is being
// made: y.npy has y.frame.npy and y.status.json.
func FrameFile(path string) string { return stem(path) + ".frame.npy" }

// MapStatusFile: see FrameFile.
func MapStatusFile(path string) string { return stem(path) + "." + StatusFile }

func stem(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) }

// Frames keeps the file of a map that is forming up to date, at most once a second, for
// those who watch. What cannot be written is left alone. For one goroutine.
type Frames struct {
	path    string
	shown   time.Time
	writing sync.Mutex
	there   bool // the file is; guarded by writing
}

// NewFrames writes into path, which ends in .frame.npy, from a second from now on: a map
// that is there before then needs no frames.
func NewFrames(path string) *Frames { return &Frames{path: path, shown: time.Now()} }

// Show writes y, n x 2 row-major, or each k-th of its rows, while the caller goes on; other
// widths have no frames.
func (f *Frames) Show(y []float32, n int) {
	if len(y) != 2*n || time.Since(f.shown) < time.Second || !f.writing.TryLock() {
		return
	}
	f.shown = time.Now()
	step := (n + MaxFrame - 1) / MaxFrame
	m := matrix.Matrix{Data: y, Rows: n, Cols: 2}.Every(step)
	if step == 1 { // all of y, which is the caller's
		m.Data = slices.Clone(y)
	}
	go func() {
		defer f.writing.Unlock()
		if matrix.WriteFile(f.path, m) == nil {
			f.there = true
		}
	}()
}

// Close removes the file, if Show has written it: the map itself is there.
func (f *Frames) Close() {
	f.writing.Lock()
	defer f.writing.Unlock()
	if f.there {
		_ = os.Remove(f.path)
	}
}
