package dataset

import (
	"bytes"
	"context"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzPicture checks that what is read of a picture's bytes is whole images or an error.
func FuzzPicture(f *testing.F) {
	files, err := filepath.Glob("testdata/pictures/*")
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
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil &&
			c.Width*c.Height > 1<<20 {
			return // slow, not wrong
		}
		write(t, filepath.Join(dir, "1.png"), b)
		x, _, err := Source{Input: dir}.Read(context.Background(), nil)
		if err == nil && (x.N != 1 || len(x.Images) != x.Width()) {
			t.Fatalf("%+v", x)
		}
	})
}

// FuzzSource checks that any bytes are rows of one width with as many labels, or an error.
func FuzzSource(f *testing.F) {
	for _, b := range [][]byte{[]byte("1,2\n3,4\n"), idxOf(count(8), 2, 2, 2),
		pack(f, idxOf(count(8), 4, 2)), []byte("PK\x05\x06" + strings.Repeat("\x00", 18))} {
		f.Add(b, []byte("a\nb\n"))
		f.Add(b, idxOf([]byte{1, 2}, 2))
	}
	dir := f.TempDir()
	x, labels := filepath.Join(dir, "x"), filepath.Join(dir, "labels")
	f.Fuzz(func(t *testing.T, b, l []byte) {
		write(t, x, b)
		write(t, labels, l)
		d, err := ReadOwn(context.Background(),
			OwnOptions{Train: Source{Input: x, Labels: labels}, TestFraction: 0.5})
		if err != nil {
			return
		}
		for _, s := range []*Split{d.Train, d.Test} {
			if s.N < 1 || len(s.Images)+len(s.Features) != s.N*s.Width() || s.Labels != nil &&
				len(s.Labels) != s.N {
				t.Fatalf("%+v", s)
			}
		}
	})
}
