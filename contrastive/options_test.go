//go:build linux && cgo

package contrastive

import (
	"math"
	"strings"
	"testing"
)

func TestBadOptions(t *testing.T) {
	for _, c := range []struct {
		loss   string
		change func(*Options)
		want   string
	}{
		{"triplet", func(*Options) {},
			`unknown loss "triplet": want notebook, nt-xent, supcon, self-label`},
		{"supcon", func(o *Options) { o.Temperature = 0 },
			"temperature must be above 0 and finite, got 0"},
		{"nt-xent", func(o *Options) { o.Temperature = -1 },
			"temperature must be above 0 and finite, got -1"},
		{"notebook", func(o *Options) { o.Temperature = math.NaN() }, "temperature"},
		{"supcon", func(o *Options) { o.Temperature = math.Inf(1) }, "temperature"},
		{"supcon", func(o *Options) { o.Weight = -0.5 },
			"weight must be at least 0 and finite, got -0.5"},
		{"supcon", func(o *Options) { o.Similarity = "manhattan" },
			`unknown similarity "manhattan": want cosine or euclidean`},
		{"supcon", func(o *Options) { o.Augment, o.Augmentation.Scale = true, 1 },
			"scale must be from 0 to 0.99, got 1"},
		{"nt-xent", func(o *Options) { o.Augmentation.Rotation = math.NaN() }, "rotation"},
		{"nt-xent", func(o *Options) { o.Augment = false }, "nt-xent needs augmentation"},
		{"self-label", func(o *Options) { o.Augment = false }, "self-label needs augmentation"},
		{"notebook", func(o *Options) { o.Augment = true }, "notebook's loss has no augmentation"},
		{"notebook", func(o *Options) { o.Similarity = Euclidean },
			"similarity cosine, not euclidean"},
	} {
		o, _ := Defaults(c.loss)
		c.change(&o)
		_, err := New(c.loss, o)
		if err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", c.loss, err, c.want)
		}
	}
	for _, name := range Names() {
		o, err := Defaults(name)
		if err != nil {
			t.Error(err)
		}
		if _, err := New(name, o); err != nil {
			t.Errorf("defaults of %s: %v", name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		loss   string
		labels []int
		want   string
	}{
		{"notebook", []int{1, 2, 2}, ""},
		{"supcon", []int{1, 2, 2}, ""},
		{"nt-xent", []int{4, 4}, ""},
		{"nt-xent", nil, ""},
		{"self-label", nil, ""},
		{"notebook", []int{4, 4}, "at least two classes, and all are of class 4"},
		{"supcon", []int{4, 4}, "at least two classes, and all are of class 4"},
		{"supcon", nil, "needs labels"},
		{"supcon", []int{0, -1}, "at least two classes, and all are of class 0"},
		{"supcon", []int{-1, -1}, "needs labels, and none is known"},
		{"supcon", []int{0, -1, 1}, ""},
		{"notebook", []int{0, 10}, "label 10 of image 1"},
		{"supcon", []int{0, 10}, ""},
	} {
		err := Check(c.loss, c.labels)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %v: %v, want %q", c.loss, c.labels, err, c.want)
		}
	}
}
