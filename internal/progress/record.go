package progress

import (
	"bytes"
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
	// Error is why the work has ended before its end; it is empty while work goes on.
	Error string `json:"error,omitempty"`
}

// Recorder passes on what it is told and keeps the file path up to date, at most once a
// second. It is safe for concurrent use. A file that cannot be written is left alone:
// nobody's work ends for it.
type Recorder struct {
	Reporter
	path string

	mu      sync.Mutex
	last    Record
	written time.Time // when last, or when first less a second
	there   bool      // the file is this one's
}

// NewRecorder records into the file path, once that much time has passed, what it passes
// on to r. Work that is over before then leaves no trace.
func NewRecorder(r Reporter, path string, after time.Duration) *Recorder {
	return &Recorder{Reporter: r, path: path, written: time.Now().Add(after - time.Second)}
}

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
	if r.write() == nil {
		r.there = true
	}
}

func (r *Recorder) write() error {
	return atomicfile.Write(r.path,
		func(w io.Writer) error { return json.NewEncoder(w).Encode(r.last) })
}

// Close removes the file: the work is over. Where it has failed with err, the file says so
// instead, until the next attempt.
func (r *Recorder) Close(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		if r.there {
			_ = os.Remove(r.path)
		}
		return
	}
	if r.last.Label == "" {
		return // it was refused, and has not begun
	}
	r.last.Error, r.last.Updated, r.last.PID = err.Error(), time.Now(), os.Getpid()
	if r.write() == nil {
		return
	}
	// On a full disk there may be room in the block that the file has.
	if b, err := json.Marshal(r.last); err == nil {
		_ = overwrite(r.path, b)
	}
}

// overwrite replaces the content of a file of JSON that is there. Blanks fill what is left
// of the old content, so that one write does it.
func overwrite(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|atomicfile.NoFollow, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		b = append(b, bytes.Repeat([]byte(" "), max(0, int(info.Size())-len(b)))...)
		_, err = f.WriteAt(b, 0)
	}
	return err
}
