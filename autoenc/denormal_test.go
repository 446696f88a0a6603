//go:build linux && cgo

package autoenc

import (
	"context"
	"math"
	"os"
	"testing"

	"latent/internal/datasettest"
	"latent/torch"
)

// Images of denormal numbers take a tenth more of the processor than ordinary ones at most, epoch
// by epoch in turn.
func TestDenormalEpoch(t *testing.T) {
	if os.Getenv("LATENT_LONG") == "" {
		t.Skip("takes a minute; set LATENT_LONG=1")
	}
	d := datasettest.Open(t, "mnist")
	if err := torch.Init(1); err != nil { // threads that wait for each other take time too
		t.Fatal(err)
	}
	defer torch.Init(torch.DefaultThreads())
	least := [2]float64{math.Inf(1), math.Inf(1)}
	var trainers [2]*Trainer
	for i, scale := range []float32{1, 1e-40} {
		x := d.Train.Floats()
		for j := range x {
			x[j] *= scale
		}
		m, err := New(784, 0)
		if err != nil {
			t.Fatal(err)
		}
		if trainers[i], err = NewTrainer(m, FromFloats(x, d.Train.N), nil,
			DefaultOptions()); err != nil {
			t.Fatal(err)
		}
		defer trainers[i].Close()
	}
	for range 4 {
		for i, tr := range trainers {
			began := cpu()
			if err := tr.runEpoch(context.Background()); err != nil {
				t.Fatal(err)
			}
			least[i] = min(least[i], cpu()-began)
			t.Logf("%v: %.2f s", []string{"ordinary", "denormal"}[i], cpu()-began)
		}
	}
	ratio := least[1] / least[0]
	t.Logf("an epoch of denormal images takes %.3f times the processor time of an ordinary one",
		ratio)
	if ratio > 1.1 {
		t.Error("more than a tenth longer")
	}
}
