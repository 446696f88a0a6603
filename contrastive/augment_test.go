//go:build linux && cgo

package contrastive

import (
	"math"
	"testing"

	"latent/torch"
)

func TestAugmentationIsPyTorchs(t *testing.T) {
	g := readGolden(t).Augment
	for _, c := range g.Cases {
		if err := torch.ManualSeed(g.Seed); err != nil {
			t.Fatal(err)
		}
		do(t, func(s *torch.Scope) {
			x := s.Uniform(s.Float32s(nil, 0), 0, 1, g.Images, 784)
			got := c.Ranges.Apply(s, x).Float32s()
			for i, want := range c.Pixels {
				if d := math.Abs(float64(got[5*i] - want)); !(d <= 2e-5) {
					t.Fatalf("%+v: pixel %d is %g, PyTorch's %g", c.Ranges, 5*i, got[5*i], want)
				}
			}
		})
	}
}

// fixed augments with the same numbers for every image; numbers not named are 0.5,
// which changes nothing.
func fixed(t *testing.T, a Augmentation, images []float32, side int,
	numbers map[int]float32) []float32 {
	t.Helper()
	n := len(images) / (side * side)
	u := make([]float32, n*draws)
	for i := range u {
		u[i] = 0.5
		if v, ok := numbers[i%draws]; ok {
			u[i] = v
		}
	}
	var out []float32
	do(t, func(s *torch.Scope) {
		out = a.apply(s.Float32s(images, n, side*side), s.Float32s(u, n, draws),
			Image{1, side, side}).Float32s()
	})
	return out
}

// Motions whose result is known pixel by pixel.
func TestAugmentationByHand(t *testing.T) {
	const side = 8
	x := make([]float32, 2*side*side)
	for i := range x {
		x[i] = float32(math.Abs(math.Sin(float64(i))))
	}
	pixel := func(image, row, column int) float32 {
		if row < 0 || row >= side || column < 0 || column >= side {
			return 0
		}
		return x[(image*side+row)*side+column]
	}
	one := map[int]float32{}
	for i := 5; i < draws; i++ {
		one[i] = 1
	}
	for _, c := range []struct {
		name         string
		augmentation Augmentation
		numbers      map[int]float32
		from         func(row, column int) (int, int)
	}{
		{"nothing drawn", DefaultAugmentation(), nil, func(r, c int) (int, int) { return r, c }},
		{"no ranges", Augmentation{}, one, func(r, c int) (int, int) { return r, c }},
		{"x by a pixel", Augmentation{Shift: 2. / side}, map[int]float32{3: 1},
			func(r, c int) (int, int) { return r, c + 1 }},
		{"y by two pixels", Augmentation{Shift: 4. / side}, map[int]float32{4: 0},
			func(r, c int) (int, int) { return r - 2, c }},
		{"quarter turn", Augmentation{Rotation: math.Pi / 2}, map[int]float32{0: 1},
			func(r, c int) (int, int) { return c, side - 1 - r }},
		{"elastic, all points alike", Augmentation{Elastic: 2. / side}, one,
			func(r, c int) (int, int) { return r + 1, c + 1 }},
	} {
		got := fixed(t, c.augmentation, x, side, c.numbers)
		for i, v := range got {
			image, row, column := i/(side*side), i/side%side, i%side
			r, col := c.from(row, column)
			if want := pixel(image, r, col); math.Abs(float64(v-want)) > 1e-4 {
				t.Errorf("%s: image %d row %d column %d is %g, want %g", c.name, image, row,
					column, v, want)
				break
			}
		}
	}
}

// What is drawn does not depend on the ranges, so that runs can be compared.
func TestAugmentationDraws(t *testing.T) {
	var states []string
	for _, a := range []Augmentation{DefaultAugmentation(), {Rotation: 1}, {}} {
		if err := torch.ManualSeed(3); err != nil {
			t.Fatal(err)
		}
		do(t, func(s *torch.Scope) { a.Apply(s, s.Float32s(make([]float32, 5*784), 5, 784)) })
		state, err := torch.RNGState()
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, string(state))
	}
	if states[0] != states[1] || states[0] != states[2] {
		t.Error("the ranges change how many numbers are drawn")
	}
}

func TestImagesThatAreNotSquare(t *testing.T) {
	err := torch.Do(func(s *torch.Scope) {
		DefaultAugmentation().Apply(s,
			s.Float32s(make([]float32, 30), 2, 15))
	})
	if err == nil {
		t.Error("images of 15 pixels are augmented")
	}
}
