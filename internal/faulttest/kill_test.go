//go:build linux && cgo

package faulttest

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latent/internal/matrix"
)

// unbroken is a run that nothing disturbed, made once.
type unbroken struct {
	sync.Mutex
	dir  string
	took time.Duration
}

var trained1, trained2, trained3, notebook2 unbroken

// get returns the run's folder and how long it took.
func (u *unbroken) get(t *testing.T, command, epochs string) (string, time.Duration) {
	t.Helper()
	u.Lock()
	defer u.Unlock()
	if u.dir == "" {
		dir := filepath.Join(scratch, command+epochs)
		began := time.Now()
		must(t, small(t, command, dir, "--epochs", epochs)...)
		u.dir, u.took = dir, time.Since(began)
	}
	return u.dir, u.took
}

// kills counts runs of the program that were killed, by what they had written last.
type kills map[string]int

// These runs the signal could not harm, and they count as none.
const (
	early = "(nothing yet)"
	late  = "(done before)"
)

// run runs the program, which works in dir, and kills it: at a random moment within d,
// or, every second time, as soon as it has written a random number of files, at most
// files. It says what the run had written last.
func (k kills) run(t *testing.T, r *rand.Rand, d time.Duration, dir string, files int,
	args ...string) string {
	t.Helper()
	began := time.Now()
	p := command(args...).start(t)
	if r.IntN(2) == 0 {
		time.Sleep(time.Duration(r.Int64N(int64(d))))
	} else {
		n := 1 + r.IntN(max(files, 1))
		for time.Since(began) < 2*d {
			if changed, _ := changes(dir, began); changed >= n {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	p.Process.Kill()
	got := p.end(t)
	_, at := changes(dir, began)
	switch got.code {
	case -1:
	case 0:
		at = late
	default:
		t.Fatalf("before a kill: exit code %d, %s", got.code, got.stderr)
	}
	k[at]++
	return at
}

// changes counts the files below dir that are newer than since, and names the newest.
func changes(dir string, since time.Time) (n int, last string) {
	newest, last := since, early
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // the program works in it meanwhile
		}
		if info, err := e.Info(); err == nil && info.ModTime().After(since) {
			n++
			if !info.ModTime().Before(newest) {
				// of a temporary file
				newest, last = info.ModTime(), strings.TrimRight(path[len(dir)+1:], "0123456789")
			}
		}
		return nil
	})
	return n, last
}

// all is the number of kills.
func (k kills) all() int {
	n := -k[early] - k[late]
	for _, times := range k {
		n += times
	}
	return n
}

// complete runs what is left of a training run, as its user would.
func complete(t *testing.T, dir, epochs string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err == nil {
		must(t, "train", "--out", dir, "--resume", "--quiet", "--epochs", epochs)
	} else {
		must(t, small(t, "train", dir, "--epochs", epochs)...)
	}
}

// kill -9 at any moment of a new run leaves whole files, and the run goes on to the
// bytes of one that was never killed.
func TestKillTrain(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	want, took := trained3.get(t, "train", "3")
	dir := filepath.Join(folder(t), "run")
	killed := kills{}
	for killed.all() < moments() {
		args := small(t, "train", dir, "--epochs", "3")
		if _, err := os.Stat(filepath.Join(dir, "config.json")); err == nil {
			args = []string{"train", "--out", dir, "--resume", "--quiet"}
		}
		at := killed.run(t, r, took, dir, len(hashes(t, want))-len(hashes(t, filepath.Dir(dir))),
			args...)
		what := fmt.Sprintf("kill %d, %s", killed.all(), at)
		whole(t, what, filepath.Dir(dir))
		if at != early && killed.all()%2 == 0 || at == late || killed.all() == moments() {
			complete(t, dir, "3")
			sameRun(t, what, dir, want)
			os.RemoveAll(dir)
		}
	}
	t.Logf("%d kills, by what was written last: %v", killed.all(), killed)
}

