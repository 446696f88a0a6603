package tsne_test

import (
	"context"
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"latent/tsne"
)

// twoGroups returns n rows of 5 values: even ones around 0, odd ones around 10.
func twoGroups(n int) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n*5)
	for i := range x {
		x[i] = float32(rng.NormFloat64()) + 10*float32(i/5%2)
	}
	return x
}

func ExampleFit() {
	const n = 200
	e, err := tsne.Fit(context.Background(), twoGroups(n), n, tsne.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	// PCA starts the groups on either side of 0, and there they stay.
	crossed := 0
	for i := range n {
		if (e.Y[2*i] > 0) != (e.Y[2*(i%2)] > 0) {
			crossed++
		}
	}
	fmt.Println(len(e.Y)/2, "points,", crossed, "in the other group")
	// Output: 200 points, 0 in the other group
}

func ExampleEmbedding_Transform() {
	const n = 200
	ctx := context.Background()
	x := twoGroups(n)
	e, err := tsne.Fit(ctx, x, n, tsne.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	// Two new rows, one for each group.
	y, err := e.Transform(ctx, []float32{0, 0, 0, 0, 0, 10, 10, 10, 10, 10}, 2,
		tsne.DefaultTransformOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println((y[0] > 0) == (e.Y[0] > 0), (y[2] > 0) == (e.Y[2] > 0))
	// Output: true true
}

// The stages of Fit, one by one.
func ExampleOptimizer() {
	const n = 200
	ctx := context.Background()
	x := twoGroups(n)
	o := tsne.DefaultOptions()
	graph, err := tsne.ExactNeighbors{}.Nearest(ctx, x, n, nil, n, 91)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := tsne.NewAffinities(graph, o.Perplexity, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	y, err := tsne.Start(x, n, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	z, err := tsne.NewOptimizer(p, y, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer z.Close()
	for range 300 {
		if _, err := z.Step(); err != nil {
			fmt.Println(err)
			return
		}
	}
	kl, err := tsne.KL(p, z.Positions(), 2, 0)
	fmt.Println(z.Iteration(), "iterations", kl < 1, err)
	// Output: 300 iterations true <nil>
}

// A gonum matrix in, a gonum matrix out.
func ExampleFromMatrix() {
	var m mat.Matrix = mat.NewDense(4, 3, []float64{0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1})
	x, n := tsne.FromMatrix(m)
	o := tsne.DefaultOptions()
	o.Perplexity = 2
	e, err := tsne.Fit(context.Background(), x, n, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(mat.NewDense(e.N, e.Components, e.Float64()).Dims())
	// Output: 4 2
}

// A map made elsewhere, here by hand, takes new rows.
func ExampleNewEmbedding() {
	const n = 200
	y := make([]float32, 2*n) // even rows on the left, odd ones on the right
	for i := range n {
		y[2*i], y[2*i+1] = float32(20*(i%2)-10), float32(i%7)
	}
	e, err := tsne.NewEmbedding(twoGroups(n), n, y, tsne.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	placed, err := e.Transform(context.Background(), []float32{10, 10, 10, 10, 10}, 1,
		tsne.DefaultTransformOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(placed[0] > 0)
	// Output: true
}
