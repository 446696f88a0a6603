package centroid

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestScoresAsScikitLearn(t *testing.T) {
	const tol = 1e-12
	for i, g := range readGolden(t).Scores {
		if got := NMI(g.A, g.B); !close(got, g.NMI, tol) {
			t.Errorf("case %d: NMI %v, want %v", i, got, g.NMI)
		}
		if got := ARI(g.A, g.B); !close(got, g.ARI, tol) {
			t.Errorf("case %d: ARI %v, want %v", i, got, g.ARI)
		}
		mapping, accuracy := Match(g.A, g.B)
		if want := float64(g.Matched) / float64(len(g.A)); accuracy != want {
			t.Errorf("case %d: matched accuracy %v, want %v", i, accuracy, want)
		}
		// The mapping is one to one and gives the accuracy.
		used, right := make(map[int]bool), 0
		for _, l := range mapping {
			if used[l] {
				t.Errorf("case %d: label %d is used twice", i, l)
			}
			used[l] = true
		}
		for j, c := range g.A {
			if l, ok := mapping[c]; ok && l == g.B[j] {
				right++
			}
		}
		if right != g.Matched {
			t.Errorf("case %d: the mapping gets %d right, want %d", i, right, g.Matched)
		}
	}
}

func TestConfusionAsScikitLearn(t *testing.T) {
	g := readGolden(t).Confusion
	if got := Accuracy(g.Predicted, g.Labels); got != g.Accuracy {
		t.Errorf("accuracy %v, want %v", got, g.Accuracy)
	}
	table := Confusion(g.Predicted, g.Labels, 6)
	for i, line := range table {
		for j, v := range line {
			if v != g.Table[i*6+j] {
				t.Errorf("entry [%d][%d] is %d, want %d", i, j, v, g.Table[i*6+j])
			}
		}
	}
	classes, accuracy := PerClass(g.Predicted, g.Labels)
	for k, a := range accuracy {
		if classes[k] != k || !close(a, g.PerClass[k], 1e-15) {
			t.Errorf("class %d: accuracy %v, want %v", classes[k], a, g.PerClass[k])
		}
	}
}

// TestAssignBruteForce tries every assignment of small tables.
func TestAssignBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 500 {
		n, m := 1+rng.IntN(5), 1+rng.IntN(5)
		gain := make([][]float64, n)
		for i := range gain {
			gain[i] = make([]float64, m)
			for j := range gain[i] {
				gain[i][j] = float64(rng.IntN(6))
			}
		}
		var best func(i int, used uint, left int) float64
		best = func(i int, used uint, skips int) float64 {
			if i == n {
				return 0
			}
			most := math.Inf(-1)
			if skips > 0 {
				most = best(i+1, used, skips-1)
			}
			for j := range m {
				if used>>j&1 == 0 {
					most = max(most, gain[i][j]+best(i+1, used|1<<j, skips))
				}
			}
			return most
		}
		pairs, sum, used := 0, 0.0, make(map[int]bool)
		for i, j := range assign(gain) {
			if j >= 0 {
				if used[j] {
					t.Fatalf("column %d is used twice", j)
				}
				used[j] = true
				pairs++
				sum += gain[i][j]
			}
		}
		if want := best(0, 0, max(0, n-m)); sum != want || pairs != min(n, m) {
			t.Fatalf("%v: %d pairs of sum %v, want %d of %v", gain, pairs, sum, min(n, m), want)
		}
	}
}

func TestScoresOfNothing(t *testing.T) {
	if a := Accuracy(nil, nil); !math.IsNaN(a) {
		t.Errorf("accuracy of no rows is %v, want NaN", a)
	}
	if NMI(nil, nil) != 1 || ARI(nil, nil) != 1 {
		t.Error("NMI or ARI of no rows is not 1")
	}
	if m, a := Match(nil, nil); len(m) != 0 || !math.IsNaN(a) {
		t.Errorf("Match of no rows = %v, %v", m, a)
	}
	if c := Confusion(nil, nil, 2); len(c) != 2 || c[1][1] != 0 {
		t.Errorf("Confusion of no rows = %v", c)
	}
}

// TestScoresIgnoreNames checks that NMI, ARI and Match see groups, not their
// numbers.
func TestScoresIgnoreNames(t *testing.T) {
	_, b := blobs(500, 1, 8, 1, 3)
	a := make([]int, len(b))
	names := shuffled(8, 9)
	for i, v := range b {
		a[i] = names[v]*100 - 300
	}
	if _, accuracy := Match(a, b); accuracy != 1 || ARI(a, b) != 1 || !close(NMI(a, b), 1, 1e-12) {
		t.Errorf("accuracy %v, ARI %v, NMI %v of the same groups, want 1", accuracy, ARI(a, b),
			NMI(a, b))
	}
}

func TestScoresPanicOnMisuse(t *testing.T) {
	for name, f := range map[string]func(){
		"Accuracy":         func() { Accuracy([]int{1}, nil) },
		"PerClass":         func() { PerClass([]int{1}, nil) },
		"Confusion":        func() { Confusion([]int{1}, nil, 3) },
		"Confusion range":  func() { Confusion([]int{3}, []int{0}, 3) },
		"Confusion range2": func() { Confusion([]int{0}, []int{-1}, 3) },
		"Match":            func() { Match([]int{1}, nil) },
		"NMI":              func() { NMI([]int{1}, nil) },
		"ARI":              func() { ARI([]int{1}, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
