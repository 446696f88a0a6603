package pt

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// archive is the folder inside the zip file. PyTorch takes any name.
const archive = "archive"

// alignment is that of every entry's data within the file, in bytes (PyTorch's
// kFieldAlignment), so that a reader may map it into memory.
const alignment = 64

func encode(w io.Writer, v any) error {
	p := pickler{out: []byte{opProto, 2}}
	if err := p.value(v, "value", 0); err != nil {
		return err
	}
	p.op(opStop)
	if len(p.out) > maxPickle {
		return fmt.Errorf("%d bytes of names and plain values, at most %d are read; put numbers "+
			"into a tensor", len(p.out), maxPickle)
	}

	count := &counter{w: w}
	zw := zip.NewWriter(count)
	if err := store(zw, count, "data.pkl", p.out); err != nil {
		return err
	}
	if err := store(zw, count, "byteorder", []byte("little")); err != nil {
		return err
	}
	var buf []byte
	for i, t := range p.tensors {
		buf = bytesOf(t.Data, buf)
		if err := store(zw, count, "data/"+strconv.Itoa(i), buf); err != nil {
			return err
		}
	}
	if err := store(zw, count, "version", []byte("3\n")); err != nil {
		return err
	}
	return zw.Close()
}

// store appends one entry as PyTorch does: neither compressed nor dated, its data
// aligned by padding in an extra field with the tag "FB".
func store(zw *zip.Writer, count *counter, name string, data []byte) error {
	name = archive + "/" + name
	if int64(len(data)) >= math.MaxUint32 {
		return fmt.Errorf("%s: %d bytes; a tensor must be smaller than 4 GiB", name, len(data))
	}
	if err := zw.Flush(); err != nil {
		return err
	}
	const localHeader, extraHeader = 30, 4
	start := count.n + localHeader + int64(len(name)) + extraHeader
	extra := make([]byte, extraHeader+(alignment-start%alignment)%alignment)
	copy(extra, "FB")
	binary.LittleEndian.PutUint16(extra[2:], uint16(len(extra)-extraHeader))
	w, err := zw.CreateRaw(&zip.FileHeader{
		Name:               name,
		Method:             zip.Store,
		CRC32:              crc32.ChecksumIEEE(data),
		CompressedSize64:   uint64(len(data)),
		UncompressedSize64: uint64(len(data)),
		Extra:              extra,
	})
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// counter counts the bytes that pass to w.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// pickler writes the few opcodes of pickle protocol 2 that plain values need.
type pickler struct {
	out     []byte
	tensors []Tensor // in the order of their storage keys 0, 1, ...
}

func (p *pickler) op(codes ...byte) { p.out = append(p.out, codes...) }

func (p *pickler) global(module, name string) {
	p.op(opGlobal)
	p.out = append(p.out, module+"\n"+name+"\n"...)
}

func (p *pickler) string(s string) {
	p.op(opBinUnicode)
	p.out = binary.LittleEndian.AppendUint32(p.out, uint32(len(s)))
	p.out = append(p.out, s...)
}

func (p *pickler) int(i int64) {
	switch {
	case i >= 0 && i < 1<<8:
		p.op(opBinInt1, byte(i))
	case i >= 0 && i < 1<<16:
		p.op(opBinInt2, byte(i), byte(i>>8))
	case i >= math.MinInt32 && i <= math.MaxInt32:
		p.op(opBinInt)
		p.out = binary.LittleEndian.AppendUint32(p.out, uint32(i))
	default:
		p.op(opLong1, 8)
		p.out = binary.LittleEndian.AppendUint64(p.out, uint64(i))
	}
}

func (p *pickler) ints(s []int) {
	p.op(opMark)
	for _, i := range s {
		p.int(int64(i))
	}
	p.op(opTuple)
}

func (p *pickler) orderedDict() {
	p.global("collections", "OrderedDict")
	p.op(opEmptyTuple, opReduce)
}

// value writes v; at says where in the whole value it is.
func (p *pickler) value(v any, at string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%.200s: nested more than %d deep", at, maxDepth)
	}
	switch v := v.(type) {
	case nil:
		p.op(opNone)
	case bool:
		if v {
			p.op(opNewTrue)
		} else {
			p.op(opNewFalse)
		}
	case int:
		p.int(int64(v))
	case int64:
		p.int(v)
	case float64:
		p.op(opBinFloat)
		p.out = binary.BigEndian.AppendUint64(p.out, math.Float64bits(v))
	case string:
		if err := checkString(v); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		p.string(v)
	case []any:
		p.op(opEmptyList, opMark)
		for i, e := range v {
			if err := p.value(e, at+"["+strconv.Itoa(i)+"]", depth+1); err != nil {
				return err
			}
		}
		p.op(opAppends)
	case Dict:
		return p.dict(v, false, at, depth)
	case IntDict:
		return p.dict(Dict(v), true, at, depth)
	case Tensor:
		if err := p.tensor(v); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	default:
		return fmt.Errorf("%s: a %T cannot be written", at, v)
	}
	return nil
}

// dict writes d, its keys as strings or as the integers that they spell.
func (p *pickler) dict(d Dict, numbered bool, at string, depth int) error {
	p.orderedDict()
	p.op(opMark)
	seen := make(map[string]bool, len(d))
	for _, it := range d {
		if err := checkString(it.Key); err != nil {
			return fmt.Errorf("%s: key: %w", at, err)
		}
		if seen[it.Key] {
			return fmt.Errorf("%s: key %q occurs twice", at, it.Key)
		}
		seen[it.Key] = true
		if n, err := strconv.ParseInt(it.Key, 10, 64); !numbered {
			p.string(it.Key)
		} else if err != nil || strconv.FormatInt(n, 10) != it.Key {
			return fmt.Errorf("%s: key %.40q is no integer", at, it.Key)
		} else {
			p.int(n)
		}
		if err := p.value(it.Value, at+"["+strconv.Quote(it.Key)+"]", depth+1); err != nil {
			return err
		}
	}
	p.op(opSetItems)
	return nil
}

func checkString(s string) error {
	if len(s) >= math.MaxInt32 || !utf8.ValidString(s) {
		return fmt.Errorf("a string must be UTF-8 and shorter than 2 GiB")
	}
	return nil
}

// tensor writes what torch.save writes: _rebuild_tensor_v2(storage, offset, size,
// stride, requires_grad, backward_hooks).
func (p *pickler) tensor(t Tensor) error {
	n, err := count(t.Shape)
	if err != nil {
		return err
	}
	dt, length := dtypeOf(t.Data)
	if dt == nil {
		return fmt.Errorf("tensor data of type %T cannot be written", t.Data)
	}
	if n != length {
		return fmt.Errorf("shape %v wants %d elements, data has %d", t.Shape, n, length)
	}
	strides := make([]int, len(t.Shape))
	for i, next := len(strides)-1, 1; i >= 0; i-- {
		strides[i] = next
		next *= max(t.Shape[i], 1)
	}
	p.global("torch._utils", "_rebuild_tensor_v2")
	p.op(opMark, opMark)
	p.string("storage")
	p.global("torch", dt.storage)
	p.string(strconv.Itoa(len(p.tensors)))
	p.string("cpu")
	p.int(int64(n))
	p.op(opTuple, opBinPersID)
	p.int(0)
	p.ints(t.Shape)
	p.ints(strides)
	p.op(opNewFalse)
	p.orderedDict()
	p.op(opTuple, opReduce)
	p.tensors = append(p.tensors, t)
	return nil
}
