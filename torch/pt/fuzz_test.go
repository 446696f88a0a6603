package pt

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode reads anything as a .pt file.
func FuzzDecode(f *testing.F) {
	paths, err := filepath.Glob("testdata/torch-*/*.pt")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	var b bytes.Buffer
	if err := Encode(&b, zoo()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Decode(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			checkDecoded(t, v)
		}
	})
}

// FuzzPickle runs anything as the pickle of a file with two storages; within a
// whole file the checksums would hide the pickle from the fuzzer.
func FuzzPickle(f *testing.F) {
	for _, v := range []any{zoo(), floats()} {
		p := pickler{out: []byte{opProto, 2}}
		if err := p.value(v, "", 0); err != nil {
			f.Fatal(err)
		}
		p.op(opStop)
		f.Add(p.out)
	}
	paths, err := filepath.Glob("testdata/torch-*/*.pt")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if from, to := bytes.Index(b, []byte("\x80\x02")), bytes.LastIndex(b,
			[]byte(".PK")); from >= 0 && to > from {
			f.Add(b[from : to+1])
		}
	}
	f.Add([]byte(tensorPickle(4, 0, []int{2, 2}, []int{1, 2})))
	storages := map[string][]byte{"0": []byte("0123456789abcdef"), "1": make([]byte, 96), "2": {}}
	f.Fuzz(func(t *testing.T, b []byte) {
		load := func(key string) ([]byte, error) {
			if raw, ok := storages[key]; ok {
				return raw, nil
			}
			return nil, fmt.Errorf("no storage %q", key)
		}
		v, err := unpickle(b, load, 1<<12)
		if err == nil {
			checkDecoded(t, v)
		}
	})
}

// checkDecoded wants a value that was read to be written, read and written again
// with the same bytes.
func checkDecoded(t *testing.T, v any) {
	if size(v) > 1<<20 { // strings that a pickle refers to again and again
		return
	}
	var first, second bytes.Buffer
	if err := Encode(&first, v); err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	again, err := Decode(bytes.NewReader(first.Bytes()), int64(first.Len()))
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	if err := Encode(&second, again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("%v came back as %v", v, again)
	}
}

// size returns the bytes of all strings in v, and one for each other value.
func size(v any) int {
	n := 1
	switch v := v.(type) {
	case string:
		n += len(v)
	case []any:
		for _, e := range v {
			n += size(e)
		}
	case Dict:
		for _, it := range v {
			n += len(it.Key) + size(it.Value)
		}
	}
	return n
}
