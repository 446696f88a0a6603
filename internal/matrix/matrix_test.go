package matrix

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// golden is element i of the 3 x 4 arrays of internal/matrix/testdata/golden.py.
func golden(kind byte, i int) float32 {
	switch kind {
	case 'u':
		return float32(i)
	case 'i':
		return float32(i - 5)
	}
	return float32(i-5) / 4
}

func goldenMatrix() Matrix {
	m := Matrix{Rows: 3, Cols: 4}
	for i := range 12 {
		m.Data = append(m.Data, golden('f', i))
	}
	return m
}

func equal(t *testing.T, got, want Matrix) {
	t.Helper()
	if got.Rows != want.Rows || got.Cols != want.Cols || len(got.Data) != len(want.Data) {
		t.Fatalf("%d x %d with %d numbers, want %d x %d", got.Rows, got.Cols, len(got.Data),
			want.Rows, want.Cols)
	}
	for i, v := range got.Data {
		if math.Float32bits(v) != math.Float32bits(want.Data[i]) {
			t.Fatalf("element %d is %v, want %v", i, v, want.Data[i])
		}
	}
}

func read(t *testing.T, path string) Matrix {
	t.Helper()
	m, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReadNumPy(t *testing.T) {
	for _, name := range strings.Fields("f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 v2 v3") {
		t.Run(name, func(t *testing.T) {
			want := goldenMatrix()
			for i := range want.Data {
				want.Data[i] = golden(name[0], i)
			}
			equal(t, read(t, "testdata/"+name+".npy"), want)
		})
	}
	want := goldenMatrix()
	for _, name := range strings.Fields("fortran big-endian half") {
		equal(t, read(t, "testdata/"+name+".npy"), want)
	}
	cube := Matrix{Rows: 2, Cols: 12}
	for i := range 24 {
		cube.Data = append(cube.Data, golden('f', i))
	}
	equal(t, read(t, "testdata/cube.npy"), cube)
	equal(t, read(t, "testdata/fortran-cube.npy"), cube)
	equal(t, read(t, "testdata/halves-f2.npy"), read(t, "testdata/halves-f4.npy"))
	whole := read(t, "testdata/big-endian-i2.npy")
	for i, v := range whole.Data {
		if v != golden('i', i) {
			t.Errorf("element %d of big-endian integers is %v", i, v)
		}
	}
	for i, v := range read(t, "testdata/bool.npy").Data {
		if (v == 1) != (i > 5) || v != 0 && v != 1 {
			t.Errorf("truth %d is %v", i, v)
		}
	}
	equal(t, read(t, "testdata/row.npy"), Matrix{want.Data[:4], 1, 4})
	equal(t, read(t, "testdata/column.npy"),
		Matrix{[]float32{want.Data[0], want.Data[4], want.Data[8]}, 3, 1})
}

// Rounding to float32 is NumPy's, from float64, uint64 and text.
func TestRounding(t *testing.T) {
	wide := read(t, "testdata/wide-f4.npy")
	equal(t, read(t, "testdata/wide-f8.npy"), wide)
	equal(t, read(t, "testdata/wide-f4.csv"), wide)
	equal(t, read(t, "testdata/wide-f8.csv"), wide)
	equal(t, read(t, "testdata/whole-u8.npy"), read(t, "testdata/whole-f4.npy"))
}

// The bytes written are NumPy's.
func TestWriteNumPy(t *testing.T) {
	dir := t.TempDir()
	for _, name := range strings.Fields("f4 wide-f4 whole-f4 row column") {
		path := filepath.Join(dir, name+".npy")
		if err := WriteFile(path, read(t, "testdata/"+name+".npy")); err != nil {
			t.Fatal(err)
		}
		same(t, path, "testdata/"+name+".npy")
	}
	path := filepath.Join(dir, "labels.npy")
	if err := WriteLabels(path, []int{5, 0, 4, 1, 9}); err != nil {
		t.Fatal(err)
	}
	same(t, path, "testdata/labels-i8.npy")
}

func same(t *testing.T, got, want string) {
	t.Helper()
	a, err := os.ReadFile(got)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("%s: %q, want %q", want, a, b)
	}
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m := Matrix{Rows: 300, Cols: 517} // several chunks
	for len(m.Data) < m.Rows*m.Cols {
		if v := math.Float32frombits(r.Uint32()); finite(v) {
			m.Data = append(m.Data, v)
		}
	}
	m.Data[0], m.Data[1] = float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32
	for _, name := range []string{"x.npy", "x.csv", "X.NPY", "X.CSV"} {
		path := filepath.Join(t.TempDir(), name)
		if err := WriteFile(path, m); err != nil {
			t.Fatal(err)
		}
		equal(t, read(t, path), m)
	}
}

