package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latent/internal/matrix"
)

// golden reads a JSON file of golden.py.
func golden(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// picture writes a PNG of one grey, or of one colour.
func picture(t testing.TB, path string, height, width int, c color.Color) {
	t.Helper()
	var m interface {
		image.Image
		Set(x, y int, c color.Color)
	} = image.NewNRGBA(image.Rect(0, 0, width, height))
	if _, ok := c.(color.Gray); ok {
		m = image.NewGray(image.Rect(0, 0, width, height))
	}
	for y := range height {
		for x := range width {
			m.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.Bytes())
}

// idxOf is an IDX file of bytes.
func idxOf(content []byte, dims ...int) []byte {
	return append((&fileSpec{dims: dims}).header(), content...)
}

// npy writes a .npy file of float32, and npyBytes one of bytes and any shape.
func npy(t testing.TB, path string, rows, cols int, values ...float32) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := matrix.WriteFile(path,
		matrix.Matrix{Data: values, Rows: rows, Cols: cols}); err != nil {
		t.Fatal(err)
	}
}

func npyBytes(t testing.TB, path, shape string, content []byte) {
	t.Helper()
	header := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': %s}", shape)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	write(t, path, append(append(b, header...), content...))
}

func count(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// One data set in every form a user may have it in.
func TestReadForms(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	npyBytes(t, at("flat.npy"), "(4, 6)", count(24))
	npyBytes(t, at("images.npy"), "(4, 2, 3)", count(24))
	write(t, at("images-idx3"), idxOf(count(24), 4, 2, 3))
	write(t, at("images-idx3.gz"), pack(t, idxOf(count(24), 4, 2, 3)))
	write(t, at("labels-idx1"), idxOf([]byte{7, 3, 7, 5}, 4))
	write(t, at("labels.txt"), []byte("species\nred\n\n\"white, dry\"\nred\n"))
	write(t, at("numbers.csv"), []byte("10\n9\n-1\n10"))
	if err := matrix.WriteLabels(at("labels.npy"), []int{-1, 20, 3, -1}); err != nil {
		t.Fatal(err)
	}
	write(t, at("table.csv"),
		[]byte("a,b,c,d,e,f,kind\n0,1,2,3,4,5,x\n6,7,8,9,10,11,y\n"+
			"12,13,14,15,16,17,\n18,19,20,21,22,23,x\n"))
	var archive bytes.Buffer
	floats := make([]float32, 24)
	for i := range floats {
		floats[i] = float32(i)
	}
	if err := matrix.WriteArchive(&archive, []matrix.Named{
		{Name: "x", Data: floats, Shape: []int{4, 6}}, {Name: "y", Data: []int64{0, 1, -1, 1},
			Shape: []int{4}}}); err != nil {
		t.Fatal(err)
	}
	write(t, at("both.npz"), archive.Bytes())
	for name, c := range map[string]struct {
		source        Source
		rows, cols    int
		classes       []string
		labels        []int
		bytes, images bool
	}{
		"npy": {Source{Input: at("flat.npy")}, 0, 6, nil, nil, true, false},
		"npy as images": {Source{Input: at("flat.npy"), Height: 2, Width: 3}, 2, 3, nil, nil, true,
			true},
		"npy images": {Source{Input: at("images.npy"), Labels: at("labels.txt")}, 2, 3,
			[]string{"red", "white, dry"}, []int{0, -1, 1, 0}, true, true},
		"idx": {Source{Input: at("images-idx3"), Labels: at("labels-idx1")}, 2, 3,
			[]string{"3", "5", "7"}, []int{2, 0, 2, 1}, true, true},
		"idx.gz": {Source{Input: at("images-idx3.gz"), Labels: at("numbers.csv")}, 2, 3,
			[]string{"9", "10"}, []int{1, 0, -1, 1}, true, true},
		"npy labels": {Source{Input: at("flat.npy"), Labels: at("labels.npy")}, 0, 6,
			[]string{"3", "20"}, []int{-1, 1, 0, -1}, true, false},
		"csv": {Source{Input: at("table.csv"), LabelColumn: "kind"}, 0, 6,
			[]string{"x", "y"}, []int{0, 1, -1, 0}, false, false},
		"npz": {Source{Input: at("both.npz:x"), Labels: at("both.npz:y")}, 0, 6,
			[]string{"0", "1"}, []int{0, 1, -1, 1}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			x, classes, err := c.source.Read(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if x.N != 4 || x.Rows != c.rows || x.Cols != c.cols || x.Width() != 6 ||
				x.IsImage() != c.images || (x.Images != nil) != c.bytes {
				t.Errorf("%d rows of %d x %d, width %d", x.N, x.Rows, x.Cols, x.Width())
			}
			if !slices.Equal(classes, c.classes) || !slices.Equal(x.Labels, c.labels) {
				t.Errorf("classes %q, labels %v", classes, x.Labels)
			}
			for i, v := range x.Floats() {
				want := float32(i)
				if c.bytes {
					want /= 255
				}
				if v != want {
					t.Fatalf("value %d is %g, want %g", i, v, want)
				}
			}
		})
	}
	if _, err := os.Stat(at("flat.npy")); err != nil {
		t.Fatal(err)
	}
	// Colour images in either order of dimensions are flattened plane by plane.
	npyBytes(t, at("planes.npy"), "(1, 3, 2, 2)", count(12))
	npyBytes(t, at("pixels.npy"), "(1, 2, 2, 3)", []byte{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11})
	for _, name := range []string{"planes.npy", "pixels.npy"} {
		x, _, err := (Source{Input: at(name)}).Read(ctx, nil)
		if err != nil || x.Channels != 3 || x.Rows != 2 || x.Cols != 2 ||
			!bytes.Equal(x.Images, count(12)) {
			t.Errorf("%s: %+v, %v", name, x, err)
		}
	}
}

// Pictures are read as Pillow reads them, JPEG but for its decoder's rounding, and resized
// as it does but for rounding.
func TestPictures(t *testing.T) {
	var want map[string]struct {
		Channels        int
		Pixels, Resized []int
	}
	golden(t, "pictures.json", &want)
	for name, w := range want {
		for _, resized := range []bool{false, true} {
			dir := t.TempDir()
			b, err := os.ReadFile(filepath.Join("testdata", "pictures", name))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, name), b)
			s, pixels, tol := Source{Input: dir}, w.Pixels, 0
			if strings.HasSuffix(name, ".jpg") {
				tol = 3
			}
			if resized {
				s.Height, s.Width, pixels, tol = 3, 4, w.Resized, tol+2
			}
			x, _, err := s.Read(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if x.N != 1 || x.Channels != w.Channels || len(x.Images) != len(pixels) {
				t.Fatalf("%s: %d channels, %d bytes, want %d, %d", name, x.Channels, len(x.Images),
					w.Channels, len(pixels))
			}
			if resized && (name == "alpha.png" || name == "palette.png" || name == "bits.png") {
				continue // Pillow weights by alpha, and resizes black and white by nearest pixels
			}
			for i, v := range x.Images {
				if d := int(v) - pixels[i]; d > tol || d < -tol {
					t.Errorf("%s, resized %v: value %d is %d, Pillow's %d", name, resized, i, v,
						pixels[i])
					break
				}
			}
		}
	}
}

// A folder's folders are its classes, in the order of torchvision's ImageFolder; pictures
// beside them have none; one in colour gives all three channels.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for i, name := range []string{"z.png", "cat/1.png", "cat/10.PNG", "cat/2.png", "cat/old/0.png",
		"dog/a.png"} {
		picture(t, at(name), 2, 3, color.Gray{byte(10 * i)})
	}
	write(t, at("cat/notes.txt"), []byte("no picture"))
	write(t, at(".DS_Store"), []byte("no picture"))
	write(t, at("empty/readme"), []byte("no picture"))
	x, classes, err := Source{Input: dir}.Read(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if x.N != 6 || x.Rows != 2 || x.Cols != 3 || x.Channels != 1 ||
		!slices.Equal(classes, []string{"cat", "dog"}) ||
		!slices.Equal(x.Labels, []int{-1, 0, 0, 0, 0, 1}) {
		t.Errorf("%+v, %q", x, classes)
	}
	for i := range 6 {
		if v := x.Images[6*i]; v != byte(10*i) {
			t.Errorf("picture %d is %d", i, v)
		}
	}
	grey := x
	picture(t, at("dog/b.png"), 2, 3, color.NRGBA{1, 2, 3, 255})
	x, _, err = Source{Input: dir}.Read(context.Background(), classes)
	if err != nil {
		t.Fatal(err)
	}
	if x.Channels != 3 || x.N != 7 || x.Images[18+5] != 10 ||
		!bytes.Equal(x.Images[6*18:], bytes.Join([][]byte{
			bytes.Repeat([]byte{1}, 6), bytes.Repeat([]byte{2}, 6), bytes.Repeat([]byte{3},
				6)}, nil)) {
		t.Errorf("%+v", x)
	}
	if _, _, err := (Source{Input: dir, Like: grey}).Read(context.Background(), nil); err == nil ||
		!strings.Contains(err.Error(), "b.png: a picture in colour, the others are grey") {
		t.Errorf("error %v", err)
	}
	if y, _, err := (Source{Input: at("cat"), Like: x}).Read(context.Background(),
		nil); err != nil || y.Channels != 3 || y.Width() != 18 {
		t.Errorf("%+v, %v", y, err)
	}
}

