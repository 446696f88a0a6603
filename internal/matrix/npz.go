package matrix

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of what an archive may make of its bytes: a compressed array that is both larger than
// plainSize and more than maxExpansion times its compressed size is refused.
const (
	plainSize    = 1 << 24
	maxExpansion = 100
	maxText      = 1 << 12 // bytes of a text
)

// Archive is an open .npz file: a zip of .npy arrays, as numpy.savez, numpy.savez_compressed and
// scipy.sparse.save_npz write it.
type Archive struct {
	files map[string]*zip.File // by array name, without .npy
}

// OpenArchive reads the directory of the .npz file r of size bytes. An array is read when it is
// asked for. Two arrays of one name, and entries that share bytes, are errors.
func OpenArchive(r io.ReaderAt, size int64) (*Archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("not a .npz file: %w", err)
	}
	a := &Archive{files: map[string]*zip.File{}}
	rest := uint64(size)
	for _, f := range z.File {
		name, isArray := strings.CutSuffix(f.Name, ".npy")
		if a.files[name] != nil {
			return nil, fmt.Errorf("corrupt .npz file: two arrays are called %.80q", name)
		}
		if f.CompressedSize64 > rest {
			return nil, errors.New("corrupt .npz file: its arrays take more bytes than the file " +
				"has")
		}
		rest -= f.CompressedSize64
		if isArray {
			a.files[name] = f
		}
	}
	return a, nil
}

// Names are the names of the arrays, in the alphabet's order.
func (a *Archive) Names() []string { return slices.Sorted(maps.Keys(a.files)) }

// Has reports whether there is an array of this name.
func (a *Archive) Has(name string) bool { return a.files[name] != nil }

// Floats returns the numbers of an array in C order, rounded to float32, and its shape. NaN and
// infinity are returned as they are.
func (a *Archive) Floats(name string) (values []float32, shape []int, err error) {
	return readArray(a, name, "numbers (x.astype(np.float32))",
		func(t dtype) func([]float32, []byte) error {
			return func(dst []float32, src []byte) error {
				t.floats(dst, src)
				return nil
			}
		})
}

// Number returns an array of one number.
func (a *Archive) Number(name string) (v float64, err error) {
	values, _, err := readArray(a, name, "a number", func(t dtype) func([]float64, []byte) error {
		return func(dst []float64, src []byte) error {
			for i := range dst {
				dst[i] = t.value(src[i*t.size:])
			}
			return nil
		}
	})
	if err == nil && len(values) != 1 {
		err = fmt.Errorf("array %s: %d numbers, want one", name, len(values))
	}
	if err != nil {
		return 0, err
	}
	return values[0], nil
}

// Integers returns the integers of an array of the archive in C order, and its shape. What does
// not fit T is an error.
func Integers[T int32 | int64](a *Archive, name string) (values []T, shape []int, err error) {
	return readArray(a, name, "integers (x.astype(np.int32))",
		func(t dtype) func([]T, []byte) error {
			if t.integer == nil {
				return nil
			}
			return func(dst []T, src []byte) error {
				for i := range dst {
					v, ok := t.integer(src[i*t.size:])
					if dst[i] = T(v); !ok || int(dst[i]) != v {
						return fmt.Errorf("%.0f does not fit a %d-bit integer",
							t.value(src[i*t.size:]), binary.Size(dst[i])*8)
					}
				}
				return nil
			}
		})
}

