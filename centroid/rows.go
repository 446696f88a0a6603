package centroid

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	blas "gonum.org/v1/gonum/blas/gonum"
)

// dim returns the row length of a matrix of n rows.
func dim(x []float32, n int) (int, error) {
	switch {
	case n < 1:
		return 0, fmt.Errorf("%d rows: want at least 1", n)
	case len(x) == 0:
		return 0, errors.New("the matrix is empty")
	case len(x)%n != 0:
		return 0, fmt.Errorf("%d values do not make %d rows of one length", len(x), n)
	}
	return len(x) / n, nil
}

func finite(v float64) bool { return v-v == 0 }

// findNotFinite returns an error that names the first NaN or infinity of x, or
// nil when there is none.
func findNotFinite(x []float32, d int) error {
	for i, v := range x {
		if !finite(float64(v)) {
			return fmt.Errorf("row %d, column %d is %v: want finite values", i/d, i%d, v)
		}
	}
	return nil
}

// distinct returns the distinct labels, ascending, and the place of each label
// among them.
func distinct(labels []int) (values, index []int) {
	place := make(map[int]int)
	for _, l := range labels {
		if _, ok := place[l]; !ok {
			place[l] = 0
			values = append(values, l)
		}
	}
	slices.Sort(values)
	for i, v := range values {
		place[v] = i
	}
	index = make([]int, len(labels))
	for i, l := range labels {
		index[i] = place[l]
	}
	return values, index
}

// dot returns the inner product of a and b, which are of one length, summed in
// float64, in which each product is exact. The order of the sum depends on where
// b lies, so that b should be a row of a table.
func dot(a, b []float32) float64 {
	if runtime.GOARCH == "amd64" { // where gonum has assembly
		return blas.Implementation{}.Dsdot(len(a), a, 1, b, 1)
	}
	return dotGo(a, b)
}

// dotGo is the Go twin of gonum's assembly: two lanes of two sums each, from the first value of b
// whose address is a multiple of 16.
func dotGo(a, b []float32) float64 {
	if len(a) == 0 {
		return 0
	}
	var s [4]float64
	b = b[:len(a)]
	i := min(int(-uintptr(unsafe.Pointer(&b[0]))%16/4), len(a))
	for j, v := range a[:i] {
		s[0] += float64(float64(v) * float64(b[j]))
	}
	for ; i+8 <= len(a); i += 8 {
		u, v := a[i:i+8], b[i:i+8]
		for l := range s {
			s[l] += float64(float64(u[l]) * float64(v[l]))
		}
		for l := range s {
			s[l] += float64(float64(u[4+l]) * float64(v[4+l]))
		}
	}
	s[0], s[1] = s[0]+s[2], s[1]+s[3]
	for j := i; j < len(a); j++ {
		s[(j-i)%2] += float64(float64(a[j]) * float64(b[j]))
	}
	return s[0] + s[1]
}

// table holds rows of d values at addresses that are multiples of 16 bytes, so
// that [dot] sums all of them in the same order.
type table struct {
	d, stride int
	data      []float32
	sq        []float64 // squared norm of each row
}

func newTable(rows, d int) *table {
	t := &table{d: d, stride: (d + 3) &^ 3, sq: make([]float64, rows)}
	// Go aligns blocks of 32 bytes and more to 16 bytes at least.
	t.data = make([]float32, max(8, rows*t.stride))
	return t
}

func (t *table) row(k int) []float32 { return t.data[k*t.stride:][:t.d] }

func (t *table) set(k int, values []float32) {
	row := t.row(k)
	copy(row, values)
	t.sq[k] = dot(row, row)
}

// move takes row out of one cluster, unless from is -1, and into another.
type move struct{ row, from, to int }

// apply updates the k x d sums of rows by moves. Each processor takes some
// columns and goes through the moves in order, so that a sum is what a single
// processor would have got.
func apply(moves []move, sums []float64, x []float32, d int) {
	const lane = 16 // columns; one or two cache lines of a row
	parallelBlocks((d+lane-1)/lane, max(1, (d+lane-1)/lane/runtime.GOMAXPROCS(0)),
		func(lo, hi int) {
			lo, hi = lo*lane, min(hi*lane, d)
			for _, m := range moves {
				row := x[m.row*d+lo : m.row*d+hi]
				if m.from >= 0 {
					from := sums[m.from*d+lo : m.from*d+hi]
					for j, v := range row {
						from[j] -= float64(v)
					}
				}
				to := sums[m.to*d+lo : m.to*d+hi]
				for j, v := range row {
					to[j] += float64(v)
				}
			}
		})
}

// rowBlock is the number of rows that a processor takes at a time. It is fixed,
// so that sums over blocks do not depend on the number of processors.
const rowBlock = 512

// parallel calls f on the blocks of rowBlock indices that make up [0, n), on
// all processors.
func parallel(n int, f func(lo, hi int)) { parallelBlocks(n, rowBlock, f) }

func parallelBlocks(n, block int, f func(lo, hi int)) {
	blocks := (n + block - 1) / block
	workers := min(runtime.GOMAXPROCS(0), blocks)
	if workers <= 1 {
		for lo := 0; lo < n; lo += block {
			f(lo, min(lo+block, n))
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				b := int(next.Add(1)) - 1
				if b >= blocks {
					return
				}
				f(b*block, min(b*block+block, n))
			}
		})
	}
	wg.Wait()
}
