//go:build linux && cgo

package torch

import (
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// FuzzOperations calls operations of the table with tensors of any shape and type, small integers
// as dimensions, sizes and indices, and odd floats, then with one tensor that is closed, nil or of
// another device: each call ends with tensors or with one error of one line, never with a crash.
func FuzzOperations(f *testing.F) {
	names := slices.Sorted(maps.Keys(operations))
	for i := range names {
		f.Add(uint64(i), uint64(1))
	}
	f.Fuzz(func(t *testing.T, which, seed uint64) {
		o := operations[names[which%uint64(len(names))]]
		r := rand.New(rand.NewPCG(which, seed))
		for range 20 {
			fuzzOnce(t, names[which%uint64(len(names))], o, r, false)
		}
		r = rand.New(rand.NewPCG(which, ^seed))
		for range 5 {
			fuzzOnce(t, names[which%uint64(len(names))], o, r, true)
		}
	})
}

func fuzzOnce(t *testing.T, name string, o tableOperation, r *rand.Rand, spoil bool) {
	var args []any
	err := Do(func(s *Scope) {
		args = nil
		common := fuzzShape(r)
		for _, kind := range o.kinds {
			args = append(args, fuzzArgument(s, r, kind, common))
		}
		if name == "Arange" && math.Abs(args[2].(float64)) < 1e-3 {
			args[2] = 0.0 // not a billion elements
		}
		if spoil {
			fuzzSpoil(r, args)
		}
		for _, made := range o.call(s, args) {
			made.Export() // the values, if there are any
			sum := made.Sum()
			if r.IntN(2) == 0 {
				sum.Backward() // an error where nothing records gradients
			}
		}
	})
	var e *Error
	if err != nil &&
		(!errors.As(err, &e) || e.Message == "" || strings.Contains(e.Error(), "\n")) {
		t.Errorf("%s%v: %q", name, args, err)
	}
}

// fuzzSpoil closes a tensor of the arguments, takes it away or moves it to a device that has no
// data or does not exist.
func fuzzSpoil(r *rand.Rand, args []any) {
	var places []**Tensor
	for i := range args {
		switch a := args[i].(type) {
		case *Tensor:
			x := &a
			places = append(places, x)
			defer func() { args[i] = *x }()
		case []*Tensor:
			for k := range a {
				places = append(places, &a[k])
			}
		}
	}
	if len(places) == 0 {
		return
	}
	place := places[r.IntN(len(places))]
	switch r.IntN(4) {
	case 0:
		(*place).Close()
	case 1:
		*place = nil
	case 2:
		*place = (*place).To("meta")
	case 3:
		*place = (*place).To([]string{"cuda", "cuda:7", "vax", "", "cpu:3", "mkldnn", "xla:0",
			"mps"}[r.IntN(8)])
	}
}

func fuzzShape(r *rand.Rand) []int {
	shape := make([]int, r.IntN(5))
	for i := range shape {
		shape[i] = r.IntN(5)
	}
	return shape
}

func fuzzTensor(s *Scope, r *rand.Rand, common []int) *Tensor {
	shape := common
	if r.IntN(3) == 0 {
		shape = fuzzShape(r)
	}
	switch r.IntN(8) {
	case 0:
		return s.RandInt(-3, 6, shape...)
	case 1:
		return s.RandInt(0, 3, shape...)
	case 2:
		return s.Rand(shape...).ToType(allTypes[r.IntN(len(allTypes))])
	case 3:
		x := s.Randn(shape...)
		if len(shape) >= 2 {
			x = x.Transpose(0, 1) // not contiguous
		}
		return x
	case 4:
		return s.Rand(shape...)
	default:
		return s.Randn(shape...).RequiresGrad(true)
	}
}

func fuzzArgument(s *Scope, r *rand.Rand, kind string, common []int) any {
	number := func() int { return r.IntN(9) - 3 }
	floats := []float64{0, 1, 2, 3, 0.5, -1, -0.5, 1e-8, 100, math.NaN(), math.Inf(1),
		math.Inf(-1)}
	switch kind {
	case "T":
		return fuzzTensor(s, r, common)
	case "T?":
		if r.IntN(3) == 0 {
			return nil
		}
		return fuzzTensor(s, r, common)
	case "T...":
		list := make([]*Tensor, r.IntN(4))
		for i := range list {
			list[i] = fuzzTensor(s, r, common)
		}
		return list
	case "int":
		return number()
	case "ints", "int...":
		list := make([]int, r.IntN(5))
		for i := range list {
			list[i] = number()
		}
		return list
	case "float", "scalar":
		return floats[r.IntN(len(floats))]
	case "bool":
		return r.IntN(2) == 0
	case "string":
		return []string{"i,i->i", "ij,jk->ik", "bi,bj->bij", "ii", "", "...i->...", "i,,",
			"aé"}[r.IntN(8)]
	case "dtype":
		return allTypes[r.IntN(len(allTypes))]
	case "reduction":
		return Reduction(r.IntN(5) - 1)
	}
	panic("no argument of kind " + kind)
}
