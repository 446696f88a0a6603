//go:build !purego

package tsne

// accelerated says whether the assembly is in use. Every arm64 processor that Go runs on has
// NEON; tests switch it off to compare.
var accelerated = true

// What tsne/asm/neon generates.

//go:noescape
func squaredDistanceNEON(a, b *float32, n int) float32

//go:noescape
func productNEON(c *float32, ldc int, a, b *float32, k int)

//go:noescape
func productFusedNEON(c *float32, ldc int, a, b *float32, k int)

//go:noescape
func attract2NEON(pos *float32, index *int32, p *float32, n int, x, y float32) (fx, fy float32)

//go:noescape
func attract3NEON(pos *float32, index *int32, p *float32, n int,
	x, y, z float32) (fx, fy, fz float32)

//go:noescape
func repel2NEON(out, px, py, x, y, m *float32, n int)

//go:noescape
func repel3NEON(out, px, py, pz, x, y, z, m *float32, n int)

//go:noescape
func walk2NEON(blocks, box *float32, theta2 float32, x, y, m *float32, queue, leaves *int32,
	counts *float32) (bodies, leafCount int)

func squaredDistance(a, b []float32) float32 {
	if accelerated && len(a) > 0 {
		b = b[:len(a)]
		return squaredDistanceNEON(&a[0], &b[0], len(a))
	}
	return squaredDistanceGo(a, b)
}

func product4x24(c []float32, ldc int, a, b []float32, k int) {
	if accelerated && k > 0 {
		_, _, _ = c[3*ldc+panel-1], a[(k-1)*panel+3], b[k*panel-1]
		productNEON(&c[0], ldc, &a[0], &b[0], k)
		return
	}
	product4x24Go(c, ldc, a, b, k)
}

// productFused4x24 is product4x24 with fused multiply-adds where there are any.
func productFused4x24(c []float32, ldc int, a, b []float32, k int) {
	if accelerated && k > 0 {
		_, _, _ = c[3*ldc+panel-1], a[(k-1)*panel+3], b[k*panel-1]
		productFusedNEON(&c[0], ldc, &a[0], &b[0], k)
		return
	}
	product4x24Go(c, ldc, a, b, k)
}

// The kernels over neighbours trust the indices: field and placement make them.

func attract2(pos []float32, index []int32, p []float32, x, y float32) (fx, fy float32) {
	if accelerated && len(index) > 0 {
		_ = p[len(index)-1]
		return attract2NEON(&pos[0], &index[0], &p[0], len(index), x, y)
	}
	return attract2Go(pos, index, p, x, y)
}

func attract3(pos []float32, index []int32, p []float32, x, y, z float32) (fx, fy, fz float32) {
	if accelerated && len(index) > 0 {
		_ = p[len(index)-1]
		return attract3NEON(&pos[0], &index[0], &p[0], len(index), x, y, z)
	}
	return attract3Go(pos, index, p, x, y, z)
}

func repel2(out *interaction, px, py *[groupSize]float32, b *bodies, lo, hi int) {
	if accelerated && hi > lo {
		_, _, _ = b.x[hi-1], b.y[hi-1], b.m[hi-1]
		repel2NEON(&out.f[0][0], &px[0], &py[0], &b.x[lo], &b.y[lo], &b.m[lo], hi-lo)
		return
	}
	repel2Go(out, px, py, b, lo, hi)
}

func repel3(out *interaction, px, py, pz *[groupSize]float32, b *bodies, lo, hi int) {
	if accelerated && hi > lo {
		_, _, _, _ = b.x[hi-1], b.y[hi-1], b.z[hi-1], b.m[hi-1]
		repel3NEON(&out.f[0][0], &px[0], &py[0], &pz[0], &b.x[lo], &b.y[lo], &b.z[lo], &b.m[lo],
			hi-lo)
		return
	}
	repel3Go(out, px, py, pz, b, lo, hi)
}

func walk2(blocks []cells, b *box, theta2 float32, l *walkList) (count, leaves int) {
	if accelerated {
		return walk2NEON(&blocks[0].x[0], &b.center[0], theta2, &l.x[0], &l.y[0], &l.m[0],
			&l.queue[0], &l.leaves[0], &l.counts[0])
	}
	return walk2Go(blocks, b, theta2, l)
}

// What has no assembly here.

func pass(mask []byte, g, half, bound []float32, h, t float32) {
	passGo(mask, g, half, bound, h, t)
}

func logSum2(pos []float32, index []int32, p []float32, x, y float32) float32 {
	return logSum2Go(pos, index, p, x, y)
}

func logSum3(pos []float32, index []int32, p []float32, x, y, z float32) float32 {
	return logSum3Go(pos, index, p, x, y, z)
}

func spill(dst, points []float32, leaves []int32, counts []float32) {
	spillGo(dst, points, leaves, counts)
}

func advance(pos, speed, gains, attraction, repulsion []float32, s *step) {
	advanceGo(pos, speed, gains, attraction, repulsion, s)
}

func extent(least, most *[8]float32, v []float32) { extentGo(least, most, v) }

func expsFast([]float64) int { return 0 }
