package autoenc

import (
	"context"
	"strconv"
	"syscall"
	"testing"

	"latent/internal/datasettest"
	"latent/internal/torch"
)

// cpu is the processor time this process has used, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)*1e-6
}

// An epoch of the notebook's training, after a first one that warms up.
func BenchmarkEpoch(b *testing.B) {
	d := datasettest.Open(b, "mnist")
	for _, threads := range []int{1, torch.DefaultThreads()} {
		b.Run("threads="+strconv.Itoa(threads), func(b *testing.B) {
			if err := torch.Init(threads); err != nil {
				b.Fatal(err)
			}
			m, err := New(784, 0)
			if err != nil {
				b.Fatal(err)
			}
			o := DefaultOptions()
			tr, err := NewTrainer(m, FromPixels(d.Train.Images, d.Train.N), nil, o)
			if err != nil {
				b.Fatal(err)
			}
			defer tr.Close()
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
		})
	}
}