func TestCSV(t *testing.T) {
	two := Matrix{[]float32{1, 2, 3, 4}, 2, 2}
	for name, text := range map[string]string{
		"plain":          "1,2\n3,4\n",
		"no line end":    "1,2\n3,4",
		"CRLF":           "1,2\r\n3,4\r\n",
		"spaces":         " 1 ,\t2\n3 , 4 \n",
		"header":         "x,y\n1,2\n3,4\n",
		"quoted header":  "\"x\",\"y 2\"\n1,2\n3,4\n",
		"comment header": "# x y\n1,2\n3,4\n",
		"mark":           "\ufeffx,y\n1,2\n3,4\n",
		"mark, numbers":  "\ufeff1,2\n3,4\n",
		"blank end":      "1,2\n3,4\n\n \r\n\n",
		"notations":      "1e0,+2.0\n.3e1,0x4p0\n",
	} {
		t.Run(name, func(t *testing.T) {
			m, err := decodeCSV(strings.NewReader(text), int64(len(text)))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, m, two)
		})
	}
}

func TestCSVErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":         {"", "no rows"},
		"header only":   {"x,y\n", "no rows"},
		"blank only":    {"\n\n", "no rows"},
		"hole":          {"1,2\n3,\n", "line 2, column 2: empty"},
		"hole at start": {",2\n3,4\n", "line 1, column 1: empty"},
		"hole of space": {"1,2,3\n4, ,6\n", "line 2, column 2: empty"},
		"not a number":  {"x,y\n1,2\n3,four\n", `line 3, column 2: "four" is not a number`},
		"half a header": {"x,2\n3,4\n", `line 1, column 1: "x" is not a number`},
		"two headers":   {"x,y\nmm,mm\n3,4\n", `line 2, column 1: "mm" is not a number`},
		"short line": {"1,2,3\n4,5\n",
			"line 2, column 3: missing, the lines before have 3 columns"},
		"long line": {"1,2\n3,4\n5,6,7\n", "line 3, column 3: more than the 2 columns"},
		"NaN":       {"1,2\nnan,4\n", "line 2, column 1: nan is not a finite number"},
		"infinity":  {"1,2\n3, -Inf \n", "line 2, column 2: -Inf is not a finite number"},
		"beyond":    {"1,2\n3,1e39\n", `line 2, column 2: "1e39" is beyond float32`},
		"semicolons": {"x;y\n1;2\n",
			`line 2, column 1: "1;2" is not a number; columns are separated by commas`},
		"blank line": {"1,2\n\n\n3,4\n", "line 2: empty"},
		"long field": {"1,2\n3," + strings.Repeat("9", 50) + "x\n",
			strings.Repeat("9", 40) + `" is not a number`},
		"NUL":           {"1,2\n3,\x00\n", `line 2, column 2: "\x00" is not a number`},
		"long line end": {strings.Repeat("1,", maxLine/2) + "1", "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decodeCSV(strings.NewReader(c.text), int64(len(c.text)))
			if err == nil || !strings.Contains(err.Error(), c.want) ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	dir := t.TempDir()
	good, err := os.ReadFile("testdata/f4.npy")
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	at := func(i int, b ...byte) []byte {
		c := slices.Clone(good)
		copy(c[i:], b)
		return c
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.npy"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{"testdata/complex.npy", `type "<c8", want numbers (x.astype(np.float32))`},
		{"testdata/text.npy", `type "<U1"`},
		{"testdata/object.npy", "Python objects, is not supported"},
		{"testdata/structured.npy", "a structured type"},
		{"testdata/scalar.npy", "shape (), want two dimensions"},
		{"testdata/labels-i8.npy", "shape (5,), want two dimensions"},
		{"testdata/no-rows.npy", "empty: shape (0, 4)"},
		{"testdata/no-columns.npy", "empty: shape (4, 0)"},
		{"testdata/nan.npy", "row 2, column 3: NaN"},
		{"testdata/inf.npy", "row 2, column 3: infinity"},
		{"testdata/beyond.npy", "row 3, column 1: 1e+39 is beyond float32"},
		{put("truncated.npy", good[:len(good)-1]),
			"truncated: shape (3, 4) of 4-byte numbers does not fit the 47 bytes"},
		{put("trailing.npy", append(slices.Clone(good), 0)),
			"trailing data: shape (3, 4) of 4-byte numbers leaves 1 of 49 bytes over"},
		{put("empty.npy", nil), "too short"},
		{put("magic.npy", at(0, 'P', 'K')), "not a .npy file"},
		{put("version.npy", at(6, 4)), "version 4.0"},
		{put("head.npy", good[:50]), "truncated"},
		{put("long.npy", at(8, 0xff, 0xff)), "claims 65535 bytes"},
		{put("x.txt", good), "unknown extension, want .npy or .csv"},
		{put("x.csv", good), "is not a number"},
		{filepath.Join(dir, "none.npy"), "no such file"},
		{filepath.Join(dir, "folder.npy"), "not a regular file"},
	} {
		_, err := ReadFile(c.path)
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), "matrix: read "+c.path+": ") ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, c.want)
		}
	}
	if _, err := ReadFile(filepath.Join(dir, "none.npy")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v is not fs.ErrNotExist", err)
	}
}