// The rows held out are as many as train_test_split(stratify=...) takes of each class, the
// same for a seed, and in the file's order.
func TestHeldOut(t *testing.T) {
	var labels []int
	for class, n := range []int{50, 30, 15, 1} {
		for range n {
			labels = append(labels, class)
		}
	}
	for range 4 {
		labels = append(labels, Unknown)
	}
	rows := heldOut(labels, len(labels), 0.2, 1)
	counts := map[int]int{}
	for _, row := range rows {
		counts[labels[row]]++
	}
	if !slices.IsSorted(rows) || fmt.Sprint(counts) != "map[-1:1 0:10 1:6 2:3]" {
		t.Errorf("%v, counts %v", rows, counts)
	}
	if !slices.Equal(rows, heldOut(labels, len(labels), 0.2, 1)) ||
		slices.Equal(rows, heldOut(labels, len(labels), 0.2, 2)) {
		t.Error("the seed does not decide")
	}
	if n := len(heldOut(nil, 11, 0.25, 0)); n != 3 {
		t.Errorf("%d of 11 rows, want 3", n)
	}
	for _, few := range [][]int{{0, 1}, {0, 0}, {0, 1, 2}} {
		if n := len(heldOut(few, len(few), 0.9, 0)); n < 1 || n == len(few) {
			t.Errorf("%v: %d rows", few, n)
		}
	}
}

// What is held out and what is left are the input's rows.
func TestReadOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "%d,%d,%c\n", i, -i, 'a'+i%2)
	}
	write(t, path, []byte(text.String()))
	d, err := ReadOwn(context.Background(),
		OwnOptions{Train: Source{Input: path, LabelColumn: "3"}, TestFraction: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	if d.Train.N != 14 || d.Test.N != 6 || len(d.TestRows) != 6 || d.Name != path ||
		!slices.Equal(d.Classes, []string{"a", "b"}) {
		t.Fatalf("%+v", d)
	}
	seen := map[float32]bool{}
	for _, s := range []*Split{d.Train, d.Test} {
		for i := range s.N {
			v := s.Features[2*i]
			if seen[v] || s.Features[2*i+1] != -v || s.Labels[i] != int(v)%2 || s == d.Test &&
				d.TestRows[i] != int(v) {
				t.Errorf("row %d: %v, label %d", i, s.Features[2*i:2*i+2], s.Labels[i])
			}
			seen[v] = true
		}
	}
}
