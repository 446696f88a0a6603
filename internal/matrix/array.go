package matrix

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Array is an array of numbers of one dimension or more, in C order whatever the file's
// order is.
type Array struct {
	Shape  []int
	Bytes  []byte    // of type uint8; nil for all other types
	Floats []float32 // rounded to float32, all finite
}

// Width is the number of elements in a row; rows are counted along the first dimension.
func (a Array) Width() int { return (len(a.Bytes) + len(a.Floats)) / a.Shape[0] }

// DecodeArray reads a .npy file of size bytes, of any type of numbers and either order.
// NaN and infinity are errors that name their row and column.
func DecodeArray(r io.Reader, size int64) (Array, error) {
	h, data, err := readHeader(r)
	if err != nil {
		return Array{}, err
	}
	return readArrayOf(r, h, size-data, math.MaxInt)
}

// Array reads an array of the archive as DecodeArray reads a file.
func (a *Archive) Array(name string) (Array, error) {
	r, h, size, err := a.open(name)
	if err != nil {
		return Array{}, err
	}
	defer r.Close()
	x, err := readArrayOf(r, h, size, a.room(name))
	if err == nil {
		err = atEnd(r)
	}
	if err != nil {
		return Array{}, fmt.Errorf("array %s: %w", name, err)
	}
	return x, nil
}

// readArrayOf reads the array of a header, of which at most room bytes are reserved before
// they have come.
func readArrayOf(r io.Reader, h header, size int64, room int) (Array, error) {
	t, ok := lookup(h.descr)
	if !ok {
		return Array{}, wrongType(h.descr, "numbers", "np.float32")
	}
	if len(h.shape) == 0 {
		return Array{}, errors.New("shape (), one number, is no array")
	}
	n, err := h.count(t.size, size)
	if err != nil {
		return Array{}, err
	}
	a := Array{Shape: h.shape}
	room = min(n, room/t.size)
	if h.descr[1:] == "u1" {
		a.Bytes, err = readNumbers(r, h, t, n, room, func(dst, src []byte, _ int) error {
			copy(dst, src)
			return nil
		})
	} else {
		a.Floats, err = readNumbers(r, h, t, n, room,
			func(dst []float32, src []byte, done int) error {
				t.floats(dst, src)
				for i, v := range dst {
					if !finite(v) {
						row, column := h.place(done + i)
						return notFinite(row, column, t.value(src[i*t.size:]))
					}
				}
				return nil
			})
	}
	return a, err
}

// readNumbers reads the n numbers that follow a header, and puts them into C order. into
// converts as many as dst has room for; done are converted before. Room for so many is
// reserved at once.
func readNumbers[T any](
	r io.Reader, h header, t dtype, n, room int, into func(dst []T, src []byte, done int) error,
) ([]T, error) {
	values := make([]T, 0, room)
	err := inChunks(r, n*t.size, func(b []byte) error {
		if h.descr[0] == '>' {
			swap(b, t.size)
		}
		done := len(values)
		values = append(values, make([]T, len(b)/t.size)...)
		return into(values[done:], b, done)
	})
	if err != nil {
		return nil, err
	}
	if h.fortran && len(h.shape) > 1 {
		values = turn(values, h.shape)
	}
	return values, nil
}

// swap turns numbers of size bytes from big-endian to little-endian.
func swap(b []byte, size int) {
	for ; len(b) >= size; b = b[size:] {
		slices.Reverse(b[:size])
	}
}

// place says in which row and column, from 1 on, the k-th number of the file belongs.
func (h header) place(k int) (row, column int) {
	if !h.fortran || len(h.shape) < 2 {
		width := 1
		for _, d := range h.shape[1:] {
			width *= d
		}
		return k/width + 1, k%width + 1
	}
	rows := h.shape[0]
	return k%rows + 1, offset(k/rows, h.shape[1:]) + 1
}

// offset is the place in C order of the k-th element, in Fortran order, of a shape.
func offset(k int, shape []int) int {
	at := 0
	for _, d := range shape {
		at = at*d + k%d
		k /= d
	}
	return at
}

// turn puts values from Fortran order into C order.
func turn[T any](values []T, shape []int) []T {
	rows := shape[0]
	width := len(values) / rows
	turned := make([]T, len(values))
	for k := range width {
		column := offset(k, shape[1:])
		for i, v := range values[k*rows : (k+1)*rows] {
			turned[i*width+column] = v
		}
	}
	return turned
}

// DecodeLabels reads labels from a .npy file of size bytes, of integers, truths or texts:
// the one result or the other.
func DecodeLabels(r io.Reader, size int64) (labels []int, texts []string, err error) {
	h, data, err := readHeader(r)
	if err != nil {
		return nil, nil, err
	}
	if isText(h.descr) {
		texts, err = readTexts(r, h, size-data)
		return nil, texts, err
	}
	labels, err = readIntegers(r, h, size-data, math.MaxInt)
	return labels, nil, err
}

// Labels reads an array of the archive as DecodeLabels reads a file.
func (a *Archive) Labels(name string) (labels []int, texts []string, err error) {
	r, h, size, err := a.open(name)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	if isText(h.descr) {
		texts, err = readTexts(r, h, size)
	} else {
		labels, err = readIntegers(r, h, size, a.room(name))
	}
	if err == nil {
		err = atEnd(r)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("array %s: %w", name, err)
	}
	return labels, texts, nil
}

// isText reports whether a type is one of NumPy's texts, U of UTF-32 or S of bytes.
func isText(descr string) bool {
	return len(descr) > 2 && strings.ContainsAny(descr[1:2], "US") && descr[0] != '>'
}

// maxLabelText is the longest label read from an array of texts, in bytes.
const maxLabelText = 1 << 12

// readTexts reads a one-dimensional array of texts, padded with zeros to one length.
func readTexts(r io.Reader, h header, size int64) ([]string, error) {
	length := 0
	if _, err := fmt.Sscan(h.descr[2:], &length); err != nil || length < 1 ||
		length > maxLabelText {
		return nil, fmt.Errorf("texts of type %.20q, want at most %d characters", h.descr,
			maxLabelText)
	}
	if h.descr[1] == 'U' {
		length *= 4
	}
	if len(h.shape) != 1 {
		return nil, fmt.Errorf("shape %s, want one dimension (y.ravel())", tupleText(h.shape...))
	}
	n, err := h.count(length, size)
	if err != nil {
		return nil, err
	}
	known := map[string]string{} // one copy of each text
	var texts []string
	b := make([]byte, length)
	for range n {
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, unexpected(err)
		}
		text, err := textOf(h.descr, b)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", len(texts)+1, err)
		}
		if _, ok := known[text]; !ok {
			known[text] = text
		}
		texts = append(texts, known[text])
	}
	return texts, nil
}

// half is a float16 as a float32.
func half(v uint16) float32 {
	sign, exponent, fraction := uint32(v>>15)<<31, uint32(v>>10&31), uint32(v&1023)
	switch exponent {
	case 0: // a multiple of 2^-24
		f := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
