package tsne

import (
	"math"
	"slices"
)

// The algebra of the principal directions is written out here, with every product rounded by a
// conversion before it is added: gonum's differs in the last digits from one kind of processor to
// another, and a map that begins there would differ in all of them.

// dot returns the inner product of a and b, which have the same length, summed in four lanes.
func dot(a, b []float64) float64 {
	var s [4]float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		u, v := a[i:i+4], b[i:i+4]
		s[0] += float64(u[0] * v[0])
		s[1] += float64(u[1] * v[1])
		s[2] += float64(u[2] * v[2])
		s[3] += float64(u[3] * v[3])
	}
	for ; i < len(a); i++ {
		s[0] += float64(a[i] * b[i])
	}
	return (s[0] + s[2]) + (s[1] + s[3])
}

// addScaled adds alpha times b to a.
func addScaled(a []float64, alpha float64, b []float64) {
	b = b[:len(a)]
	for i, v := range b {
		a[i] += float64(alpha * v)
	}
}

// scaleBy multiplies a by alpha.
func scaleBy(alpha float64, a []float64) {
	for i := range a {
		a[i] *= alpha
	}
}

// hypot is math.Hypot for values whose squares float64 holds; that one has assembly of its own.
func hypot(a, b float64) float64 { return math.Sqrt(float64(a*a) + float64(b*b)) }

// eigenSymmetric replaces the rows of the symmetric matrix v by its orthonormal eigenvectors and
// returns their eigenvalues, the largest first. It is false, with v in no useful state, for values
// that are not finite. EISPACK's tred2 and tql2 (Bowdler, Martin, Reinsch and Wilkinson 1968),
// on the transpose: inner loops go along rows.
func eigenSymmetric(v [][]float64) ([]float64, bool) {
	for _, row := range v {
		for _, x := range row {
			if x-x != 0 {
				return nil, false
			}
		}
	}
	d, e := tridiagonal(v)
	if !diagonal(v, d, e) {
		return nil, false
	}
	order := make([]int, len(d))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case d[a] > d[b]:
			return -1
		case d[a] < d[b]:
			return 1
		}
		return 0
	})
	values, rows := make([]float64, len(d)), slices.Clone(v)
	for i, from := range order {
		values[i], v[i] = d[from], rows[from]
	}
	return values, true
}

// tridiagonal reduces the symmetric matrix v by Householder reflections, whose product it leaves
// in v, to the tridiagonal one with diagonal d and off-diagonal e[:n-1].
func tridiagonal(v [][]float64) (d, e []float64) {
	n := len(v)
	d, e = make([]float64, n), make([]float64, n)
	for j := range n {
		d[j] = v[j][n-1]
	}
	for i := n - 1; i > 0; i-- {
		var scale, h float64
		for _, x := range d[:i] {
			scale += math.Abs(x)
		}
		if scale == 0 {
			e[i] = d[i-1]
			for j := range i {
				d[j], v[j][i], v[i][j] = v[j][i-1], 0, 0
			}
			d[i] = 0
			continue
		}
		for k := range i {
			d[k] /= scale
			h += float64(d[k] * d[k])
		}
		f, g := d[i-1], math.Sqrt(h)
		if f > 0 {
			g = -g
		}
		e[i] = scale * g
		h -= float64(f * g)
		d[i-1] = f - g
		clear(e[:i])
		for j := range i {
			row, f := v[j], d[j]
			v[i][j] = f
			g := e[j] + float64(row[j]*f)
			for k := j + 1; k < i; k++ {
				g += float64(row[k] * d[k])
				e[k] += float64(row[k] * f)
			}
			e[j] = g
		}
		f = 0
		for j := range i {
			e[j] /= h
			f += float64(e[j] * d[j])
		}
		addScaled(e[:i], -f/(h+h), d[:i])
		for j := range i {
			row, f, g := v[j], d[j], e[j]
			for k := j; k < i; k++ {
				row[k] -= float64(f*e[k]) + float64(g*d[k])
			}
			d[j], row[i] = row[i-1], 0
		}
		d[i] = h
	}
	for i := range n - 1 {
		v[i][n-1], v[i][i] = v[i][i], 1
		to := v[i+1][:i+1]
		if h := d[i+1]; h != 0 {
			for k, x := range to {
				d[k] = x / h
			}
			for j := range i + 1 {
				addScaled(v[j][:i+1], -dot(to, v[j][:i+1]), d[:i+1])
			}
		}
		clear(to)
	}
	for j := range n {
		d[j], v[j][n-1] = v[j][n-1], 0
	}
	v[n-1][n-1] = 1
	return d, e[1:]
}

// diagonal turns d to the eigenvalues and the rows of v to the eigenvectors by implicit QL steps.
// It is false if they do not settle.
func diagonal(v [][]float64, d, off []float64) bool {
	n := len(d)
	e := append(slices.Clone(off), 0)
	var f, size float64
	for l := range n {
		size = max(size, math.Abs(d[l])+math.Abs(e[l]))
		small := 0x1p-52 * size
		m := l
		for m < n-1 && math.Abs(e[m]) > small {
			m++
		}
		for step := 0; m > l && math.Abs(e[l]) > small; step++ {
			if step == 60 {
				return false
			}
			g := d[l]
			p := (d[l+1] - g) / (2 * e[l])
			r := hypot(p, 1)
			if p < 0 {
				r = -r
			}
			d[l], d[l+1] = e[l]/(p+r), e[l]*(p+r)
			next, h := d[l+1], g-d[l]
			for i := l + 2; i < n; i++ {
				d[i] -= h
			}
			f += h
			p = d[m]
			c, c2, c3, s, s2, below := 1.0, 1.0, 1.0, 0.0, 0.0, e[l+1]
			for i := m - 1; i >= l; i-- {
				c3, c2, s2 = c2, c, s
				g, h := float64(c*e[i]), float64(c*p)
				r := hypot(p, e[i])
				e[i+1] = s * r
				s, c = e[i]/r, p/r
				p = float64(c*d[i]) - float64(s*g)
				d[i+1] = h + float64(s*(float64(c*g)+float64(s*d[i])))
				rotatePlane(v[i], v[i+1], c, s)
			}
			p = -s * s2 * c3 * below * e[l] / next
			e[l], d[l] = s*p, c*p
		}
		d[l] += f
		e[l] = 0
	}
	return true
}

// rotatePlane turns the plane of a and b by the angle whose cosine and sine are c and s.
func rotatePlane(a, b []float64, c, s float64) {
	b = b[:len(a)]
	for k, x := range a {
		y := b[k]
		a[k], b[k] = float64(c*x)-float64(s*y), float64(s*x)+float64(c*y)
	}
}
