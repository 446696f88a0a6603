package report

import (
	"context"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latent/internal/matrix"
	"latent/tsne"
)

// sourceFiles writes files of four points.
func sourceFiles(t *testing.T) (dir string, s Sources) {
	t.Helper()
	dir = t.TempDir()
	path := func(name, content string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	s = Sources{
		Maps: []Source{{"a", path("a.csv", "0,0\n1,0\n0,1\n5,5\n")},
			{"b", path("b.csv", "0,0\n2,0\n0,2\n1,1\n")}},
		Labels:    path("labels.txt", "cat\n\"dog, \"\"x\"\"\"\ncat\r\n<script>\n"),
		Predicted: []Source{{"b", path("predicted.csv", "cat\ncat\ncat\nbird\n")}},
		Columns: path("columns.csv",
			"\xef\xbb\xbfage,\"kind, of\",text\n1,x,one\n,y,two\nNaN,x,three\n-2.5e3,x,four\n"),
		Input: path("x.csv",
			"0\n1\n3\n7\n"), Every: 1, Neighbors: 2, Finder: tsne.ExactNeighbors{},
	}
	pictures := filepath.Join(dir, "pictures")
	if err := os.Mkdir(pictures, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"d.png", "a.png", "c.png", "b.png"} {
		m := image.NewRGBA(image.Rect(0, 0, 128, 64))
		for k := range m.Pix {
			m.Pix[k] = 255
		}
		m.Set(0, 0, color.RGBA{uint8(i), 0, 0, 255})
		f, err := os.Create(filepath.Join(pictures, name))
		if err == nil {
			err = png.Encode(f, m)
			f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Pictures = pictures
	return dir, s
}

func TestSources(t *testing.T) {
	_, s := sourceFiles(t)
	var notes []string
	s.Note = func(line string) { notes = append(notes, line) }
	e, err := s.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := e.validate(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(e.Classes, []string{"<script>", "bird", "cat", `dog, "x"`}) ||
		!slices.Equal(e.Labels, []int{2, 3, 2, 0}) {
		t.Errorf("classes %q, labels %v", e.Classes, e.Labels)
	}
	if e.Spaces[0].Predicted != nil || !slices.Equal(e.Spaces[1].Predicted, []int{2, 2, 2, 1}) {
		t.Errorf("predictions %v and %v", e.Spaces[0].Predicted, e.Spaces[1].Predicted)
	}
	if c := e.Columns[0]; c.Name != "age" || c.Numbers[0] != 1 ||
		!math.IsNaN(float64(c.Numbers[1])) || !math.IsNaN(float64(c.Numbers[2])) ||
		c.Numbers[3] != -2500 {
		t.Errorf("column %+v", c)
	}
	if c := e.Columns[1]; c.Name != "kind, of" || !slices.Equal(c.Names, []string{"x", "y"}) ||
		!slices.Equal(c.Categories, []int{0, 1, 0, 0}) {
		t.Errorf("column %+v", c)
	}
	if len(notes) != 1 ||
		!strings.Contains(notes[0], `column "age" has no number in 2 of its rows`) {
		t.Errorf("notes %q", notes)
	}
	if e.K != 2 || !slices.Equal(e.Neighbors, []int32{1, 2, 0, 2, 1, 0, 2, 1}) {
		t.Errorf("neighbours %v", e.Neighbors)
	}
	if p := e.Pictures; p.Height != 32 || p.Width != 64 || p.Channels != 3 {
		t.Errorf("pictures of %d x %d x %d, want 32 x 64 x 3", p.Height, p.Width, p.Channels)
	}
}

func TestSourceErrors(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(dir string, s *Sources)
		want   string
	}{
		{"rows", func(dir string, s *Sources) { replace(s.Maps[1].Path, "1,2\n") },
			"b.csv has 1 points"},
		{"columns of a map", func(dir string, s *Sources) { replace(s.Maps[0].Path, "1,2,3\n") },
			"a.csv has 3 columns: a map has two"},
		{"labels", func(dir string, s *Sources) { replace(s.Labels, "a\nb\n") },
			"labels.txt has 2 labels"},
		{"empty label", func(dir string, s *Sources) { replace(s.Labels, "a\n\nb\nc\n") },
			"labels.txt: line 2 is empty"},
		{"names", func(dir string, s *Sources) { s.Names = s.Labels },
			"names of classes are for labels that are whole numbers"},
		{"infinity", func(dir string, s *Sources) { replace(s.Columns, "a\n1\n2\nInf\n3\n") },
			`columns.csv: column "a": row 3: Inf is not a finite number`},
		{"ragged", func(dir string, s *Sources) { replace(s.Columns, "a,b\n1\n") },
			"columns.csv: record on line 2"},
		{"column rows", func(dir string, s *Sources) { replace(s.Columns, "a\n1\n") },
			"columns.csv has 1 rows below its header"},
		{"pictures",
			func(dir string,
				s *Sources) {
				_ = os.Remove(filepath.Join(s.Pictures, "a.png"))
			}, "pictures has 3 pictures"},
		{"picture",
			func(dir string,
				s *Sources) {
				replace(filepath.Join(s.Pictures, "a.png"), "GIF")
			}, "a.png: image: unknown format"},
		{"input", func(dir string, s *Sources) { replace(s.Input, "1\n") }, "x.csv has 1 rows"},
		{"predicted", func(dir string, s *Sources) { s.Predicted[0].Name = "c" },
			"no map has this name"},
		{"missing", func(dir string, s *Sources) { s.Labels = filepath.Join(dir, "none.txt") },
			"none.txt: no such file"},
	} {
		dir, s := sourceFiles(t)
		c.change(dir, &s)
		if _, err := s.Read(context.Background()); err == nil ||
			!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func replace(path, content string) {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		panic(err)
	}
}

// Labels that are numbers keep their order, and take names.
func TestClassNames(t *testing.T) {
	dir, s := sourceFiles(t)
	s = Sources{Maps: s.Maps, Every: 2, Labels: filepath.Join(dir, "l.npy"),
		Names: filepath.Join(dir, "names.txt")}
	if err := matrix.WriteLabels(s.Labels, []int{10, 0, 2, 0, 0, 0, 1, 0}); err != nil {
		t.Fatal(err)
	}
	replace(s.Names, strings.Repeat("n\n", 11))
	e, err := s.Read(context.Background())
	if err != nil || !slices.Equal(e.Labels, []int{10, 2, 0, 1}) || len(e.Classes) != 11 {
		t.Errorf("labels %v of %d classes, %v", e.Labels, len(e.Classes), err)
	}
	replace(s.Names, "n\n")
	if _, err := s.Read(context.Background()); err == nil ||
		!strings.Contains(err.Error(), "label 1 has no name") &&
			!strings.Contains(err.Error(), "label 2 has no name") {
		t.Errorf("error %v", err)
	}
}

// Pictures that NumPy has written: grey and coloured ones, of any shape.
func TestArrayOfPictures(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	array := func(name, shape string, pixels ...byte) string { // as numpy.save writes uint8
		header := "{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }"
		header += strings.Repeat(" ", 128-10-1-len(header)) + "\n"
		replace(in(name), "\x93NUMPY\x01\x00v\x00"+header+string(pixels))
		return in(name)
	}
	replace(in("y.csv"), "0,0\n1,0\n")
	read := func(path string) (*Pictures, error) {
		e, err := Sources{Maps: []Source{{"y", in("y.csv")}}, Every: 1,
			Pictures: path}.Read(context.Background())
		if err != nil {
			return nil, err
		}
		return e.Pictures, e.validate()
	}
	for _, c := range []struct {
		path   string
		want   Pictures
		pixels []byte // the first ones
	}{
		{array("grey.npy", "(2, 1, 3)", 0, 1, 200, 4, 5, 6),
			Pictures{Height: 1, Width: 3, Channels: 1}, []byte{0, 1, 200, 4, 5, 6}},
		{array("rgb.npy", "(2, 1, 2, 3)", 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 255),
			Pictures{Height: 1, Width: 2, Channels: 3}, []byte{9, 8, 7}},
		{array("flat.npy", "(2, 4)", 1, 2, 3, 4, 5, 6, 7, 8),
			Pictures{Height: 2, Width: 2, Channels: 1}, []byte{1, 2, 3, 4, 5}},
		{"../matrix/testdata/cube.npy", Pictures{Height: 3, Width: 4, Channels: 1}, nil},
		{"../matrix/testdata/fortran-cube.npy", Pictures{Height: 3, Width: 4, Channels: 1}, nil},
	} {
		p, err := read(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if p.Height != c.want.Height || p.Width != c.want.Width || p.Channels != c.want.Channels ||
			!slices.Equal(p.Pixels[:len(c.pixels)], c.pixels) {
			t.Errorf("%s: %d x %d x %d, %v", c.path, p.Height, p.Width, p.Channels, p.Pixels)
		}
	}
	for path, want := range map[string]string{
		array("three.npy", "(3, 1, 1)", 1, 2, 3):               "three.npy has 3 pictures",
		array("odd.npy", "(2, 3)", 1, 2, 3, 4, 5, 6):           "odd.npy has 3 values per row",
		array("two.npy", "(2, 1, 1, 2)", 1, 2, 3, 4):           "two.npy has 4 dimensions",
		array("cut.npy", "(2, 1, 2)", 1, 2, 3):                 "cut.npy: truncated",
		array("one.npy", "(2,)", 1, 2):                         "one.npy has 1 dimensions",
		array("huge.npy", "(2, 300, 1)", make([]byte, 600)...): "300 x 1 pixels",
	} {
		if _, err := read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}
