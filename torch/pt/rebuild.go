package pt

import (
	"errors"
	"fmt"
)

// maxDims is the most dimensions a tensor may have, PyTorch's own limit.
const maxDims = 64

// persistent replaces ('storage', class, key, device, length) by the storage. The
// device does not matter here: the data is in the file.
func (m *machine) persistent() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	id, _ := v.(tuple)
	if len(id) != 5 || id[0] != "storage" {
		return errors.New("a persistent id is not a storage's")
	}
	class, ok1 := id[1].(global)
	key, ok2 := id[2].(string)
	length, ok3 := id[4].(int64)
	if !ok1 || !ok2 || !ok3 {
		return errors.New("a storage's persistent id has parts of the wrong type")
	}
	dt, size := class.dtype(), 1
	switch {
	case dt != nil:
		size = dt.size
	case class != untypedStorage:
		return fmt.Errorf("%v is not a storage class", class)
	}
	raw, err := m.load(key)
	if err != nil {
		return err
	}
	if length < 0 || length != int64(len(raw)/size) || len(raw)%size != 0 {
		return fmt.Errorf("storage %.20q: %d elements of %d bytes claimed, %d bytes in the file",
			key, length, size, len(raw))
	}
	m.push(storage{dt, raw})
	return nil
}

// reduce does what the few functions known here would do.
func (m *machine) reduce() error {
	call, err := m.popN(2)
	if err != nil {
		return err
	}
	f, ok := call[0].(global)
	args, ok2 := call[1].(tuple)
	if !ok || !ok2 {
		return fmt.Errorf("a call of a %s", kind(call[0]))
	}
	switch {
	case f == orderedDict && len(args) == 0:
		m.push(&dict{ordered: true})
		return nil
	case f == rebuildParameter && len(args) == 3:
		t, ok := args[0].(Tensor)
		if !ok {
			return errors.New("a parameter without a tensor")
		}
		m.push(t)
		return nil
	case f == torchSize && len(args) == 1:
		sizes, ok := args[0].(tuple)
		if !ok {
			return errors.New("a torch.Size without sizes")
		}
		m.push(sizes)
		return nil
	case f == torchDevice && (len(args) == 1 || len(args) == 2):
		name, ok := args[0].(string)
		if !ok {
			return errors.New("a torch.device without a name")
		}
		if len(args) == 2 {
			index, ok := args[1].(int64)
			if !ok {
				return errors.New("a torch.device without an index")
			}
			name = fmt.Sprintf("%s:%d", name, index)
		}
		m.push(name)
		return nil
	case f == rebuildTensorV2 && (len(args) == 6 || len(args) == 7):
		return m.rebuild(args, nil)
	case f == rebuildTensorV3 && (len(args) == 7 || len(args) == 8):
		// As V2, with the element type as argument 6.
		g, _ := args[6].(global)
		if g.dtype() == nil {
			return errors.New("a tensor's element type is not a dtype")
		}
		return m.rebuild(args, g.dtype())
	}
	return fmt.Errorf("a call of %v with %d arguments is not known", f, len(args))
}

// rebuild makes a tensor from (storage, offset, shape, strides, requires_grad,
// hooks, ...); dt is its type, nil when the storage says it.
func (m *machine) rebuild(args tuple, dt *dtype) error {
	st, ok1 := args[0].(storage)
	offset, ok2 := args[1].(int64)
	shape, ok3 := ints(args[2])
	strides, ok4 := ints(args[3])
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return errors.New("a tensor's arguments have the wrong types")
	}
	if dt == nil {
		dt = st.dt
	}
	if dt == nil {
		return errors.New("a tensor's storage has no element type")
	}
	v := view{shape: shape, strides: strides, offset: int(offset)}
	n, err := v.check(len(st.raw) / dt.size)
	if err != nil {
		return err
	}
	// float16 and bfloat16 double in size; a copy of a view that is not
	// contiguous is dropped again.
	if int64(n) > m.budget/int64(2*dt.size) {
		return errors.New("the tensors are much larger than the file that holds them")
	}
	m.budget -= int64(2 * dt.size * n)
	m.push(Tensor{Shape: shape, Data: typed(dt, v.contiguous(st.raw, n, dt.size))})
	return nil
}

// ints returns the integers of a tuple.
func ints(v any) ([]int, bool) {
	t, ok := v.(tuple)
	if !ok || len(t) > maxDims {
		return nil, false
	}
	out := make([]int, len(t))
	for i, e := range t {
		n, ok := e.(int64)
		if !ok || int64(int(n)) != n {
			return nil, false
		}
		out[i] = int(n)
	}
	return out, true
}

// build sets attributes of an OrderedDict, a state_dict's _metadata. They are
// dropped.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	d, ok := v.(*dict)
	if _, ok2 := state.(*dict); !ok || !ok2 || !d.ordered {
		return fmt.Errorf("attributes of a %s are not read", kind(v))
	}
	return nil
}
