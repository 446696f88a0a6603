// Package matrix reads and writes matrices of float32 and labels, as NumPy's
// .npy files and as .csv, and the arrays of .npz files.
package matrix

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"latent/internal/atomicfile"
)

// Matrix is a dense matrix, row-major: row i is Data[i*Cols : (i+1)*Cols].
type Matrix struct {
	Data       []float32 // Rows x Cols
	Rows, Cols int       // both at least 1
}

// ReadFile reads a matrix from a .npy or .csv file, which the extension
// decides.
//
// A .npy file (format 1.0 to 3.0) holds numbers of any type but complex ones, rounded to
// float32, in either order and in two dimensions or more, of which the first counts the
// rows. A .csv file has one row a line and
// commas between its numbers; a first line without any number in it is a
// header and skipped.
//
// An empty matrix, NaN, infinity, a number beyond float32, and whatever else
// does not fit is an error that names the file, what is wrong, where, and
// what to do. What a header claims is compared with the file's size before
// memory is taken for it.
func ReadFile(path string) (Matrix, error) {
	m, err := readFile(path)
	if err != nil {
		return Matrix{}, fmt.Errorf("matrix: read %s: %w", path, err)
	}
	return m, nil
}

func readFile(path string) (Matrix, error) {
	read := decodeNPY
	switch format(path) {
	case npy:
	case csv:
		read = decodeCSV
	default:
		return Matrix{}, errExtension
	}
	f, size, err := atomicfile.Open(path)
	if err != nil {
		return Matrix{}, err
	}
	defer f.Close()
	return read(f, size)
}

// WriteFile replaces path by m, as .npy (float32, C order, the bytes that
// NumPy writes) or .csv (shortest numbers that read back as the same float32,
// no header), which the extension decides. The file is whole or unchanged.
// NaN and infinity, which ReadFile would refuse, are an error.
func WriteFile(path string, m Matrix) error {
	if err := m.validate(); err != nil {
		return fmt.Errorf("matrix: write %s: %w", path, err)
	}
	write := m.encodeNPY
	switch format(path) {
	case npy:
	case csv:
		write = m.encodeCSV
	default:
		return fmt.Errorf("matrix: write %s: %w", path, errExtension)
	}
	if err := atomicfile.Write(path, write); err != nil {
		return fmt.Errorf("matrix: %w", err)
	}
	return nil
}

// Read reads a matrix from a stream, such as standard input: .npy where it begins as such a file
// does, else .csv. It says what ReadFile says of what does not fit.
func Read(r io.Reader) (Matrix, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return Matrix{}, fmt.Errorf("matrix: read: %w", err)
	}
	read := decodeCSV
	if bytes.HasPrefix(b, []byte(magic)) {
		read = decodeNPY
	}
	m, err := read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return Matrix{}, fmt.Errorf("matrix: read: %w", err)
	}
	return m, nil
}

// Formats are the names of the formats that Write knows.
var Formats = []string{"npy", "csv"}

// Write writes m to a stream in one of Formats, as WriteFile would.
func Write(w io.Writer, m Matrix, format string) error {
	if err := m.validate(); err != nil {
		return fmt.Errorf("matrix: write: %w", err)
	}
	switch "." + format {
	case npy:
		return m.encodeNPY(w)
	case csv:
		return m.encodeCSV(w)
	}
	return fmt.Errorf("matrix: write: unknown format %q, want npy or csv", format)
}

// validate reports sizes that do not fit and numbers that are not finite.
func (m Matrix) validate() error {
	if m.Rows < 1 || m.Cols < 1 {
		return fmt.Errorf("the matrix is empty (%d x %d)", m.Rows, m.Cols)
	}
	if len(m.Data)/m.Cols != m.Rows || len(m.Data)%m.Cols != 0 {
		return fmt.Errorf("%d numbers are not a %d x %d matrix", len(m.Data), m.Rows, m.Cols)
	}
	for i, v := range m.Data {
		if !finite(v) {
			return notFinite(i/m.Cols+1, i%m.Cols+1, float64(v))
		}
	}
	return nil
}

// ReadLabels reads the labels of a .npy file: one dimension, integers of 8 to
// 64 bits, signed or not.
func ReadLabels(path string) ([]int, error) {
	labels, err := readLabels(path)
	if err != nil {
		return nil, fmt.Errorf("matrix: read labels %s: %w", path, err)
	}
	return labels, nil
}

func readLabels(path string) ([]int, error) {
	if format(path) != npy {
		return nil, errors.New("unknown extension, want .npy")
	}
	f, size, err := atomicfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return decodeLabels(f, size)
}

// WriteLabels replaces path, which ends in .npy, by labels as int64.
func WriteLabels(path string, labels []int) error {
	switch {
	case format(path) != npy:
		return fmt.Errorf("matrix: write labels %s: unknown extension, want .npy", path)
	case len(labels) == 0:
		return fmt.Errorf("matrix: write labels %s: there are none", path)
	}
	if err := atomicfile.Write(path, encodeLabels(labels)); err != nil {
		return fmt.Errorf("matrix: %w", err)
	}
	return nil
}

const (
	npy = ".npy"
	csv = ".csv"
)

var errExtension = errors.New("unknown extension, want .npy or .csv")

func format(path string) string { return strings.ToLower(filepath.Ext(path)) }

// finite reports whether v is neither NaN nor infinite.
func finite(v float32) bool { return math.Float32bits(v)&0x7f800000 != 0x7f800000 }

// notFinite is the error about a number that is v, before it was made a float32. Rows
// and columns count from 1, as lines do.
func notFinite(row, column int, v float64) error {
	what := fmt.Sprintf("%v is beyond float32", v)
	switch {
	case math.IsNaN(v):
		what = "NaN"
	case math.IsInf(v, 0):
		what = "infinity"
	}
	return fmt.Errorf("row %d, column %d: %s; remove or replace it", row, column, what)
}

// Every returns each k-th row of x, whose rows have width elements, from the first
// on; x itself for k = 1.
func Every[T any](x []T, width, k int) []T {
	if k == 1 {
		return x
	}
	rows := len(x) / width
	out := make([]T, 0, (rows+k-1)/k*width)
	for i := 0; i < rows; i += k {
		out = append(out, x[i*width:(i+1)*width]...)
	}
	return out
}

// Every is each k-th row of m.
func (m Matrix) Every(k int) Matrix {
	return Matrix{Data: Every(m.Data, m.Cols, k), Rows: (m.Rows + k - 1) / k, Cols: m.Cols}
}
