package pt

import (
	"encoding/binary"
	"fmt"
	"math"
)

// dtype is one of PyTorch's element types.
type dtype struct {
	name    string // as in torch.float32
	storage string // the class that names it in a file, as in torch.FloatStorage
	size    int    // bytes an element
}

// Float16 is an IEEE 754 binary16 number by its bits.
type Float16 uint16

// Float32 returns the number, exactly.
func (h Float16) Float32() float32 { return half(uint16(h)) }

// BFloat16 is the upper half of a float32 by its bits.
type BFloat16 uint16

// Float32 returns the number, exactly.
func (b BFloat16) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }

// dtypes are those that are read and written.
var dtypes = []dtype{
	{"float32", "FloatStorage", 4},
	{"float64", "DoubleStorage", 8},
	{"int64", "LongStorage", 8},
	{"int32", "IntStorage", 4},
	{"int16", "ShortStorage", 2},
	{"int8", "CharStorage", 1},
	{"uint8", "ByteStorage", 1},
	{"bool", "BoolStorage", 1},
	{"float16", "HalfStorage", 2},
	{"bfloat16", "BFloat16Storage", 2},
}

// bytesOf returns the little-endian bytes of a tensor's data, written over buf
// where they fit.
func bytesOf(data any, buf []byte) []byte {
	buf = buf[:0]
	switch data := data.(type) {
	case []float32:
		buf = grown(buf, 4*len(data))
		for i, v := range data {
			binary.LittleEndian.PutUint32(buf[4*i:], math.Float32bits(v))
		}
		return buf
	case []float64:
		buf = grown(buf, 8*len(data))
		for i, v := range data {
			binary.LittleEndian.PutUint64(buf[8*i:], math.Float64bits(v))
		}
		return buf
	case []int64:
		buf = grown(buf, 8*len(data))
		for i, v := range data {
			binary.LittleEndian.PutUint64(buf[8*i:], uint64(v))
		}
		return buf
	case []int32:
		buf = grown(buf, 4*len(data))
		for i, v := range data {
			binary.LittleEndian.PutUint32(buf[4*i:], uint32(v))
		}
		return buf
	case []int16:
		return shorts(buf, data)
	case []Float16:
		return shorts(buf, data)
	case []BFloat16:
		return shorts(buf, data)
	case []int8:
		buf = grown(buf, len(data))
		for i, v := range data {
			buf[i] = byte(v)
		}
		return buf
	case []uint8:
		return append(buf, data...)
	case []bool:
		buf = grown(buf, len(data))
		for i, v := range data {
			buf[i] = 0
			if v {
				buf[i] = 1
			}
		}
		return buf
	}
	panic(fmt.Sprintf("pt: no bytes of a %T", data))
}

func shorts[T ~int16 | ~uint16](buf []byte, data []T) []byte {
	buf = grown(buf, 2*len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint16(buf[2*i:], uint16(v))
	}
	return buf
}

// dtypeOf is the type of a tensor's data and its number of elements; nil for data
// that a tensor cannot have.
func dtypeOf(data any) (*dtype, int) {
	name, n := "", 0
	switch data := data.(type) {
	case []float32:
		name, n = "float32", len(data)
	case []float64:
		name, n = "float64", len(data)
	case []int64:
		name, n = "int64", len(data)
	case []int32:
		name, n = "int32", len(data)
	case []int16:
		name, n = "int16", len(data)
	case []int8:
		name, n = "int8", len(data)
	case []uint8:
		name, n = "uint8", len(data)
	case []bool:
		name, n = "bool", len(data)
	case []Float16:
		name, n = "float16", len(data)
	case []BFloat16:
		name, n = "bfloat16", len(data)
	}
	for i := range dtypes {
		if dtypes[i].name == name {
			return &dtypes[i], n
		}
	}
	return nil, 0
}

// grown returns a slice of n bytes, buf's own where it is large enough.
func grown(buf []byte, n int) []byte {
	if cap(buf) >= n {
		return buf[:n]
	}
	return make([]byte, n)
}

