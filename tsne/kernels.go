package tsne

import "math"

// The functions below are the Go twins of the assembly in kernels_amd64.s. They
// sum in the same eight or thirty-two lanes in the same order, and their float32
// conversions forbid fused multiply-adds, so that both give the same bits on
// every machine; only the product kernels may differ in rounding.

const (
	panel     = 24  // rows of a packed panel: the product kernel's width
	blockRows = 240 // rows of a block of the neighbour search, ten panels
	groupSize = 32  // points that share one walk of the tree
)

// sum8 adds eight lanes in the order in which the assembly folds a register.
func sum8(s *[8]float32) float32 {
	a, b, c, d := s[0]+s[4], s[1]+s[5], s[2]+s[6], s[3]+s[7]
	return (a + c) + (b + d)
}

// squaredDistanceGo returns the squared Euclidean distance of a and b, which
// have the same length. It is symmetric to the last bit.
func squaredDistanceGo(a, b []float32) float32 {
	var s [32]float32
	b = b[:len(a)]
	i := 0
	for ; i+32 <= len(a); i += 32 {
		u, v := a[i:i+32], b[i:i+32]
		for l := range s {
			d := u[l] - v[l]
			s[l] += float32(d * d)
		}
	}
	for ; i+8 <= len(a); i += 8 {
		u, v := a[i:i+8], b[i:i+8]
		for l := range 8 {
			d := u[l] - v[l]
			s[l] += float32(d * d)
		}
	}
	var f [8]float32
	for l := range f {
		f[l] = (s[l] + s[8+l]) + (s[16+l] + s[24+l])
	}
	sum := sum8(&f)
	for ; i < len(a); i++ {
		d := a[i] - b[i]
		sum += float32(d * d)
	}
	return sum
}

// product4x24Go sets c[r*ldc+j] = sum over k of a[k*24+r] * b[k*24+j] for 4 rows r and 24
// columns j: a piece of A·Bᵀ from packed panels.
func product4x24Go(c []float32, ldc int, a, b []float32, k int) {
	for r := 0; r < 4; r += 2 {
		for j := 0; j < panel; j += 4 {
			var s00, s01, s02, s03, s10, s11, s12, s13 float32
			for i := range k {
				u := a[i*panel+r : i*panel+r+2]
				v := b[i*panel+j : i*panel+j+4]
				a0, a1 := u[0], u[1]
				s00 += float32(a0 * v[0])
				s01 += float32(a0 * v[1])
				s02 += float32(a0 * v[2])
				s03 += float32(a0 * v[3])
				s10 += float32(a1 * v[0])
				s11 += float32(a1 * v[1])
				s12 += float32(a1 * v[2])
				s13 += float32(a1 * v[3])
			}
			c0, c1 := c[r*ldc+j:r*ldc+j+4], c[(r+1)*ldc+j:(r+1)*ldc+j+4]
			c0[0], c0[1], c0[2], c0[3] = s00, s01, s02, s03
			c1[0], c1[1], c1[2], c1[3] = s10, s11, s12, s13
		}
	}
}

// passGo marks in mask, bit by bit, the columns j of a row of products g for which
// g[j] - half[j] - h >= -max(bound[j], t): the pairs whose lower bound on half the squared
// distance, less the margin that bound and t include, is within reach of either row.
// The lengths of g, half and bound are the same multiple of 8; mask holds a byte for eight.
func passGo(mask []byte, g, half, bound []float32, h, t float32) {
	half, bound = half[:len(g)], bound[:len(g)]
	for b := range mask[:len(g)/8] {
		var m byte
		for l := range 8 {
			j := b*8 + l
			if (g[j]-half[j])-h >= -max(bound[j], t) {
				m |= 1 << l
			}
		}
		mask[b] = m
	}
}

// attract2Go returns sum p q d of the point at x, y over its neighbours: q is 1/(1+|d|²)
// and d the way from the neighbour. index and p have the same length, a multiple of 8;
// pos holds two coordinates a point.
func attract2Go(pos []float32, index []int32, p []float32, x, y float32) (fx, fy float32) {
	var sx, sy [8]float32
	p = p[:len(index)]
	for i := 0; i < len(index); i += 8 {
		id, pr := index[i:i+8], p[i:i+8]
		for l := range 8 {
			q := pos[2*id[l] : 2*id[l]+2]
			dx, dy := x-q[0], y-q[1]
			w := pr[l] / ((1 + float32(dx*dx)) + float32(dy*dy))
			sx[l] += float32(w * dx)
			sy[l] += float32(w * dy)
		}
	}
	return sum8(&sx), sum8(&sy)
}

// attract3Go is attract2Go in three dimensions; pos holds four values a point, the
// last one unused.
func attract3Go(pos []float32, index []int32, p []float32, x, y, z float32) (fx, fy, fz float32) {
	var sx, sy, sz [8]float32
	p = p[:len(index)]
	for i := 0; i < len(index); i += 8 {
		id, pr := index[i:i+8], p[i:i+8]
		for l := range 8 {
			q := pos[4*id[l] : 4*id[l]+3]
			dx, dy, dz := x-q[0], y-q[1], z-q[2]
			w := pr[l] / (((1 + float32(dx*dx)) + float32(dy*dy)) + float32(dz*dz))
			sx[l] += float32(w * dx)
			sy[l] += float32(w * dy)
			sz[l] += float32(w * dz)
		}
	}
	return sum8(&sx), sum8(&sy), sum8(&sz)
}

