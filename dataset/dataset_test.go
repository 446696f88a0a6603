package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// storedGzip packs b without compressing it, and not as pack does.
func storedGzip(b []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.NoCompression)
	z.Name = "stored"
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

// fetchLocal fetches a real set from this machine alone, or skips.
func fetchLocal(t testing.TB, name string) (dir string, files []File) {
	t.Helper()
	t.Setenv("GOPROXY", "off")
	dir = t.TempDir()
	o := DefaultFetchOptions()
	o.Mirrors = []string{}
	files, err := Fetch(context.Background(), dir, name, o)
	if err != nil {
		t.Skipf("%s is not on this machine: %v", name, err)
	}
	return dir, files
}

// The first labels and the pixel sums were computed with NumPy from the files.
func TestRealDatasets(t *testing.T) {
	for _, c := range []struct {
		name               string
		trainFirst         []int
		trainSum, testSum  int64
		firstPixelNot0, at int
	}{
		{"mnist", []int{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, 1567298545, 264923200, 3, 152},
		{"fashion-mnist", []int{9, 0, 0, 3, 0, 2, 7, 2, 5, 5}, 3431114169, 573469082, 1, 96},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, files := fetchLocal(t, c.name)
			if len(files) != 4 || files[0].Count != 60000 || files[3].Count != 10000 {
				t.Errorf("files %+v", files)
			}
			d, err := Open(dir, c.name)
			if err != nil {
				t.Fatal(err)
			}
			check := func(d *Dataset) {
				t.Helper()
				for _, s := range []struct {
					split  *Split
					n      int
					pixels int64
				}{{d.Train, 60000, c.trainSum}, {d.Test, 10000, c.testSum}} {
					if s.split.N != s.n || s.split.Rows != 28 || s.split.Cols != 28 ||
						len(s.split.Images) != s.n*784 || len(s.split.Labels) != s.n {
						t.Errorf("%d images of %dx%d, %d labels", s.split.N, s.split.Rows,
							s.split.Cols, len(s.split.Labels))
					}
					var sum int64
					for _, b := range s.split.Images {
						sum += int64(b)
					}
					if sum != s.pixels {
						t.Errorf("pixels sum to %d, want %d", sum, s.pixels)
					}
				}
				if !slices.Equal(d.Train.Labels[:10], c.trainFirst) {
					t.Errorf("labels %v, want %v", d.Train.Labels[:10], c.trainFirst)
				}
				if i := slices.IndexFunc(d.Train.Images,
					func(b byte) bool { return b != 0 }); i != c.at ||
					int(d.Train.Images[i]) != c.firstPixelNot0 {
					t.Errorf("first pixel that is not 0 is %d at %d", d.Train.Images[i], i)
				}
			}
			check(d)

			// MD5 and SHA-256 of the catalogue are from two publishers; here
			// both are found on the same bytes. Then unpacked, as torchvision
			// leaves them.
			set, err := find(c.name)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range files {
				b, err := os.ReadFile(f.Path)
				if err != nil {
					t.Fatal(err)
				}
				spec := &set.files[i]
				if p := published(spec, b); int64(len(p)) != spec.size ||
					sha256Hex(p) != spec.sha256 || md5Hex(p) != spec.md5 {
					t.Errorf("%s: %d bytes, SHA-256 %s, MD5 %s", f.Path, len(p), sha256Hex(p),
						md5Hex(p))
				}
				z, err := gzip.NewReader(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				var plain bytes.Buffer
				if _, err := plain.ReadFrom(z); err != nil {
					t.Fatal(err)
				}
				write(t, strings.TrimSuffix(f.Path, ".gz"), plain.Bytes())
				if err := os.Remove(f.Path); err != nil {
					t.Fatal(err)
				}
			}
			if d, err = Open(dir, c.name); err != nil {
				t.Fatal(err)
			}
			check(d)
		})
	}
}

// published restores the .gz as published: Debian packed Fashion-MNIST's files
// without names and dates, which are put back.
func published(f *fileSpec, b []byte) []byte {
	stamps := map[string]uint32{ // by MD5, found by search
		"8d4fb7e6c68d591d4c3dfef9ec88bf0d": 1504176606,
		"25c81989df183df01b3e8a0aad5dffbe": 1504176606,
		"bef4ecab320f06d8554ea6380940ec79": 1504176627,
		"bb300cfdad3c16e7a12a480ee83cd310": 1504176627,
	}
	at, ok := stamps[f.md5]
	if !ok || int64(len(b)) == f.size {
		return b
	}
	head := []byte{0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3}
	binary.LittleEndian.PutUint32(head[4:], at)
	return slices.Concat(head, []byte(f.name), []byte{0}, b[10:])
}

func TestCatalogue(t *testing.T) {
	if want := []string{"mnist", "fashion-mnist", "kmnist"}; !slices.Equal(Names(), want) {
		t.Errorf("names %v, want %v", Names(), want)
	}
	sums := map[string]bool{}
	for _, s := range catalogue {
		for _, f := range s.files {
			if len(f.md5) != 32 || len(f.sha256) != 64 || len(f.content) != 0 &&
				len(f.content) != 64 || sums[f.md5] || sums[f.sha256] {
				t.Errorf("%s %s: checksums of odd length or twice", s.name, f.name)
			}
			sums[f.md5], sums[f.sha256] = true, true
		}
		if len(s.mirrors) == 0 {
			t.Errorf("%s has no mirror", s.name)
		}
	}
}

