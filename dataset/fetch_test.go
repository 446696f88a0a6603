package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// mirror serves the packed files of tiny as change, if not nil, lets it.
type mirror struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string // "PATH RANGE"
}

func newMirror(t *testing.T, s *set, packed [4][]byte,
	change func(w http.ResponseWriter, r *http.Request, b []byte) bool) *mirror {
	m := &mirror{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		m.requests = append(m.requests,
			strings.TrimSpace(path.Base(r.URL.Path)+" "+r.Header.Get("Range")))
		m.mu.Unlock()
		i := slices.IndexFunc(s.files[:],
			func(f fileSpec) bool { return "/"+f.name+".gz" == r.URL.Path })
		switch {
		case i < 0:
			http.NotFound(w, r)
		case change == nil || !change(w, r, packed[i]):
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(packed[i]))
		}
	}))
	t.Cleanup(m.Close)
	return m
}

func options(mirrors ...*mirror) FetchOptions {
	o := DefaultFetchOptions()
	o.Mirrors = []string{}
	for _, m := range mirrors {
		o.Mirrors = append(o.Mirrors, m.URL)
	}
	return o
}

// files lists the files below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all = append(all, e.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// complete checks that dir holds the four .gz files and nothing else.
func complete(t *testing.T, s *set, dir string, packed [4][]byte) {
	t.Helper()
	if got := files(t, dir); len(got) != 4 {
		t.Errorf("folder holds %q", got)
	}
	for i, f := range s.files {
		b, err := os.ReadFile(filepath.Join(s.raw(dir), f.name+".gz"))
		if err != nil || !bytes.Equal(b, packed[i]) {
			t.Errorf("%s: wrong content or %v", f.name, err)
		}
	}
	if _, err := s.open(dir); err != nil {
		t.Error(err)
	}
}

func TestFetch(t *testing.T) {
	s, _, packed := tiny(t)
	m := newMirror(t, s, packed, nil)
	dir := t.TempDir()
	o := options(m)
	done := map[string]int64{}
	o.Progress = func(p Progress) {
		if p.Done < done[p.File] || p.Done > p.Total {
			t.Errorf("progress %+v after %d", p, done[p.File])
		}
		done[p.File] = p.Done
	}
	got, err := s.fetch(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range s.files {
		want := File{
			Path: filepath.Join(s.raw(dir), f.name+".gz"), Count: f.dims[0], Bytes: f.size,
			SHA256: f.sha256, Verified: true, Source: m.URL + "/" + f.name + ".gz",
		}
		if got[i] != want {
			t.Errorf("file %+v, want %+v", got[i], want)
		}
		if done[f.name+".gz"] != f.size {
			t.Errorf("%s: progress ends at %d of %d", f.name, done[f.name+".gz"], f.size)
		}
	}
	complete(t, s, dir, packed)

	// Again: everything is there, nobody is asked.
	n := len(m.requests)
	got, err = s.fetch(context.Background(), dir, o)
	if err != nil || len(m.requests) != n {
		t.Fatalf("%d more requests, error %v", len(m.requests)-n, err)
	}
	for _, f := range got {
		if f.Source != "present" {
			t.Errorf("source %q", f.Source)
		}
	}
}

// What is wrong with the first mirror makes the second one serve.
func TestFetchNextMirror(t *testing.T) {
	s, _, packed := tiny(t)
	bad := map[string]func(w http.ResponseWriter, r *http.Request, b []byte) bool{
		"404": func(w http.ResponseWriter, r *http.Request,
			_ []byte) bool {
			http.NotFound(w, r)
			return true
		},
		"503": func(w http.ResponseWriter, _ *http.Request,
			_ []byte) bool {
			w.WriteHeader(503)
			return true
		},
		"forever": func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		},
		"wrong checksum": func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
			b = slices.Clone(b)
			b[len(b)/2] ^= 1
			_, _ = w.Write(b)
			return true
		},
		"page": func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			_, _ = io.WriteString(w, "<html>Sign in to the network</html>")
			return true
		},
		"too long": func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
			w.(http.Flusher).Flush() // no Content-Length
			_, _ = w.Write(append(slices.Clone(b), 0))
			return true
		},
		"too short": func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
			w.(http.Flusher).Flush()
			_, _ = w.Write(b[:len(b)/2])
			return true
		},
		"hangs": func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
			<-r.Context().Done()
			return true
		},
		"stalls": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			_, _ = w.Write(b[:len(b)/2])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		},
		"breaks off": func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			_, _ = w.Write(b[:len(b)/2])
			panic(http.ErrAbortHandler)
		},
	}
	for name, change := range bad {
		t.Run(name, func(t *testing.T) {
			first, second := newMirror(t, s, packed, change), newMirror(t, s, packed, nil)
			o := options(first, second)
			o.ConnectTimeout, o.StallTimeout = 100*time.Millisecond, 100*time.Millisecond
			dir := t.TempDir()
			got, err := s.fetch(context.Background(), dir, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range got {
				if !strings.HasPrefix(f.Source, second.URL) {
					t.Errorf("source %s", f.Source)
				}
			}
			complete(t, s, dir, packed)

			// The bad one alone: one line that names it, no file by its name.
			o.Mirrors = o.Mirrors[:1]
			dir = t.TempDir()
			if _, err = s.fetch(context.Background(), dir, o); err == nil ||
				!strings.Contains(err.Error(), first.URL) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v", err)
			}
			for _, f := range files(t, dir) {
				if f != s.files[0].name+partExt {
					t.Errorf("left %s", f)
				}
			}
		})
	}
}

