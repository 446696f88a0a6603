package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latent/internal/matrix"
)

// blobs writes n points around three centres.
func blobs(t *testing.T, path string, n, d int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	m := matrix.Matrix{Rows: n, Cols: d, Data: make([]float32, n*d)}
	for i := range m.Data {
		m.Data[i] = float32(rng.NormFloat64()) + 20*float32(i/d%3)
	}
	if err := matrix.WriteFile(path, m); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTSNE(t *testing.T) {
	tmp := t.TempDir()
	x := blobs(t, filepath.Join(tmp, "x.npy"), 300, 10)
	y := filepath.Join(tmp, "y.npy")
	v := object(t,
		must(t, "tsne", "--input", x, "--output", y, "--quiet", "--iterations", "300", "--json"))
	if at(t, v, "n") != 300.0 || at(t, v, "dims") != 2.0 || at(t, v, "iterations") != 300.0 {
		t.Errorf("tsne says %v", v)
	}
	for _, key := range []string{"kl", "seconds", "seconds_neighbors"} {
		if _, ok := at(t, v, key).(float64); !ok {
			t.Errorf("%s is no number in %v", key, v)
		}
	}
	if at(t, v, "schedule") != "auto" {
		t.Errorf("tsne says %v", v)
	}
	for schedule, want := range map[string]float64{"auto": 494, "scikit-learn": 1000} {
		other := filepath.Join(tmp, schedule+".npy")
		v := object(t,
			must(t, "tsne", "--input", x, "--output", other, "--quiet", "--schedule", schedule,
				"--json"))
		if at(t, v, "schedule") != schedule || at(t, v, "iterations") != want {
			t.Errorf("tsne --schedule %s says %v", schedule, v)
		}
	}
	refuse(t, 2, []string{"tsne", "--input", x, "--output", y, "--schedule", "fast"},
		"scikit-learn")
	refuse(t, 2, []string{"tsne", "--input", x, "--output", y, "--exaggeration-iterations", "0"},
		"--early-exaggeration 1")
	// The same bytes for any number of threads, and from .csv.
	csv := filepath.Join(tmp, "x.csv")
	in, err := matrix.ReadFile(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := matrix.WriteFile(csv, in); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{{"--input", x, "--threads", "1"},
		{"--input", csv, "--threads", "3"}} {
		again := filepath.Join(tmp, "again.npy")
		must(t,
			append([]string{"tsne", "--output", again, "--quiet", "--iterations", "300"},
				more...)...)
		if string(read(t, y)) != string(read(t, again)) {
			t.Errorf("%v: other bytes", more)
		}
	}
	// Every third row, from a given start, and drawn.
	few := filepath.Join(tmp, "few.csv")
	must(t, "tsne", "--input", x, "--output", few, "--every", "3", "--quiet", "--iterations", "50")
	if m, err := matrix.ReadFile(few); err != nil || m.Rows != 100 || m.Cols != 2 {
		t.Errorf("every third of 300 rows: %d x %d, %v", m.Rows, m.Cols, err)
	}
	must(t, "tsne", "--input", x, "--output", few, "--every", "3", "--quiet", "--init", few,
		"--iterations", "0")
	labels := filepath.Join(tmp, "labels.npy")
	if err := matrix.WriteLabels(labels, make([]int, 300)); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"png", "svg", "pdf"} {
		must(t, "plot", "scatter", "--input", y, "--labels", labels, "--output",
			filepath.Join(tmp, "s."+format))
	}
	must(t, "plot", "scatter", "--input", few, "--labels", labels, "--every", "3", "--output",
		filepath.Join(tmp, "s.png"))
	refuse(t, 1,
		[]string{"plot", "scatter", "--input", few, "--labels", labels, "--output",
			filepath.Join(tmp, "s.png")}, "300 labels", "--every")
	refuse(t, 1,
		[]string{"plot", "scatter", "--input", x, "--output",
			filepath.Join(tmp, "s.png")}, "10 columns")
	refuse(t, 2,
		[]string{"plot", "scatter", "--input", y, "--output",
			filepath.Join(tmp, "s.gif")}, "--output")
}

// npy is a .npy file with this header and these bytes behind it.
func npy(descr, fortran, shape string, data []byte) string {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, fortran,
		shape)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	return "\x93NUMPY\x01\x00" +
		string(binary.LittleEndian.AppendUint16(nil, uint16(len(header)))) + header + string(data)
}

