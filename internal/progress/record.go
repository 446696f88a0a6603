package progress

import (
	"encoding/json"
	"io"
	"os"
	"sync"
	"time"

	"latent/internal/atomicfile"
)

// Record is a Status as a file holds it, for those who watch from another process.
type Record struct {
	Status
	Started time.Time `json:"started"` // of the job, or of its counted part
	First   int       `json:"first"`   // Done at that time
	Updated time.Time `json:"updated"`
	PID     int       `json:"pid"`
}

// Recorder passes on what it is told and keeps the file path up to date, at most once a
// second. It is safe for concurrent use. A file that cannot be written is left alone:
// nobody's work ends for it.
type Recorder struct {
	Reporter
	path    string
	mu      sync.Mutex
	last    Record
	written time.Time
}

// NewRecorder records into the file path what it passes on to r.
func NewRecorder(r Reporter, path string) *Recorder { return &Recorder{Reporter: r, path: path} }

// Update passes on s and records it when it is time.
func (r *Recorder) Update(s Status) {
	r.Reporter.Update(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if s.Label != r.last.Label || (r.last.Total == 0 && s.Total > 0) {
		r.last.Started, r.last.First = now, s.Done
	}
	r.last.Status, r.last.Updated, r.last.PID = s, now, os.Getpid()
	if now.Sub(r.written) < time.Second {
		return
	}
	r.written = now
	_ = atomicfile.Write(r.path, func(w io.Writer) error { return json.NewEncoder(w).Encode(r.last) })
}

// Close removes the file: the work is over.
func (r *Recorder) Close() { _ = os.Remove(r.path) }
