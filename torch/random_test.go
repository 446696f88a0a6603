//go:build linux && cgo

package torch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"testing"
)

// goldenGenerator is what PyTorch draws after torch.manual_seed: in this order.
type goldenGenerator struct {
	Seed           string
	State          string // SHA-256 of torch.get_rng_state()
	Int64          []string
	RandPerm       []int64
	Uniform        *goldenTensor
	Uniform37      *goldenTensor
	Weight, Bias   *goldenTensor
	StateAfter     string  `json:"state_after"`
	RandPermSeeded []int64 `json:"randperm_seeded"`
}

func stateHash(t testing.TB) string {
	t.Helper()
	state, err := RNGState()
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(state)
	return hex.EncodeToString(h[:])
}

func TestGeneratorIsPyTorchs(t *testing.T) {
	for _, g := range readGolden(t).Generator {
		t.Run("seed="+g.Seed, func(t *testing.T) {
			seed, err := strconv.ParseInt(g.Seed, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if err := ManualSeed(seed); err != nil {
				t.Fatal(err)
			}
			if got := stateHash(t); got != g.State {
				t.Errorf("state %s, PyTorch's %s", got, g.State)
			}
			for i, want := range g.Int64 {
				if got, err := RandomInt64(); fmt.Sprint(got) != want || err != nil {
					t.Errorf("draw %d: %d (%v), PyTorch's %s", i, got, err, want)
				}
			}
			if got, err := RandPerm(len(g.RandPerm)); !slices.Equal(got, g.RandPerm) ||
				err != nil {
				t.Errorf("randperm %v (%v), PyTorch's %v", got, err, g.RandPerm)
			}
			do(t, func(s *Scope) {
				like := s.Float32s([]float32{0}, 1)
				near(t, "uniform", s.Uniform(like, -0.25, 0.5, 3, 7), g.Uniform, 0)
				near(t, "37 uniform", s.Uniform(like, 0, 1, 37), g.Uniform37, 0)
				p := NewSequential(Linear(3, 2)).Parameters("")
				near(t, "weight", p[0].Tensor, g.Weight, 0)
				near(t, "bias", p[1].Tensor, g.Bias, 0)
			})
			// The seeded permutation leaves the default generator alone.
			if got, err := RandPermSeeded(len(g.RandPermSeeded), seed); !slices.Equal(got,
				g.RandPermSeeded) || err != nil {
				t.Errorf("seeded randperm %v (%v), PyTorch's %v", got, err, g.RandPermSeeded)
			}
			if got := stateHash(t); got != g.StateAfter {
				t.Errorf("state after the draws %s, PyTorch's %s", got, g.StateAfter)
			}
		})
	}
}

func TestStateGoesOn(t *testing.T) {
	if err := ManualSeed(3); err != nil {
		t.Fatal(err)
	}
	if _, err := RandPerm(100); err != nil {
		t.Fatal(err)
	}
	state, err := RNGState()
	if err != nil || len(state) != 5056 {
		t.Fatalf("state of %d bytes (%v), PyTorch's has 5056", len(state), err)
	}
	want, err := RandPerm(50)
	if err != nil {
		t.Fatal(err)
	}
	if err := SetRNGState(state); err != nil {
		t.Fatal(err)
	}
	if got, err := RandPerm(50); !slices.Equal(got, want) || err != nil {
		t.Errorf("after the state was put back: %v (%v), before: %v", got, err, want)
	}
}

func TestEmptyPermutation(t *testing.T) {
	for _, n := range []int{0, 1} {
		a, errA := RandPerm(n)
		b, errB := RandPermSeeded(n, 1)
		if len(a) != n || len(b) != n || errA != nil || errB != nil {
			t.Errorf("n=%d: %v (%v), %v (%v)", n, a, errA, b, errB)
		}
	}
}