// testdata/totensor.bin: dataset/testdata/golden.py.
func TestFloats(t *testing.T) {
	golden, err := os.ReadFile("testdata/totensor.bin")
	if err != nil {
		t.Fatal(err)
	}
	s := &Split{N: 2, Rows: 8, Cols: 16}
	for b := range 256 {
		s.Images = append(s.Images, byte(b))
	}
	x := s.Floats()
	if len(x) != 256 || len(golden) != 4*256 {
		t.Fatalf("%d floats, %d bytes of golden", len(x), len(golden))
	}
	for b, v := range x {
		if got, want := math.Float32bits(v),
			binary.LittleEndian.Uint32(golden[4*b:]); got != want {
			t.Errorf("byte %d: %08x, PyTorch %08x", b, got, want)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	s, plain, packed := tiny(t)
	flip := func(b []byte, i int) []byte {
		b = slices.Clone(b)
		b[i] ^= 1
		return b
	}
	for _, c := range []struct {
		name, file string
		content    []byte
		want       []string
	}{
		{"truncated", s.files[0].name, plain[0][:100], []string{"truncated", "6x40x50"}},
		{"header only", s.files[1].name, plain[1][:6], []string{"truncated"}},
		{"empty", s.files[1].name, nil, []string{"truncated"}},
		{"trailing", s.files[0].name, append(slices.Clone(plain[0]), 0),
			[]string{"trailing data"}},
		{"wrong magic", s.files[0].name, flip(plain[0], 0), []string{"not an IDX file"}},
		{"wrong type", s.files[0].name, flip(plain[0], 2), []string{"type 0x09", "unsigned byte"}},
		{"wrong content", s.files[0].name, flip(plain[0], 400),
			[]string{"checksum mismatch", "SHA-256 is " + sha256Hex(flip(plain[0], 400)),
				"expected " + s.files[0].content}},
		{"other file", s.files[0].name, plain[2],
			[]string{"4 images of 40x50, expected 6 images of 40x50"}},
		{"images as labels", s.files[1].name, plain[2],
			[]string{"4 images of 40x50, expected 6 labels"}},
		{"label 10", s.files[1].name, append(plain[1][:len(plain[1])-1:len(plain[1])-1], 10),
			[]string{"label 5 is 10, expected 0 to 9"}},
		{"truncated gzip", s.files[0].name + ".gz", packed[0][:len(packed[0])-9],
			[]string{"truncated"}},
		{"corrupt gzip", s.files[0].name + ".gz", flip(packed[0], len(packed[0])-6),
			[]string{"gzip: invalid checksum"}},
		{"gzip and more", s.files[0].name + ".gz", append(slices.Clone(packed[0]), "more"...),
			[]string{"truncated"}},
		{"other gzip", s.files[0].name + ".gz", pack(t, flip(plain[0], 500)),
			[]string{"checksum mismatch", sha256Hex(flip(plain[0], 500)) + " unpacked",
				s.files[0].content}},
		{"bomb", s.files[0].name + ".gz",
			pack(t,
				append([]byte{0, 0, 8, 1, 0x3f, 0, 0, 0},
					make([]byte, 1<<20)...)), []string{"claims"}},
		{"too large", s.files[1].name, make([]byte, 2<<20), []string{"more than"}},
		{"folder", s.files[1].name + "/x", nil, []string{"not a regular file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for i, f := range s.files {
				if !strings.HasPrefix(c.file, f.name) {
					write(t, filepath.Join(s.raw(dir), f.name), plain[i])
				}
			}
			path := filepath.Join(s.raw(dir), c.file)
			write(t, path, c.content)
			_, err := s.open(dir)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(c.want, strings.TrimSuffix(path, "/x")) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q is more than a line", err)
			}
			if strings.Contains(c.want[0], "checksum m") &&
				(!errors.Is(err, ErrChecksum) || !strings.Contains(err.Error(), remedy)) {
				t.Errorf("error %q", err)
			}
		})
	}
}

func TestOpenMissing(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none"), "mnist")
	if !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), filepath.Join("MNIST", "raw", "train-images-idx3-ubyte")) {
		t.Errorf("error %v", err)
	}
	if _, err := Open(t.TempDir(), "imagenet"); err == nil ||
		!strings.Contains(err.Error(), `unknown data set "imagenet"`) {
		t.Errorf("error %v", err)
	}
}

// KMNIST's unpacked files have no published checksum.
func TestOpenWithoutContentChecksum(t *testing.T) {
	s, plain, packed := tiny(t)
	dir := t.TempDir()
	for i := range s.files {
		s.files[i].content = ""
		write(t, filepath.Join(s.raw(dir), s.files[i].name), plain[i])
	}
	if _, err := s.open(dir); err != nil {
		t.Error(err)
	}
	got, err := s.fetch(context.Background(), dir, options())
	if err != nil || got[0].Verified {
		t.Errorf("files %+v, error %v", got, err)
	}
	f := &s.files[0]
	if _, file, err := f.check(packed[0], false); err != nil || !file.Verified {
		t.Errorf("the published .gz: %+v, %v", file, err)
	}
	if _, _, err := f.check(storedGzip(plain[0]), false); !errors.Is(err, ErrChecksum) {
		t.Errorf("another .gz: %v", err)
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, name := range []string{"mnist", "fashion-mnist"} {
		b.Run(name, func(b *testing.B) {
			dir, _ := fetchLocal(b, name)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Open(dir, name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
