package dataset

import (
	"bytes"
	"context"
	"image/color"
	"path/filepath"
	"strings"
	"testing"

	"latent/internal/matrix"
)

func TestReadOwnErrors(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	npy(t, at("x.npy"), 4, 2, 1, 2, 3, 4, 5, 6, 7, 8)
	npy(t, at("one.npy"), 1, 2, 1, 2)
	npy(t, at("three.npy"), 2, 3, 1, 2, 3, 4, 5, 6)
	npyBytes(t, at("bytes.npy"), "(4, 2)", count(8))
	npyBytes(t, at("wide.npy"), "(1, 1000000)", make([]byte, 1000000))
	write(t, at("long.csv"), []byte("1,2\n3,4\n"+strings.Repeat("1,", 299999)+"1\n"))
	write(t, at("wide.csv"), []byte(strings.Repeat("1,", 299999)+"1\n"))
	write(t, at("ragged.csv"), []byte("a,b\n1,2\n3\n"))
	write(t, at("text.csv"), []byte("a,b\n1,2\n3,red\n"))
	write(t, at("l3.txt"), []byte("a\nb\n"))
	write(t, at("same.txt"), []byte("a\na\na\na\n"))
	write(t, at("latin.txt"), []byte("a\nros\xe9\nb\na\n"))
	write(t, at("parquet"), []byte("PAR1\x00\x00"))
	write(t, at("nothing"), nil)
	write(t, at("cut.npz"), []byte("PK\x03\x04"))
	write(t, at("cut-idx"), idxOf(count(5), 4, 2))
	write(t, at("bomb.gz"), pack(t, idxOf(make([]byte, 1<<20), 1<<24, 1<<7)))
	picture(t, at("sizes/a/1.png"), 2, 3, color.Gray{1})
	picture(t, at("sizes/b/2.png"), 3, 2, color.Gray{1})
	write(t, at("corrupt/a/1.png"), []byte("\x89PNG\r\n\x1a\n"))
	write(t, at("corrupt/a/2.jpg"), []byte("not a JPEG"))
	picture(t, at("huge/1.png"), 2, 100000, color.Gray{1})
	write(t, at("none/a/notes.txt"), []byte("x"))
	var twice bytes.Buffer
	_ = matrix.WriteArchive(&twice,
		[]matrix.Named{{Name: "x", Data: []float32{1}, Shape: []int{1}},
			{Name: "x", Data: []float32{1}, Shape: []int{1}}})
	write(t, at("twice.npz"), twice.Bytes())
	var two bytes.Buffer
	_ = matrix.WriteArchive(&two,
		[]matrix.Named{{Name: "x", Data: []float32{1}, Shape: []int{1}},
			{Name: "y", Data: []float32{1}, Shape: []int{1}}})
	write(t, at("two.npz"), two.Bytes())
	half := func(s Source) OwnOptions { return OwnOptions{Train: s, TestFraction: 0.5} }
	for name, c := range map[string]struct {
		o    OwnOptions
		want string
	}{
		"no file": {half(Source{Input: at("gone.npy")}), "gone.npy: no such file"},
		"fraction": {OwnOptions{Train: Source{Input: at("x.npy")}},
			"fraction of test rows must be above 0 and below 1, got 0"},
		"one row": {half(Source{Input: at("one.npy")}), "one.npy: one row, want two"},
		"other width": {OwnOptions{Train: Source{Input: at("x.npy")},
			Test: Source{Input: at("three.npy")}}, "three.npy: 3 columns, want 2"},
		"bytes or not": {OwnOptions{Train: Source{Input: at("x.npy")},
			Test: Source{Input: at("bytes.npy")}}, "holds bytes, the other does not"},
		"million columns": {half(Source{Input: at("wide.npy")}),
			"wide.npy: 1000000 columns, want at most 262144"},
		"wide csv": {half(Source{Input: at("wide.csv")}),
			"wide.csv: 300000 columns, want at most 262144"},
		"long line": {half(Source{Input: at("long.csv")}),
			"long.csv: line 3, column 3: more than the 2 columns"},
		"ragged": {half(Source{Input: at("ragged.csv")}),
			"ragged.csv: line 3, column 2: missing"},
		"text cell": {half(Source{Input: at("text.csv")}),
			`text.csv: line 3, column 2: "red" is not a number`},
		"labels": {half(Source{Input: at("x.npy"), Labels: at("l3.txt")}),
			"l3.txt: 2 labels for 4 rows"},
		"one class": {half(Source{Input: at("x.npy"), Labels: at("same.txt")}),
			`all are "a", want two classes at least`},
		"latin": {half(Source{Input: at("x.npy"), Labels: at("latin.txt")}),
			"latin.txt: line 2 is not UTF-8"},
		"both labels": {half(Source{Input: at("text.csv"), Labels: at("l3.txt"),
			LabelColumn: "b"}), "name one of them"},
		"column": {half(Source{Input: at("x.npy"), LabelColumn: "b"}),
			"x.npy: a column of labels, b, is a .csv file's"},
		"parquet": {half(Source{Input: at("parquet")}),
			"parquet: neither .npy, .npz, IDX nor a text"},
		"empty file": {half(Source{Input: at("nothing")}), "nothing: the file is empty"},
		"cut npz": {half(Source{Input: at("cut.npz")}),
			"cut.npz: not a .npz file, or truncated"},
		"cut idx": {half(Source{Input: at("cut-idx")}), "cut-idx: truncated"},
		"bomb": {half(Source{Input: at("bomb.gz")}),
			"bomb.gz: truncated or corrupt: the header claims an array of 16777216x128 bytes"},
		"twice": {half(Source{Input: at("twice.npz")}),
			`twice.npz: corrupt .npz file: two arrays are called "x"`},
		"which": {half(Source{Input: at("two.npz")}),
			"two.npz: several arrays in it, x, y: name one, as in "},
		"no array": {half(Source{Input: at("two.npz:z")}),
			"no array is called z; there are x, y"},
		"not npz": {half(Source{Input: at("x.npy"), Height: 5, Width: 5}),
			"rows of 2 values are no images of 5 x 5"},
		"sizes": {half(Source{Input: at("sizes")}),
			"2.png: 3 x 2 pixels (height x width), the others have 2 x 3"},
		"corrupt":     {half(Source{Input: at("corrupt")}), "1.png: cannot be decoded"},
		"huge":        {half(Source{Input: at("huge")}), "1.png: 2 x 100000 pixels"},
		"no pictures": {half(Source{Input: at("none")}), "none: no PNG or JPEG pictures"},
		"labels twice": {half(Source{Input: at("sizes"), Labels: at("l3.txt"), Height: 2,
			Width: 2}), "its folders are its classes already"},
		"test labels": {OwnOptions{Train: Source{Input: at("x.npy")},
			Test: Source{Labels: at("l3.txt")}, TestFraction: 0.5}, "without test rows"},
		"unlabelled": {OwnOptions{Train: Source{Input: at("one.npy")},
			Test: Source{Input: at("x.npy"), Labels: at("l4.txt")}}, "l4.txt: no such file"},
	} {
		if name == "huge" {
			c.want = "" // within maxPixels, but a row too wide: see below
		}
		_, err := ReadOwn(context.Background(), c.o)
		if err == nil && name == "huge" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, c.want)
		}
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	for _, name := range []string{"x.npy", "sizes"} {
		if _, err := ReadOwn(stopped, half(Source{Input: at(name)})); err == nil ||
			!strings.Contains(err.Error(), "context canceled") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
