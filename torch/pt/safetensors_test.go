package pt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What safetensors' own writer wrote is read, every type of it.
func TestSafetensorsReads(t *testing.T) {
	v, err := ReadFile("testdata/zoo.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	d := v.(Dict)
	for name, want := range map[string]Tensor{
		"F32":    {[]int{2, 2}, []float32{1.5, -0.1, 3e38, 1e-45}},
		"F64":    {[]int{2}, []float64{0.1, -1e300}},
		"F16":    {[]int{4}, []float32{1, half(0xae66), 65504, half(1)}},
		"BF16":   {[]int{3}, []float32{1, BFloat16(0xbdcd).Float32(), BFloat16(0x7f62).Float32()}},
		"I64":    {[]int{2}, []int64{-1 << 63, 1<<63 - 1}},
		"I32":    {[]int{2}, []int32{-1 << 31, 7}},
		"I16":    {[]int{2}, []int16{-1 << 15, 7}},
		"I8":     {[]int{2}, []int8{-128, 7}},
		"U8":     {[]int{2}, []uint8{0, 255}},
		"BOOL":   {[]int{2}, []bool{true, false}},
		"scalar": {[]int{}, []float32{2.5}},
		"empty":  {[]int{0, 3}, []float32{}},
	} {
		got, _ := d.Get(name)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if len(d) != 12 {
		t.Errorf("%d tensors: %v", len(d), d.Keys())
	}
}

func tensorZoo() Dict {
	return Dict{
		{"f32", Tensor{[]int{2, 3}, []float32{1, -2.5, 3, 0, 1e-45, 0.1}}},
		{"f16", Tensor{[]int{2}, []Float16{0x3c00, 0xfc00}}},
		{"bf16", Tensor{[]int{2}, []BFloat16{0x3f80, 0xff80}}},
		{"f64", Tensor{[]int{2}, []float64{0.1, -1e300}}},
		{"i64", Tensor{[]int{2, 1}, []int64{-1 << 63, 7}}},
		{"i32", Tensor{[]int{1}, []int32{-7}}},
		{"i16", Tensor{[]int{1}, []int16{-7}}},
		{"i8", Tensor{[]int{1}, []int8{-7}}},
		{"u8", Tensor{[]int{3}, []uint8{0, 128, 255}}},
		{"bool", Tensor{[]int{2}, []bool{true, false}}},
		{"scalar", Tensor{[]int{}, []float32{2.5}}},
		{"empty", Tensor{[]int{0, 3}, []float32{}}},
	}
}

// Both formats hold every type; both are read back as they were, halves as the float32 that they
// are; Python reads both.
func TestBothFormats(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"zoo.pt", "zoo.safetensors"} {
		path := filepath.Join(dir, name)
		if err := WriteFile(path, tensorZoo()); err != nil {
			t.Fatal(err)
		}
		v, err := ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tensorZoo() {
			got, _ := v.(Dict).Get(want.Key)
			if fmt.Sprint(got) != fmt.Sprint(widened(want.Value.(Tensor))) {
				t.Errorf("%s: %s is %v, want %v", name, want.Key, got, want.Value)
			}
		}
	}
	const script = `
import sys
try:
    import torch
except ImportError:
    sys.exit(77)
files = [torch.load(sys.argv[1] + "/zoo.pt", weights_only=True)]
try:
    import safetensors.torch
    files.append(safetensors.torch.load_file(sys.argv[1] + "/zoo.safetensors"))
except ImportError:
    pass
for v in files:
    assert v["f16"].dtype == torch.float16 and v["f16"].tolist() == [1, float("-inf")], v["f16"]
    assert v["bf16"].dtype == torch.bfloat16 and v["bf16"].tolist() == [1, float("-inf")], v["bf16"]
    assert v["i16"].dtype == torch.int16 and v["i8"].dtype == torch.int8 and v["i16"].tolist() == v["i8"].tolist() == [-7]
    assert v["i64"].tolist() == [[-2**63], [7]] and v["u8"].tolist() == [0, 128, 255] and v["bool"].tolist() == [True, False]
    assert v["scalar"].shape == () and v["empty"].shape == (0, 3) and v["f64"].tolist() == [0.1, -1e300]
print(torch.__version__, len(files), "files")
`
	for _, python := range pythons() {
		out, err := exec.Command(python, "-c", script, dir).CombinedOutput()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == noTorch {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", python, err, out)
		}
		t.Logf("%s: %s", python, out)
	}
}

func widened(t Tensor) Tensor {
	var wide []float32
	switch data := t.Data.(type) {
	case []Float16:
		for _, h := range data {
			wide = append(wide, h.Float32())
		}
	case []BFloat16:
		for _, b := range data {
			wide = append(wide, b.Float32())
		}
	default:
		return t
	}
	return Tensor{t.Shape, wide}
}

// A whole training's checkpoint, of both PyTorch versions: nested optimiser state, half weights,
// shared and transposed storages.
func TestCheckpoint(t *testing.T) {
	for _, version := range []string{"1.13", "2.11"} {
		v, err := ReadFile("testdata/torch-" + version + "/checkpoint.pt")
		if err != nil {
			t.Fatal(err)
		}
		d := v.(Dict)
		at := func(path ...any) any {
			v := any(d)
			for _, step := range path {
				switch step := step.(type) {
				case string:
					v, _ = v.(Dict).Get(step)
				case int:
					v = v.([]any)[step]
				}
			}
			return v
		}
		if at("epoch") != int64(3) || at("loss") != 0.25 || at("best") != nil ||
			at("history", 1) != 0.25 || at("shape", 2) != int64(4) ||
			at("optimizer", "param_groups", 0, "momentum") != 0.9 || at("size", 1) != int64(8) ||
			at("where") != "cpu" {
			t.Errorf("%s: plain values are wrong: %v", version, d)
		}
		buffer := at("optimizer", "state", "0", "momentum_buffer").(Tensor)
		if fmt.Sprint(buffer.Shape) != "[2 1 3 3]" {
			t.Errorf("%s: the momentum has shape %v", version, buffer.Shape)
		}
		weight, tied, flipped := at("model", "3.weight").(Tensor), at("tied", 0).(Tensor),
			at("tied", 1).(Tensor)
		w, f := weight.Data.([]float32), flipped.Data.([]float32)
		if !reflect.DeepEqual(weight, tied) || w[1] != f[2] || w[8] != f[1] {
			t.Errorf("%s: shared storages are read differently", version)
		}
		if _, ok := at("half", "3.weight").(Tensor).Data.([]float32); !ok {
			t.Errorf("%s: halves are no floats", version)
		}
		if b := at("bytes").(Tensor).Data; !reflect.DeepEqual(b, []int8{-3, 3}) {
			t.Errorf("%s: int8 is %v", version, b)
		}
		if n := at("model", "1.num_batches_tracked").(Tensor).Data; !reflect.DeepEqual(n,
			[]int64{1}) {
			t.Errorf("%s: %v batches tracked", version, n)
		}
	}
}

func TestSafetensorsErrors(t *testing.T) {
	file := func(header string, data ...byte) []byte {
		return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))),
			header...), data...)
	}
	for want, b := range map[string][]byte{
		"not a whole safetensors file": {1, 2, 3},
		"header":                       file(`{"a":`, 1, 2),
		"element type": file(
			`{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}`, 1),
		"do not fit": file(
			`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 1, 2, 3, 4),
		"negative size": file(
			`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}`),
		"too large": file(
			`{"a":{"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`),
		"fit the file": file(
			`{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}`, 1),
		"offsets": file(
			`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 1, 2),
		"bytes behind": file(
			`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1, 2),
	} {
		_, err := DecodeSafetensors(bytes.NewReader(b), int64(len(b)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", b, err, want)
		}
	}
	for want, d := range map[string]Dict{
		"tensors alone":     {{"a", "text"}},
		"occurs twice":      {{"a", tensorZoo()[0].Value}, {"a", tensorZoo()[0].Value}},
		"format's own":      {{"__metadata__", tensorZoo()[0].Value}},
		"wants 2":           {{"a", Tensor{[]int{2}, []float32{1}}}},
		"cannot be written": {{"a", Tensor{[]int{1}, []uint16{1}}}},
	} {
		if err := EncodeSafetensors(&bytes.Buffer{}, d); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", d, err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := WriteFile(path, []any{}); err == nil {
		t.Error("a list was written as safetensors")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a refused value left a file")
	}
}

func FuzzDecodeSafetensors(f *testing.F) {
	var b bytes.Buffer
	if err := EncodeSafetensors(&b, tensorZoo()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := DecodeSafetensors(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := EncodeSafetensors(&again, d); err != nil &&
			!strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
