package pt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// The opcodes of pickle protocol 2 (Python's pickletools) that torch.save writes
// for tensors and plain containers.
const (
	opMark       = '('
	opStop       = '.'
	opBinInt     = 'J'
	opBinInt1    = 'K'
	opBinInt2    = 'M'
	opNone       = 'N'
	opBinPersID  = 'Q'
	opReduce     = 'R'
	opBinUnicode = 'X'
	opAppend     = 'a'
	opBuild      = 'b'
	opGlobal     = 'c'
	opAppends    = 'e'
	opBinFloat   = 'G'
	opBinGet     = 'h'
	opLongBinGet = 'j'
	opBinPut     = 'q'
	opLongBinPut = 'r'
	opSetItem    = 's'
	opTuple      = 't'
	opSetItems   = 'u'
	opEmptyTuple = ')'
	opEmptyList  = ']'
	opEmptyDict  = '}'
	opProto      = 0x80
	opTuple1     = 0x85
	opTuple2     = 0x86
	opTuple3     = 0x87
	opNewTrue    = 0x88
	opNewFalse   = 0x89
	opLong1      = 0x8a
)

// machine is a pickle machine that knows tensors and plain containers. It makes
// no calls: a reduce of one of the names above is done here, any other name is
// an error where the pickle first mentions it.
//
// Memory: every value but a tensor costs the pickle at least a byte and the
// machine a bounded number; tensors draw on budget.
type machine struct {
	data   []byte // the pickle
	pos    int
	stack  []any
	marks  []int // heights of the stack at open marks
	memo   map[uint32]any
	load   func(key string) ([]byte, error) // the bytes of a storage
	budget int64                            // bytes of tensor data that may still be made
}

// unpickle runs the pickle in data and returns the value that it leaves as the
// package's value types. load gives the bytes of the storage with a key; budget
// bounds the bytes of all tensors together.
func unpickle(data []byte, load func(key string) ([]byte, error), budget int64) (any, error) {
	m := &machine{data: data, memo: map[uint32]any{}, load: load, budget: budget}
	for {
		at := m.pos
		done, err := m.step()
		if err != nil {
			return nil, fmt.Errorf("pickle byte %d: %w", at, err)
		}
		if done {
			break
		}
	}
	v, err := m.pop()
	if err != nil {
		return nil, fmt.Errorf("pickle: %w", err)
	}
	nodes := len(data)
	return plain(v, 0, &nodes)
}

// step executes one opcode; done says that it was the last.
func (m *machine) step() (done bool, err error) {
	code, err := m.take(1)
	if err != nil {
		return false, err
	}
	switch op := code[0]; op {
	case opStop:
		return true, nil
	case opProto:
		b, err := m.take(1)
		if err == nil && b[0] != 2 {
			err = fmt.Errorf("pickle protocol %d; torch.save writes 2 unless told otherwise", b[0])
		}
		return false, err
	case opMark:
		m.marks = append(m.marks, len(m.stack))
	case opNone:
		m.push(nil)
	case opNewTrue:
		m.push(true)
	case opNewFalse:
		m.push(false)
	case opEmptyTuple:
		m.push(tuple{})
	case opEmptyList:
		m.push(&list{})
	case opEmptyDict:
		m.push(&dict{})
	case opBinInt, opBinInt1, opBinInt2, opLong1, opBinFloat, opBinUnicode:
		return false, m.scalar(op)
	case opBinGet, opLongBinGet, opBinPut, opLongBinPut:
		return false, m.memory(op)
	case opTuple, opTuple1, opTuple2, opTuple3:
		var items []any
		if op == opTuple {
			items, err = m.popMark()
		} else {
			items, err = m.popN(int(op) - opTuple1 + 1)
		}
		m.push(append(tuple{}, items...))
		return false, err
	case opAppend, opAppends:
		return false, m.appendTo(op == opAppends)
	case opSetItem, opSetItems:
		return false, m.setItems(op == opSetItems)
	case opGlobal:
		return false, m.global()
	case opBinPersID:
		return false, m.persistent()
	case opReduce:
		return false, m.reduce()
	case opBuild:
		return false, m.build()
	default:
		return false, fmt.Errorf("opcode %#02x is not one that tensors and plain containers need",
			op)
	}
	return false, nil
}