// Text returns an array of one text, of NumPy's types U or S.
func (a *Archive) Text(name string) (string, error) {
	r, h, size, err := a.open(name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	fail := func(err error) (string, error) { return "", fmt.Errorf("array %s: %w", name, err) }
	if len(h.descr) < 2 || !strings.ContainsAny(h.descr[1:2], "US") ||
		strings.HasPrefix(h.descr, ">") {
		return fail(wrongType(h.descr, "a text", "str"))
	}
	if size > maxText {
		return fail(fmt.Errorf("a text of %d bytes, want at most %d", size, maxText))
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return fail(unexpected(err))
	}
	if err := atEnd(r); err != nil {
		return fail(err)
	}
	text, err := textOf(h.descr, b)
	if err != nil {
		return fail(err)
	}
	return text, nil
}

// textOf is a text of NumPy's type U, UTF-32, or S, bytes, without the zeros at its end.
func textOf(descr string, b []byte) (string, error) {
	var text strings.Builder
	if descr[1] == 'S' {
		text.Write(b)
	} else if len(b)%4 != 0 {
		return "", errTruncated
	} else {
		for ; len(b) > 0; b = b[4:] {
			text.WriteRune(rune(le.Uint32(b)))
		}
	}
	s := strings.TrimRight(text.String(), "\x00")
	if !utf8.ValidString(s) {
		return "", errors.New("not UTF-8")
	}
	return s, nil
}

// open opens an array and returns its header and the bytes that follow it.
func (a *Archive) open(name string) (r io.ReadCloser, h header, size int64, err error) {
	f := a.files[name]
	if f == nil {
		return nil, h, 0, fmt.Errorf("there is no array called %s", name)
	}
	fail := func(err error) (io.ReadCloser, header, int64, error) {
		if r != nil {
			r.Close()
		}
		return nil, h, 0, fmt.Errorf("array %s: %w", name, err)
	}
	if f.Method == zip.Store && f.UncompressedSize64 != f.CompressedSize64 {
		return fail(errTruncated)
	}
	if f.UncompressedSize64 > plainSize && f.UncompressedSize64/maxExpansion > f.CompressedSize64 {
		return fail(fmt.Errorf("%d bytes would become %d, more than %d times as many (save it "+
			"with np.savez)",
			f.CompressedSize64, f.UncompressedSize64, maxExpansion))
	}
	if r, err = f.Open(); err != nil {
		return fail(err)
	}
	var n int64
	if h, n, err = readHeader(r); err != nil {
		return fail(err)
	}
	size = int64(f.UncompressedSize64) - n
	if f.UncompressedSize64 > math.MaxInt64 || size < 0 {
		return fail(errTruncated)
	}
	return r, h, size, nil
}

// readArray reads an array with the converter that convert returns for its type, nil where the
// type is wrong.
func readArray[T any](a *Archive, name, want string,
	convert func(dtype) func(dst []T, src []byte) error) ([]T, []int, error) {
	r, h, size, err := a.open(name)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	fail := func(err error) ([]T, []int, error) {
		return nil, nil,
			fmt.Errorf("array %s: %w", name, err)
	}
	t, ok := lookup(h.descr)
	var into func([]T, []byte) error
	if ok {
		into = convert(t)
	}
	if into == nil {
		return fail(fmt.Errorf("type %q, want %s", h.descr, want))
	}
	n, err := h.count(t.size, size)
	if err != nil {
		return fail(err)
	}
	values, err := readNumbers(r, h, t, n, min(n, a.room(name)/t.size),
		func(dst []T, src []byte, _ int) error {
			return into(dst, src)
		})
	if err == nil {
		err = atEnd(r)
	}
	if err != nil {
		return fail(err)
	}
	return values, h.shape, nil
}

// room is how many bytes may be reserved for an array before they have come: what is
// claimed of a compressed one is true only once it has been read.
func (a *Archive) room(name string) int {
	if a.files[name].Method == zip.Store {
		return math.MaxInt
	}
	return plainSize
}

// atEnd reads on to the end of an array, where the zip's checksum is verified.
func atEnd(r io.Reader) error {
	var b [1]byte
	switch _, err := io.ReadFull(r, b[:]); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errors.New("trailing data")
}

// unexpected names an end of file that comes too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTruncated
	}
	return err
}

// Named is an array for WriteArchive: Data is a []float32, []int32 or []int64 of as many numbers
// as Shape says, or a float64, int or string without a shape.
type Named struct {
	Name  string
	Data  any
	Shape []int
}

// WriteArchive writes a .npz file as numpy.savez does, not compressed. The same arrays give the
// same bytes.
func WriteArchive(w io.Writer, arrays []Named) error {
	z := zip.NewWriter(w)
	for _, a := range arrays {
		f, err := z.CreateHeader(&zip.FileHeader{Name: a.Name + ".npy", Method: zip.Store,
			Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return err
		}
		if err := a.encode(f); err != nil {
			return fmt.Errorf("array %s: %w", a.Name, err)
		}
	}
	return z.Close()
}

func (a Named) encode(w io.Writer) error {
	switch v := a.Data.(type) {
	case []float32:
		return writeArray(w, "<f4", v, a.Shape, 4,
			func(b []byte, v float32) { le.PutUint32(b, math.Float32bits(v)) })
	case []int32:
		return writeArray(w, "<i4", v, a.Shape, 4,
			func(b []byte, v int32) { le.PutUint32(b, uint32(v)) })
	case []int64:
		return writeArray(w, "<i8", v, a.Shape, 8,
			func(b []byte, v int64) { le.PutUint64(b, uint64(v)) })
	case float64:
		return writeArray(w, "<f8", []float64{v}, nil, 8,
			func(b []byte, v float64) { le.PutUint64(b, math.Float64bits(v)) })
	case int:
		return writeArray(w, "<i8", []int{v}, nil, 8,
			func(b []byte, v int) { le.PutUint64(b, uint64(v)) })
	case string:
		runes := []rune(v)
		if len(runes) == 0 {
			runes = []rune{0}
		}
		if err := writeHeader(w, fmt.Sprintf("<U%d", len(runes))); err != nil {
			return err
		}
		return writeNumbers(w, runes, 4, func(b []byte, v rune) { le.PutUint32(b, uint32(v)) })
	}
	return fmt.Errorf("type %T cannot be written", a.Data)
}

func writeArray[T any](w io.Writer, descr string, values []T, shape []int, size int,
	put func([]byte, T)) error {
	n := 1
	for _, d := range shape {
		n *= d
	}
	if n != len(values) {
		return fmt.Errorf("%d numbers, want shape %s", len(values), tupleText(shape...))
	}
	if err := writeHeader(w, descr, shape...); err != nil {
		return err
	}
	return writeNumbers(w, values, size, put)
}

func writeNumbers[T any](w io.Writer, values []T, size int, put func([]byte, T)) error {
	buf := make([]byte, min(len(values)*size, chunk))
	for len(values) > 0 {
		n := min(len(values), chunk/size)
		for i, v := range values[:n] {
			put(buf[i*size:], v)
		}
		if _, err := w.Write(buf[:n*size]); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}
