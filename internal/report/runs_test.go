package report

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latent/autoenc"
	"latent/internal/matrix"
	"latent/internal/run"
)

// A map that was turned, mirrored, moved and enlarged comes back onto the original.
func TestAlign(t *testing.T) {
	to := []float32{0, 0, 4, 1, 2, 7, -3, 5, 1, -2}
	var centre [2]float64
	for i, v := range to {
		centre[i%2] += float64(v) / float64(len(to)/2)
	}
	for _, sign := range []float64{1, -1} {
		for _, angle := range []float64{0, 0.3, 2, math.Pi, -1.1} {
			sin, cos := math.Sincos(angle)
			y := make([]float32, len(to))
			for i := 0; i < len(to); i += 2 {
				u, v := float64(to[i]), sign*float64(to[i+1])
				y[i], y[i+1] = float32(2*(cos*u-sin*v)+9), float32(2*(sin*u+cos*v)-5)
			}
			align(y, to)
			for i, v := range y {
				if want := 2 * (float64(to[i]) - centre[i%2]); math.Abs(float64(v)-want) > 1e-4 {
					t.Fatalf("sign %v, angle %v: coordinate %d is %v, want %v", sign, angle, i, v,
						want)
				}
			}
		}
	}
}

// runFolder makes the folder of a finished run: metrics, losses, and maps of n points with
// labels i%3+shift.
func runFolder(t *testing.T, name string, epochs int, maps ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	folder, err := run.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	seed := int64(4)
	err = folder.UpdateMetrics(func(m *run.Metrics) {
		*m = run.Metrics{Dataset: "mnist", Epochs: epochs, Seed: &seed, Device: "cpu",
			Accuracy: map[string]run.Splits{"original": {Train: 0.8, Test: 0.82},
				"reconstruction": {Train: 0.7, Test: float64(epochs) / 100}},
			MSE: map[string]run.Splits{"reconstruction": {Train: 0.01, Test: 0.02}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	losses, err := folder.Losses(0)
	if err != nil {
		t.Fatal(err)
	}
	for step := range 2 * epochs {
		if err := losses.Append(autoenc.Loss{Step: step + 1, Epoch: step/2 + 1,
			Loss: 1 / float32(step+epochs)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := losses.Save(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, run.PreviewFile), testPNG(), 0o600); err != nil {
		t.Fatal(err)
	}
	for k, space := range maps {
		addRunMap(t, dir, space, 12, float64(k+epochs), 0)
	}
	return dir
}

// addRunMap writes a map of n points, turned by an angle, and labels i%3+shift.
func addRunMap(t *testing.T, dir, space string, n int, angle float64, shift int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "tsne"), 0o700); err != nil {
		t.Fatal(err)
	}
	y, labels := matrix.Matrix{Rows: n, Cols: 2}, make([]int, n)
	sin, cos := math.Sincos(angle)
	for i := range n {
		u, v := float64(i%4), float64(i*i%7)
		y.Data = append(y.Data, float32(cos*u-sin*v), float32(sin*u+cos*v))
		labels[i] = i%3 + shift
	}
	err := matrix.WriteFile(filepath.Join(dir, "tsne", space+".npy"), y)
	if err == nil {
		err = matrix.WriteLabels(filepath.Join(dir, "tsne", "labels.npy"), labels)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestRuns(t *testing.T) {
	a, b, c := runFolder(t, "a", 5, "original", "reconstruction"),
		runFolder(t, "b", 9, "original"), runFolder(t, "c", 9)
	addRunMap(t, c, "original", 12, 0, 1)       // other labels
	addRunMap(t, c, "reconstruction", 13, 0, 1) // other rows
	if err := os.Remove(filepath.Join(c, run.LossesFile)); err != nil {
		t.Fatal(err)
	}
	r, err := Runs([]string{a, b, c})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	spaces := []string{"a, original", "a, reconstruction", "b, original", "b, reconstruction",
		"c, original", "c, reconstruction"}
	for i, want := range spaces {
		if got := r.Accuracy[i]; got.Space != want {
			t.Errorf("accuracy %d is of %q, want %q", i, got.Space, want)
		}
	}
	if len(r.Accuracy) != 6 || r.Accuracy[3].Euclidean.Test != 0.09 || len(r.MSE) != 3 ||
		len(r.Figures) != 3 {
		t.Errorf("accuracies %v, errors %v, %d figures", r.Accuracy, r.MSE, len(r.Figures))
	}
	if len(r.Losses) != 2 || r.Losses[1].Model != "b, reconstruction" ||
		len(r.Losses[1].Losses) != 18 {
		t.Errorf("losses %v", r.Losses)
	}
	want := []Setting{{"dataset", "mnist"}, {"a: epochs", "5"}, {"b: epochs", "9"},
		{"c: epochs", "9"}, {"seed", "4"}, {"device", "cpu"}}
	if !slices.Equal(r.Config, want) {
		t.Errorf("settings %v, want %v", r.Config, want)
	}
	if page := render(t, r); !strings.Contains(page, `<th scope="row">a, original</th>`) ||
		!strings.Contains(page, `"model":"b, reconstruction"`) {
		t.Error("the page changes the names of runs")
	}
	// The three maps of the same rows lie alike, whatever their angles were.
	e := r.Explorer
	if len(e.Spaces) != 3 || e.Spaces[2].Title != "b, original" ||
		!slices.Equal(e.Classes, []string{"0", "1", "2"}) {
		t.Fatalf("maps %v, classes %v", e.Spaces, e.Classes)
	}
	for k, s := range e.Spaces {
		for i := range 2 * (e.N - 1) { // moved by a constant at most
			d0, d := e.Spaces[0].Embedding[i+2]-e.Spaces[0].Embedding[i],
				s.Embedding[i+2]-s.Embedding[i]
			if math.Abs(float64(d-d0)) > 1e-4 {
				t.Fatalf("map %d: step %d is %v, want %v", k, i, d, d0)
			}
		}
	}
	if len(r.Notes) != 2 || !strings.Contains(r.Notes[0], "other labels") ||
		!strings.Contains(r.Notes[1], "has 13 points, not 12") {
		t.Errorf("notes %q", r.Notes)
	}

	one, err := Runs([]string{a})
	if err != nil || one.Title != "a" || one.Accuracy[0].Space != "original" || one.Epochs != 5 ||
		*one.Seed != 4 {
		t.Errorf("a single run: %+v, %v", one, err)
	}
	if names := runNames([]string{"x/a", "y/a", "b"}); !slices.Equal(names,
		[]string{"x/a", "y/a", "b"}) {
		t.Errorf("names %v", names)
	}
	if _, err := Runs([]string{a, t.TempDir()}); err == nil ||
		!strings.Contains(err.Error(), "no finished run") {
		t.Errorf("error %v", err)
	}
}
