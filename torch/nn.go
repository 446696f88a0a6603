//go:build linux && cgo

package torch

// #include <stdlib.h>
// #include "native/shim.h"
import "C"

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"unicode"
	"unsafe"

	"latent/torch/pt"
)

// Sequential chains modules as torch.nn.Sequential does: layer i's parameters are
// named "i.weight" and "i.bias".
type Sequential struct {
	modules []Module
	bf16    bool
	plain   bool
}

// NewSequential makes a chain.
func NewSequential(modules ...Module) *Sequential {
	return &Sequential{modules: modules}
}

// Forward feeds x through the chain. A Linear of n x in rows with a ReLU behind it
// runs in one pass over memory; the numbers are the same.
func (q *Sequential) Forward(x *Tensor) *Tensor {
	if q.plain {
		return q.forwardPlain(x)
	}
	for i := 0; i < len(q.modules); i++ {
		m, ok := q.modules[i].(*LinearModule)
		if !ok || m.Bias == nil {
			x = q.modules[i].Forward(x)
			continue
		}
		fused := false
		if i+1 < len(q.modules) {
			_, fused = q.modules[i+1].(reluModule)
		}
		x = linear(x, m.Weight, m.Bias, fused, q.bf16)
		if fused {
			i++
		}
	}
	return x
}

// linear is x W^T + b, in bfloat16 if asked, with a ReLU behind it if asked.
func linear(x, weight, bias *Tensor, relu, bf16 bool) *Tensor {
	var out C.Tensor
	check("linear", C.latent_linear(x.c(), weight.c(), bias.c(), C.bool(relu), C.bool(bf16), &out))
	runtime.KeepAlive(weight)
	runtime.KeepAlive(bias)
	return scopeOf(x).own(out)
}

// SetBF16 makes the chain multiply in bfloat16, weights and sums of gradients
// kept in float32, as torch.autocast does.
func (q *Sequential) SetBF16(on bool) { q.bf16 = on }

// Close frees the parameters; a nil chain has none.
func (q *Sequential) Close() {
	if q != nil {
		Free(q)
	}
}

// Parameter is a trainable tensor and its name in the state_dict.
type Parameter struct {
	Name string
	*Tensor
}

// Parameters returns the chain's parameters in order, names behind prefix
// ("encoder." gives "encoder.0.weight").
func (q *Sequential) Parameters(prefix string) []Parameter {
	list := Parameters(q)
	for i := range list {
		list[i].Name = prefix + list[i].Name
	}
	return list
}

// SetDevice moves a parameter, keeping its identity.
func (p Parameter) SetDevice(device string) error {
	return p.Tensor.setDevice(device)
}

func (t *Tensor) setDevice(device string) error {
	where := C.CString(device)
	defer C.free(unsafe.Pointer(where))
	err := failure("to", C.latent_set_device(t.c(), where))
	runtime.KeepAlive(t)
	return err
}

// maxNesting bounds the modules within modules, of which a cycle has no end.
const maxNesting = 64

// walk visits the tensors of m in the order of PyTorch's state_dict: a module's
// own parameters, its buffers, its modules. Where it meets something that it
// cannot name it panics with an *Error. enter is told every module.
func walk(m any, visit func(member), enter func(m any)) {
	walkValue(reflect.ValueOf(m), "", 0, visit, enter)
}

var tensorType = reflect.TypeFor[*Tensor]()

func walkValue(v reflect.Value, prefix string, depth int, visit func(member), enter func(m any)) {
	if depth > maxNesting {
		panic(&Error{"module",
			fmt.Sprintf("%.80s: modules nested more than %d deep", prefix, maxNesting)})
	}
	if !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) &&
		v.IsNil() {
		return
	}
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	m := v.Interface()
	enter(m)
	child := func(v reflect.Value, name string) {
		walkValue(v, prefix+name+".", depth+1, visit, enter)
	}
	switch m := m.(type) {
	case layer:
		for _, t := range m.members() {
			t.name = prefix + t.name
			visit(t)
		}
		return
	case *Sequential:
		for i, part := range m.modules {
			child(reflect.ValueOf(part), fmt.Sprint(i))
		}
		return
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return // a function, or what is no module
	}
	for _, buffers := range []bool{false, true} {
		for f := range fields(v, prefix) {
			if f.value.Type() == tensorType && f.buffer == buffers && !f.value.IsNil() {
				visit(member{prefix + f.name, f.value.Interface().(*Tensor), f.buffer})
			}
		}
	}
	for f := range fields(v, prefix) {
		switch {
		case f.value.Type() == tensorType:
		case f.value.Kind() == reflect.Slice:
			for i := range f.value.Len() {
				child(f.value.Index(i), fmt.Sprint(f.name, ".", i))
			}
		default:
			child(f.value, f.name)
		}
	}
}

type moduleField struct {
	value  reflect.Value
	name   string
	buffer bool
}

