package run

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"latent/autoenc"
)

type config struct {
	Seed    int64             `json:"seed"`
	LR      float64           `json:"lr"`
	Dataset string            `json:"dataset"`
	Loss    struct{ Tau int } `json:"loss"`
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestConfig(t *testing.T) {
	f := open(t)
	want := config{Seed: math.MaxInt64, LR: 1e-3, Dataset: "a<b"}
	want.Loss.Tau = 5
	if err := f.WriteConfig(want); err != nil {
		t.Fatal(err)
	}
	var got config
	if err := ReadConfig(f.Dir(), &got); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	b, _ := os.ReadFile(f.Path(ConfigFile))
	if !strings.HasPrefix(string(b),
		"{\n  \"version\": 1,\n  \"seed\": 9223372036854775807,\n  \"lr\": 0.001,\n") ||
		!strings.HasSuffix(string(b), "}\n") {
		t.Errorf("%s", b)
	}
	if err := f.WriteConfig(struct{}{}); err != nil {
		t.Error(err)
	}
	if err := ReadConfig(f.Dir(), &struct{}{}); err != nil {
		t.Error(err)
	}
	before, _ := os.ReadFile(f.Path(ConfigFile))
	for _, bad := range []any{nil, 5, []int{1}, (*config)(nil), map[string]int{"version": 2},
		math.NaN(), map[string]any{"x": math.Inf(1)}} {
		if err := f.WriteConfig(bad); err == nil ||
			!strings.Contains(err.Error(), f.Path(ConfigFile)) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if after, _ := os.ReadFile(f.Path(ConfigFile)); string(after) != string(before) {
		t.Errorf("a failed write left %q", after)
	}
}

func TestConfigRefuses(t *testing.T) {
	f := open(t)
	if err := ReadConfig(f.Dir(), new(config)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	whole := `{"version":1,"seed":1,"lr":0.1,"dataset":"mnist","loss":{"Tau":1}}`
	for _, c := range []struct{ content, want string }{
		{"", "cut off or not JSON"},
		{whole[:len(whole)-1], "cut off or not JSON"},
		{whole[:20], "cut off or not JSON"},
		{whole + "x", "cut off or not JSON"},
		{"\x80\x02", "cut off or not JSON"},
		{strings.Repeat("[", 1<<20), "cut off or not JSON"},
		{`{"seed":` + strings.Repeat("1", 1<<20) + "}", "larger than 1048576 bytes"},
		{"[]", "cannot unmarshal array"},
		{"null", `no valid field "version"`},
		{`{"seed":1}`, `no valid field "version"`},
		{`{"version":"1"}`, `no valid field "version"`},
		{`{"version":0}`, `no valid field "version"`},
		{`{"version":1.5}`, `no valid field "version"`},
		{`{"version":99999999999999999999}`, `no valid field "version"`},
		{`{"version":2,"new":true}`,
			"written by a newer latent (run folder version 2, this one knows 1)"},
		{`{"version":1,"sead":1}`, `unknown field "sead"`},
		{`{"version":1,"loss":{"x":1}}`, `unknown field "x"`},
		{`{"version":1,"seed":"1"}`, "cannot unmarshal string"},
		{`{"version":1,"seed":1e99}`, "cannot unmarshal number"},
	} {
		write(t, f.Path(ConfigFile), c.content)
		err := ReadConfig(f.Dir(), new(config))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v, want an error with %q", c.content, err, c.want)
		} else if !strings.HasPrefix(err.Error(), "run: read "+f.Path(ConfigFile)+": ") ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("not one line that names the file: %q", err)
		}
	}
	os.Remove(f.Path(ConfigFile))
	if err := os.Mkdir(f.Path(ConfigFile), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := ReadConfig(f.Dir(), new(config)); err == nil ||
		!strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
}

func TestCompare(t *testing.T) {
	a := config{Seed: 1, LR: 1e-3}
	b := a
	if err := Compare(a, b); err != nil {
		t.Error(err)
	}
	b.LR, b.Loss.Tau = 0.01, 7
	if err := Compare(a, b); err == nil ||
		err.Error() != "loss.Tau is 0 in the run folder, but 7 was asked for" {
		t.Error(err)
	}
	if err := Compare(a, b, "loss.Tau"); err == nil ||
		err.Error() != "lr is 0.001 in the run folder, but 0.01 was asked for" {
		t.Error(err)
	}
	if err := Compare(a, b, "loss.Tau", "lr"); err != nil {
		t.Error(err)
	}
	if err := Compare(map[string]int{"x": 1}, map[string]int{}); err == nil {
		t.Error("a missing field is no difference")
	}
	if err := Compare(a, math.NaN()); err == nil {
		t.Error("NaN is JSON")
	}
}

func row(step, epoch int, loss, reconstruction, contrastive float32) autoenc.Loss {
	return autoenc.Loss{Step: step, Epoch: epoch, Loss: loss, Reconstruction: reconstruction,
		Contrastive: contrastive}
}

func rows() []autoenc.Loss {
	return []autoenc.Loss{
		row(1, 1, 0.115045846, 0.115045846, 0),
		row(2, 1, 1e-45, math.MaxFloat32, -1e-20),
		row(3, 2, 0.1, float32(1)/3, 16777216),
	}
}

func TestLosses(t *testing.T) {
	f := open(t)
	l, err := f.Losses(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows() {
		if err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Save(); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(f.Path(LossesFile))
	want := "step,epoch,loss,reconstruction,contrastive\n1,1,0.115045846,0.115045846,0\n" +
		"2,1,1e-45,3.4028235e+38,-1e-20\n3,2,0.1,0.33333334,1.6777216e+07\n"
	if string(b) != want {
		t.Errorf("got  %q\nwant %q", b, want)
	}
	got, err := ReadLosses(f.Dir())
	if err != nil || !reflect.DeepEqual(got, rows()) {
		t.Errorf("%v, %v", got, err)
	}

	// Resume at step 2, go on otherwise, and again as before: the same bytes.
	if l, err = f.Losses(2); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(l.Rows(), rows()[:2]) {
		t.Errorf("%v", l.Rows())
	}
	if err := errors.Join(l.Append(row(3, 1, 1, 1, 0)), l.Append(row(4, 2, 1, 1, 0)),
		l.Save()); err != nil {
		t.Fatal(err)
	}
	if l, err = f.Losses(2); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Append(rows()[2]), l.Save()); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(f.Path(LossesFile)); string(b) != want {
		t.Errorf("got  %q\nwant %q", b, want)
	}

	for _, step := range []int{-1, 4} {
		if _, err := f.Losses(step); err == nil ||
			!strings.Contains(err.Error(),
				f.Path(LossesFile)+": ends at step 3, but the checkpoint") {
			t.Errorf("step %d: %v", step, err)
		}
	}
	nan := float32(math.NaN())
	for _, bad := range []autoenc.Loss{row(3, 2, 1, 1, 0), row(5, 2, 1, 1, 0), row(4, 1, 1, 1, 0),
		row(4, 4, 1, 1, 0), row(4, 2, nan, 1, 0), row(4, 2, 1, float32(math.Inf(1)), 0), row(4, 2,
			1, 1, nan)} {
		if err := l.Append(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if err := l.Append(row(4, 2, nan, 1, 0)); err == nil ||
		err.Error() != "run: losses: step 4: the loss is NaN" {
		t.Error(err)
	}
	if len(l.Rows()) != 3 {
		t.Errorf("%v", l.Rows())
	}

	if err := os.RemoveAll(f.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := l.Save(); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), f.Path(LossesFile)) {
		t.Errorf("the folder is gone: %v", err)
	}
	if _, err := f.Losses(1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is gone: %v", err)
	}
}

func TestLossesRefuses(t *testing.T) {
	f := open(t)
	h := lossesHeader + "\n"
	for _, c := range []struct{ content, want string }{
		{"", "line 1: the header is not"},
		{lossesHeader, "line 1: the header is not"},
		{"step,loss\n1,1\n", "line 1: the header is not"},
		{h + "1,1,0.5,0.5,0", "line 2: cut off"},
		{h + "1,1,0.5,0.5,0\n2,1,0.", "line 3: cut off"},
		{h + "1,1,0.5,0.5\n", "line 2: not five numbers"},
		{h + "1,1,0.5,0.5,0,0\n", "line 2: not five numbers"},
		{h + "\n", "line 2: not five numbers"},
		{h + "1,1,0.5,,0\n", `line 2: "" is not a float32`},
		{h + "1,1,0.5,1e39,0\n", `line 2: "1e39" is not a float32`},
		{h + "1,1,NaN,0,0\n", "line 2: step 1: the loss is NaN"},
		{h + "x,1,0.5,0.5,0\n", `line 2: "x" is not a whole number`},
		{h + "2,1,0.5,0.5,0\n", "line 2: step 2 after step 0"},
		{h + "1,2,0.5,0.5,0\n", "line 2: step 1: epoch 2 after epoch 1"},
		{h + "1,1,0.5,0.5,0\n1,1,0.5,0.5,0\n", "line 3: step 1 after step 1"},
		{h + "1,1,0.5,0.5,0\r\n", `line 2: "0\r" is not a float32`},
	} {
		write(t, f.Path(LossesFile), c.content)
		_, err := ReadLosses(f.Dir())
		if err == nil ||
			!strings.HasPrefix(err.Error(), "run: read "+f.Path(LossesFile)+": "+c.want) {
			t.Errorf("%q: %v, want %q", c.content, err, c.want)
		}
	}
	write(t, f.Path(LossesFile), h)
	if rows, err := ReadLosses(f.Dir()); err != nil || len(rows) != 0 {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestMetrics(t *testing.T) {
	f := open(t)
	if _, err := ReadMetrics(f.Dir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	seed := int64(0)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(f.UpdateMetrics(func(m *Metrics) { m.Dataset, m.Epochs, m.Seed = "mnist", 20, &seed }))
	if b, _ := os.ReadFile(f.Path(MetricsFile)); string(b) != "{\n  \"dataset\": \"mnist\",\n  "+
		"\"epochs\": 20,\n  \"seed\": 0\n}\n" {
		t.Errorf("%s", b)
	}
	must(f.UpdateMetrics(func(m *Metrics) {
		m.Device, m.Libtorch = "cpu", "1.13.1"
		m.Accuracy["original"] = Splits{0.8080, 0.8203}
		m.MSE["reconstruction"] = Splits{0, 0.5}
	}))
	must(f.UpdateMetrics(func(m *Metrics) {
		m.Accuracy["reconstruction"] = Splits{0.64, 0.65}
		m.TSNE["original"] = TSNE{KL: 1.5, Iterations: 1000, Seconds: 2.5, Schedule: "auto"}
		m.Seconds["total"] = 3
	}))
	b, _ := os.ReadFile(f.Path(MetricsFile))
	var got, want any
	must(json.Unmarshal(b, &got))
	must(
		json.Unmarshal(
			[]byte(
				`{"dataset": "mnist", "epochs": 20, "seed": 0, "device": "cpu", "libtorch": "1.13.1",
		"accuracy": {"original": {"train": 0.8080, "test": 0.8203}, "reconstruction": {"train": 0.64, "test": 0.65}},
		"mse": {"reconstruction": {"train": 0.0, "test": 0.5}},
		"tsne": {"original": {"kl": 1.5, "iterations": 1000, "seconds": 2.5, "schedule": "auto"}},
		"seconds": {"total": 3.0}}`), &want))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}

	if err := f.UpdateMetrics(func(m *Metrics) { m.Seconds["total"] = math.NaN() }); err == nil ||
		!strings.Contains(err.Error(), f.Path(MetricsFile)) {
		t.Errorf("NaN: %v", err)
	}
	for content, want := range map[string]string{
		"":                           "cut off or not JSON",
		string(b[:len(b)/2]):         "cut off or not JSON",
		"null":                       "not an object",
		"[]":                         "cannot unmarshal",
		`{"future":1}`:               `unknown field "future"`,
		`{"accuracy":{"x":{"y":1}}}`: `unknown field "y"`,
	} {
		write(t, f.Path(MetricsFile), content)
		called := false
		err := f.UpdateMetrics(func(*Metrics) { called = true })
		if err == nil || called || !strings.Contains(err.Error(), f.Path(MetricsFile)+": ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want an error with %q", content, err, want)
		}
		if b, _ := os.ReadFile(f.Path(MetricsFile)); string(b) != content {
			t.Errorf("the file was changed to %q", b)
		}
	}
}

// BenchmarkLosses is the notebook's last checkpoint: 59 more rows after 29,441.
func BenchmarkLosses(b *testing.B) {
	f := open(b)
	l, err := f.Losses(0)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 29441 {
		v := 1 / float32(i+8)
		if err := l.Append(row(i+1, i/59+1, v, v, 0)); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("save", func(b *testing.B) {
		b.SetBytes(int64(len(l.text)))
		for b.Loop() {
			if err := l.Save(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("save empty", func(b *testing.B) {
		empty := &Losses{path: f.Path("empty.csv"), text: []byte(lossesHeader + "\n")}
		for b.Loop() {
			if err := empty.Save(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("resume", func(b *testing.B) {
		for b.Loop() {
			if _, err := f.Losses(29441); err != nil {
				b.Fatal(err)
			}
		}
	})
}
