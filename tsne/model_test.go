package tsne

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"latent/internal/matrix"
)

func TestSaveAndRead(t *testing.T) {
	ctx, x := context.Background(), blobs(300, 10, 3, 3, 1)
	o := quick()
	o.Metric, o.Alpha, o.Theta, o.Components = Cosine, 0.8, 0.3, 3
	e, err := Fit(ctx, x, 300, o)
	if err != nil {
		t.Fatal(err)
	}
	var b, again bytes.Buffer
	if err := e.Save(&b); err != nil {
		t.Fatal(err)
	}
	got, err := ReadEmbedding(bytes.NewReader(b.Bytes()), int64(b.Len()), Options{Threads: 3})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Y, e.Y) || got.KL != e.KL || got.Iterations != e.Iterations ||
		got.Stop != e.Stop || got.N != 300 || got.Components != 3 || got.Columns() != 10 {
		t.Errorf("read %+v", got)
	}
	fresh := blobs(40, 10, 3, 3, 7)
	want, err := e.Transform(ctx, fresh, 40, DefaultTransformOptions())
	if err != nil {
		t.Fatal(err)
	}
	if y, err := got.Transform(ctx, fresh, 40, DefaultTransformOptions()); err != nil ||
		!slices.Equal(y, want) {
		t.Errorf("the saved map places rows elsewhere, error %v", err)
	}
	e.Elapsed, e.ElapsedNeighbors = 0, 0
	got.Elapsed, got.ElapsedNeighbors = 0, 0
	b.Reset()
	if err := e.Save(&b); err != nil {
		t.Fatal(err)
	}
	if err := got.Save(&again); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Errorf("what was read is saved in other bytes, error %v", err)
	}
	// Without rows.
	e.x = nil
	again.Reset()
	if err := e.Save(&again); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadEmbedding(bytes.NewReader(again.Bytes()), int64(again.Len()),
		Options{}); err != nil || got.Columns() != 0 || !slices.Equal(got.Y, e.Y) {
		t.Errorf("without rows: error %v", err)
	}
	if err := (&Embedding{}).Save(&again); err == nil {
		t.Error("an embedding of nothing is saved")
	}
}

// A model by NumPy.
func TestReadEmbedding(t *testing.T) {
	f := readFeatures(t)
	r, size := openFile(t, "model.npz")
	e, err := ReadEmbedding(r, size, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(e.Y, f.Y) || !slices.Equal(e.x, goldenRows(t, readGolden(t))) ||
		e.metric != Cosine || e.alpha != 0.8 || e.KL != 1.5 ||
		e.Iterations != 10 || e.Stop != StopIterations || e.Elapsed.Milliseconds() != 250 ||
		e.ElapsedNeighbors.Milliseconds() != 125 {
		t.Errorf("read %+v", e)
	}
	for name, want := range map[string]string{"knn.npz": "not a saved embedding",
		"digits.gz": "not a .npz file"} {
		r, size := openFile(t, name)
		if _, err := ReadEmbedding(r, size, DefaultOptions()); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v: want one with %q", name, err, want)
		}
	}
}

// FuzzReadEmbedding checks that any file gives an embedding that places rows, or an error.
func FuzzReadEmbedding(f *testing.F) {
	o := quick()
	o.Perplexity, o.Iterations = 2, 1
	e, err := Fit(context.Background(), normalRows(8, 2, 1), 8, o)
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := e.Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ReadEmbedding(bytes.NewReader(b), int64(len(b)), Options{Threads: 1})
		if err != nil || e.Columns() == 0 {
			return
		}
		o := DefaultTransformOptions()
		o.Iterations = 2
		y, err := e.Transform(context.Background(), make([]float32, e.Columns()), 1, o)
		if err == nil && len(y) != e.Components {
			t.Fatalf("%v", y)
		}
	})
}

