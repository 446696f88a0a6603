// Until there is assembly, every machine uses the Go kernels.

package tsne

// accelerated says whether assembly kernels are in use.
const accelerated = false

func squaredDistance(a, b []float32) float32 { return squaredDistanceGo(a, b) }

func product4x24(c []float32, ldc int, a, b []float32, k int) { product4x24Go(c, ldc, a, b, k) }

func productFused4x24(c []float32, ldc int, a, b []float32, k int) { product4x24Go(c, ldc, a, b, k) }

func pass(mask []byte, g, half, bound []float32, h, t float32) { passGo(mask, g, half, bound, h, t) }

func attract2(pos []float32, index []int32, p []float32, x, y float32) (fx, fy float32) {
	return attract2Go(pos, index, p, x, y)
}

func attract3(pos []float32, index []int32, p []float32, x, y, z float32) (fx, fy, fz float32) {
	return attract3Go(pos, index, p, x, y, z)
}

func repel2(out *interaction, px, py *[groupSize]float32, b *bodies, lo, hi int) {
	repel2Go(out, px, py, b, lo, hi)
}

func repel3(out *interaction, px, py, pz *[groupSize]float32, b *bodies, lo, hi int) {
	repel3Go(out, px, py, pz, b, lo, hi)
}