func TestLabels(t *testing.T) {
	for _, name := range strings.Fields("i1 i2 i4 i8 u1 u2 u4 u8") {
		got, err := ReadLabels("testdata/labels-" + name + ".npy")
		if err != nil || !slices.Equal(got, []int{5, 0, 4, 1, 9}) {
			t.Errorf("%s: labels %v, error %v", name, got, err)
		}
	}
	if got, err := ReadLabels("testdata/labels-negative.npy"); err != nil ||
		!slices.Equal(got, []int{-1, 3}) {
		t.Errorf("labels %v, error %v", got, err)
	}
	for path, want := range map[string]string{
		"testdata/labels-f4.npy":     `type "<f4", want integers (x.astype(np.int64))`,
		"testdata/labels-beyond.npy": "label 2 is beyond",
		"testdata/labels-2d.npy":     "shape (5, 1), want one dimension (y.ravel())",
		"testdata/labels-none.npy":   "empty: shape (0,)",
		"testdata/wide-f8.csv":       "want .npy",
		"testdata/none.npy":          "no such file",
	} {
		if _, err := ReadLabels(path); err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "l.npy")
	labels := []int{math.MaxInt64, math.MinInt64, 0, -1}
	if err := WriteLabels(path, labels); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadLabels(path); err != nil || !slices.Equal(got, labels) {
		t.Errorf("labels %v, error %v", got, err)
	}
	if err := WriteLabels(path, nil); err == nil {
		t.Error("no error for no labels")
	}
	if err := WriteLabels(path+".csv", labels); err == nil {
		t.Error("no error for .csv")
	}
}

func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	one := Matrix{[]float32{1}, 1, 1}
	for _, c := range []struct {
		name string
		m    Matrix
		want string
	}{
		{"x.npy", Matrix{}, "empty (0 x 0)"},
		{"x.npy", Matrix{nil, 0, 3}, "empty (0 x 3)"},
		{"x.npy", Matrix{[]float32{1, 2, 3}, 2, 2}, "3 numbers are not a 2 x 2 matrix"},
		{"x.csv", Matrix{[]float32{1, 2, float32(math.NaN())}, 1, 3}, "row 1, column 3: NaN"},
		{"x.csv", Matrix{[]float32{1, 2, 3, float32(math.Inf(-1))}, 2, 2},
			"row 2, column 2: infinity"},
		{"x.txt", one, "unknown extension"},
		{"x", one, "unknown extension"},
		{"none/x.npy", one, "no such file"},
	} {
		err := WriteFile(filepath.Join(dir, c.name), c.m)
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), filepath.Join(dir, c.name)) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// The sizes of the notebook's matrices: every third image, and its latent.
func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"x.npy", "x.csv"} {
		for _, cols := range []int{50, 784} {
			r := rand.New(rand.NewPCG(1, 2))
			m := Matrix{Rows: 20000, Cols: cols, Data: make([]float32, 20000*cols)}
			for i := range m.Data {
				m.Data[i] = r.Float32()
			}
			path := filepath.Join(b.TempDir(), name)
			b.Run(fmt.Sprintf("write/%s/20000x%d", name[2:], cols), func(b *testing.B) {
				for b.Loop() {
					if err := WriteFile(path, m); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("read/%s/20000x%d", name[2:], cols), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := ReadFile(path); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func TestEvery(t *testing.T) {
	m := Matrix{Rows: 7, Cols: 2, Data: []float32{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}}
	for k, want := range map[int][]float32{1: m.Data, 3: {0, 0, 3, 3, 6, 6}, 4: {0, 0, 4, 4},
		7: {0, 0}, 9: {0, 0}} {
		if got := m.Every(k); !slices.Equal(got.Data, want) || got.Rows != len(want)/2 {
			t.Errorf("every %d: %v", k, got)
		}
	}
	if got := Every([]int{5, 0, 4, 1}, 1, 3); !slices.Equal(got, []int{5, 1}) {
		t.Errorf("every third label: %v", got)
	}
}