// interaction is the repulsion on a group of points: for each the sums over
// bodies of m q² d by coordinate, and of m q.
type interaction struct {
	f [3][groupSize]float32
	q [groupSize]float32
}

// bodies is a list of point masses by coordinate; they repel a group of points.
type bodies struct {
	x, y, z, m []float32
}

// repel2Go adds the repulsion of bodies lo to hi on the points px, py to out.
func repel2Go(out *interaction, px, py *[groupSize]float32, b *bodies, lo, hi int) {
	bx, by, bm := b.x[lo:hi], b.y[lo:hi], b.m[lo:hi]
	by, bm = by[:len(bx)], bm[:len(bx)]
	for i := range groupSize {
		x, y := px[i], py[i]
		var fx, fy, sq float32
		for j := range bx {
			dx, dy := bx[j]-x, by[j]-y
			q := 1 / ((float32(dx*dx) + 1) + float32(dy*dy))
			w := float32(q * bm[j])
			sq += w
			w = float32(w * q)
			fx -= float32(w * dx)
			fy -= float32(w * dy)
		}
		out.f[0][i] += fx
		out.f[1][i] += fy
		out.q[i] += sq
	}
}

// repel3Go is repel2Go in three dimensions.
func repel3Go(out *interaction, px, py, pz *[groupSize]float32, b *bodies, lo, hi int) {
	bx, by, bz, bm := b.x[lo:hi], b.y[lo:hi], b.z[lo:hi], b.m[lo:hi]
	by, bz, bm = by[:len(bx)], bz[:len(bx)], bm[:len(bx)]
	for i := range groupSize {
		x, y, z := px[i], py[i], pz[i]
		var fx, fy, fz, sq float32
		for j := range bx {
			dx, dy, dz := bx[j]-x, by[j]-y, bz[j]-z
			q := 1 / (((float32(dx*dx) + 1) + float32(dy*dy)) + float32(dz*dz))
			w := float32(q * bm[j])
			sq += w
			w = float32(w * q)
			fx -= float32(w * dx)
			fy -= float32(w * dy)
			fz -= float32(w * dz)
		}
		out.f[0][i] += fx
		out.f[1][i] += fy
		out.f[2][i] += fz
		out.q[i] += sq
	}
}

// spillGo writes one coordinate of the points of leaves, each given by its first point,
// inverted, and the number of its points, to dst, one after the other.
func spillGo(dst, points []float32, leaves []int32, counts []float32) {
	at := 0
	for i, first := range leaves {
		at += copy(dst[at:], points[^first:][:int(counts[i])])
	}
}

// step holds the factors of one step of gradient descent.
type step struct {
	pull, push, momentum, rate float32
}

// advanceGo does the step pull attraction - push repulsion for each of the values: gains,
// speeds and positions change, and the gradient times the gain is left in attraction.
func advanceGo(pos, speed, gains, attraction, repulsion []float32, s *step) {
	for i, a := range attraction {
		g := float32(s.pull*a) - float32(s.push*repulsion[i])
		gain := gains[i]
		if float32(speed[i]*g) < 0 {
			gain += 0.2
		} else {
			gain = max(float32(gain*0.8), minGain)
		}
		gains[i] = gain
		g *= gain
		attraction[i] = g
		v := float32(s.momentum*speed[i]) - float32(s.rate*g)
		speed[i] = v
		pos[i] += v
	}
}

// extentGo lowers least and raises most to cover every eighth value of v, lane by lane.
func extentGo(least, most *[8]float32, v []float32) {
	for i, x := range v {
		least[i%8], most[i%8] = min(least[i%8], x), max(most[i%8], x)
	}
}

// logApprox returns the logarithm of x, which is 1 or more, to 2e-7 (Cephes' logf).
func logApprox(x float32) float32 {
	b := int32(math.Float32bits(x))
	e := (b - 0x3f3504f3) >> 23 // x = 2^e m with m from sqrt(1/2) to sqrt(2)
	m := math.Float32frombits(uint32(b-e<<23)) - 1
	y := float32(7.0376836292e-2)
	for _, c := range [...]float32{
		-1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
		-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
	} {
		y = float32(y*m) + c
	}
	m2 := float32(m * m)
	y = float32(float32(y*m) * m2)
	y -= float32(m2 * 0.5)
	y += m
	return y + float32(float32(e)*0.693147180559945)
}

// logSum2Go returns the sum of p log(1+|d|²) of a point over its neighbours; the arguments
// are attract2Go's.
func logSum2Go(pos []float32, index []int32, p []float32, x, y float32) float32 {
	var s [8]float32
	for i, j := range index {
		q := pos[2*j : 2*j+2]
		dx, dy := x-q[0], y-q[1]
		s[i%8] += float32(logApprox((1+float32(dx*dx))+float32(dy*dy)) * p[i])
	}
	return sum8(&s)
}

// logSum3Go is logSum2Go in three dimensions, with attract3Go's arguments.
func logSum3Go(pos []float32, index []int32, p []float32, x, y, z float32) float32 {
	var s [8]float32
	for i, j := range index {
		q := pos[4*j : 4*j+3]
		dx, dy, dz := x-q[0], y-q[1], z-q[2]
		s[i%8] += float32(logApprox(((1+float32(dx*dx))+float32(dy*dy))+float32(dz*dz)) * p[i])
	}
	return sum8(&s)
}