// kill -9 of a run that goes on leaves each of its files as it was, or as it will
// be. (It goes on for one epoch: between two epochs a slow machine would save.)
func TestKillResume(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 2))
	first, _ := trained1.get(t, "train", "1")
	want, took := trained2.get(t, "train", "2")
	before, after := hashes(t, first), hashes(t, want)
	killed := kills{}
	for killed.all() < moments() {
		dir := copyOf(t, first)
		at := killed.run(t, r, took, dir, len(before), "train", "--out", dir, "--resume",
			"--epochs", "2", "--quiet")
		what := fmt.Sprintf("kill %d, %s", killed.all(), at)
		for _, m := range []map[string][32]byte{before, after} { // it holds times
			now := hashes(t, dir)
			m["metrics.json"] = now["metrics.json"]
			if live, ok := now["status.json"]; ok { // what a killed run was doing
				m["status.json"] = live
			} else {
				delete(m, "status.json")
			}
		}
		either(t, what, dir, before, after)
		whole(t, what, dir)
		if at != early {
			complete(t, dir, "2")
			sameRun(t, what, dir, want)
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d kills, by what was written last: %v", killed.all(), killed)
}

// kill -9 of the notebook, again and again: the same command completes it, with the
// files of an unbroken one.
func TestKillNotebook(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	want, took := notebook2.get(t, "notebook", "2")
	dir := filepath.Join(folder(t), "run")
	killed := kills{}
	for killed.all() < moments() {
		at := killed.run(t, r, took, dir, len(hashes(t, want))-len(hashes(t, filepath.Dir(dir))),
			small(t, "notebook", dir, "--epochs", "2")...)
		what := fmt.Sprintf("kill %d, %s", killed.all(), at)
		whole(t, what, filepath.Dir(dir))
		if at != early && killed.all()%2 == 0 || at == late || killed.all() == moments() {
			must(t, small(t, "notebook", dir, "--epochs", "2")...)
			sameNotebook(t, what, dir, want)
			os.RemoveAll(dir)
		}
	}
	t.Logf("%d kills, by what was written last: %v", killed.all(), killed)
}

// kill -9 of tsne leaves the embedding that there was, or the new one.
func TestKillTSNE(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 4))
	dir := folder(t)
	args, y := tsneCall(t, dir, "250")
	began := time.Now()
	must(t, args...)
	took, want := time.Since(began), read(t, y)
	killed := kills{}
	for killed[early]+killed.all() < moments() { // it writes at its end alone
		write(t, y, []byte("an older embedding"))
		at := killed.run(t, r, took, dir, 1, args...)
		if now := read(t, y); string(now) != "an older embedding" && !bytes.Equal(now, want) {
			t.Errorf("killed %s: the output holds %d other bytes", at, len(now))
		}
	}
	t.Logf("kills by what was written last: %v", killed)
	must(t, args...)
	if !bytes.Equal(read(t, y), want) {
		t.Error("another embedding after the kills")
	}
}

// tsneCall are the arguments that embed 1,000 points, and the output's path.
func tsneCall(t *testing.T, dir, iterations string) (args []string, output string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var csv strings.Builder
	for range 1000 {
		for range 9 {
			fmt.Fprintf(&csv, "%.3f,", r.NormFloat64())
		}
		fmt.Fprintf(&csv, "%.3f\n", r.NormFloat64())
	}
	output = filepath.Join(dir, "y.npy")
	return []string{"tsne", "--input", write(t, filepath.Join(dir, "x.csv"), []byte(csv.String())),
		"--output", output,
		"--iterations", iterations, "--threads", "1", "--quiet"}, output
}

// Signals that ask to stop, at any moment, one or two in a row: the program saves
// and says so in one line, or dies of the second; either way the run goes on to the
// bytes of an unbroken one.
func TestSignals(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	want, took := notebook2.get(t, "notebook", "2")
	model, trainTook := trained3.get(t, "train", "3")
	embed, y := tsneCall(t, folder(t), "100000000")
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
	for i := range max(moments()/3, 1) {
		first, second, twice := signals[i%3], signals[r.IntN(3)], i%2 == 1
		what := fmt.Sprintf("%v (twice: %v, %v)", first, twice, second)
		stop := func(d time.Duration, args ...string) {
			t.Helper()
			p := command(args...).start(t)
			time.Sleep(time.Duration(r.Int64N(int64(d))))
			p.Process.Signal(first)
			if twice {
				time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
				p.Process.Signal(second)
			}
			got := p.end(t)
			switch got.code {
			case 130:
				got.fails(t, what, 130, "interrupted")
			case 0: // done before the signal
			// killed by the second, before or after it told, or by the first, before it could
			case -1:
				if got.stderr != "" {
					got.fails(t, what, -1, "interrupted")
				}
			default:
				t.Errorf("%s: exit code %d, stderr %q", what, got.code, got.stderr)
			}
		}
		dir := filepath.Join(folder(t), "run")
		stop(trainTook, small(t, "train", dir, "--epochs", "3")...)
		whole(t, what, filepath.Dir(dir))
		complete(t, dir, "3")
		sameRun(t, what, dir, model)

		dir = filepath.Join(folder(t), "run")
		stop(took, small(t, "notebook", dir, "--epochs", "2")...)
		whole(t, what, filepath.Dir(dir))
		must(t, small(t, "notebook", dir, "--epochs", "2")...)
		sameNotebook(t, what, dir, want)

		stop(2*time.Second, embed...)
		if _, err := os.Stat(y); err == nil {
			if m, err := matrix.ReadFile(y); err != nil || m.Rows != 1000 {
				t.Errorf("%s: embedding of %d rows, %v", what, m.Rows, err)
			}
		}
	}
}
