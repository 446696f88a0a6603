package pt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// goldens are the folders that torch/pt/testdata/golden.py wrote, one a PyTorch version.
func goldens(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("testdata/torch-*")
	if err != nil || len(dirs) != 2 {
		t.Fatalf("golden folders: %v, %v", dirs, err)
	}
	return dirs
}

// expected turns the JSON of torch/pt/testdata/golden.py into the package's types.
func expected(t *testing.T, v any) any {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = expected(t, v[i])
		}
		return out
	case map[string]any:
		if f, ok := v["float"]; ok {
			n, _ := f.(json.Number).Float64()
			return n
		}
		if pairs, ok := v["dict"]; ok {
			d := Dict{}
			for _, p := range pairs.([]any) {
				d = append(d, Item{p.([]any)[0].(string), expected(t, p.([]any)[1])})
			}
			return d
		}
		shape := []int{}
		for _, s := range v["shape"].([]any) {
			n, _ := s.(json.Number).Int64()
			shape = append(shape, int(n))
		}
		return Tensor{shape, expectedData(v["tensor"].(string), v["values"].([]any))}
	}
	return v
}

func expectedData(dtype string, values []any) any {
	float := func(v any) float64 { f, _ := v.(json.Number).Float64(); return f }
	whole := func(v any) int64 { i, _ := v.(json.Number).Int64(); return i }
	switch dtype {
	case "float32":
		return each(values, func(v any) float32 { return float32(float(v)) })
	case "float64":
		return each(values, float)
	case "int64":
		return each(values, whole)
	case "int32":
		return each(values, func(v any) int32 { return int32(whole(v)) })
	case "uint8":
		return each(values, func(v any) uint8 { return uint8(whole(v)) })
	case "bool":
		return each(values, func(v any) bool { return v.(bool) })
	}
	panic(dtype)
}

func each[T any](values []any, f func(any) T) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = f(v)
	}
	return out
}

func TestGoldens(t *testing.T) {
	for _, dir := range goldens(t) {
		raw, err := os.ReadFile(filepath.Join(dir, "expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"linears.pt", "adam.pt", "zoo.pt", "views.pt"} {
			t.Run(filepath.Base(dir)+"/"+name, func(t *testing.T) {
				got, err := ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if w := expected(t, want[name]); !reflect.DeepEqual(got, w) {
					t.Errorf("got  %v\nwant %v", got, w)
				}
			})
		}
	}
}

func TestStateDict(t *testing.T) {
	v, err := ReadFile("testdata/torch-2.11/linears.pt")
	if err != nil {
		t.Fatal(err)
	}
	d := v.(Dict)
	want := []string{"encoder.0.weight", "encoder.0.bias", "decoder.1.weight", "decoder.1.bias"}
	if !reflect.DeepEqual(d.Keys(), want) {
		t.Errorf("keys %v, want %v", d.Keys(), want)
	}
	b, ok := d.Get("decoder.1.bias")
	if !ok || !reflect.DeepEqual(b.(Tensor).Shape, []int{4}) {
		t.Errorf("decoder.1.bias: %v, %v", b, ok)
	}
	if _, ok := d.Get("decoder.3.bias"); ok {
		t.Error("decoder.3.bias is there")
	}
}

func TestRefusedGoldens(t *testing.T) {
	for _, dir := range goldens(t) {
		for name, want := range map[string]string{
			"module.pt": `asks for "torch.nn.modules.linear.Linear"`,
			"sparse.pt": `asks for "torch._utils._rebuild_sparse_tensor"`,
			"legacy.pt": "before PyTorch 1.6; load it in Python and torch.save it again",
			"script.pt": "a TorchScript archive",
		} {
			path := filepath.Join(dir, name)
			_, err := ReadFile(path)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want an error with %q", path, err, want)
				continue
			}
			if !strings.HasPrefix(err.Error(), "pt: read "+path+": ") ||
				strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: not one line that names the file: %q", path, err)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, v := range []any{zoo(), floats(), nil, true, int64(5), 0.5, "x", Dict{}, []any{},
		Tensor{[]int{}, []bool{true}}} {
		var a, b bytes.Buffer
		if err := Encode(&a, v); err != nil {
			t.Fatal(err)
		}
		if err := Encode(&b, v); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("equal values, different bytes (%v)", err)
		}
		got, err := Decode(bytes.NewReader(a.Bytes()), int64(a.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, v) {
			t.Errorf("got  %v\nwant %v", got, v)
		}
	}
}

// TestRewrite writes what PyTorch wrote and reads it again.
func TestRewrite(t *testing.T) {
	v, err := ReadFile("testdata/torch-2.11/zoo.pt")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "zoo.pt")
	if err := WriteFile(path, v); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(path)
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("got  %v, %v\nwant %v", got, err, v)
	}
}