// fields yields the fields of a struct that hold tensors or modules.
func fields(v reflect.Value, prefix string) func(func(moduleField) bool) {
	return func(yield func(moduleField) bool) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			of := f.Type
			if of.Kind() == reflect.Slice {
				of = of.Elem()
			}
			if !holdsModules(of, 0) {
				continue
			}
			name, option, _ := strings.Cut(f.Tag.Get("torch"), ",")
			if name == "-" {
				continue
			}
			if !f.IsExported() {
				panic(&Error{"module",
					fmt.Sprintf("%s%s of %s must be exported, or tagged `torch:\"-\"`", prefix,
						f.Name, v.Type())})
			}
			if name == "" {
				name = snakeCase(f.Name)
			}
			if !yield(moduleField{v.Field(i), name, option == "buffer"}) {
				return
			}
		}
	}
}

var moduleType = reflect.TypeFor[Module]()

// holdsModules says whether a type is a tensor's, a module's, or a struct's with one.
func holdsModules(t reflect.Type, depth int) bool {
	if t == tensorType || t.Implements(moduleType) || reflect.PointerTo(t).Implements(moduleType) {
		return true
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || depth > 8 || t == reflect.TypeFor[Scope]() ||
		t == tensorType.Elem() {
		return false
	}
	for i := range t.NumField() {
		of := t.Field(i).Type
		if of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if t.Field(i).IsExported() && holdsModules(of, depth+1) {
			return true
		}
	}
	return false
}

// snakeCase is a field's name as a Python attribute: Conv1 conv1, FcMean fc_mean.
func snakeCase(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Parameters lists the trainable tensors of m in PyTorch's order, each once.
func Parameters(m any) []Parameter {
	var list []Parameter
	seen := map[*Tensor]bool{}
	walk(m, func(t member) {
		if !t.buffer && !seen[t.tensor] {
			seen[t.tensor] = true
			list = append(list, Parameter{t.name, t.tensor})
		}
	}, func(any) {})
	return list
}

// Train puts m and all its modules in training mode, in which they start: Dropout
// drops, BatchNorm uses the batch. A module of yours that has
// SetTraining(on bool) is told.
func Train(m any) { setTraining(m, true) }

// Eval puts m and all its modules in evaluation mode.
func Eval(m any) { setTraining(m, false) }

func setTraining(m any, on bool) {
	walk(m, func(member) {}, func(m any) {
		if m, ok := m.(interface{ SetTraining(bool) }); ok {
			m.SetTraining(on)
		}
	})
}

// Free frees the tensors of m now; using it afterwards is an error.
func Free(m any) {
	walk(m, func(t member) { t.tensor.free() }, func(any) {})
}

// SetDevice moves the tensors of m, which keep their identity: an optimiser made
// before goes on.
func SetDevice(m any, device string) error {
	return Do(func(*Scope) {
		walk(m, func(t member) {
			if err := t.tensor.setDevice(device); err != nil {
				panic(err)
			}
		}, func(any) {})
	})
}

// StateDict copies the tensors of m, parameters and buffers, by PyTorch's names.
func StateDict(m any) (d pt.Dict, err error) {
	err = Do(func(*Scope) {
		walk(m, func(t member) { d = append(d, pt.Item{Key: t.name, Value: t.tensor.Export()}) },
			func(any) {})
	})
	return d, err
}

// LoadStateDict copies a state_dict into m. Names and shapes must be m's; nothing
// is copied where one is not. Numbers are converted to m's types.
func LoadStateDict(m any, d pt.Dict) error {
	const op = "load_state_dict"
	return Do(func(s *Scope) {
		var into, from []*Tensor
		known := map[string]bool{}
		walk(m, func(t member) {
			value, ok := d.Get(t.name)
			if !ok {
				panic(&Error{op, "missing key " + t.name})
			}
			data, ok := value.(pt.Tensor)
			if !ok {
				panic(&Error{op, t.name + " is not a tensor"})
			}
			x := Import(s, data)
			if got, want := x.Shape(), t.tensor.Shape(); fmt.Sprint(got) != fmt.Sprint(want) {
				panic(&Error{op,
					fmt.Sprintf("%s has shape %v, the model's is %v", t.name, got, want)})
			}
			known[t.name] = true
			into, from = append(into, t.tensor), append(from, x)
		}, func(any) {})
		for _, key := range d.Keys() {
			if !known[key] {
				panic(&Error{op, fmt.Sprintf("unexpected key %.80s", key)})
			}
		}
		defer s.setGrad(false)()
		for i, t := range into {
			t.CopyI(from[i])
		}
	})
}

// Save writes the state_dict of m for torch.load(path, weights_only=True), or, to
// a name that ends in .safetensors, for safetensors.torch.load_file.
func Save(m any, path string) error {
	d, err := StateDict(m)
	if err != nil {
		return err
	}
	return pt.WriteFile(path, d)
}

// Load reads a state_dict, of torch.save or safetensors, into m.
func Load(m any, path string) error {
	v, err := pt.ReadFile(path)
	if err != nil {
		return err
	}
	d, ok := v.(pt.Dict)
	if !ok {
		return fmt.Errorf("torch: load %s: not a state_dict", path)
	}
	if err := LoadStateDict(m, d); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
