package report

import (
	"math"
	"testing"
)

// A map that was turned, mirrored, moved and enlarged comes back onto the original.
func TestAlign(t *testing.T) {
	to := []float32{0, 0, 4, 1, 2, 7, -3, 5, 1, -2}
	var centre [2]float64
	for i, v := range to {
		centre[i%2] += float64(v) / float64(len(to)/2)
	}
	for _, sign := range []float64{1, -1} {
		for _, angle := range []float64{0, 0.3, 2, math.Pi, -1.1} {
			sin, cos := math.Sincos(angle)
			y := make([]float32, len(to))
			for i := 0; i < len(to); i += 2 {
				u, v := float64(to[i]), sign*float64(to[i+1])
				y[i], y[i+1] = float32(2*(cos*u-sin*v)+9), float32(2*(sin*u+cos*v)-5)
			}
			align(y, to)
			for i, v := range y {
				if want := 2 * (float64(to[i]) - centre[i%2]); math.Abs(float64(v)-want) > 1e-4 {
					t.Fatalf("sign %v, angle %v: coordinate %d is %v, want %v", sign, angle, i, v, want)
				}
			}
		}
	}
}
