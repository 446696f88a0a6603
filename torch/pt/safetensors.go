package pt

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A safetensors file is the length of a header (8 bytes, little-endian), the
// header, a JSON object of {"name": {"dtype", "shape", "data_offsets"}}, and the
// tensors' bytes, without gaps.

// maxHeader bounds the header, as the format's own reader does.
const maxHeader = 100_000_000

// safetensorsTypes are the format's names of the element types.
var safetensorsTypes = map[string]string{"F32": "float32", "F64": "float64", "F16": "float16",
	"BF16": "bfloat16",
	"I64":  "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"}

type safetensorsEntry struct {
	Dtype   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// EncodeSafetensors writes a Dict of tensors to w as a safetensors file. Equal
// values give equal bytes. The order of names is not part of the format.
func EncodeSafetensors(w io.Writer, d Dict) error {
	if err := encodeSafetensors(w, d); err != nil {
		return fmt.Errorf("pt: encode safetensors: %w", err)
	}
	return nil
}

func encodeSafetensors(w io.Writer, d Dict) error {
	header, offset := map[string]any{"__metadata__": map[string]string{"format": "pt"}}, int64(0)
	for _, it := range d {
		t, ok := it.Value.(Tensor)
		if !ok {
			return fmt.Errorf("%q: a %T; safetensors hold tensors alone", it.Key, it.Value)
		}
		if err := checkString(it.Key); err != nil {
			return err
		}
		if header[it.Key] != nil {
			return fmt.Errorf("key %q occurs twice, or is the format's own", it.Key)
		}
		n, err := count(t.Shape)
		dt, length := dtypeOf(t.Data)
		switch {
		case err != nil:
			return fmt.Errorf("%q: %w", it.Key, err)
		case dt == nil:
			return fmt.Errorf("%q: tensor data of type %T cannot be written", it.Key, t.Data)
		case n != length:
			return fmt.Errorf("%q: shape %v wants %d elements, data has %d", it.Key, t.Shape, n,
				length)
		}
		e := safetensorsEntry{Shape: append([]int{}, t.Shape...),
			Offsets: [2]int64{offset, offset + int64(n*dt.size)}}
		for name, of := range safetensorsTypes {
			if of == dt.name {
				e.Dtype = name
			}
		}
		offset = e.Offsets[1]
		header[it.Key] = e
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	// aligned, as the format advises
	text = append(text, strings.Repeat(" ", (8-len(text)%8)%8)...)
	if _,
		err := w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))),
		text...)); err != nil {
		return err
	}
	var buf []byte
	for _, it := range d {
		buf = bytesOf(it.Value.(Tensor).Data, buf)
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// DecodeSafetensors reads a safetensors file of size bytes from r: a Dict of
// tensors, in the order in which they lie in the file. float16 and bfloat16 come
// out as float32. As in Decode nothing is trusted.
func DecodeSafetensors(r io.ReaderAt, size int64) (Dict, error) {
	d, err := decodeSafetensors(r, size)
	if err != nil {
		return nil, fmt.Errorf("pt: decode safetensors: %w", err)
	}
	return d, nil
}

// isSafetensors tells a safetensors file by its first bytes: a length that fits
// the file and the header's brace.
func isSafetensors(r io.ReaderAt, size int64) bool {
	head := make([]byte, 9)
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return false
	}
	n := binary.LittleEndian.Uint64(head)
	return head[8] == '{' && n >= 2 && n <= uint64(size-8)
}

func decodeSafetensors(r io.ReaderAt, size int64) (Dict, error) {
	if size < 10 || !isSafetensors(r, size) {
		return nil, errors.New("not a whole safetensors file")
	}
	head := make([]byte, 8)
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint64(head))
	if n > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes, at most %d are read", n, maxHeader)
	}
	text := make([]byte, n)
	if _, err := r.ReadAt(text, 8); err != nil {
		return nil, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	delete(raw, "__metadata__")
	entries := make(map[string]safetensorsEntry, len(raw))
	for name, text := range raw {
		var e safetensorsEntry
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, fmt.Errorf("%.60q: %w", name, err)
		}
		entries[name] = e
	}
	names := slices.SortedFunc(maps.Keys(entries), func(a, b string) int {
		if c := entries[a].Offsets[0] - entries[b].Offsets[0]; c != 0 {
			return int(max(-1, min(1, c)))
		}
		return strings.Compare(a, b)
	})
	d, at := Dict{}, int64(0)
	for _, name := range names {
		e := entries[name]
		dt := (*dtype)(nil)
		for i := range dtypes {
			if dtypes[i].name == safetensorsTypes[e.Dtype] {
				dt = &dtypes[i]
			}
		}
		if dt == nil {
			return nil, fmt.Errorf("%.60q: element type %.20q is not read", name, e.Dtype)
		}
		elements, err := count(e.Shape)
		if err != nil {
			return nil, fmt.Errorf("%.60q: %w", name, err)
		}
		length := e.Offsets[1] - e.Offsets[0]
		if e.Offsets[0] != at || length < 0 || e.Offsets[1] > size-8-n ||
			int64(elements) != length/int64(dt.size) || length%int64(dt.size) != 0 {
			return nil, fmt.Errorf("%.60q: shape %v and offsets %v do not fit the file", name,
				e.Shape, e.Offsets)
		}
		data := make([]byte, length)
		if _, err := r.ReadAt(data, 8+n+at); err != nil && !(err == io.EOF && length == 0) {
			return nil, fmt.Errorf("%.60q: the file is cut off: %w", name, err)
		}
		at = e.Offsets[1]
		d = append(d,
			Item{name, Tensor{Shape: append([]int{}, e.Shape...), Data: typed(dt, data)}})
	}
	if at != size-8-n {
		return nil, fmt.Errorf("%d bytes behind the last tensor", size-8-n-at)
	}
	return d, nil
}
