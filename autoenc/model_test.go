//go:build linux && cgo

package autoenc

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latent/torch"
)

// Other widths train, and are found in the state_dict.
func TestWidths(t *testing.T) {
	ctx := context.Background()
	train := FromPixels(noise(40, 12), 40)
	for _, w := range []Widths{
		{Encoder: []int{3}},
		{Encoder: []int{16, 8, 4}, Decoder: []int{5, 6}},
	} {
		m, err := NewWithWidths(12, w, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		losses := runTrainer(t, m, train, smallOptions(20))
		if first, last := losses[0].Loss, losses[len(losses)-1].Loss; !(last < first) {
			t.Errorf("%v: loss %g after %g", w, last, first)
		}
		path := filepath.Join(t.TempDir(), "model.pt")
		if err := Save(m, path); err != nil {
			t.Fatal(err)
		}
		again, err := Load(path, 12)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if got := again.Widths(); !slices.Equal(got.Encoder, w.Encoder) ||
			!slices.Equal(got.Decoder, w.Decoder) {
			t.Errorf("loaded widths %v, saved %v", got, w)
		}
		z, err := Encode(ctx, m, train)
		if err != nil || len(z) != 40*w.latent() {
			t.Fatalf("%d numbers (%v), want %d", len(z), err, 40*w.latent())
		}
		if z2, err := Encode(ctx, again, train); err != nil || !slices.Equal(z, z2) {
			t.Errorf("the loaded model encodes otherwise (%v)", err)
		}
		if _, err := Load(path, 13); err == nil ||
			!strings.Contains(err.Error(), "encoder.0.weight") {
			t.Errorf("inputs of another width: %v", err)
		}
		other, err := New(12, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if err := LoadInto(other, path); err == nil ||
			!strings.Contains(err.Error(), "encoder.0.weight") {
			t.Errorf("loaded into a model of other widths: %v", err)
		}
	}
	for _, w := range []Widths{{}, {Encoder: []int{5, 0}}, {Encoder: []int{5}, Decoder: []int{-1}},
		{Encoder: []int{1 << 40}}} {
		if _, err := NewWithWidths(12, w, 0); err == nil {
			t.Errorf("widths %v were taken", w)
		}
	}
}

// A closed model's memory is free, and its use is an error.
func TestModelClose(t *testing.T) {
	var early int
	for i := range 12 {
		m, err := NewWithWidths(784, Widths{Encoder: []int{8000, 50}}, 0) // 28 MB
		if err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			early = rss(t)
		}
		m.Close()
		m.Close()
		if _, err := Encode(context.Background(), m, FromPixels(noise(2, 784), 2)); err == nil ||
			!strings.Contains(err.Error(), "closed") {
			t.Fatalf("a closed model encodes: %v", err)
		}
		if err := torch.Do(
			func(s *torch.Scope) {
				m.Encode(s.Float32s(make([]float32, 784), 1,
					784))
			}); err == nil {
			t.Fatal("a closed model encodes")
		}
	}
	if late := rss(t); late > early+60<<20 {
		t.Errorf("resident size grew from %d to %d MiB over nine models", early>>20, late>>20)
	}
}
