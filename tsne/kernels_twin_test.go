//go:build (amd64 || arm64) && !purego

package tsne

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// inGo runs f without assembly.
func inGo(f func()) {
	was := accelerated
	accelerated = false
	defer func() { accelerated = was }()
	f()
}

// The assembly must give the bits of its Go twin.
func TestKernelsAreTheirTwins(t *testing.T) {
	if !accelerated {
		t.Skip("no assembly for this processor")
	}
	rng := rand.New(rand.NewPCG(1, 1))
	random := func(n int) []float32 {
		v := make([]float32, n)
		scale := float32(math.Exp(6 * rng.NormFloat64()))
		for i := range v {
			v[i] = scale * float32(rng.NormFloat64())
		}
		return v
	}
	for n := range 140 {
		a, b := random(n), random(n)
		if got, want := squaredDistance(a, b), squaredDistanceGo(a, b); got != want ||
			squaredDistance(b, a) != want {
			t.Fatalf("squared distance of %d values: %v, in Go %v", n, got, want)
		}
	}
	for k := range 20 {
		a, b := random(k*panel+4), random(k*panel+1)
		got, want, fused := make([]float32, 4*30), make([]float32, 4*30), make([]float32, 4*30)
		product4x24(got, 30, a, b, k)
		product4x24Go(want, 30, a, b, k)
		productFused4x24(fused, 30, a, b, k)
		if !slices.Equal(got, want) {
			t.Fatalf("product of width %d differs", k)
		}
		for i := range fused {
			if math.Abs(float64(fused[i]-want[i])) > 1e-6*float64(k)*float64(maxAbs(a)*maxAbs(b)) {
				t.Fatalf("fused product of width %d: %v, in Go %v", k, fused[i], want[i])
			}
		}
	}
	for range 50 {
		g, half, bound := random(80), random(80), random(80)
		bound[3], bound[4], bound[5] = float32(math.Inf(1)), float32(math.Inf(-1)),
			float32(math.Inf(-1))
		got, want := make([]byte, 10), make([]byte, 10)
		for _, limit := range []float32{bound[0], float32(math.Inf(1)), float32(math.Inf(-1))} {
			pass(got, g, half, bound, half[0], limit)
			passGo(want, g, half, bound, half[0], limit)
			if !slices.Equal(got, want) {
				t.Fatalf("marks %v, in Go %v", got, want)
			}
		}
	}
	for n := 0; n < 64; n += 8 {
		pos, p := random(400), random(n)
		index := make([]int32, n)
		for i := range index {
			index[i] = int32(rng.IntN(100))
		}
		x, y := attract2(pos, index, p, pos[0], pos[1])
		wx, wy := attract2Go(pos, index, p, pos[0], pos[1])
		if x != wx || y != wy {
			t.Fatalf("attraction of %d: %v %v, in Go %v %v", n, x, y, wx, wy)
		}
		x, y, z := attract3(pos, index, p, pos[0], pos[1], pos[2])
		wx, wy, wz := attract3Go(pos, index, p, pos[0], pos[1], pos[2])
		if x != wx || y != wy || z != wz {
			t.Fatalf("attraction of %d in space: %v %v %v, in Go %v %v %v", n, x, y, z, wx, wy, wz)
		}
		if got, want := logSum2(pos, index, p, pos[0], pos[1]), logSum2Go(pos, index, p, pos[0],
			pos[1]); got != want {
			t.Fatalf("logarithms of %d: %v, in Go %v", n, got, want)
		}
		if got, want := logSum3(pos, index, p, pos[0], pos[1], pos[2]), logSum3Go(pos, index, p,
			pos[0], pos[1], pos[2]); got != want {
			t.Fatalf("logarithms of %d in space: %v, in Go %v", n, got, want)
		}
	}
	for n := range 30 {
		b := &bodies{x: random(n + 2), y: random(n + 2), z: random(n + 2), m: random(n + 2)}
		var px, py, pz [groupSize]float32
		copy(px[:], random(groupSize))
		copy(py[:], random(groupSize))
		copy(pz[:], random(groupSize))
		var got, want interaction
		for range 2 { // adds to what is there
			repel2(&got, &px, &py, b, 1, n+1)
			repel2Go(&want, &px, &py, b, 1, n+1)
		}
		if got != want {
			t.Fatalf("repulsion of %d differs", n)
		}
		repel3(&got, &px, &py, &pz, b, 1, n+1)
		repel3Go(&want, &px, &py, &pz, b, 1, n+1)
		if got != want {
			t.Fatalf("repulsion of %d in space differs", n)
		}
	}
}

