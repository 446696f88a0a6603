package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// idx makes an IDX file.
func idx(data []byte, dims ...uint32) []byte {
	b := []byte{0, 0, typeUint8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return append(b, data...)
}

func TestReadIDX(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		dims []int
		file []byte
	}{
		{[]int{1}, idx([]byte{7}, 1)},
		{[]int{2, 3}, idx([]byte{1, 2, 3, 4, 5, 6}, 2, 3)},
		{[]int{300, 28, 28}, idx(make([]byte, 300*784), 300, 28, 28)},
		{[]int{1, 1, 1, 1, 1, 1, 1, 2}, idx([]byte{1, 2}, 1, 1, 1, 1, 1, 1, 1, 2)},
	} {
		for _, b := range [][]byte{c.file, pack(t, c.file), storedGzip(c.file)} {
			path := filepath.Join(dir, "x")
			write(t, path, b)
			x, err := ReadIDX(path)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(x.Dims, c.dims) || !bytes.Equal(x.Data, c.file[4+4*len(c.dims):]) {
				t.Errorf("dims %v, %d bytes, want %v", x.Dims, len(x.Data), c.dims)
			}
		}
	}
}

func TestReadIDXLabels(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.idx1")
	write(t, path, idx([]byte{0, 9, 255}, 3))
	got, err := ReadIDXLabels(path)
	if err != nil || !slices.Equal(got, []int{0, 9, 255}) {
		t.Errorf("labels %v, error %v", got, err)
	}
	write(t, path, idx([]byte{0, 9, 255}, 3, 1))
	if _, err = ReadIDXLabels(path); err == nil ||
		!strings.Contains(err.Error(), path+": 2 dimensions") {
		t.Errorf("error %v", err)
	}
	if _, err = ReadIDXLabels(path + ".none"); err == nil ||
		!strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v", err)
	}
}

// What a header claims costs nothing: the sizes are checked before memory is
// taken.
func TestIDXBombs(t *testing.T) {
	big := uint32(1 << 20)
	for name, b := range map[string][]byte{
		"2^60":              idx(nil, big, big, big),
		"2^62 and a bit":    idx(make([]byte, 100), 1<<31, 1<<31),
		"overflow to 0":     idx(nil, 1<<31, 1<<31, 4),
		"overflow to 100":   idx(make([]byte, 100), 1<<31, 1<<31, 4, 100),
		"largest":           idx(nil, slices.Repeat([]uint32{1<<32 - 1}, 8)...),
		"255 dimensions":    append([]byte{0, 0, 8, 255}, make([]byte, 2000)...),
		"0 dimensions":      {0, 0, 8, 0},
		"length 0":          idx(nil, 0, 5),
		"1 GiB in a gzip":   pack(t, idx(make([]byte, 10), 1<<30)),
		"2^60 in a gzip":    pack(t, idx(make([]byte, 10), big, big, big)),
		"500 MB, 5 MB come": pack(t, idx(make([]byte, 5<<20), 5<<20, 100)),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := decodeIDX(bytes.NewReader(b), int64(len(b)), maxUnpacked)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("no error")
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 40<<20 {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
}

// A real array that packs well is refused where it is larger than what is wanted.
func TestReadIDXLabelsBomb(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.gz")
	if err := os.WriteFile(path, pack(t, idx(make([]byte, maxLabels), maxLabels)),
		0o644); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := ReadIDXLabels(path)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err == nil ||
		!strings.Contains(err.Error(), "may hold") || n > 1<<20 {
		t.Errorf("%v, %d bytes allocated", err, n)
	}
}

// decodeIDX reads what a strict reader of the format reads, and no input
// makes it panic or take memory beyond what the input can hold.
func FuzzIDX(f *testing.F) {
	f.Add(idx([]byte{1, 2, 3, 4, 5, 6}, 2, 3))
	f.Add(idx([]byte{7}, 1))
	f.Add(idx(nil, 1<<20, 1<<20, 1<<20))
	f.Add(idx([]byte{1, 2}, 1, 1, 1, 1, 1, 1, 1, 2))
	f.Add([]byte{0, 0, 13, 1, 0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := decodeIDX(bytes.NewReader(b), int64(len(b)), maxUnpacked)
		if err != nil || isGzip(b) {
			return
		}
		again := []byte{0, 0, typeUint8, byte(len(x.Dims))}
		n := 1
		for _, d := range x.Dims {
			again = binary.BigEndian.AppendUint32(again, uint32(d))
			n *= d
		}
		if again = append(again, x.Data...); !bytes.Equal(again, b) || n != len(x.Data) {
			t.Errorf("read %v and %d bytes from % x", x.Dims, len(x.Data), b)
		}
	})
}

// FuzzIDXGzip takes the input as a .gz file, and as the content of one that
// ends early.
func FuzzIDXGzip(f *testing.F) {
	f.Add(pack(f, idx([]byte{1, 2, 3, 4, 5, 6}, 2, 3)), uint8(0))
	f.Add(storedGzip(idx([]byte{7}, 1)), uint8(0))
	f.Add(pack(f, idx(make([]byte, 1000), 10, 100)), uint8(3))
	f.Add(idx([]byte{1, 2, 3, 4, 5, 6}, 2, 3), uint8(0))
	f.Add(idx(nil, 1<<20, 1<<20, 1<<20), uint8(1))
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint8) {
		_, _ = decodeIDX(bytes.NewReader(b), int64(len(b)), maxUnpacked)
		out.Reset()
		z.Reset(&out)
		if _, err := z.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		packed := out.Bytes()
		packed = packed[:max(0, len(packed)-int(cut))]
		x, err := decodeIDX(bytes.NewReader(packed), int64(len(packed)), maxUnpacked)
		want, wantErr := decodePlain(bytes.NewReader(b), int64(len(b)), int64(len(b)))
		if cut > 0 && err == nil {
			t.Errorf("no error for a .gz that misses %d bytes", cut)
		}
		if cut == 0 && (err == nil) != (wantErr == nil) && len(b) > 0 {
			t.Errorf("packed: %v, plain: %v", err, wantErr)
		}
		if err == nil && (!slices.Equal(x.Dims, want.Dims) || !bytes.Equal(x.Data, want.Data)) {
			t.Errorf("packed: %v, plain: %v", x, want)
		}
	})
}
