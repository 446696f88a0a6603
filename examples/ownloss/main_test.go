//go:build linux && cgo

package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// The reconstruction's and VICReg's losses of two epochs are PyTorch's, of both versions.
func TestLossesArePyTorchs(t *testing.T) {
	var images []byte
	for i := range 300 {
		for p := range 784 {
			v := p * i % 29
			if p*(i%10+3)%17 < 4 {
				v = 255
			}
			images = append(images, byte(v))
		}
	}
	model, losses := train(images, 300, 2, 64,
		VICReg{Noise: 0.2, Invariance: 25, Variance: 25, Covariance: 1, Weight: 0.01}, false)
	defer model.Close()
	for _, version := range []string{"1.13", "2.11"} {
		b, err := os.ReadFile(filepath.Join("testdata", "torch-"+version+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var golden struct{ Losses [][2]float64 }
		if err := json.Unmarshal(b, &golden); err != nil {
			t.Fatal(err)
		}
		if len(losses) != len(golden.Losses) {
			t.Fatalf("%d steps, PyTorch's %d", len(losses), len(golden.Losses))
		}
		for i, want := range golden.Losses {
			got := [2]float64{float64(losses[i].Reconstruction), float64(losses[i].Contrastive)}
			for k, name := range []string{"reconstruction", "VICReg"} {
				if math.Abs(got[k]-want[k]) > 1e-4*want[k] {
					t.Errorf("step %d: %s loss %.7f, PyTorch %s's %.7f", i, name, got[k], version,
						want[k])
				}
			}
		}
	}
}
