// Package pt reads and writes PyTorch's .pt files (the zip format of torch.save
// since PyTorch 1.6) and safetensors files in pure Go, for tensors and plain
// containers only.
//
// A value is one of: [Tensor], [Dict], []any, int64, float64, string, bool, nil.
//
// # Exchange with PyTorch
//
// What [Encode] writes is read by torch.load(f, weights_only=True) of PyTorch
// 1.13 to 2.11, a Dict as a collections.OrderedDict. One exception: 1.13's
// weights_only reader knows no Python float at all, not even those that
// torch.save wrote; a number it must read goes into a tensor.
//
// What torch.save(model.state_dict(), f) writes is read by [Decode].
//
// # Safety
//
// A pickle can ask Python to call anything. This reader knows a fixed list of
// names, calls nothing and refuses every other name, so that no file can run code.
package pt

import (
	"fmt"
	"io"
	"strings"

	"latent/internal/atomicfile"
)

// maxDepth is the deepest nesting of containers that is written or read.
const maxDepth = 64

// Tensor is a dense tensor in C order (the last index runs fastest).
type Tensor struct {
	Shape []int // sizes, each >= 0; empty for a scalar
	// []float32, []float64, []int64, []int32, []int16, []int8, []uint8, []bool, []Float16 or
	// []BFloat16; its length is the product of Shape
	Data any
}

// Item is one entry of a Dict.
type Item struct {
	Key   string
	Value any
}

// Dict is a dictionary with string keys that keeps its order, as a state_dict
// does. Keys occur once; Decode guarantees it and Encode checks it.
type Dict []Item

// IntDict is a Dict whose keys spell integers, which is what Encode writes: the
// state of an optimiser has such keys in Python. Decode returns a Dict.
type IntDict Dict

// Get returns the value of key and whether it is there. It takes time
// proportional to the length of d.
func (d Dict) Get(key string) (any, bool) {
	for _, it := range d {
		if it.Key == key {
			return it.Value, true
		}
	}
	return nil, false
}

// Keys returns the keys in order.
func (d Dict) Keys() []string {
	keys := make([]string, len(d))
	for i, it := range d {
		keys[i] = it.Key
	}
	return keys
}

// Encode writes v to w as a .pt file. Equal values give equal bytes. Beside the
// package's value types it takes int, written as int64, and IntDict. An error of the value
// (an unknown type, a shape that does not fit its data, a key that occurs twice)
// names the place inside v.
func Encode(w io.Writer, v any) error {
	if err := encode(w, v); err != nil {
		return fmt.Errorf("pt: encode: %w", err)
	}
	return nil
}

// Decode reads a .pt file of size bytes from r.
//
// It reads OrderedDict and dict as Dict (integer keys, as an optimiser's state
// has them, become decimal strings), list and tuple as []any, tensors and
// parameters on any device as Tensor. Views come out contiguous, each with data
// of its own; float16 and bfloat16 come out as float32. Attributes such as a
// state_dict's _metadata are dropped; a torch.Size is the list of its sizes, a
// torch.device its name.
//
// Nothing is trusted: sizes are checked before memory is taken, checksums are
// verified, and all the memory taken is bounded by a multiple of size.
func Decode(r io.ReaderAt, size int64) (any, error) {
	v, err := decode(r, size)
	if err != nil {
		return nil, fmt.Errorf("pt: decode: %w", err)
	}
	return v, nil
}

// ReadFile decodes the file at path: a safetensors file, which its first bytes
// tell, as DecodeSafetensors does, any other as Decode does.
func ReadFile(path string) (any, error) {
	v, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("pt: read %s: %w", path, err)
	}
	return v, nil
}

func readFile(path string) (any, error) {
	f, size, err := atomicfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if isSafetensors(f, size) {
		return decodeSafetensors(f, size)
	}
	return decode(f, size)
}

// WriteFile encodes v into the file at path, which holds either its old or its
// new content at every moment: as Encode does, or, where the name ends in
// .safetensors, as EncodeSafetensors does.
func WriteFile(path string, v any) error {
	write := func(w io.Writer) error { return encode(w, v) }
	if strings.HasSuffix(path, ".safetensors") {
		d, ok := v.(Dict)
		if !ok {
			return fmt.Errorf("pt: write %s: a safetensors file holds a Dict of tensors, not a %T",
				path, v)
		}
		write = func(w io.Writer) error { return encodeSafetensors(w, d) }
	}
	if err := atomicfile.Write(path, write); err != nil {
		return fmt.Errorf("pt: write: %w", err) // err names the path
	}
	return nil
}
