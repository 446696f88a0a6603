//go:build linux && cgo

package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"latent/dataset"
	"latent/torch"
)

// little is golden.py's images.
func little(n int) *dataset.Split {
	d := &dataset.Split{N: n, Rows: 28, Cols: 28}
	for i := range n {
		for p := range 784 {
			v := p * i % 29
			if p*(i%10+3)%17 < 4 {
				v = 255
			}
			d.Images = append(d.Images, byte(v))
		}
		d.Labels = append(d.Labels, i%10)
	}
	return d
}

// The losses of two epochs are PyTorch's, of both versions, and so are those of the test behind
// them.
func TestLossesArePyTorchs(t *testing.T) {
	for _, version := range []string{"1.13", "2.11"} {
		b, err := os.ReadFile(filepath.Join("testdata", "torch-"+version+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var golden struct{ Losses, Test []float64 }
		if err := json.Unmarshal(b, &golden); err != nil {
			t.Fatal(err)
		}
		if err := torch.ManualSeed(1); err != nil {
			t.Fatal(err)
		}
		var model *VAE
		if err := torch.Do(func(*torch.Scope) { model = newVAE() }); err != nil {
			t.Fatal(err)
		}
		optimizer, err := torch.NewAdam(torch.Parameters(model), 1e-3, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer optimizer.Close()
		var losses, test []float64
		for range 2 {
			if err := pass(model, optimizer, little(600),
				func(_ int, loss float64) { losses = append(losses, loss) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := pass(model, nil, little(200),
			func(_ int, loss float64) { test = append(test, loss) }); err != nil {
			t.Fatal(err)
		}
		for name, pair := range map[string][2][]float64{"training": {losses, golden.Losses},
			"test": {test, golden.Test}} {
			if len(pair[0]) != len(pair[1]) {
				t.Errorf("%d losses of %s, PyTorch's %d", len(pair[0]), name, len(pair[1]))
				continue
			}
			for i, want := range pair[1] {
				if math.Abs(pair[0][i]-want) > 1e-5*want {
					t.Errorf("%s loss %d is %.4f, PyTorch %s's %.4f", name, i, pair[0][i], version,
						want)
				}
			}
		}
	}
	path := filepath.Join(t.TempDir(), "sample.png")
	check(torch.Do(func(s *torch.Scope) { draw(path, s.Zeros(64, 784)) }))
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("no picture: %v", err)
	}
}
