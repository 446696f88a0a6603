package pt

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// noTorch is the exit code of a script whose Python has no torch.
const noTorch = 77

// pythons returns the Python interpreters here, with torch or without.
func pythons() []string {
	var found []string
	seen := map[string]bool{}
	for _, name := range []string{os.Getenv("LATENT_PYTHON"), "python3", "/usr/bin/python3"} {
		path, err := exec.LookPath(name)
		if name == "" || err != nil || seen[path] {
			continue
		}
		seen[path] = true
		found = append(found, path)
	}
	return found
}

// checkPython loads what TestPythonReads wrote, under weights_only. Version 1.13
// does not read floats so (see the package comment), hence a file without them
// for it and for all.
const checkPython = `
import sys
try:
    import torch
except ImportError:
    sys.exit(77)
from collections import OrderedDict
v = torch.load(sys.argv[1], weights_only=True)
assert type(v) is OrderedDict, type(v)
assert list(v) == ["f32", "f64", "i64", "i32", "u8", "bool", "scalar", "empty", "ints", "s", "yes", "no", "none", "nested", ""], list(v)
def same(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape and a.device.type == "cpu" and a.is_contiguous(), (a, b)
    assert torch.equal(a, b), (a, b)
same(v["f32"], torch.tensor([[1, -2.5, 3], [float("inf"), 1e-45, 0.1]]))
same(v["f64"], torch.tensor([0.1, -1e300], dtype=torch.float64))
same(v["i64"], torch.tensor([[-2**63], [2**63 - 1]]))
same(v["i32"], torch.tensor([-2**31, 7], dtype=torch.int32))
same(v["u8"], torch.arange(256, dtype=torch.uint8).reshape(2, 2, 64))
same(v["bool"], torch.tensor([True, False, True]))
same(v["scalar"], torch.tensor(2.5))
same(v["empty"], torch.zeros(0, 3))
assert v["ints"] == [0, 255, 256, 65535, 65536, -1, 2**31 - 1, -2**31, 2**31, -2**63, 2**63 - 1], v["ints"]
assert v["s"] == "na\u00efve \u0416 \U0001f642\n", v["s"]
assert v["yes"] is True and v["no"] is False and v["none"] is None
assert type(v["nested"]) is OrderedDict and v["nested"] == {"list": [[], [1, ["x"]], {}]}
same(v[""], torch.ones(1))
m = torch.nn.Linear(3, 2)
m.load_state_dict(OrderedDict(weight=v["f32"], bias=torch.zeros(2)))
if torch.__version__ >= "2":
    assert torch.load(sys.argv[2], weights_only=True) == {"x": [0.1, -1e300, float("inf")]}
else:
    assert torch.load(sys.argv[2]) == {"x": [0.1, -1e300, float("inf")]}
print(torch.__version__)
`

// zoo is a value with everything in it but floats.
func zoo() Dict {
	bytes := make([]uint8, 256)
	for i := range bytes {
		bytes[i] = uint8(i)
	}
	return Dict{
		{"f32", Tensor{[]int{2, 3}, []float32{1, -2.5, 3, float32(math.Inf(1)), 1e-45, 0.1}}},
		{"f64", Tensor{[]int{2}, []float64{0.1, -1e300}}},
		{"i64", Tensor{[]int{2, 1}, []int64{math.MinInt64, math.MaxInt64}}},
		{"i32", Tensor{[]int{2}, []int32{math.MinInt32, 7}}},
		{"u8", Tensor{[]int{2, 2, 64}, bytes}},
		{"bool", Tensor{[]int{3}, []bool{true, false, true}}},
		{"scalar", Tensor{[]int{}, []float32{2.5}}},
		{"empty", Tensor{[]int{0, 3}, []float32{}}},
		{"ints", []any{int64(0), int64(255), int64(256), int64(65535), int64(65536), int64(-1),
			int64(math.MaxInt32), int64(math.MinInt32), int64(math.MaxInt32 + 1),
			int64(math.MinInt64), int64(math.MaxInt64)}},
		{"s", "naïve Ж 🙂\n"},
		{"yes", true},
		{"no", false},
		{"none", nil},
		{"nested", Dict{{"list", []any{[]any{}, []any{int64(1), []any{"x"}}, Dict{}}}}},
		{"", Tensor{[]int{1}, []float32{1}}},
	}
}

func floats() Dict { return Dict{{"x", []any{0.1, -1e300, math.Inf(1)}}} }

func TestPythonReads(t *testing.T) {
	dir := t.TempDir()
	zooFile, floatFile := filepath.Join(dir, "zoo.pt"), filepath.Join(dir, "floats.pt")
	if err := WriteFile(zooFile, zoo()); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(floatFile, floats()); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(filepath.Join(dir, "none.pt")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	readers := 0
	for _, python := range pythons() {
		out, err := exec.Command(python, "-c", checkPython, zooFile, floatFile).CombinedOutput()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == noTorch {
			continue
		}
		readers++
		if err != nil {
			t.Errorf("%s: %v\n%s", python, err, out)
			continue
		}
		t.Logf("%s: torch %s", python, out)
	}
	if readers == 0 {
		t.Skip("no Python with torch here (LATENT_PYTHON names one)")
	}
}
