package tsne

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"runtime"
	"testing"
)

// Maps of scikit-learn's schedule stay as they were before there was another one, to the byte.
func TestScikitLearnScheduleKeepsItsBytes(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("compilers of other processors fuse products and sums outside the kernels")
	}
	x, n := readDigits(t)
	for _, c := range []struct {
		name string
		set  func(*Options)
		want string
	}{
		{"digits", func(o *Options) {}, "fa21958ab4fd0d9f"},
		{"no progress", func(o *Options) { o.NoProgress = 50; o.ExaggerationIterations = 100 }, "6e1787c5a94bb93e"},
		{"space, random start", func(o *Options) { o.Components, o.Init, o.Iterations = 3, InitRandom, 300 }, "46d8ddac149604af"},
		{"exact, one component", func(o *Options) { o.Components, o.Method, o.Iterations = 1, Exact, 260 }, "4911225203dfeea8"},
	} {
		o := ScikitLearnOptions()
		c.set(&o)
		rows := n
		if o.Method == Exact {
			rows = 300
		}
		e, err := Fit(context.Background(), x[:rows*64], rows, o)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if err := binary.Write(h, binary.LittleEndian, e.Y); err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(h.Sum(nil)[:8]); got != c.want {
			t.Errorf("%s: the map's hash is %s: want %s (KL %v, %d iterations)", c.name, got, c.want, e.KL, e.Iterations)
		}
	}
}
