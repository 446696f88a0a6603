package tsne

import (
	"fmt"
	"math"
	"slices"
)

// Kernel says how a row's neighbours attract it.
type Kernel int

const (
	// GaussianKernel lets a neighbour attract by a Gaussian of its distance, as wide as the
	// perplexity asks for (van der Maaten and Hinton 2008).
	GaussianKernel Kernel = iota
	// UniformKernel lets the Perplexity nearest rows (rounded down) attract alike, which is that
	// perplexity, and the others not at all (Böhm, Berens and Kobak 2022; openTSNE's Uniform with
	// symmetrize="mean"). Maps look much the same, and distances do not count.
	UniformKernel
)

// String returns the kernel's name as ParseKernel reads it.
func (k Kernel) String() string {
	switch k {
	case GaussianKernel:
		return "gaussian"
	case UniformKernel:
		return "uniform"
	}
	return fmt.Sprintf("Kernel(%d)", int(k))
}

// ParseKernel returns the kernel with the given name, "gaussian" or "uniform".
func ParseKernel(name string) (Kernel, error) {
	for _, k := range []Kernel{GaussianKernel, UniformKernel} {
		if name == k.String() {
			return k, nil
		}
	}
	return 0, fmt.Errorf("tsne: unknown kernel %q: want %q or %q", name, GaussianKernel,
		UniformKernel)
}

// valid reports whether there are perplexities and all of them are finite and 1 or more.
func valid(perplexities []float64) bool {
	for _, p := range perplexities {
		if !(p >= 1) || math.IsInf(p, 1) {
			return false
		}
	}
	return len(perplexities) > 0
}

// perplexities are those that count.
func (o Options) perplexities() []float64 {
	if o.Perplexities != nil {
		return o.Perplexities
	}
	return []float64{o.Perplexity}
}

// neighborCount returns how many neighbours attract a row of n: scikit-learn's and van der
// Maaten's three times the perplexity, or all; the perplexity itself where they attract alike.
func (o Options) neighborCount(n int) int {
	most := slices.Max(o.perplexities())
	switch {
	case o.Kernel == UniformKernel:
		return min(n-1, int(most))
	case o.Method == Exact:
		return n - 1
	}
	return min(n-1, int(float64(3*most)+1))
}

// conditionals is conditional for the mean over several perplexities. The precision is that of the
// last one.
func conditionals(p []float64, d []float32, perplexities []float64) float64 {
	if len(perplexities) == 1 {
		return conditional(p, d, perplexities[0])
	}
	one := make([]float64, len(p))
	clear(p)
	var beta float64
	for _, perplexity := range perplexities {
		beta = conditional(one, d, perplexity)
		for j, v := range one {
			p[j] += v / float64(len(perplexities))
		}
	}
	return beta
}
