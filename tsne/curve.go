package tsne

import "math/bits"

// Points are kept along a space-filling curve, so that neighbours in the plane are
// neighbours in memory and every cell of the tree is a run of points.

const (
	bits2 = 16 // bits a coordinate on the curve in the plane
	bits3 = 13 // and in space, or fewer where points are too many
)

// hilbertStep holds, for each of the curve's 4 orientations and 4 bits of x and y
// each, the 8 bits of the curve's position (low byte) and the next orientation.
var hilbertStep = func() (t [4 << 8]uint16) {
	for i := range t {
		state := i >> 8
		swap, flip := state&1, state>>1
		code := 0
		for b := 3; b >= 0; b-- {
			x, y := i>>(4+b)&1^flip, i>>b&1^flip
			if swap == 1 {
				x, y = y, x
			}
			code = code<<2 | (3 * x) ^ y
			if y == 0 {
				swap ^= 1
				flip ^= x
			}
		}
		t[i] = uint16((flip<<1|swap)<<8 | code)
	}
	return t
}()

// hilbert returns the 32-bit position on the plane's Hilbert curve.
func hilbert(x, y uint32) uint64 {
	s := uint32(hilbertStep[(x>>8&0xf0|y>>12&0xf)&0xff])
	code := s & 0xff
	s = uint32(hilbertStep[s&0x300|x>>4&0xf0|y>>8&0xf])
	code = code<<8 | s&0xff
	s = uint32(hilbertStep[s&0x300|x&0xf0|y>>4&0xf])
	code = code<<8 | s&0xff
	s = uint32(hilbertStep[s&0x300|x<<4&0xf0|y&0xf])
	return uint64(code<<8 | s&0xff)
}

// spread3 moves the low 13 bits of v three apart.
func spread3(v uint64) uint64 {
	v = (v | v<<16) & 0x0000ff0000ff
	v = (v | v<<8) & 0x00f00f00f00f
	v = (v | v<<4) & 0x0c30c30c30c3
	v = (v | v<<2) & 0x249249249249
	return v
}

// morton3 returns the 39-bit position on space's Z-order curve.
func morton3(x, y, z uint32) uint64 {
	return spread3(uint64(x))<<2 | spread3(uint64(y))<<1 | spread3(uint64(z))
}

// sortBucket sorts the keys in tmp into keys by their bits from low to high; equal ones keep
// their order. tmp is lost.
func sortBucket(keys, tmp []uint64, low, high int) {
	if len(tmp) <= 32 {
		copy(keys, tmp)
		insertionSort(keys, low)
		return
	}
	// Spread by so many leading bits that only few keys share them, where they do.
	var counts [1 << 11]uint32
	width := min(bits.Len(uint(len(tmp)/8)), 11, high-low)
	shift, mask := high-width, uint64(1)<<width-1
	for _, k := range tmp {
		counts[k>>shift&mask]++
	}
	var at uint32
	for i, c := range counts[:mask+1] {
		if c > 64 {
			radixSort(keys, tmp, low, high)
			return
		}
		counts[i] = at
		at += c
	}
	for _, k := range tmp {
		c := &counts[k>>shift&mask]
		keys[*c] = k
		*c++
	}
	insertionSort(keys, low)
}

// insertionSort sorts keys by their bits from low up; it is for those that are few or nearly in
// order.
func insertionSort(keys []uint64, low int) {
	for i, k := range keys {
		for ; i > 0 && keys[i-1]>>low > k>>low; i-- {
			keys[i] = keys[i-1]
		}
		keys[i] = k
	}
}

// radixSort is sortBucket for many keys: it sorts 7 bits at a time from low up.
func radixSort(keys, tmp []uint64, low, high int) {
	const width = 7
	var counts [1 << width]uint32
	from, to := tmp, keys
	for shift := low; shift < high; shift += width {
		clear(counts[:])
		for _, k := range from {
			counts[k>>shift&(1<<width-1)]++
		}
		var at uint32
		for i, c := range counts {
			counts[i] = at
			at += c
		}
		for _, k := range from {
			c := &counts[k>>shift&(1<<width-1)]
			to[*c] = k
			*c++
		}
		from, to = to, from
	}
	if len(keys) > 0 && &from[0] != &keys[0] {
		copy(keys, from)
	}
}
