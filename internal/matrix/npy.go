package matrix

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// chunk is how many bytes are converted at a time; a multiple of 8.
const chunk = 1 << 17

// decodeNPY reads a matrix from a .npy file of size bytes.
func decodeNPY(r io.Reader, size int64) (Matrix, error) {
	h, data, err := readHeader(r)
	if err != nil {
		return Matrix{}, err
	}
	if _, ok := lookup(h.descr); ok && len(h.shape) < 2 {
		return Matrix{},
			fmt.Errorf("shape %s, want two dimensions or more (x.reshape(len(x), -1))",
				tupleText(h.shape...))
	}
	a, err := readArrayOf(r, h, size-data, math.MaxInt)
	if err != nil {
		return Matrix{}, err
	}
	return a.Matrix(), nil
}

// Matrix is the array as one row for each of its first dimension.
func (a Array) Matrix() Matrix {
	m := Matrix{Data: a.Floats, Rows: a.Shape[0], Cols: a.Width()}
	if a.Bytes != nil {
		m.Data = make([]float32, len(a.Bytes))
		for i, v := range a.Bytes {
			m.Data[i] = float32(v)
		}
	}
	return m
}

// decodeLabels reads labels from a .npy file of size bytes.
func decodeLabels(r io.Reader, size int64) ([]int, error) {
	h, data, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	return readIntegers(r, h, size-data, math.MaxInt)
}

// readIntegers reads a one-dimensional array of integers.
func readIntegers(r io.Reader, h header, size int64, room int) ([]int, error) {
	t, ok := lookup(h.descr)
	switch {
	case !ok || t.integer == nil:
		return nil, wrongType(h.descr, "integers", "np.int64")
	case len(h.shape) != 1:
		return nil, fmt.Errorf("shape %s, want one dimension (y.ravel())", tupleText(h.shape...))
	}
	n, err := h.count(t.size, size)
	if err != nil {
		return nil, err
	}
	return readNumbers(r, h, t, n, min(n, room/t.size),
		func(dst []int, src []byte, done int) error {
			for i := range dst {
				v, ok := t.integer(src[i*t.size:])
				if !ok {
					return fmt.Errorf("label %d is beyond the integers of this machine", done+i+1)
				}
				dst[i] = v
			}
			return nil
		})
}

// count returns the number of elements, which fill the rest bytes exactly.
func (h header) count(size int, rest int64) (int, error) {
	if slices.Contains(h.shape, 0) {
		return 0, fmt.Errorf("the array is empty: shape %s", tupleText(h.shape...))
	}
	n := int64(1)
	for _, d := range h.shape {
		if int64(d) > rest/int64(size)/n {
			return 0, fmt.Errorf("truncated: shape %s of %d-byte numbers does not fit the %d "+
				"bytes that follow", tupleText(h.shape...), size, rest)
		}
		n *= int64(d)
	}
	if n*int64(size) != rest {
		return 0, fmt.Errorf("trailing data: shape %s of %d-byte numbers leaves %d of %d bytes "+
			"over", tupleText(h.shape...), size, rest-n*int64(size), rest)
	}
	return int(n), nil
}

// inChunks hands the next n bytes of r to use, in multiples of 8 bytes but
// for the last.
func inChunks(r io.Reader, n int, use func(b []byte) error) error {
	buf := make([]byte, min(n, chunk))
	for n > 0 {
		b := buf[:min(n, len(buf))]
		if _, err := io.ReadFull(r, b); err != nil {
			return unexpected(err)
		}
		if err := use(b); err != nil {
			return err
		}
		n -= len(b)
	}
	return nil
}

// wrongType is the error about an array of another type than wanted.
func wrongType(descr, want, convert string) error {
	hint := fmt.Sprintf("x.astype(%s)", convert)
	if strings.Contains(descr, "O") {
		return fmt.Errorf("type %q, Python objects, is not supported; want %s (%s)", descr, want,
			hint)
	}
	return fmt.Errorf("type %q, want %s (%s)", descr, want, hint)
}

// dtype converts numbers of one type, little-endian, size bytes each.
type dtype struct {
	size    int
	floats  func(dst []float32, src []byte)   // all of dst
	value   func(src []byte) float64          // the first of src, for errors
	integer func(src []byte) (v int, ok bool) // the first of src; nil for floats
}

var le = binary.LittleEndian

var dtypes = map[string]dtype{
	"<f4": {4, func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
		}
	}, func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }, nil},
	"<f8": {8, func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	}, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }, nil},
	"<f2": {2, func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = half(le.Uint16(src[2*i:]))
		}
	}, func(b []byte) float64 { return float64(half(le.Uint16(b))) }, nil},
	"|b1": integers(1, func(b []byte) uint8 { return min(b[0], 1) }),
	"|i1": integers(1, func(b []byte) int8 { return int8(b[0]) }),
	"<i2": integers(2, func(b []byte) int16 { return int16(le.Uint16(b)) }),
	"<i4": integers(4, func(b []byte) int32 { return int32(le.Uint32(b)) }),
	"<i8": integers(8, func(b []byte) int64 { return int64(le.Uint64(b)) }),
	"|u1": integers(1, func(b []byte) uint8 { return b[0] }),
	"<u2": integers(2, le.Uint16),
	"<u4": integers(4, le.Uint32),
	"<u8": integers(8, le.Uint64),
}

// lookup finds a type, whose numbers are turned to little-endian where they are not. The
// order of a single byte, which NumPy writes as | and others as they like, means nothing.
func lookup(descr string) (t dtype, ok bool) {
	switch {
	case len(descr) != 3:
		return t, false
	case descr[2] == '1':
		descr = "|" + descr[1:]
	case descr[0] == '>':
		descr = "<" + descr[1:]
	}
	t, ok = dtypes[descr]
	return t, ok
}

// integers makes the dtype of an integer that read takes from bytes.
func integers[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](size int,
	read func([]byte) T) dtype {
	return dtype{
		size: size,
		floats: func(dst []float32, src []byte) {
			for i := range dst {
				dst[i] = float32(read(src[size*i:]))
			}
		},
		value: func(b []byte) float64 { return float64(read(b)) },
		integer: func(b []byte) (int, bool) {
			v := read(b)
			return int(v), T(int(v)) == v && (v < 0) == (int(v) < 0)
		},
	}
}

// encodeNPY writes m as numpy.save does.
func (m Matrix) encodeNPY(w io.Writer) error {
	if err := writeHeader(w, "<f4", m.Rows, m.Cols); err != nil {
		return err
	}
	buf := make([]byte, 0, chunk)
	for rest := m.Data; len(rest) > 0; {
		n := min(len(rest), chunk/4)
		buf = buf[:4*n]
		for i, v := range rest[:n] {
			le.PutUint32(buf[4*i:], math.Float32bits(v))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// encodeLabels returns what writes labels as numpy.save does.
func encodeLabels(labels []int) func(w io.Writer) error {
	return func(w io.Writer) error {
		if err := writeHeader(w, "<i8", len(labels)); err != nil {
			return err
		}
		var b [8]byte
		for _, l := range labels {
			le.PutUint64(b[:], uint64(l))
			if _, err := w.Write(b[:]); err != nil {
				return err
			}
		}
		return nil
	}
}
