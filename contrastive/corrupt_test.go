//go:build linux && cgo

package contrastive

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"latent/autoenc"
	"latent/torch"
)

// The changed copy of rows that are no images is the one PyTorch draws.
func TestCorruptionIsPyTorchs(t *testing.T) {
	var g struct{ X, View []float32 }
	b, err := os.ReadFile("testdata/corrupt.json")
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err == nil {
		err = torch.ManualSeed(12)
	}
	if err != nil {
		t.Fatal(err)
	}
	do(t, func(s *torch.Scope) {
		if got := corrupt(s, s.Float32s(g.X, 7, 13),
			DefaultCorruption).Float32s(); !slices.Equal(got, g.View) {
			t.Errorf("got %v, PyTorch's %v", got, g.View)
		}
	})
}

// Rows of unknown class are as if they were not there.
func TestSupConLeavesUnknownRowsOut(t *testing.T) {
	z := make([]float32, 8*3)
	for i := range z {
		z[i] = float32(math.Sin(float64(i * i)))
	}
	labels := []int{0, -1, 1, 0, 1, -1, 0, 2}
	var known []float32
	var classes []int
	for i, l := range labels {
		if l >= 0 {
			known, classes = append(known, z[3*i:3*i+3]...), append(classes, l)
		}
	}
	do(t, func(s *torch.Scope) {
		loss := func(z []float32, labels []int) float32 {
			latent := s.Float32s(z, len(labels), 3)
			return DefaultSupCon().Loss(autoenc.Batch{Scope: s, Images: latent, Latent: latent,
				Labels: labels}).Float32s()[0]
		}
		if got, want := loss(z, labels), loss(known, classes); got != want {
			t.Errorf("with unknown rows %g, without %g", got, want)
		}
		latent := s.Float32s(z, 8, 3)
		none := autoenc.Batch{Scope: s, Images: latent, Latent: latent,
			Labels: []int{-1, -1, -1, -1, -1, -1, -1, 0}}
		if DefaultSupCon().Loss(none) != nil {
			t.Error("a loss without a pair")
		}
	})
}

// A colour image moves as its channels do, whatever its form is.
func TestAugmentationOfColourImages(t *testing.T) {
	const n, height, width = 2, 6, 9
	x := make([]float32, n*3*height*width)
	for i := range x {
		x[i] = float32(math.Abs(math.Sin(float64(i))))
	}
	do(t, func(s *torch.Scope) {
		images := s.Float32s(x, n, 3*height*width)
		u := s.Uniform(images, 0, 1, n, draws)
		a := DefaultAugmentation()
		all := a.apply(images, u, Image{3, height, width})
		for c := range 3 {
			plane := func(x *torch.Tensor) *torch.Tensor {
				return x.Slice(1, c*height*width,
					(c+1)*height*width)
			}
			want := a.apply(plane(images), u, Image{1, height, width}).Float32s()
			if !slices.Equal(plane(all).Float32s(), want) {
				t.Errorf("channel %d moves otherwise", c)
			}
		}
		if slices.Equal(all.Float32s(), x) {
			t.Error("nothing moves")
		}
	})
}
