package tsne

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestTransform(t *testing.T) {
	x, n := readDigits(t)
	const train = 1500
	for components := 1; components <= 3; components++ {
		o := ScikitLearnOptions()
		o.Components, o.Iterations = components, 400
		e, err := Fit(context.Background(), x[:train*64], train, o)
		if err != nil {
			t.Fatal(err)
		}
		fresh := x[train*64:]
		before := slices.Clone(e.Y)
		y, err := e.Transform(context.Background(), fresh, n-train, DefaultTransformOptions())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(before, e.Y) {
			t.Error("the embedding moved")
		}
		// A new row's nearest row in x should be near it in the map.
		g, err := ExactNeighbors{}.Nearest(context.Background(), x[:train*64], train, fresh,
			n-train, 1)
		if err != nil {
			t.Fatal(err)
		}
		gy, err := ExactNeighbors{}.Nearest(context.Background(), e.Y, train, y, n-train, 100)
		if err != nil {
			t.Fatal(err)
		}
		near := 0
		for i, j := range g.Index {
			if slices.Contains(gy.Index[i*100:(i+1)*100], j) {
				near++
			}
		}
		if share := float64(near) / float64(n-train); share < 0.8 {
			t.Errorf("%d components: the nearest row is near in the map for %v of the rows",
				components, share)
		}
		// The same rows, by other threads.
		e.threads = 3
		again, err := e.Transform(context.Background(), fresh, n-train, DefaultTransformOptions())
		if err != nil || !slices.Equal(y, again) {
			t.Errorf("%d components: three threads give other positions (error %v)", components,
				err)
		}
	}
}

func TestTransformErrors(t *testing.T) {
	x := normalRows(50, 3, 1)
	e, err := Fit(context.Background(), x, 50, quick())
	if err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Transform(canceled, x, 50, DefaultTransformOptions()); !errors.Is(err,
		context.Canceled) {
		t.Errorf("canceled: error %v", err)
	}
	for _, c := range []struct {
		name string
		e    *Embedding
		x    []float32
		m    int
		set  func(*TransformOptions)
		want string
	}{
		{"columns", e, x, 75, nil, "rows have 2 columns: want the embedding's 3"},
		{"empty", e, nil, 0, nil, "empty"},
		{"foreign", &Embedding{Y: x, N: 50, Components: 3}, x, 50, nil, "not made by Fit"},
		{"perplexity", e, x, 50, func(o *TransformOptions) { o.Perplexity = 0 },
			"Perplexity is 0"},
		{"iterations", e, x, 50, func(o *TransformOptions) { o.Iterations = -1 },
			"Iterations is -1"},
		{"rate", e, x, 50, func(o *TransformOptions) { o.LearningRate = 0 }, "LearningRate is 0"},
		{"exaggeration", e, x, 50, func(o *TransformOptions) { o.Exaggeration = 0 },
			"Exaggeration is 0"},
		{"momentum", e, x, 50, func(o *TransformOptions) { o.Momentum = 1 }, "Momentum is 1"},
		{"gradient", e, x, 50, func(o *TransformOptions) { o.MaxGradient = math.NaN() },
			"MaxGradient is NaN"},
	} {
		o := DefaultTransformOptions()
		if c.set != nil {
			c.set(&o)
		}
		if _, err := c.e.Transform(context.Background(), c.x, c.m, o); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v: want one with %q", c.name, err, c.want)
		}
	}
}
