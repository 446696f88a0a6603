//go:build !purego

package tsne

import "golang.org/x/sys/cpu"

// accelerated says whether the assembly is in use: the processor has what it needs.
// Tests switch it off to compare.
var accelerated = cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasPOPCNT

func squaredDistance(a, b []float32) float32 {
	if accelerated && len(a) > 0 {
		b = b[:len(a)]
		return squaredDistanceAVX2(&a[0], &b[0], len(a))
	}
	return squaredDistanceGo(a, b)
}

func product4x24(c []float32, ldc int, a, b []float32, k int) {
	if accelerated && k > 0 {
		_, _, _ = c[3*ldc+panel-1], a[(k-1)*panel+3], b[k*panel-1]
		productAVX2(&c[0], ldc, &a[0], &b[0], k)
		return
	}
	product4x24Go(c, ldc, a, b, k)
}

// productFused4x24 is product4x24 with fused multiply-adds where there are any.
func productFused4x24(c []float32, ldc int, a, b []float32, k int) {
	if accelerated && k > 0 {
		_, _, _ = c[3*ldc+panel-1], a[(k-1)*panel+3], b[k*panel-1]
		productFusedAVX2(&c[0], ldc, &a[0], &b[0], k)
		return
	}
	product4x24Go(c, ldc, a, b, k)
}

func pass(mask []byte, g, half, bound []float32, h, t float32) {
	if accelerated && len(g) > 0 {
		_, _, _ = mask[len(g)/8-1], half[len(g)-1], bound[len(g)-1]
		passAVX2(&mask[0], &g[0], &half[0], &bound[0], len(g), h, t)
		return
	}
	passGo(mask, g, half, bound, h, t)
}

// The kernels over neighbours trust the indices: field and placement make them.

func attract2(pos []float32, index []int32, p []float32, x, y float32) (fx, fy float32) {
	if accelerated && len(index) > 0 {
		_ = p[len(index)-1]
		return attract2AVX2(&pos[0], &index[0], &p[0], len(index), x, y)
	}
	return attract2Go(pos, index, p, x, y)
}

func attract3(pos []float32, index []int32, p []float32, x, y, z float32) (fx, fy, fz float32) {
	if accelerated && len(index) > 0 {
		_ = p[len(index)-1]
		return attract3AVX2(&pos[0], &index[0], &p[0], len(index), x, y, z)
	}
	return attract3Go(pos, index, p, x, y, z)
}

func logSum2(pos []float32, index []int32, p []float32, x, y float32) float32 {
	if accelerated && len(index) > 0 {
		_ = p[len(index)-1]
		return logSum2AVX2(&pos[0], &index[0], &p[0], len(index), x, y)
	}
	return logSum2Go(pos, index, p, x, y)
}

func logSum3(pos []float32, index []int32, p []float32, x, y, z float32) float32 {
	if accelerated && len(index) > 0 {
		_ = p[len(index)-1]
		return logSum3AVX2(&pos[0], &index[0], &p[0], len(index), x, y, z)
	}
	return logSum3Go(pos, index, p, x, y, z)
}

func repel2(out *interaction, px, py *[groupSize]float32, b *bodies, lo, hi int) {
	if accelerated && hi > lo {
		_, _, _ = b.x[hi-1], b.y[hi-1], b.m[hi-1]
		repel2AVX2(&out.f[0][0], &px[0], &py[0], &b.x[lo], &b.y[lo], &b.m[lo], hi-lo)
		return
	}
	repel2Go(out, px, py, b, lo, hi)
}

func repel3(out *interaction, px, py, pz *[groupSize]float32, b *bodies, lo, hi int) {
	if accelerated && hi > lo {
		_, _, _, _ = b.x[hi-1], b.y[hi-1], b.z[hi-1], b.m[hi-1]
		repel3AVX2(&out.f[0][0], &px[0], &py[0], &pz[0], &b.x[lo], &b.y[lo], &b.z[lo], &b.m[lo],
			hi-lo)
		return
	}
	repel3Go(out, px, py, pz, b, lo, hi)
}

func walk2(blocks []cells, b *box, theta2 float32, l *walkList) (count, leaves int) {
	if accelerated {
		return walk2AVX2(&blocks[0].x[0], &b.center[0], theta2, &l.x[0], &l.y[0], &l.m[0],
			&l.queue[0], &l.leaves[0], &l.counts[0])
	}
	return walk2Go(blocks, b, theta2, l)
}

// spill trusts that leaves lie within points, and dst and points have room for 8 more.
func spill(dst, points []float32, leaves []int32, counts []float32) {
	if accelerated && len(leaves) > 0 {
		_ = counts[len(leaves)-1]
		spillAVX2(&dst[0], &points[0], &leaves[0], &counts[0], len(leaves))
		return
	}
	spillGo(dst, points, leaves, counts)
}

func advance(pos, speed, gains, attraction, repulsion []float32, s *step) {
	n := 0
	if accelerated && len(pos) >= 8 {
		n = len(pos) / 8 * 8
		_, _, _, _ = speed[n-1], gains[n-1], attraction[n-1], repulsion[n-1]
		advanceAVX2(&pos[0], &speed[0], &gains[0], &attraction[0], &repulsion[0], n, &s.pull)
	}
	advanceGo(pos[n:], speed[n:], gains[n:], attraction[n:], repulsion[n:], s)
}

func extent(least, most *[8]float32, v []float32) {
	n := 0
	if accelerated && len(v) >= 8 {
		n = len(v) / 8 * 8
		extentAVX2(&least[0], &most[0], &v[0], n)
	}
	extentGo(least, most, v[n:])
}

// expsFast sets the first values of v to their exp and returns how many.
func expsFast(v []float64) int {
	if accelerated && len(v) >= 4 {
		return expsAVX2(&v[0], len(v)/4*4)
	}
	return 0
}
