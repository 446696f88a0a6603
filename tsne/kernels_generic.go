//go:build (!amd64 && !arm64) || purego

package tsne

// accelerated says whether assembly is in use; without it there is none.
const accelerated = false

func squaredDistance(a, b []float32) float32 { return squaredDistanceGo(a, b) }

func product4x24(c []float32, ldc int, a, b []float32, k int) { product4x24Go(c, ldc, a, b, k) }

func productFused4x24(c []float32, ldc int, a, b []float32, k int) {
	product4x24Go(c, ldc, a, b, k)
}

func pass(mask []byte, g, half, bound []float32, h, t float32) {
	passGo(mask, g, half, bound, h, t)
}

func attract2(pos []float32, index []int32, p []float32, x, y float32) (fx, fy float32) {
	return attract2Go(pos, index, p, x, y)
}

func attract3(pos []float32, index []int32, p []float32, x, y, z float32) (fx, fy, fz float32) {
	return attract3Go(pos, index, p, x, y, z)
}

func logSum2(pos []float32, index []int32, p []float32, x, y float32) float32 {
	return logSum2Go(pos, index, p, x, y)
}

func logSum3(pos []float32, index []int32, p []float32, x, y, z float32) float32 {
	return logSum3Go(pos, index, p, x, y, z)
}

func repel2(out *interaction, px, py *[groupSize]float32, b *bodies, lo, hi int) {
	repel2Go(out, px, py, b, lo, hi)
}

func repel3(out *interaction, px, py, pz *[groupSize]float32, b *bodies, lo, hi int) {
	repel3Go(out, px, py, pz, b, lo, hi)
}

func walk2(blocks []cells, b *box, theta2 float32, l *walkList) (count, leaves int) {
	return walk2Go(blocks, b, theta2, l)
}

func spill(dst, points []float32, leaves []int32, counts []float32) {
	spillGo(dst, points, leaves, counts)
}

func advance(pos, speed, gains, attraction, repulsion []float32, s *step) {
	advanceGo(pos, speed, gains, attraction, repulsion, s)
}

func extent(least, most *[8]float32, v []float32) { extentGo(least, most, v) }

func expsFast([]float64) int { return 0 }
