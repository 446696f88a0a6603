package matrix

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	for name, c := range map[string]struct {
		text, column string
		labels       []string
	}{
		"last":           {"x,y,kind\n1,2,red\n3,4,white\n", "kind", []string{"red", "white"}},
		"first":          {"kind,x,y\nred,1,2\nwhite,3,4\n", "kind", []string{"red", "white"}},
		"by number":      {"1,2,red\n3,4,white\n", "3", []string{"red", "white"}},
		"number, header": {"x,y,kind\n1,2,red\n3,4,white\n", "3", []string{"red", "white"}},
		"numbers":        {"7,1,2\n-1,3,4\n", "1", []string{"7", "-1"}},
		"unknown":        {"x,kind,y\n1,,2\n3, ,4\n", "kind", []string{"", ""}},
		"quoted": {"x,\"kind, of\",y\n1,\"r\"\"d, x\",2\n\"3\",\"\",4\n", "kind, of",
			[]string{`r"d, x`, ""}},
		"columns numbers": {"kind,0,1\nred,1,2\nwhite,3,4\n", "kind", []string{"red", "white"}},
		"a name is one":   {"2,x,y\nred,1,2\nwhite,3,4\n", "1", []string{"red", "white"}},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := DecodeCSV(strings.NewReader(c.text), int64(len(c.text)), c.column)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, x.Matrix, Matrix{[]float32{1, 2, 3, 4}, 2, 2})
			if !slices.Equal(x.Labels, c.labels) {
				t.Errorf("labels %q, want %q", x.Labels, c.labels)
			}
		})
	}
	for name, c := range map[string]struct{ text, column, want string }{
		"no such column": {"x,y\n1,2\n", "kind",
			`line 1: no column is called "kind"; there are x, y`},
		"no such number": {"x,y\n1,2\n", "3",
			"line 1: there is no column 3; the line has 2 columns"},
		"no header":      {"1,2,red\n", "kind", "line 1 is no header"},
		"labels alone":   {"kind\nred\n", "kind", "line 1: no column beside that of the labels"},
		"text elsewhere": {"x,kind\n1,a\nb,c\n", "kind", `line 3, column 1: "b" is not a number`},
		"hole elsewhere": {"x,kind\n1,a\n,c\n", "kind", "line 3, column 1: empty"},
		"ragged": {"x,y,kind\n1,2,a\n1,b\n", "kind",
			`line 3, column 2: "b" is not a number`},
		"short": {"kind,x,y\na,1,2\na,1\n", "kind", "line 3, column 3: missing"},
		"open quote": {"x,kind\n1,\"a\n", "kind",
			"line 2, column 2: a quoted field that does not end on its line"},
		"after a quote": {"x,kind\n1,\"a\"b\n", "kind",
			`line 2, column 2: "b" after a quoted field`},
		"not UTF-8": {"x,kind\n1,\xff\n", "kind",
			"line 2, column 2: a label that is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeCSV(strings.NewReader(c.text), int64(len(c.text)), c.column)
			if err == nil || !strings.Contains(err.Error(), c.want) ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
		})
	}
}

// Bytes stay bytes, and an array in an archive is the same as one in a file.
func TestArray(t *testing.T) {
	b, err := os.ReadFile("testdata/u1.npy")
	if err != nil {
		t.Fatal(err)
	}
	x, err := DecodeArray(bytes.NewReader(b), int64(len(b)))
	if err != nil || x.Floats != nil ||
		!slices.Equal(x.Bytes, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}) || x.Width() != 4 {
		t.Errorf("%v, %v", x, err)
	}
	a := readArchive(t, "refused.npz")
	y, err := a.Array("fortran")
	if err != nil || !slices.Equal(y.Shape, []int{2, 3, 4}) || y.Width() != 12 {
		t.Errorf("%v, %v", y, err)
	}
	if _, err := a.Array("turned"); err == nil ||
		!strings.Contains(err.Error(), "array turned: row 2, column 2: infinity") {
		t.Errorf("error %v", err)
	}
	for name, want := range map[string][]string{"U": {"rosé", "", "red"},
		"S": {"white", "", "red"}} {
		b, err := os.ReadFile("testdata/labels-" + name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		if _, texts, err := DecodeLabels(bytes.NewReader(b), int64(len(b))); err != nil ||
			!slices.Equal(texts, want) {
			t.Errorf("%s: %q, %v", name, texts, err)
		}
	}
}
