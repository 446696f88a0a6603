//go:build linux && cgo

package autoenc

import (
	"context"
	"strconv"
	"syscall"
	"testing"

	"latent/internal/datasettest"
	"latent/torch"
)

// cpu is the processor time this process has used, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)*1e-6
}

// benchmarkModel is a fresh model and MNIST's 60,000 training images.
func benchmarkModel(b *testing.B, threads int) (*AutoEncoder, Samples) {
	b.Helper()
	d := datasettest.Open(b, "mnist")
	if err := torch.Init(threads); err != nil {
		b.Fatal(err)
	}
	m, err := New(784, 0)
	if err != nil {
		b.Fatal(err)
	}
	return m, FromPixels(d.Train.Images, d.Train.N)
}

// benchmarkEpoch times an epoch of the notebook's training, after a first one
// that warms up.
func benchmarkEpoch(b *testing.B, threads int, change func(*Options)) {
	m, train := benchmarkModel(b, threads)
	o := DefaultOptions()
	change(&o)
	tr, err := NewTrainer(m, train, nil, o)
	if err != nil {
		b.Fatal(err)
	}
	defer tr.Close()
	if err := tr.setPrecision(o.Precision); err != nil { // as Run does
		b.Fatal(err)
	}
	defer tr.setPrecision(FP32)
	ctx := context.Background()
	if err := tr.runEpoch(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	start, n := cpu(), 0
	for b.Loop() {
		if err := tr.runEpoch(ctx); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric((cpu()-start)/float64(n), "cpu-s/op")
}

func BenchmarkEpoch(b *testing.B) {
	for _, threads := range []int{1, torch.DefaultThreads()} {
		b.Run("threads="+strconv.Itoa(threads),
			func(b *testing.B) { benchmarkEpoch(b, threads, func(*Options) {}) })
	}
}

func BenchmarkEpochBF16(b *testing.B) {
	if !torch.FastBF16("cpu") {
		b.Skip("needs libtorch 2.x and a CPU with AVX512-BF16 or AMX")
	}
	benchmarkEpoch(b, torch.DefaultThreads(), func(o *Options) { o.Precision = BF16 })
}

// An epoch in gotorch's own operations: what fusing gains.
func BenchmarkEpochPlain(b *testing.B) {
	benchmarkEpoch(b, torch.DefaultThreads(), func(o *Options) { o.Plain = true })
}

// Latents of 60,000 images, after a first pass that warms up.
func BenchmarkEncode(b *testing.B) {
	m, train := benchmarkModel(b, torch.DefaultThreads())
	ctx := context.Background()
	if _, err := Encode(ctx, m, train); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(ctx, m, train); err != nil {
			b.Fatal(err)
		}
	}
}