func TestHalf(t *testing.T) {
	// Every binary16 number, against its definition (IEEE 754, 3.4).
	for h := range 1 << 16 {
		exp, frac := h>>10&31, float64(h&1023)
		var want float64
		switch exp {
		case 0:
			want = math.Ldexp(frac, -24)
		case 31:
			want = math.Inf(1)
			if frac != 0 {
				want = math.NaN()
			}
		default:
			want = math.Ldexp(1024+frac, exp-25)
		}
		if h>>15 == 1 {
			want = -want
		}
		got := float64(half(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) ||
			math.Signbit(got) != (h>>15 == 1) {
			t.Fatalf("half(%#x) = %v, want %v", h, got, want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	deep := any(Dict{})
	for range maxDepth + 1 {
		deep = []any{deep}
	}
	cyclic := []any{nil}
	cyclic[0] = cyclic
	for _, c := range []struct {
		v    any
		want string
	}{
		{Dict{{"a", []any{1, make(chan int)}}}, `value["a"][1]: a chan int cannot be written`},
		{Dict{{"a", Tensor{[]int{2, 2}, []float32{1, 2, 3}}}},
			`value["a"]: shape [2 2] wants 4 elements, data has 3`},
		{Tensor{[]int{-1}, []float32{}}, "negative size"},
		{Tensor{[]int{math.MaxInt, 2}, []float32{}}, "too large"},
		{Tensor{[]int{1}, []uint16{1}}, "data of type []uint16"},
		{Tensor{}, "data of type <nil>"},
		{Dict{{"a", 1}, {"a", 2}}, `key "a" occurs twice`},
		{"\xff", "UTF-8"},
		{Dict{{"\xff", 1}}, "UTF-8"},
		{strings.Repeat("x", maxPickle), "put numbers into a tensor"},
		{deep, "nested more than 64 deep"},
		{cyclic, "nested more than 64 deep"},
	} {
		err := Encode(new(bytes.Buffer), c.v)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: %v, want an error with %q", c.v, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "x.pt")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, "\xff"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("WriteFile: %v", err)
	}
	if old, _ := os.ReadFile(path); string(old) != "old" {
		t.Errorf("a failed write left %q", old)
	}
}

// model returns a state_dict of 1.65 million float32, the notebook's size.
func model() Dict {
	d := Dict{}
	for i, shape := range [][]int{{1000, 784}, {1000}, {25, 1000}, {25}, {50, 25}, {50},
		{1000, 50}, {1000}, {784, 1000}, {784}} {
		n, _ := count(shape)
		x := make([]float32, n)
		for j := range x {
			x[j] = float32(j%1000) / 1000
		}
		d = append(d, Item{fmt.Sprint(i), Tensor{shape, x}})
	}
	return d
}

func BenchmarkEncode(b *testing.B) {
	m := model()
	b.ReportAllocs()
	for b.Loop() {
		var c counter
		c.w = discard{}
		if err := Encode(&c, m); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(c.n)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkReadFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "model.pt")
	if err := WriteFile(path, model()); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadFile(path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteFile(b *testing.B) {
	m, path := model(), filepath.Join(b.TempDir(), "model.pt")
	b.ReportAllocs()
	for b.Loop() {
		if err := WriteFile(path, m); err != nil {
			b.Fatal(err)
		}
	}
}
