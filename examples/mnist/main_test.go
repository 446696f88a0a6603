//go:build linux && cgo

package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
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

// The first ten losses are PyTorch's within 1e-5, and so is the test's loss behind them; what is
// saved loads again.
func TestLossesArePyTorchs(t *testing.T) {
	info, err := torch.GetInfo()
	if err != nil {
		t.Fatal(err)
	}
	version := strings.Join(strings.SplitN(info.Version, ".", 3)[:2], ".")
	b, err := os.ReadFile(filepath.Join("testdata", "torch-"+version+".json"))
	if err != nil {
		t.Skipf("no losses of PyTorch %s: %v", version, err)
	}
	var golden struct {
		Losses  []float64
		Test    float64
		Correct int
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	if err := torch.ManualSeed(1); err != nil {
		t.Fatal(err)
	}
	var model *Net
	if err := torch.Do(func(*torch.Scope) { model = newNet() }); err != nil {
		t.Fatal(err)
	}
	optimizer := torch.NewAdadelta(torch.Parameters(model), 1)
	defer optimizer.Close()
	var losses []float64
	if err := train(model, optimizer, little(160), 16,
		func(_ int, loss float64) { losses = append(losses, loss) }); err != nil {
		t.Fatal(err)
	}
	for i, want := range golden.Losses {
		t.Logf("loss %d: %.7f, PyTorch %s's %.7f", i, losses[i], version, want)
		if math.Abs(losses[i]-want) > 1e-5*max(1, want) {
			t.Errorf("loss %d is %.7f, PyTorch's %.7f", i, losses[i], want)
		}
	}
	loss, correct, err := test(model, little(50))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(loss-golden.Test) > 1e-4*max(1, golden.Test) || correct != golden.Correct {
		t.Errorf("test loss %.6f, %d right; PyTorch's %.6f, %d", loss, correct, golden.Test,
			golden.Correct)
	}
	path := filepath.Join(t.TempDir(), "mnist_cnn.pt")
	if err := torch.Save(model, path); err != nil {
		t.Fatal(err)
	}
	var again *Net
	if err := torch.Do(func(*torch.Scope) { again = newNet() }); err != nil {
		t.Fatal(err)
	}
	if err := torch.Load(again, path); err != nil {
		t.Fatal(err)
	}
	if l, c, err := test(again, little(50)); err != nil || l != loss || c != correct {
		t.Errorf("loaded again: %v, %d (%v)", l, c, err)
	}
}
