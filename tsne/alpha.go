package tsne

import "math"

// Heavier and lighter tails: with Options.Alpha the similarity of two points is (1 +
// d²/alpha)^-alpha, Student's t at 1 (Kobak, Linderman, Steinerberger, Kluger and Berens 2019;
// openTSNE's dof). In coordinates divided by the root of alpha it is u^alpha with the usual u =
// 1/(1+d²): attraction, sum p u d, keeps its kernels, a step in these coordinates is the same
// formula, and only the repulsion, sum u^(alpha+1) d, and Z, sum of u^alpha, differ. These kernels
// are plain Go: some ten times slower than those of alpha 1.

// stretch sets alpha, other than 1, and takes the positions to its coordinates.
func (f *field) stretch(alpha float64) {
	if alpha == 1 {
		return
	}
	f.alpha = alpha
	shrink := float32(1 / math.Sqrt(alpha))
	for i := range f.pos {
		f.pos[i] *= shrink
	}
	for i := range f.scratch {
		f.scratch[i].alpha = float32(alpha)
	}
	f.measureBox()
}

// unit returns the length that 1 has in the field's coordinates, the inverse of stretch.
func (f *field) unit() float32 {
	if f.alpha == 1 {
		return 1
	}
	return float32(math.Sqrt(f.alpha))
}

// repelAlpha is repel2 or, where pz is set, repel3, for any alpha.
func repelAlpha(out *interaction, px, py, pz *[groupSize]float32, b *bodies, lo, hi int,
	alpha float32) {
	var flat [groupSize]float32
	bz := b.z
	if pz == nil {
		pz = &flat
	}
	for i := range groupSize {
		x, y, z := px[i], py[i], pz[i]
		var fx, fy, fz, sq float32
		for j := lo; j < hi; j++ {
			dx, dy, dz := b.x[j]-x, b.y[j]-y, float32(0)
			if pz != &flat {
				dz = bz[j] - z
			}
			s := ((float32(dx*dx) + 1) + float32(dy*dy)) + float32(dz*dz)
			w := float32(expApprox(-float32(alpha*logApprox(s))) * b.m[j])
			sq += w
			w /= s
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

// expApprox returns the exponential of x, which is 0 or less, to 2e-7 (Cephes' expf); below -87
// it is 0.
func expApprox(x float32) float32 {
	if x < -87 {
		return 0
	}
	k := float32(math.Floor(float64(float32(x*1.44269504088896341) + 0.5)))
	r := x - float32(k*0.693359375)
	r -= float32(k * -2.12194440e-4)
	y := float32(1.9875691500e-4)
	for _, c := range [...]float32{1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2,
		1.6666665459e-1, 5.0000001201e-1} {
		y = float32(y*r) + c
	}
	y = float32(y*float32(r*r)) + r + 1
	return math.Float32frombits(uint32(int32(math.Float32bits(y)) + int32(k)<<23))
}