// take returns the next n bytes of the pickle.
func (m *machine) take(n int) ([]byte, error) {
	if n > len(m.data)-m.pos {
		return nil, errors.New("the pickle is cut off")
	}
	b := m.data[m.pos : m.pos+n]
	m.pos += n
	return b, nil
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

// popN pops n values, which must lie above the last mark. They are valid until
// the next push.
func (m *machine) popN(n int) ([]any, error) {
	floor := 0
	if len(m.marks) > 0 {
		floor = m.marks[len(m.marks)-1]
	}
	if len(m.stack)-floor < n {
		return nil, errors.New("the pickle's stack is empty")
	}
	at := len(m.stack) - n
	items := m.stack[at:]
	m.stack = m.stack[:at]
	return items, nil
}

func (m *machine) pop() (any, error) {
	items, err := m.popN(1)
	if err != nil {
		return nil, err
	}
	return items[0], nil
}

// top returns the last value, which must lie above the last mark.
func (m *machine) top() (any, error) {
	v, err := m.pop()
	if err == nil {
		m.push(v)
	}
	return v, err
}

// popMark pops the values above the last mark, and the mark.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, errors.New("the pickle has no open mark")
	}
	at := m.marks[len(m.marks)-1]
	items, err := m.popN(len(m.stack) - at)
	m.marks = m.marks[:len(m.marks)-1]
	return items, err
}

func (m *machine) scalar(op byte) error {
	size := 1 // of the number, or of the length before the bytes
	switch op {
	case opBinInt2:
		size = 2
	case opBinInt, opBinUnicode:
		size = 4
	case opBinFloat:
		size = 8
	}
	b, err := m.take(size)
	if err != nil {
		return err
	}
	switch op {
	case opBinInt1:
		m.push(int64(b[0]))
	case opBinInt2:
		m.push(int64(binary.LittleEndian.Uint16(b)))
	case opBinInt:
		m.push(int64(int32(binary.LittleEndian.Uint32(b))))
	case opBinFloat:
		m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case opLong1: // two's complement, little-endian
		n := int(b[0])
		if n > 8 {
			return errors.New("an integer is wider than 64 bits")
		}
		if b, err = m.take(n); err != nil {
			return err
		}
		var v int64
		for i := n - 1; i >= 0; i-- {
			v = v<<8 | int64(b[i])
		}
		if n > 0 {
			shift := 64 - 8*n
			v = v << shift >> shift
		}
		m.push(v)
	case opBinUnicode:
		n := binary.LittleEndian.Uint32(b)
		if n > math.MaxInt32 {
			return errors.New("the pickle is cut off")
		}
		if b, err = m.take(int(n)); err != nil {
			return err
		}
		if !utf8.Valid(b) {
			return errors.New("a string is not UTF-8")
		}
		m.push(string(b))
	}
	return nil
}

func (m *machine) memory(op byte) error {
	size := 1
	if op == opLongBinGet || op == opLongBinPut {
		size = 4
	}
	b, err := m.take(size)
	if err != nil {
		return err
	}
	slot := uint32(b[0])
	if size == 4 {
		slot = binary.LittleEndian.Uint32(b)
	}
	if op == opBinPut || op == opLongBinPut {
		v, err := m.top()
		if err == nil {
			m.memo[slot] = v
		}
		return err
	}
	v, ok := m.memo[slot]
	if !ok {
		return fmt.Errorf("memo %d was never set", slot)
	}
	m.push(v)
	return nil
}

// popItems pops what append, setitem and their plurals take: n values, or all
// those above the last mark.
func (m *machine) popItems(plural bool, n int) ([]any, error) {
	if plural {
		return m.popMark()
	}
	return m.popN(n)
}

func (m *machine) appendTo(plural bool) error {
	items, err := m.popItems(plural, 1)
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	l, ok := v.(*list)
	if !ok {
		return fmt.Errorf("append to a %s", kind(v))
	}
	l.items = append(l.items, items...)
	return nil
}

func (m *machine) setItems(plural bool) error {
	items, err := m.popItems(plural, 2)
	if err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	d, ok := v.(*dict)
	if !ok {
		return fmt.Errorf("set an item of a %s", kind(v))
	}
	if len(items)%2 != 0 {
		return errors.New("a dict's key has no value")
	}
	for i := 0; i < len(items); i += 2 {
		if err := d.set(items[i], items[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// global reads a name. Only those with a meaning here become a value.
func (m *machine) global() error {
	var words [2]string
	for i := range words {
		line, _, ok := bytes.Cut(m.data[m.pos:], []byte("\n"))
		if !ok {
			return errors.New("the pickle is cut off")
		}
		m.pos += len(line) + 1
		words[i] = string(line)
	}
	g := global{words[0], words[1]}
	switch g {
	case orderedDict, rebuildTensorV2, rebuildTensorV3, rebuildParameter, untypedStorage,
		torchSize, torchDevice:
		m.push(g)
		return nil
	}
	if g.dtype() != nil {
		m.push(g)
		return nil
	}
	return fmt.Errorf("the file asks for %.100q; only tensors and plain containers are read "+
		"(save model.state_dict() instead)", g.String())
}
