//go:build linux && cgo

package autoenc

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latent/internal/grouptest"
	"latent/torch"
)

// distributedGolden is what autoenc/testdata/golden.py writes.
type distributedGolden struct {
	file                      string
	Rows, Batch, Epochs, Size int
	Seed                      int64
	Losses                    []float64
	Orders                    []struct {
		N, Size, Rank, Epoch int
		Seed                 int64
		Shuffle              bool
		Rows                 []int64
	}
}

func distributedGoldens(t *testing.T) []distributedGolden {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("testdata", "distributed-*.json"))
	if len(files) == 0 {
		t.Fatal("no goldens")
	}
	goldens := make([]distributedGolden, len(files))
	for i, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &goldens[i]); err != nil {
			t.Fatal(err)
		}
		goldens[i].file = filepath.Base(file)
	}
	return goldens
}

// pattern makes the images of autoenc/testdata/golden.py.
func pattern(n int) Samples {
	pixels := make([]byte, n*784)
	for i := range n {
		for j := range 784 {
			pixels[i*784+j] = byte(i*i*7 + j*13 + i*j*5)
		}
	}
	return FromPixels(pixels, n)
}

// trained runs a new model of this seed to the end.
func trained(t *testing.T, ctx context.Context, train Samples, o Options,
	restore *Checkpoint) (*Trainer, error) {
	t.Helper()
	m, err := New(784, o.Seed)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := NewTrainer(m, train, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	if restore != nil {
		if err := tr.Restore(restore); err != nil {
			t.Fatal(err)
		}
	}
	return tr, tr.Run(ctx)
}

func lossesOf(tr *Trainer) []float64 {
	var losses []float64
	for _, l := range tr.Losses() {
		losses = append(losses, float64(l.Loss))
	}
	return losses
}

// worst is the largest relative difference.
func worst(t *testing.T, got, want []float64) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d losses, want %d", len(got), len(want))
	}
	w := 0.0
	for i := range got {
		w = math.Max(w, math.Abs(got[i]/want[i]-1))
	}
	return w
}

