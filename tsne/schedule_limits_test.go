package tsne

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latent/internal/matrix"
)

// On every set in the folder LATENT_SCHEDULES the automatic schedule must end with a map as good
// as scikit-learn's after its 1000 iterations. scripts/compare/schedules.py makes the folder:
// NAME.npy, NAME.labels.npy and scikit-learn's map NAME.scikit-learn.npy; where that is missing
// our own map by scikit-learn's schedule stands for it.
func TestScheduleLimits(t *testing.T) {
	dir := os.Getenv("LATENT_SCHEDULES")
	if dir == "" {
		t.Skip("LATENT_SCHEDULES names no folder: see scripts/compare/schedules.py")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.labels.npy"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no sets (error %v)", dir, err)
	}
	fmt.Println("| set | rows | map | iterations | KL | preservation | trust | 1-NN | islands | " +
		"seconds |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".labels.npy")
		t.Run(name, func(t *testing.T) { scheduleLimits(t, dir, name) })
	}
}

func scheduleLimits(t *testing.T, dir, name string) {
	read := func(file string) matrix.Matrix {
		m, err := matrix.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	x := read(name + ".npy")
	j := &judge{x: x.Data, n: x.Rows}
	var err error
	if j.labels, err = matrix.ReadLabels(filepath.Join(dir, name+".labels.npy")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if j.graph, err = (ExactNeighbors{}).Nearest(context.Background(), j.x, j.n, nil, 0,
		min(j.n-1, 91)); err != nil {
		t.Fatal(err)
	}
	if j.p, err = NewAffinities(j.graph, 30, 0); err != nil {
		t.Fatal(err)
	}
	before := time.Since(began)
	row := func(what string, iterations int, v verdict, seconds float64) {
		fmt.Printf("| %s | %d | %s | %d | %.4f | %.4f | %.4f | %.4f | %d | %.1f |\n", name, j.n,
			what, iterations,
			v.KL, v.Preservation, v.Trust, v.OneNN, v.Islands, seconds)
	}
	embed := func(o Options) verdict {
		began := time.Now()
		y, err := Start(j.x, j.n, o)
		if err != nil {
			t.Fatal(err)
		}
		z, err := NewOptimizer(j.p, y, o)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		if err := z.Run(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		seconds := (before + time.Since(began)).Seconds()
		v := j.verdict(t, z.Positions())
		row(o.Schedule.String(), z.Iteration(), v, seconds)
		return v
	}
	now := embed(ScikitLearnOptions())
	auto := embed(DefaultOptions())
	want := now
	if file := name + ".scikit-learn.npy"; fileExists(filepath.Join(dir, file)) {
		want = j.verdict(t, read(file).Data)
		row("scikit-learn itself", 1000, want, 0)
	}
	if auto.KL > want.KL {
		t.Errorf("KL %.4f is above %.4f", auto.KL, want.KL)
	}
	if auto.Preservation < 0.975*want.Preservation {
		t.Errorf("preservation %.4f is below 97.5 %% of %.4f", auto.Preservation,
			want.Preservation)
	}
	if auto.Trust < 0.995*want.Trust {
		t.Errorf("trustworthiness %.4f is below 99.5 %% of %.4f", auto.Trust, want.Trust)
	}
	// A tenth of a point. In sets where a single row is about that much the share's own standard
	// error is the limit: wine, 178 rows, moves by three rows with starts that differ by rounding.
	slack := 0.001
	if j.n < 1000 {
		slack = math.Sqrt(want.OneNN * (1 - want.OneNN) / float64(j.n))
	}
	if auto.OneNN < want.OneNN-slack {
		t.Errorf("1-NN %.4f is below %.4f", auto.OneNN, want.OneNN)
	}
	if auto.Islands > now.Islands+1 {
		t.Errorf("%d islands, %d with scikit-learn's schedule", auto.Islands, now.Islands)
	}
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