// The kernels and their Go twins, on as much as a map of 20,000 rows gives them at a time.
// scripts/bench/instructions.sh counts their instructions on arm64.
func BenchmarkKernels(b *testing.B) {
	const k, n, width = 64, 96, 784
	x, y := normalRows(panel, width, 1), normalRows(panel, width, 2)
	pos, p, index := normalRows(2000, 4, 3), normalRows(n, 1, 4), make([]int32, n)
	for i := range index {
		index[i] = int32(i * 17 % 900)
	}
	list := &bodies{x: normalRows(200, 1, 5), y: normalRows(200, 1, 6), z: normalRows(200, 1, 7),
		m: normalRows(200, 1, 8)}
	var px, py, pz [groupSize]float32
	copy(px[:], pos)
	copy(py[:], pos[100:])
	copy(pz[:], pos[200:])
	var out interaction
	c := make([]float32, 4*panel)
	pl := newPool(1)
	defer pl.close()
	f := newField(pl, &joint{n: 3000, start: make([]int, 3001)}, normalRows(3000, 2, 9), 2, 0.5,
		false)
	lo, side := f.box()
	f.tree.build(f.pos, f.stride, lo, side)
	walk, box := newWalkList(3000, 2), f.tree.groupBox(0)
	for _, kernel := range []struct {
		name           string
		assembly, twin func()
	}{
		{"distance", func() { squaredDistance(x[:width], y[:width]) },
			func() { squaredDistanceGo(x[:width], y[:width]) }},
		{"product", func() { product4x24(c, panel, x, y, k) },
			func() { product4x24Go(c, panel, x, y, k) }},
		{"attract2", func() { attract2(pos, index, p, 1, 2) },
			func() { attract2Go(pos, index, p, 1, 2) }},
		{"attract3", func() { attract3(pos, index, p, 1, 2, 3) },
			func() { attract3Go(pos, index, p, 1, 2, 3) }},
		{"repel2", func() { repel2(&out, &px, &py, list, 0, 200) },
			func() { repel2Go(&out, &px, &py, list, 0, 200) }},
		{"repel3", func() { repel3(&out, &px, &py, &pz, list, 0, 200) },
			func() { repel3Go(&out, &px, &py, &pz, list, 0, 200) }},
		{"walk2", func() { walk2(f.tree.blocks, &box, 0.25, walk) },
			func() { walk2Go(f.tree.blocks, &box, 0.25, walk) }},
	} {
		for _, path := range []struct {
			name string
			f    func()
		}{{"assembly", kernel.assembly}, {"go", kernel.twin}} {
			b.Run(kernel.name+"/"+path.name, func(b *testing.B) {
				for b.Loop() {
					path.f()
				}
			})
		}
	}
}

func TestStepIsItsTwin(t *testing.T) {
	for _, n := range []int{4, 8, 30, 64} {
		var got, want [5][]float32
		for i := range got {
			got[i] = normalRows(n, 1, uint64(i))
			want[i] = slices.Clone(got[i])
		}
		s := &step{pull: 48, push: 0.1, momentum: 0.8, rate: 20}
		for range 20 {
			advance(got[0], got[1], got[2], got[3], got[4], s)
			advanceGo(want[0], want[1], want[2], want[3], want[4], s)
		}
		for i := range got {
			if !slices.Equal(got[i], want[i]) {
				t.Fatalf("%d values: array %d differs", n, i)
			}
		}
		var least, most, wantLeast, wantMost [8]float32
		extent(&least, &most, got[0])
		extentGo(&wantLeast, &wantMost, got[0])
		if least != wantLeast || most != wantMost {
			t.Fatalf("%d values: another extent", n)
		}
	}
}

func TestSpillIsItsTwin(t *testing.T) {
	points := normalRows(200, 1, 1)
	leaves, counts := []int32{^3, ^0, ^50, ^100, ^191}, []float32{8, 1, 40, 9, 1}
	got, want := make([]float32, 59+7), make([]float32, 59)
	spill(got, points, leaves, counts)
	spillGo(want, points, leaves, counts)
	if !slices.Equal(got[:59], want) {
		t.Error("another list")
	}
}

func maxAbs(v []float32) (m float32) {
	for _, x := range v {
		m = max(m, abs(x))
	}
	return m
}

func TestWalkIsItsTwin(t *testing.T) {
	if !accelerated {
		t.Skip("no assembly for this processor")
	}
	const n = 3000
	for _, y := range [][]float32{normalRows(n, 2, 1), blobs(n, 2, 20, 30, 2),
		duplicates(normalRows(n, 2, 3), 2), make([]float32, 2*n)} {
		p := newPool(1)
		f := newField(p, &joint{n: n, start: make([]int, n+1)}, y, 2, 0.5, false)
		p.close()
		lo, side := f.box()
		f.tree.build(f.pos, f.stride, lo, side)
		got, want := newWalkList(n, 2), newWalkList(n, 2)
		for at := 0; at < n; at += groupSize {
			b := f.tree.groupBox(at)
			for _, theta2 := range []float32{0, 0.25, 4} {
				count, leaves := walk2(f.tree.blocks, &b, theta2, got)
				wantCount, wantLeaves := walk2Go(f.tree.blocks, &b, theta2, want)
				if count != wantCount || leaves != wantLeaves ||
					!slices.Equal(got.x[:count], want.x[:count]) ||
					!slices.Equal(got.y[:count], want.y[:count]) ||
					!slices.Equal(got.m[:count], want.m[:count]) ||
					!slices.Equal(got.leaves[:leaves], want.leaves[:leaves]) ||
					!slices.Equal(got.counts[:leaves], want.counts[:leaves]) {
					t.Fatalf("group at %d, theta² %v: another list", at, theta2)
				}
			}
		}
	}
}

// A whole run must give the same bytes with and without assembly.
func TestFitIsItsTwin(t *testing.T) {
	if !accelerated {
		t.Skip("no assembly for this processor")
	}
	x := blobs(700, 220, 6, 1, 1)
	for components := 1; components <= 3; components++ {
		o := quick()
		o.Components = components
		got, err := Fit(context.Background(), x, 700, o)
		if err != nil {
			t.Fatal(err)
		}
		inGo(func() {
			want, err := Fit(context.Background(), x, 700, o)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Y, want.Y) || got.KL != want.KL {
				t.Fatalf("%d components: another map", components)
			}
		})
	}
}

func TestLogApprox(t *testing.T) {
	for x := float32(1); x < 1e30; x *= 1.0173 {
		if got, want := float64(logApprox(x)),
			math.Log(float64(x)); math.Abs(got-want) > 2e-7*max(1, want) {
			t.Fatalf("log %v is %v: want %v", x, got, want)
		}
	}
}
