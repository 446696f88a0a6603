package run

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// accuracies are rows whose latents overtake the pixels at these epochs, fall back, and
// overtake them again.
func accuracies(latent ...float64) []EpochAccuracy {
	var rows []EpochAccuracy
	for i, v := range latent {
		rows = append(rows,
			EpochAccuracy{10 * (i + 1), Splits{0.808, 0.8203}, Splits{v / 3, v}, Splits{0, 1}})
	}
	return rows
}

func TestAccuracy(t *testing.T) {
	f := open(t)
	if rows, err := ReadAccuracy(f.Dir()); rows != nil || err != nil {
		t.Errorf("without a file: %v, %v", rows, err)
	}
	for _, want := range [][]EpochAccuracy{nil, accuracies(0.5, 1.0/3)} {
		if err := f.WriteAccuracy(want); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadAccuracy(f.Dir()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	b, _ := os.ReadFile(f.Path(AccuracyFile))
	if want := "epoch,original_train,original_test,latent_train,latent_test," +
		"latent_cosine_train,latent_cosine_test\n" +
		"10,0.808,0.8203,0.16666666666666666,0.5,0,1\n"; !strings.HasPrefix(string(b), want) {
		t.Errorf("got %q, want %q", b, want)
	}
	h := accuracyHeader + "\n"
	for _, c := range []struct{ content, want string }{
		{"", "line 1: the header is not"},
		{accuracyHeader, "line 1: the header is not"},
		{h + "1,0,0,0,0,0,0", "line 2: cut off"},
		{h + "1,0,0,0,0,0\n", "line 2: not seven numbers"},
		{h + "0,0,0,0,0,0,0\n", `line 2: "0" is not an epoch`},
		{h + "1,0,0,0,0,0,NaN\n", `line 2: "NaN" is not a number from 0 to 1`},
		{h + "2,0,0,0,0,0,0\n2,0,0,0,0,0,0\n", "line 3: epoch 2 after epoch 2"},
	} {
		write(t, f.Path(AccuracyFile), c.content)
		_, err := ReadAccuracy(f.Dir())
		if err == nil ||
			!strings.HasPrefix(err.Error(), "run: read "+f.Path(AccuracyFile)+": "+c.want) {
			t.Errorf("%q: %v, want %q", c.content, err, c.want)
		}
	}
	if err := errors.Join(os.RemoveAll(f.Dir()), f.WriteAccuracy(nil)); err == nil ||
		!strings.Contains(err.Error(), AccuracyFile) {
		t.Errorf("the folder is gone: %v", err)
	}
}

func TestOvertakes(t *testing.T) {
	for want, rows := range map[int][]EpochAccuracy{
		0: nil, 1: {{Epoch: 1}}, 40: accuracies(0.5, 0.83, 0.82, 0.8203, 0.9), 10: accuracies(0.9),
	} {
		if got := Overtakes(rows); got != want {
			t.Errorf("%v: at epoch %d, want %d", rows, got, want)
		}
	}
	if got := Overtakes(accuracies(0.9, 0.7)); got != 0 {
		t.Errorf("worse in the end: at epoch %d", got)
	}
}

func TestAccuracyCurves(t *testing.T) {
	curves := AccuracyCurves([]AccuracySeries{{"a, reconstruction", accuracies(0.5)},
		{Model: "none"},
		{Contrastive, accuracies(0.6, 0.7)}})
	want := []AccuracyCurve{{Original, []int{10, 20}, []float64{0.8203, 0.8203}},
		{"a, reconstruction", []int{10}, []float64{0.5}}, {Contrastive, []int{10, 20},
			[]float64{0.6, 0.7}},
		{"contrastive, cosine", []int{10, 20}, []float64{1, 1}}}
	if !reflect.DeepEqual(curves, want) {
		t.Errorf("%v, want %v", curves, want)
	}
	if AccuracyCurves(nil) != nil {
		t.Error("curves of nothing")
	}
}
