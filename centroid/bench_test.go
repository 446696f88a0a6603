package centroid

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// blobs returns n rows of d values in k Gaussian clusters, and their clusters.
func blobs(n, d, k int, spread float64, seed uint64) ([]float32, []int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	centers := make([]float64, k*d)
	for i := range centers {
		centers[i] = rng.NormFloat64()
	}
	x, labels := make([]float32, n*d), make([]int, n)
	for i := range n {
		labels[i] = rng.IntN(k)
		for j := range d {
			x[i*d+j] = float32(centers[labels[i]*d+j] + spread*rng.NormFloat64())
		}
	}
	return x, labels
}

func BenchmarkFit(b *testing.B) {
	for _, d := range []int{50, 784} {
		x, labels := blobs(60000, d, 10, 1, 1)
		b.Run(fmt.Sprintf("n=60000/d=%d", d), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Fit(x, 60000, labels, Euclidean); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPredict(b *testing.B) {
	for _, d := range []int{50, 784} {
		x, labels := blobs(60000, d, 10, 1, 1)
		c, err := Fit(x, 60000, labels, Euclidean)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("n=60000/d=%d", d), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Predict(x, 60000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkKMeans(b *testing.B) {
	for _, d := range []int{50, 784} {
		x, _ := blobs(60000, d, 10, 2, 1)
		b.Run(fmt.Sprintf("n=60000/d=%d/starts=10", d), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := KMeans(b.Context(), x, 60000, DefaultKMeansOptions()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
