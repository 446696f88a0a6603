package dataset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"
)

func pack(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// tiny is a data set of six and four images of 40x50, and its unpacked and
// packed files. The images do not pack well, so that a download has a middle.
func tiny(t testing.TB) (s *set, plain, packed [4][]byte) {
	t.Helper()
	s = &set{name: "tiny", folder: "Tiny", files: [4]fileSpec{
		{name: "train-images-idx3-ubyte", dims: []int{6, 40, 50}},
		{name: "train-labels-idx1-ubyte", dims: []int{6}},
		{name: "t10k-images-idx3-ubyte", dims: []int{4, 40, 50}},
		{name: "t10k-labels-idx1-ubyte", dims: []int{4}},
	}}
	for i := range s.files {
		f := &s.files[i]
		b := f.header()
		for n := f.unpackedSize(); int64(len(b)) < n; {
			v := sha256.Sum256([]byte{byte(i), byte(len(b)), byte(len(b) >> 8)})
			if len(f.dims) == 1 {
				b = append(b, v[0]%classes)
			} else {
				b = append(b, v[:min(len(v), int(n)-len(b))]...)
			}
		}
		plain[i], packed[i] = b, pack(t, b)
		f.size, f.md5, f.sha256, f.content = int64(len(packed[i])), md5Hex(packed[i]),
			sha256Hex(packed[i]), sha256Hex(b)
	}
	return s, plain, packed
}