// Matrices that cannot be embedded are one line that names the file, and the
// output stays as it was.
func TestBadMatrices(t *testing.T) {
	tmp := t.TempDir()
	y := write(t, filepath.Join(tmp, "y.npy"), "kept")
	rows := strings.Repeat("1,2,3\n", 40)
	for _, c := range []struct{ name, content, want string }{
		{"nan.csv", rows + "1,NaN,3\n", "NaN"},
		{"inf.csv", rows + "1,2,-inf\n", "line 41, column 3"},
		{"hole.csv", rows + "1,,3\n", "hole.csv"},
		{"ragged.csv", rows + "1,2\n", "ragged.csv"},
		{"empty.csv", "", "empty.csv"},
		{"one.csv", "1,2,3\n", "1 row"},
		{"few.csv", strings.Repeat("1,2,3\n", 20), "perplexity"},
		{"text.npy", npy("<U4", "False", "(2, 2)", make([]byte, 64)), "<U4"},
		{"short.npy", npy("<f4", "False", "(1000, 2)", make([]byte, 16)), "short.npy"},
		{"huge.npy", npy("<f4", "False", "(1152921504606846976, 2)", make([]byte, 16)),
			"huge.npy"},
		{"flat.npy", npy("<f4", "False", "(4,)", make([]byte, 16)), "flat.npy"},
		{"noise.npy", "hello", "noise.npy"},
		{"x.dat", "\x00\x01\x02", "x.dat"},
	} {
		path := write(t, filepath.Join(tmp, c.name), c.content)
		r := call(t, "tsne", "--input", path, "--output", y, "--quiet")
		if r.code != 1 || strings.Count(r.stderr, "\n") != 1 ||
			!strings.Contains(r.stderr, c.want) {
			t.Errorf("%s: exit code %d, %q does not say %q", c.name, r.code, r.stderr, c.want)
		}
	}
	if string(read(t, y)) != "kept" {
		t.Error("the output changed")
	}
	x := blobs(t, filepath.Join(tmp, "x.npy"), 100, 3)
	refuse(t, 1,
		[]string{"tsne", "--input", x, "--output", filepath.Join(tmp, "none", "y.npy"), "--quiet",
			"--iterations", "1"}, "y.npy", "does the folder")
	refuse(t, 1, []string{"tsne", "--input", filepath.Join(tmp, "none.npy"), "--output", y},
		"none.npy")
	refuse(t, 1, []string{"tsne", "--input", x, "--output", y, "--init", x, "--quiet"},
		"3 columns")
}

// Ctrl-C writes the embedding reached so far.
func TestTSNEInterrupted(t *testing.T) {
	tmp := t.TempDir()
	x := blobs(t, filepath.Join(tmp, "x.npy"), 2000, 10)
	y := filepath.Join(tmp, "y.npy")
	cmd, stderr := start(t, "tsne", "--input", x, "--output", y, "--iterations", "100000000")
	waitFor(t, "work to begin", func() bool { return strings.Contains(stderr.String(), "tsne") })
	time.Sleep(300 * time.Millisecond)
	cmd.Process.Signal(os.Interrupt)
	if code := wait(t, cmd); code != 130 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	text := stderr.String()
	text = text[strings.LastIndexByte(strings.TrimSpace(text), '\n')+1:]
	if strings.Contains(text, "interrupted after iteration") {
		m, err := matrix.ReadFile(y)
		if err != nil || m.Rows != 2000 || m.Cols != 2 {
			t.Errorf("embedding so far: %d x %d, %v", m.Rows, m.Cols, err)
		}
	} else if _, err := os.Stat(y); err == nil || !strings.Contains(text, "nothing is written") {
		t.Errorf("stderr says %q, the embedding is there: %v", text, err == nil)
	}
}