// A mirror that is slow but goes on is waited for.
func TestFetchSlowMirror(t *testing.T) {
	s, _, packed := tiny(t)
	m := newMirror(t, s, packed, func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
		for chunk := range slices.Chunk(b, (len(b)+4)/5) {
			_, _ = w.Write(chunk)
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
		return true
	})
	o := options(m)
	o.StallTimeout = 5 * time.Second
	dir := t.TempDir()
	if _, err := s.fetch(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	complete(t, s, dir, packed)
}

func TestFetchCancelAndResume(t *testing.T) {
	s, _, packed := tiny(t)
	half := len(packed[0]) / 2
	m := newMirror(t, s, packed, func(w http.ResponseWriter, r *http.Request, b []byte) bool {
		if r.Header.Get("Range") != "" || len(b) != len(packed[0]) {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		_, _ = w.Write(b[:half])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	})
	dir := t.TempDir()
	o := options(m)
	ctx, cancel := context.WithCancel(context.Background())
	o.Progress = func(p Progress) {
		if p.Done == int64(half) {
			cancel()
		}
	}
	got, err := s.fetch(ctx, dir, o)
	if !errors.Is(err, context.Canceled) || len(got) != 0 {
		t.Fatalf("files %v, error %v", got, err)
	}
	if left := files(t, dir); !slices.Equal(left, []string{s.files[0].name + partExt}) {
		t.Fatalf("folder holds %q", left)
	}
	o.Progress = nil
	if _, err := s.fetch(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	complete(t, s, dir, packed)
	if want := fmt.Sprintf("%s.gz bytes=%d-", s.files[0].name, half); m.requests[1] != want {
		t.Errorf("second request %q, want %q", m.requests[1], want)
	}

	// Cancelled before the start: nothing is asked.
	n := len(m.requests)
	ctx, cancel = context.WithCancel(context.Background())
	cancel()
	if _, err := s.fetch(ctx, t.TempDir(), o); !errors.Is(err, context.Canceled) ||
		len(m.requests) != n {
		t.Errorf("%d more requests, error %v", len(m.requests)-n, err)
	}
}

// Whatever lies in the part, and whatever the server makes of the range, the
// right file comes out.
func TestFetchResume(t *testing.T) {
	s, _, packed := tiny(t)
	b := packed[0]
	wrong := slices.Clone(b)
	wrong[0] ^= 1
	parts := map[string][]byte{
		"half":         b[:len(b)/2],
		"all":          b,
		"empty":        {},
		"too long":     append(slices.Clone(b), 1, 2, 3),
		"wrong half":   wrong[:len(b)/2],
		"wrong all":    wrong,
		"all but last": b[:len(b)-1],
	}
	servers := map[string]func(w http.ResponseWriter, r *http.Request, b []byte) bool{
		"range": nil,
		"no range": func(w http.ResponseWriter, _ *http.Request, b []byte) bool {
			_, _ = w.Write(b)
			return true
		},
		"wrong range": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(b)-1, len(b)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(b)
			return true
		},
		"range refused": func(w http.ResponseWriter, r *http.Request, b []byte) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		},
	}
	for server, change := range servers {
		for part, content := range parts {
			t.Run(server+"/"+part, func(t *testing.T) {
				dir := t.TempDir()
				m := newMirror(t, s, packed, change)
				write(t, filepath.Join(s.raw(dir), s.files[0].name+partExt), content)
				if _, err := s.fetch(context.Background(), dir, options(m)); err != nil {
					t.Fatal(err)
				}
				complete(t, s, dir, packed)
			})
		}
	}
}

// A file that is there and wrong is an error and stays as it is.
func TestFetchKeepsWrongFile(t *testing.T) {
	s, _, packed := tiny(t)
	m := newMirror(t, s, packed, nil)
	dir := t.TempDir()
	path := filepath.Join(s.raw(dir), s.files[2].name+".gz")
	bad := slices.Clone(packed[2])
	bad[40] ^= 1
	write(t, path, bad)
	got, err := s.fetch(context.Background(), dir, options(m))
	if err == nil || !strings.Contains(err.Error(), path) ||
		!strings.Contains(err.Error(), remedy) {
		t.Fatalf("error %v", err)
	}
	if len(got) != 2 {
		t.Errorf("%d files before the error, want 2", len(got))
	}
	if b, _ := os.ReadFile(path); !bytes.Equal(b, bad) {
		t.Error("the file was changed")
	}
}

func TestFetchArguments(t *testing.T) {
	if _, err := Fetch(context.Background(), t.TempDir(), "cifar",
		DefaultFetchOptions()); err == nil ||
		!strings.Contains(err.Error(), "mnist, fashion-mnist, kmnist") {
		t.Errorf("error %v", err)
	}
	if _, err := Fetch(context.Background(), t.TempDir(), "mnist", FetchOptions{}); err == nil ||
		!strings.Contains(err.Error(), "ConnectTimeout is 0s") {
		t.Errorf("error %v", err)
	}
}
