package dataset

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
)

// Scaling is scikit-learn's, of the rows it was fitted to and of new ones.
func TestScaler(t *testing.T) {
	var g map[string]json.RawMessage
	golden(t, "scaler.json", &g)
	values := func(key string) (x []float32) {
		if err := json.Unmarshal(g[key], &x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	split := func(key string) *Split {
		x := values(key)
		return &Split{Features: x, N: len(x) / 6, Cols: 6}
	}
	for _, kind := range []string{ScaleUnit, ScaleStandard, ScaleAuto} {
		c, err := FitScaler(kind, split("x"))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"x", "new"} {
			s := split(key)
			if err := c.Apply(s); err != nil {
				t.Fatal(err)
			}
			for i, want := range values(c.Kind + "_" + key) {
				if math.Abs(float64(s.Features[i]-want)) > 1e-6*max(1, math.Abs(float64(want))) {
					t.Errorf("%s %s: value %d is %.9g, scikit-learn's %.9g", kind, key, i,
						s.Features[i], want)
				}
				if key == "x" && (i%6 == 3 || i%6 == 5) && s.Features[i] != 0 {
					t.Errorf("%s: constant column %d is %g", kind, i%6, s.Features[i])
				}
			}
		}
	}
	images := &Split{Images: count(24), N: 4, Rows: 2, Cols: 3}
	c, err := FitScaler(ScaleAuto, images)
	if err != nil || c.Kind != "255" || c.Apply(images) != nil || images.Features != nil {
		t.Errorf("bytes: %+v, %v", c, err)
	}
	whole := &Split{Features: make([]float32, 256), N: 256, Cols: 1}
	for i := range whole.Features {
		whole.Features[i] = float32(i)
	}
	if err := c.Apply(whole); err != nil ||
		!slices.Equal(whole.Features, (&Split{Images: count(256), N: 256, Cols: 1}).Floats()) {
		t.Errorf("numbers / 255 are not bytes / 255: %v", err)
	}
	if c, err = FitScaler(ScaleNone, images); err != nil || c.Apply(images) != nil ||
		images.Features[7] != 7 {
		t.Errorf("none: %+v, %v", c, err)
	}
	for _, kind := range []string{"", "0", "-1", "nan", "inf", "1e-60", "minmax"} {
		if CheckScale(kind) == nil {
			t.Errorf("%q is a scale", kind)
		}
	}
}