// typed converts the little-endian bytes b of elements of type dt.
func typed(dt *dtype, b []byte) any {
	n := len(b) / dt.size
	switch dt.name {
	case "float32":
		out := make([]float32, n)
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return out
	case "float64":
		out := make([]float64, n)
		for i := range out {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
		return out
	case "int64":
		out := make([]int64, n)
		for i := range out {
			out[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
		return out
	case "int32":
		out := make([]int32, n)
		for i := range out {
			out[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return out
	case "int16":
		out := make([]int16, n)
		for i := range out {
			out[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
		}
		return out
	case "int8":
		out := make([]int8, n)
		for i := range out {
			out[i] = int8(b[i])
		}
		return out
	case "uint8":
		return append(make([]uint8, 0, n), b...)
	case "bool":
		out := make([]bool, n)
		for i := range out {
			out[i] = b[i] != 0
		}
		return out
	case "float16":
		out := make([]float32, n)
		for i := range out {
			out[i] = half(binary.LittleEndian.Uint16(b[2*i:]))
		}
		return out
	case "bfloat16":
		out := make([]float32, n)
		for i := range out {
			out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
		}
		return out
	}
	panic("pt: no conversion from " + dt.name)
}

// half returns the value of an IEEE 754 binary16 number; every one is a float32.
func half(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h>>10) & 31
	frac := uint32(h) & 1023
	switch exp {
	case 0: // zero and subnormal: frac * 2^-24
		v := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31: // infinity and NaN
		return math.Float32frombits(sign | 255<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// count returns the number of elements of a shape. Sizes are >= 0 and their
// product, zeros left out, fits an int: so does every product a caller forms.
func count(shape []int) (int, error) {
	n, zero := 1, false
	for _, s := range shape {
		switch {
		case s < 0:
			return 0, fmt.Errorf("shape %v has a negative size", shape)
		case s == 0:
			zero = true
		case n > math.MaxInt/s:
			return 0, fmt.Errorf("shape %v is too large", shape)
		default:
			n *= s
		}
	}
	if zero {
		return 0, nil
	}
	return n, nil
}

// view is a tensor's place in its storage, all in elements: as in PyTorch,
// element (i, j, ...) lies at offset + i*strides[0] + j*strides[1] + ...
type view struct {
	shape, strides []int
	offset         int
}

// check returns the view's number of elements, and an error unless all of them
// lie within a storage of length elements.
func (v view) check(length int) (int, error) {
	n, err := count(v.shape)
	if err != nil {
		return 0, err
	}
	if len(v.shape) != len(v.strides) {
		return 0, fmt.Errorf("shape %v does not fit strides %v", v.shape, v.strides)
	}
	if n == 0 {
		return 0, nil
	}
	outside := fmt.Errorf("shape %v, strides %v, offset %d reach outside a storage of %d elements",
		v.shape, v.strides, v.offset, length)
	if v.offset < 0 || v.offset >= length {
		return 0, outside
	}
	room := length - 1 - v.offset // what the strides may still cover
	for i, s := range v.shape {
		st := v.strides[i]
		if st < 0 || (s > 1 && st > room/(s-1)) {
			return 0, outside
		}
		if s > 1 {
			room -= (s - 1) * st
		}
	}
	return n, nil
}

// contiguous returns the bytes of a checked view of n elements of size bytes in C
// order: a part of raw where they lie so already, else a copy.
func (v view) contiguous(raw []byte, n, size int) []byte {
	if n == 0 {
		return nil
	}
	want, packed := 1, true
	for i := len(v.shape) - 1; i >= 0; i-- {
		if v.shape[i] != 1 && v.strides[i] != want {
			packed = false
			break
		}
		want *= v.shape[i]
	}
	if packed {
		return raw[v.offset*size : (v.offset+n)*size]
	}
	out := make([]byte, 0, n*size)
	index := make([]int, len(v.shape))
	for at := v.offset; ; {
		out = append(out, raw[at*size:(at+1)*size]...)
		d := len(index) - 1
		for ; d >= 0; d-- {
			index[d]++
			at += v.strides[d]
			if index[d] < v.shape[d] {
				break
			}
			at -= index[d] * v.strides[d]
			index[d] = 0
		}
		if d < 0 {
			return out
		}
	}
}