func parameters(t *testing.T, m Model) (list [][]float32) {
	t.Helper()
	err := torch.Do(func(*torch.Scope) {
		for _, p := range m.Parameters() {
			list = append(list, p.Float32s())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func sameParameters(a, b [][]float32) bool {
	return slices.EqualFunc(a, b, slices.Equal[[]float32])
}

func TestShareIsDistributedSamplers(t *testing.T) {
	for _, g := range distributedGoldens(t) {
		for _, c := range g.Orders {
			l := loader{n: c.N, batchSize: 1, shuffle: c.Shuffle,
				sampler: &sampler{rank: c.Rank, size: c.Size, seed: c.Seed}}
			seed, err := l.begin(c.Epoch)
			if err != nil {
				t.Fatal(err)
			}
			order, err := l.order(seed)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(order, c.Rows) || l.batches() != len(c.Rows) {
				t.Errorf("%s: %+v: rows %v, %d batches", g.file, c, order, l.batches())
			}
		}
	}
}

// Two processes go through all that follows, one after the other, since starting
// them is what takes time. The last ends rank 1.
func TestTwoProcesses(t *testing.T) {
	if !grouptest.Child() {
		t.Parallel()
		processes := grouptest.Run(t, 2)
		if processes[0].Code != 0 || processes[1].Code != 7 {
			t.Fatalf("exit codes %d and %d\n%s\n%s", processes[0].Code, processes[1].Code,
				processes[0].Output, processes[1].Output)
		}
		t.Log(processes[0].Output)
		return
	}
	g := grouptest.Join(t, func(o *torch.GroupOptions) { o.Timeout = time.Minute })
	t.Run("as PyTorch's", func(t *testing.T) { testIsPyTorchs(t, g) })
	t.Run("as one with twice the batch", func(t *testing.T) { testTwiceTheBatch(t, g) })
	t.Run("stop and resume", func(t *testing.T) { testStopAndResume(t, g) })
	t.Run("NaN of one", func(t *testing.T) { testNaNOfOne(t, g) })
	whole := t // rank 1's exit code must not hide a failure
	t.Run("death of one", func(t *testing.T) { testDeathOfOne(t, g, whole.Failed) })
}

// Shares that must be padded have the losses of PyTorch's DistributedDataParallel,
// averaged over its ranks, and lead to one model.
func testIsPyTorchs(t *testing.T, group *torch.Group) {
	goldens := distributedGoldens(t)
	g := goldens[0]
	o := DefaultOptions()
	o.Epochs, o.BatchSize, o.Seed, o.Group = g.Epochs, g.Batch, g.Seed, group
	m, err := New(784, g.Seed+int64(group.Rank)) // weights that rank 0's must replace
	if err != nil {
		t.Fatal(err)
	}
	tr, err := NewTrainer(m, pattern(g.Rows), nil, o)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, g := range goldens {
		if w := worst(t, lossesOf(tr), g.Losses); w > 1e-5 {
			t.Errorf("%s: losses differ by %.2g", g.file, w)
		}
	}
	err = torch.Do(func(s *torch.Scope) {
		for i, p := range m.Parameters() {
			mine := p.Float32s()
			other := s.Float32s(mine, len(mine))
			group.Broadcast(other)
			if !slices.Equal(other.Float32s(), mine) {
				t.Errorf("parameter %d is not rank 0's", i)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Batches of 512 each follow one process with 1024 over ten steps: a group of one
// takes the rows in the order that two share.
func testTwiceTheBatch(t *testing.T, group *torch.Group) {
	train := pattern(10 * 1024)
	o := DefaultOptions()
	o.Epochs, o.Seed, o.Group, o.BatchSize = 1, 3, group, 512
	two, err := trained(t, context.Background(), train, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if group.Rank != 0 {
		return
	}
	o.Group, o.BatchSize = groupOfOne(t), 1024
	one, err := trained(t, context.Background(), train, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The first losses are means over the same rows with the same weights; later ones are
	// what rounding makes of the weights.
	if d := math.Abs(lossesOf(two)[0] - lossesOf(one)[0]); d > 1e-7 {
		t.Errorf("the first losses differ by %.2g", d)
	}
	if w := worst(t, lossesOf(two), lossesOf(one)); w > 1e-4 || len(one.Losses()) != 10 {
		t.Errorf("losses differ by %.2g:\n%v\n%v", w, lossesOf(two), lossesOf(one))
	} else {
		t.Logf("losses differ by %.2g", w)
	}
}

// Where weights stand still, all losses of four processes are means over the rows of the one
// process's batches: an epoch of them must be equal, to rounding, in the shares of PyTorch's
// DistributedSampler.
func TestFourProcesses(t *testing.T) {
	if !grouptest.Child() {
		t.Parallel()
		for rank, p := range grouptest.Run(t, 4) {
			if p.Code != 0 {
				t.Errorf("rank %d ended with %d\n%s", rank, p.Code, p.Output)
			}
		}
		return
	}
	g := grouptest.Join(t, func(o *torch.GroupOptions) { o.Timeout = time.Minute })
	train := pattern(10 * 256)
	o := DefaultOptions()
	o.Epochs, o.Seed, o.Group, o.BatchSize, o.LearningRate, o.WeightDecay = 2, 5, g, 64, 1e-30, 0
	four, err := trained(t, context.Background(), train, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if g.Rank != 0 {
		return
	}
	o.Group, o.BatchSize = groupOfOne(t), 256
	one, err := trained(t, context.Background(), train, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if w := worst(t, lossesOf(four), lossesOf(one)); w > 1e-7 || len(one.Losses()) != 20 {
		t.Errorf("losses differ by %.2g:\n%v\n%v", w, lossesOf(four), lossesOf(one))
	} else {
		t.Logf("losses differ by %.2g", w)
	}
}

func groupOfOne(t *testing.T) *torch.Group {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	g, err := torch.JoinGroup(torch.GroupOptions{Size: 1, Addr: "127.0.0.1", Port: port,
		Device: "cpu", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// One process is told to stop: both stop after the same step, rank 0's checkpoint
// takes both on, and they end where an unbroken run ends.
func testStopAndResume(t *testing.T, group *torch.Group) {
	o := DefaultOptions()
	o.Epochs, o.BatchSize, o.Group = 2, 20, group
	train := pattern(130) // 65 rows each: 4 batches an epoch
	whole, err := trained(t, context.Background(), train, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := parameters(t, whole.Model)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var saved *Checkpoint
	broken := o
	if group.Rank == 0 {
		broken.Save = func(c *Checkpoint) error { saved = c; return nil }
		broken.SaveEvery = time.Hour
	} else {
		broken.Progress = func(p Progress) {
			if p.Step == 5 {
				cancel()
			}
		}
	}
	first, err := trained(t, ctx, train, broken, nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want one that is context.Canceled", err)
	}
	if len(first.Losses()) != 6 || (saved != nil) != (group.Rank == 0) {
		t.Fatalf("%d steps, checkpoint %v", len(first.Losses()), saved)
	}
	shared, err := ShareCheckpoint(group, saved)
	if err != nil || shared == nil || shared.Step != 6 {
		t.Fatalf("shared checkpoint %+v, %v", shared, err)
	}
	second, err := trained(t, context.Background(), train, o, shared)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Concat(first.Losses(), second.Losses()); !slices.Equal(got, whole.Losses()) {
		t.Errorf("losses %v, unbroken %v", got, whole.Losses())
	}
	if !sameParameters(parameters(t, second.Model), want) {
		t.Error("weights differ from an unbroken run's")
	}
	if none, err := ShareCheckpoint(group, nil); none != nil || err != nil {
		t.Errorf("shared no checkpoint: %v, %v", none, err)
	}
}

// A loss that is not finite in one process ends all at that step.
func testNaNOfOne(t *testing.T, group *torch.Group) {
	o := DefaultOptions()
	o.BatchSize, o.Shuffle, o.Group = 4, false, group
	x := make([]float32, 8*784)
	x[7*784] = float32(math.NaN()) // rank 1's
	tr, err := trained(t, context.Background(), FromFloats(x, 8), o, nil)
	want := "autoenc: train: step 1 (epoch 1): torch: loss: the loss is NaN"
	if err == nil || !strings.HasPrefix(err.Error(), want) || len(tr.Losses()) != 0 {
		t.Errorf("error %v, want %q", err, want)
	}
}

// A process that dies in training ends the others with one line.
func testDeathOfOne(t *testing.T, group *torch.Group, failed func() bool) {
	o := DefaultOptions()
	o.BatchSize, o.Group = 20, group
	if group.Rank == 1 {
		o.Progress = func(p Progress) {
			if p.Step == 3 && !failed() {
				os.Exit(7)
			}
		}
	}
	_, err := trained(t, context.Background(), pattern(200), o, nil)
	want := "autoenc: train: step 4 (epoch 1): torch: all_reduce: rank 0 of 2 lost rank 1, or " +
		"waited 1m0s for it: "
	if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v, want one line %q", err, want)
	}
}
