package view

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latent/internal/matrix"
	"latent/internal/progress"
	"latent/internal/run"
)

// serve serves a folder with losses and a map until the test ends.
func serve(t *testing.T, path string) *Server {
	t.Helper()
	s, _ := serveUntil(t, path)
	return s
}

// serveUntil serves until stop is called, or the test ends.
func serveUntil(t *testing.T, path string) (s *Server, stop func()) {
	t.Helper()
	s, err := Listen(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return s, stop
}

func write(t *testing.T, content string, parts ...string) {
	t.Helper()
	path := filepath.Join(parts...)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

const losses = "step,epoch,loss,reconstruction,contrastive\n1,1,0.5,0.5,0\n2,1,0.25,0.25,0\n"

func grown(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	write(t, losses, dir, "losses.csv")
	write(t, "secret", dir, "..", "secret.txt")
	if err := os.Mkdir(filepath.Join(dir, "tsne"), 0o700); err != nil {
		t.Fatal(err)
	}
	y := matrix.Matrix{Data: []float32{0, 0, 1, 2}, Rows: 2, Cols: 2}
	if err := matrix.WriteFile(filepath.Join(dir, "tsne", "original.frame.npy"), y); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRefusals(t *testing.T) {
	s := serve(t, grown(t))
	if host, _, _ := net.SplitHostPort(s.listener.Addr().String()); host != "127.0.0.1" {
		t.Errorf("it listens on %s", host)
	}
	for _, c := range []struct {
		name, method, path string
		change             func(r *http.Request)
		want               int
	}{
		{"page", "GET", "", nil, 200},
		{"events", "HEAD", "map/original", nil, 200},
		{"own origin", "GET", "",
			func(r *http.Request) { r.Header.Set("Origin", "http://"+r.Host) }, 200},
		{"host", "GET", "", func(r *http.Request) { r.Host = "evil.example" }, 403},
		{"host and port", "GET", "",
			func(r *http.Request) { r.Host = "evil.example:" + r.URL.Port() }, 403},
		{"port", "GET", "", func(r *http.Request) { r.Host = "127.0.0.1:1" }, 403},
		{"origin", "GET", "",
			func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403},
		{"null origin", "GET", "events", func(r *http.Request) { r.Header.Set("Origin", "null") },
			403},
		{"cross site", "GET", "events",
			func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		{"token", "GET", "",
			func(r *http.Request) { r.URL.Path = "/" + strings.Repeat("A", 26) + "/" }, 403},
		{"no token", "GET", "", func(r *http.Request) { r.URL.Path = "/" }, 403},
		{"post", "POST", "", nil, 405},
		{"put", "PUT", "report.html", nil, 405},
		{"dots", "GET", "",
			func(r *http.Request) { r.URL.Opaque = "/" + s.token + "/../secret.txt" }, 403},
		{"escaped dots", "GET", "map/..%2f..%2fsecret.txt", nil, 404},
		{"dots in data", "GET", "report-data/..%2f..%2fsecret.txt", nil, 404},
		{"dots in a picture", "GET", "picture/..%2f..%2fsecret.txt", nil, 404},
		{"file", "GET", "losses.csv", nil, 404},
		{"no report", "GET", "report.html", nil, 404},
	} {
		r, err := http.NewRequest(c.method, s.URL()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		if c.change != nil {
			c.change(r)
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != c.want && (c.name != "dots" || answer.StatusCode == 200) {
			t.Errorf("%s: status %d, want %d", c.name, answer.StatusCode, c.want)
		}
		if strings.Contains(string(body), "secret") {
			t.Errorf("%s: the answer holds a file outside the folder", c.name)
		}
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy,
			"frame-ancestors 'none'") || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: policy %q", c.name, policy)
		}
	}
}

// Each event is the state at that time: losses equal to losses.csv, the map, and a sentence
// when the process or the folder is gone.
func TestEvents(t *testing.T) {
	dir := grown(t)
	s := serve(t, dir)
	answer, err := http.Get(s.URL() + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	next := func() (state State) {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &state); err != nil {
					t.Fatal(err)
				}
				return state
			}
		}
		t.Fatal("no more events")
		return state
	}
	first := next()
	if len(first.Last) != 1 || first.Last[0] != (Last{"run", 2, 1, 0.25}) ||
		len(first.Chart.Series[0].Mean) != 2 {
		t.Errorf("losses %+v, chart %+v", first.Last, first.Chart)
	}
	if len(first.Maps) != 1 || first.Maps[0].Name != "original" || first.Message != "" {
		t.Errorf("maps %+v, message %q", first.Maps, first.Message)
	}
	write(t, losses+"3,2,0.125,0.125,0\n", dir, "losses.csv")
	if second := next(); second.Last[0] != (Last{"run", 3, 2, 0.125}) {
		t.Errorf("losses %+v", second.Last)
	}
	write(t, `{"Label":"train","pid":2147483646}`, dir, "status.json")
	if gone := next(); gone.Status != nil ||
		!strings.Contains(gone.Message, "process 2147483646 is gone") {
		t.Errorf("status %+v, message %q", gone.Status, gone.Message)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for range 5 { // a state in the middle of the removal may come first
		if last := next(); strings.Contains(last.Message, "folder is gone") {
			return
		}
	}
	t.Error("nothing says that the folder is gone")
}

func TestFinishedFolderShowsItsReport(t *testing.T) {
	dir := grown(t)
	write(t, "<!doctype html><title>r</title>", dir, "report.html")
	write(t, `latentBlock("map-0", "");`, dir, "report-data", "map-0.js")
	s := serve(t, dir)
	for path, want := range map[string]string{"": "<!doctype html><title>r</title>",
		"report-data/map-0.js": `latentBlock("map-0", "");`} {
		answer, err := http.Get(s.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if string(body) != want {
			t.Errorf("%q is %q, want %q", path, body, want)
		}
	}
	if _, err := Listen(filepath.Join(dir, "losses.csv"), 0); err == nil {
		t.Error("a file that is no page is served")
	}
}

// A run folder has no page of its own: one is made of what the run left. Work on it, or its
// failure before the end, shows the live page instead.
func TestTrainedFolderShowsItsReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	write(t, `{"version": 1, "dataset": "mnist", "lr": 0.001}`, dir, "config.json")
	write(t, losses, dir, "losses.csv")
	s := serve(t, dir)
	get := func(name string) string {
		answer, err := http.Get(s.URL() + name)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		return string(body)
	}
	if page := get(""); !strings.Contains(page, `id="v-stage"`) ||
		s.folder.state().Idle != "Nobody works on this folder, and its run has not reached its "+
			"end." {
		t.Errorf("an unfinished run shows %.100q", page)
	}
	write(t,
		`{"accuracy": {"original": {"train": 0.5, "test": 0.25}}, "mse": {"reconstruction": {"train": 0.1, "test": 0.2}}}`, dir, "metrics.json")
	page := get("")
	for _, want := range []string{"<title>run</title>", "<td>50.00</td>",
		"<dt>lr</dt><dd>0.001</dd>", `id="losses"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	record(t, progress.Record{PID: os.Getpid()}, dir, run.StatusFile)
	if page := get(""); !strings.Contains(page, `id="v-stage"`) {
		t.Errorf("a run that goes on shows %.100q", page)
	}
	if page := get("report.html"); !strings.Contains(page, "<td>50.00</td>") {
		t.Error("and its last report is not to be had")
	}
}