// FuzzModel does the same for what the file's arrays may hold.
func FuzzModel(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, uint8(2), uint8(2), 0.5, 1.0, "euclidean")
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, uint8(1), uint8(3), 0.0, 0.5, "cosine")
	f.Fuzz(func(t *testing.T, b []byte, components, columns uint8, theta, alpha float64,
		metric string) {
		c, d := int(components), int(columns)
		if c == 0 || d == 0 || len(b)/4/(c+d) == 0 {
			return
		}
		n := len(b) / 4 / (c + d)
		values := make([]float32, n*(c+d))
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		var file bytes.Buffer
		err := matrix.WriteArchive(&file, []matrix.Named{
			{Name: "format", Data: modelFormat}, {Name: "version", Data: 1}, {Name: "metric",
				Data: metric},
			{Name: "embedding", Data: values[:n*c], Shape: []int{n, c}}, {Name: "data",
				Data: values[n*c:], Shape: []int{n, d}},
			{Name: "theta", Data: theta}, {Name: "alpha", Data: alpha}, {Name: "kl",
				Data: theta}, {Name: "iterations", Data: 1},
			{Name: "stop", Data: metric}, {Name: "seconds",
				Data: theta}, {Name: "seconds_neighbors", Data: alpha},
		})
		if err != nil {
			t.Fatal(err)
		}
		e, err := ReadEmbedding(bytes.NewReader(file.Bytes()), int64(file.Len()),
			Options{Threads: 1})
		if err != nil {
			return
		}
		o := DefaultTransformOptions()
		o.Iterations = 2
		y, err := e.Transform(context.Background(), values[n*c:n*c+d], 1, o)
		if err == nil && len(y) != c {
			t.Fatalf("%v", y)
		}
	})
}

func TestNewEmbedding(t *testing.T) {
	ctx, x := context.Background(), blobs(300, 10, 3, 3, 1)
	e, err := Fit(ctx, x, 300, quick())
	if err != nil {
		t.Fatal(err)
	}
	made, err := NewEmbedding(x, 300, e.Y, quick())
	if err != nil || made.N != 300 || made.Columns() != 10 || !math.IsNaN(made.KL) {
		t.Fatalf("%+v, error %v", made, err)
	}
	want, err := e.Transform(ctx, x[:50], 5, DefaultTransformOptions())
	if err != nil {
		t.Fatal(err)
	}
	if y, err := made.Transform(ctx, x[:50], 5, DefaultTransformOptions()); err != nil ||
		!slices.Equal(y, want) {
		t.Errorf("rows are placed elsewhere, error %v", err)
	}
	hole := slices.Clone(e.Y)
	hole[7] = float32(math.NaN())
	wide := quick()
	wide.Components = 4
	for _, c := range []struct {
		x    []float32
		n    int
		y    []float32
		o    Options
		want string
	}{
		{nil, 0, nil, quick(), "the matrix is empty"},
		{x, 299, e.Y, quick(), "cannot be 299 rows"},
		{x, 300, e.Y[2:], quick(), "the map has 598 values: want 300 rows of 2"},
		{x, 300, hole, quick(), "row 3, column 1 is NaN"},
		{x, 300, e.Y, wide, "Components is 4"},
	} {
		if _, err := NewEmbedding(c.x, c.n, c.y, c.o); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v: want one with %q", err, c.want)
		}
	}
}

type testMatrix struct{}

func (testMatrix) Dims() (rows, columns int) { return 3, 2 }
func (testMatrix) At(i, j int) float64       { return float64(10*i + j) }

func TestRows(t *testing.T) {
	x, n := FromMatrix(testMatrix{})
	if n != 3 || !slices.Equal(x, []float32{0, 1, 10, 11, 20, 21}) {
		t.Errorf("%d rows, %v", n, x)
	}
	if x := FromFloat64([]float64{0.1, 1e300}); x[0] != 0.1 || !math.IsInf(float64(x[1]), 1) {
		t.Errorf("%v", x)
	}
	if y := (&Embedding{Y: []float32{0.5, 2}}).Float64(); !slices.Equal(y, []float64{0.5, 2}) {
		t.Errorf("%v", y)
	}
}
