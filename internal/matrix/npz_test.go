package matrix

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func openArchive(t testing.TB, b []byte) *Archive {
	t.Helper()
	a, err := OpenArchive(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func readArchive(t testing.TB, name string) *Archive {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return openArchive(t, b)
}

// What NumPy and SciPy wrote.
func TestArchive(t *testing.T) {
	for _, name := range []string{"plain.npz", "compressed.npz"} {
		t.Run(name, func(t *testing.T) {
			a := readArchive(t, name)
			index, shape, err := Integers[int32](a, "indices")
			if err != nil || !slices.Equal(index, []int32{1, 2, 0, -1, 1, 0, 2, 1}) ||
				!slices.Equal(shape, []int{4, 2}) {
				t.Errorf("indices %v of shape %v, %v", index, shape, err)
			}
			d, shape, err := a.Floats("distances")
			if err != nil ||
				!slices.Equal(d,
					[]float32{0.5, 1.5, 0.5, float32(math.Inf(1)), 1, 1.5, 2, 2.25}) ||
				!slices.Equal(shape, []int{4, 2}) {
				t.Errorf("distances %v of shape %v, %v", d, shape, err)
			}
			if s, err := a.Text("name"); err != nil || s != "nächste" {
				t.Errorf("name %q, %v", s, err)
			}
			if s, err := a.Text("code"); err != nil || s != "csr" {
				t.Errorf("code %q, %v", s, err)
			}
			if v, err := a.Number("number"); err != nil || v != 0.25 {
				t.Errorf("number %v, %v", v, err)
			}
			if v, err := a.Number("count"); err != nil || v != 7 {
				t.Errorf("count %v, %v", v, err)
			}
		})
	}
	turned, shape, err := readArchive(t, "refused.npz").Floats("turned") // Fortran order
	if err != nil ||
		!slices.Equal(turned, []float32{0.5, 1.5, 0.5, float32(math.Inf(1)), 1, 1.5, 2, 2.25}) ||
		!slices.Equal(shape, []int{4, 2}) {
		t.Errorf("%v of shape %v, %v", turned, shape, err)
	}
	a := readArchive(t, "csr.npz")
	start, _, err := Integers[int64](a, "indptr")
	if err != nil || !slices.Equal(start, []int64{0, 2, 3, 4}) {
		t.Errorf("indptr %v, %v", start, err)
	}
	if s, err := a.Text("format"); err != nil || s != "csr" || !a.Has("data") || a.Has("none") {
		t.Errorf("format %q, %v", s, err)
	}
}

func TestArchiveErrors(t *testing.T) {
	a := readArchive(t, "refused.npz")
	floats := func(name string) error { _, _, err := a.Floats(name); return err }
	integers := func(name string) error { _, _, err := Integers[int32](a, name); return err }
	text := func(name string) error { _, err := a.Text(name); return err }
	number := func(name string) error { _, err := a.Number(name); return err }
	for _, c := range []struct {
		err  error
		want string
	}{
		{floats("none"), "there is no array called none"},
		{floats("objects"), `type "|O", want numbers`},
		{integers("wide"), "array wide: 2147483648 does not fit a 32-bit integer"},
		{integers("unsigned"), "array unsigned: 18446744073709551616 does not fit"},
		{floats("empty"), "the array is empty: shape (0, 3)"},
		{integers("fraction"), `type "<f8", want integers`},
		{text("fraction"), "want a text"},
		{text("long"), "a text of 20000 bytes"},
		{number("big"), "array big: 3 numbers, want one"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) ||
			strings.Contains(c.err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", c.err, c.want)
		}
	}
}

// zipped makes an archive of the given entries, one after another.
func zipped(t *testing.T, method uint16, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		f, err := z.CreateHeader(&zip.FileHeader{Name: entries[i], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(entries[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchiveHostile(t *testing.T) {
	head := func(shape string) string {
		return string(npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': "+shape+", }",
			nil))
	}
	good := zipped(t, zip.Store, "x.npy", head("(2,)")+"\x00\x00\x80\x3f\x00\x00\x00\x40")
	if v, _, err := openArchive(t, good).Floats("x"); err != nil ||
		!slices.Equal(v, []float32{1, 2}) {
		t.Fatalf("%v, %v", v, err)
	}
	// The number changes, its checksum does not.
	broken := bytes.Replace(good, []byte("\x00\x00\x80\x3f"), []byte("\x00\x00\x80\x3e"), 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "not a .npz file"},
		{"text", []byte("1,2\n3,4\n"), "not a .npz file"},
		{"cut", good[:len(good)-30], "not a .npz file"},
		{"duplicate", zipped(t, zip.Store, "x.npy", "1", "x.npy", "2"),
			`two arrays are called "x"`},
		{"checksum", broken, "checksum"},
		{"no array", zipped(t, zip.Store, "x.npy", "hello"), "not a .npy file"},
		{"header alone", zipped(t, zip.Store, "x.npy", head("(4,)")), "truncated"},
		{"trailing", zipped(t, zip.Store, "x.npy", head("(1,)")+"12345678"), "trailing data"},
		{"huge", zipped(t, zip.Deflate, "x.npy", head("(4611686018427387904, 4)")+"12345678"),
			"truncated"},
		{"a text", zipped(t, zip.Store, "readme.txt", "hello"), "no array called x"},
		{"overlap", overlapping(t, good), "more bytes than the file has"},
		{"bomb", bomb(t), "more than 100 times"},
	} {
		a, err := OpenArchive(bytes.NewReader(c.b), int64(len(c.b)))
		if err == nil {
			_, _, err = a.Floats("x")
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

// overlapping adds entries to the directory of an archive of one, all at that one's bytes.
func overlapping(t *testing.T, b []byte) []byte {
	at := bytes.Index(b, []byte("PK\x01\x02"))
	end := bytes.Index(b, []byte("PK\x05\x06"))
	if at < 0 || end < 0 {
		t.Fatal("no directory")
	}
	out := slices.Clone(b[:at])
	const count = 200
	for i := range count {
		entry := slices.Clone(b[at:end])
		name := fmt.Sprintf("%c%d.npy", 'a'+i%26, i/26)
		binary.LittleEndian.PutUint16(entry[28:], uint16(len(name)))
		entry = append(append(entry[:46:46], name...), entry[46+5:]...)
		out = append(out, entry...)
	}
	tail := slices.Clone(b[end:])
	binary.LittleEndian.PutUint16(tail[8:], count)
	binary.LittleEndian.PutUint16(tail[10:], count)
	binary.LittleEndian.PutUint32(tail[12:], uint32(len(out)-at))
	return append(out, tail...)
}

// bomb is an archive of 32 MiB of zeros, compressed.
func bomb(t *testing.T) []byte {
	b, err := os.ReadFile("testdata/zeros.npz")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWriteArchive(t *testing.T) {
	arrays := []Named{
		{"x", []float32{1, 2, 3, 4, 5, float32(math.NaN())}, []int{2, 3}},
		{"i", []int32{1, -1}, []int{2}}, {"l", []int64{1 << 40}, []int{1}},
		{"v", 0.25, nil}, {"n", 7, nil}, {"s", "cosine", nil}, {"none", "", nil},
	}
	var b, again bytes.Buffer
	if err := WriteArchive(&b, arrays); err != nil {
		t.Fatal(err)
	}
	if err := WriteArchive(&again, arrays); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("other bytes, %v", err)
	}
	a := openArchive(t, b.Bytes())
	x, shape, err := a.Floats("x")
	if err != nil || !slices.Equal(x[:5], []float32{1, 2, 3, 4, 5}) || x[5] == x[5] ||
		!slices.Equal(shape, []int{2, 3}) {
		t.Errorf("x %v of %v, %v", x, shape, err)
	}
	l, _, err := Integers[int64](a, "l")
	if err != nil || l[0] != 1<<40 {
		t.Errorf("l %v, %v", l, err)
	}
	for name, want := range map[string]float64{"v": 0.25, "n": 7} {
		if v, err := a.Number(name); err != nil || v != want {
			t.Errorf("%s %v, %v", name, v, err)
		}
	}
	for name, want := range map[string]string{"s": "cosine", "none": ""} {
		if v, err := a.Text(name); err != nil || v != want {
			t.Errorf("%s %q, %v", name, v, err)
		}
	}
	for _, bad := range []Named{{"x", []float32{1}, []int{2}}, {"x", 'x', nil}} {
		if WriteArchive(&b, []Named{bad}) == nil {
			t.Errorf("no error for %v", bad)
		}
	}
}

// FuzzNPZ checks that reading anything ends with arrays of the size they say or an error.
func FuzzNPZ(f *testing.F) {
	for _, name := range []string{"plain.npz", "compressed.npz", "csr.npz"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := OpenArchive(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for name := range a.files {
			v, shape, err := a.Floats(name)
			product := 1
			for _, d := range shape {
				product *= d
			}
			if err == nil && len(v) != product {
				t.Errorf("%s: %d numbers of shape %v", name, len(v), shape)
			}
			_, _, _ = Integers[int64](a, name)
			_, _, _ = Integers[int32](a, name)
			_, _ = a.Text(name)
			_, _ = a.Number(name)
		}
	})
}

// A stream's format is told by its bytes.
func TestReadWriteStream(t *testing.T) {
	m := Matrix{Data: []float32{1, 2, 3, 4, 5, 6.5}, Rows: 2, Cols: 3}
	for _, format := range Formats {
		var b bytes.Buffer
		if err := Write(&b, m, format); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, m)
	}
	if err := Write(&bytes.Buffer{}, m, "txt"); err == nil ||
		!strings.Contains(err.Error(), `unknown format "txt"`) {
		t.Errorf("error %v", err)
	}
	for text, want := range map[string]string{"": "no rows", "\x93NUMPY\x01": "too short"} {
		if _, err := Read(strings.NewReader(text)); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}
