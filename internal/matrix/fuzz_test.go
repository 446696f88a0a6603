package matrix

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// npyFile makes a .npy file of version 1.0 from a header's text and data.
func npyFile(header string, data []byte) []byte {
	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	return append(append(b, header...), data...)
}

// What a header claims costs nothing: it is compared with the file's size.
func TestBombs(t *testing.T) {
	for name, b := range map[string][]byte{
		"2^60": npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': "+
			"(1073741824, 1073741824), }", nil),
		"2^62": npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': "+
			"(4611686018427387904, 1), }", make([]byte, 4)),
		"overflow": npyFile("{'descr': '<f8', 'fortran_order': False, 'shape': "+
			"(4294967296, 4294967296), }", make([]byte, 8)),
		"overflow to 48": npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': "+
			"(4611686018427387907, 4), }", make([]byte, 48)),
		"beyond int64": npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': "+
			"(99999999999999999999, 4), }", nil),
		"negative": npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (-3, -4), }",
			make([]byte, 48)),
		"zero by huge": npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': "+
			"(4611686018427387904, 0), }", nil),
		"dimensions": npyFile(
			"{'descr': '<f4', 'fortran_order': False, 'shape': ("+strings.Repeat("1, ",
				3000)+"), }", make([]byte, 4)),
		"long header": npyFile(strings.Repeat(" ", 60000), nil),
		"4 GB header": append([]byte(magic), 2, 0, 0xff, 0xff, 0xff, 0xff),
		"nested":      npyFile("{'descr': "+strings.Repeat("[", 9000), nil),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := decodeNPY(bytes.NewReader(b), int64(len(b)))
			_, err2 := decodeLabels(bytes.NewReader(b), int64(len(b)))
			runtime.ReadMemStats(&after)
			if err == nil || err2 == nil {
				t.Errorf("errors %v, %v", err, err2)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
}

// FuzzNPY checks that whatever is read is finite and of the size it says, and
// written and read again the same.
func FuzzNPY(f *testing.F) {
	files, err := filepath.Glob("testdata/*.npy")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 1000 {
			f.Add(b)
		}
	}
	f.Add(npyFile("{'shape': (2, 1L), 'fortran_order': False, \"descr\": '>u1'}", []byte{1, 2}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeLabels(bytes.NewReader(b), int64(len(b)))
		m, err := decodeNPY(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		again(t, m, len(b), Matrix.encodeNPY, decodeNPY)
	})
}

// FuzzCSV checks the same of text.
func FuzzCSV(f *testing.F) {
	for _, text := range []string{
		"1,2\n3,4\n", "x,y\r\n1e3,-.5\r\n", "\ufeffa\n1\n", "1,,2\n", "nan,inf\n", "1e39\n",
		"0x1p-2,1_0\n",
		"1,2\n\n", "\n1", "1;2\n", "1,2\n3\n", "-0,5e-324\n", "\"a\",\"b,c\"\n1,2,3",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeCSV(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		again(t, m, 2*len(b), Matrix.encodeCSV, decodeCSV)
	})
}

// again checks m, which most numbers at most were read into, and that it
// survives encode and decode.
func again(t *testing.T, m Matrix, most int, encode func(Matrix, io.Writer) error,
	decode func(io.Reader, int64) (Matrix, error)) {
	t.Helper()
	if err := m.validate(); err != nil || len(m.Data) > most {
		t.Fatalf("%d numbers, %v", len(m.Data), err)
	}
	var out bytes.Buffer
	if err := encode(m, &out); err != nil {
		t.Fatal(err)
	}
	got, err := decode(&out, int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, m)
}

// FuzzTable checks that a table with a column of labels has one for each row.
func FuzzTable(f *testing.F) {
	for _, text := range []string{
		"x,kind\n1,a\n2,\n", "a,1\nb,2\n", "\"kind, of\",x\n\"re\"\"d\",1\n", "kind\n",
		"kind,x\n\"a,1\n", "2,1\n3,4\n", "\"a\"b,1\n",
	} {
		f.Add([]byte(text), "kind")
		f.Add([]byte(text), "1")
	}
	f.Fuzz(func(t *testing.T, b []byte, column string) {
		x, err := DecodeCSV(bytes.NewReader(b), int64(len(b)), column)
		if err != nil {
			return
		}
		if err := x.validate(); err != nil || len(x.Data) > 2*len(b) || column != "" &&
			len(x.Labels) != x.Rows {
			t.Fatalf("%d x %d, %d labels: %v", x.Rows, x.Cols, len(x.Labels), err)
		}
	})
}

// FuzzLabels checks that labels of a .npy file are numbers or texts, as many as fit into it.
func FuzzLabels(f *testing.F) {
	files, err := filepath.Glob("testdata/labels-*.npy")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		labels, texts, err := DecodeLabels(bytes.NewReader(b), int64(len(b)))
		if err == nil && (labels == nil) == (texts == nil) || len(labels)+len(texts) > len(b) {
			t.Fatalf("%d labels, %d texts, %v", len(labels), len(texts), err)
		}
	})
}
