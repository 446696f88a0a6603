package pt

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// entry is a file in a zip archive.
type entry struct {
	name, data string
	change     func(*zip.FileHeader) // after it was filled in correctly
}

// archived returns a zip file of these entries.
func archived(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{
			Name: e.name, CRC32: crc32.ChecksumIEEE([]byte(e.data)),
			CompressedSize64: uint64(len(e.data)), UncompressedSize64: uint64(len(e.data)),
		}
		if e.change != nil {
			e.change(h)
		}
		w, err := zw.CreateRaw(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tensorPickle is the pickle of one float32 tensor in storage "0".
func tensorPickle(length, offset int64, shape, strides []int) string {
	p := pickler{out: []byte{opProto, 2}}
	p.global("torch._utils", "_rebuild_tensor_v2")
	p.op(opMark, opMark)
	p.string("storage")
	p.global("torch", "FloatStorage")
	p.string("0")
	p.string("cuda:0")
	p.int(length)
	p.op(opTuple, opBinPersID)
	p.int(offset)
	p.ints(shape)
	p.ints(strides)
	p.op(opNewFalse)
	p.orderedDict()
	p.op(opTuple, opReduce, opStop)
	return string(p.out)
}

// storagePickle is the pickle of a storage of 4 elements without a tensor.
func storagePickle(class, key string) string {
	return "\x80\x02(X" + u32(7) + "storagec" + class + "\nX" + u32(uint32(len(key))) + key +
		"NK\x04tQ."
}

func u32(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) }

// refused decodes b and wants an error with want in it, and little memory taken.
func refused(t *testing.T, b []byte, want string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	v, err := Decode(bytes.NewReader(b), int64(len(b)))
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Errorf("read as %v, want an error with %q", v, want)
	} else if !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want an error with %q", err, want)
	} else if strings.ContainsAny(err.Error(), "\n\x00") || len(err.Error()) > 400 {
		t.Errorf("not one line: %q", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(100*len(b)+1<<20) {
		t.Errorf("%d bytes of memory for a file of %d (%v)", got, len(b), err)
	}
}

func TestHostilePickles(t *testing.T) {
	const p = "\x80\x02"
	expanded := strings.TrimSuffix(tensorPickle(4, 0, []int{1 << 10}, []int{0}), ".")
	for _, c := range []struct{ name, pickle, want string }{
		{"call", p + "cos\nsystem\n(X\x06\x00\x00\x00echo !tR.", `asks for "os.system"`},
		{"reference", p + "cbuiltins\neval\n.", `asks for "builtins.eval"`},
		{"dotted", p + "ctorch\n_utils._rebuild_tensor_v2\n.",
			`asks for "torch._utils._rebuild_tensor_v2"`},
		{"long name", p + "c" + strings.Repeat("a", 10000) + "\nb\n.", `asks for "aaa`},
		{"control characters", p + "ca\x1b[2J\x00\rb\nc\n.", `asks for "a\x1b[2J\x00\rb.c"`},
		{"class as value", p + "ctorch\nFloatStorage\n.", "torch.FloatStorage is a value"},
		{"function as value", p + "]ctorch._utils\n_rebuild_parameter\na.", "is a value"},
		{"dict call with arguments", p + "ccollections\nOrderedDict\n]\x85R.", "with 1 arguments"},
		{"call of dtype", p + "ctorch\nfloat32\n)R.", "a call of torch.float32 with 0"},
		{"call of list", p + "])R.", "a call of a list"},
		{"parameter of list", p + "ctorch._utils\n_rebuild_parameter\n]]]\x87R.",
			"parameter without a tensor"},
		{"build list", p + "]}b.", "attributes of a list"},
		{"build dict", p + "}}b.", "attributes of a dict"},
		{"inst", p + "(i__main__\nX\n.", "opcode 0x69"},
		{"obj", p + "(cos\nsystem\no.", "asks for"},
		{"newobj", p + "ccollections\nOrderedDict\n)\x81.", "opcode 0x81"},
		{"ext", p + "\x82\x01.", "opcode 0x82"},
		{"stack global", p + "X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93.", "opcode 0x93"},
		{"protocol", "\x80\x04N.", "pickle protocol 4"},
		{"empty", "", "cut off"},
		{"no stop", p + "N", "cut off"},
		{"only stop", p + ".", "stack is empty"},
		{"stop below mark", p + "N(.", "stack is empty"},
		{"pop below mark", p + "]N(a.", "stack is empty"},
		{"no mark", p + "]Ne.", "no open mark"},
		{"put nothing", p + "q\x00.", "stack is empty"},
		{"get nothing", p + "h\x07.", "memo 7 was never set"},
		{"memo", p + "Nr" + u32(1<<32-1) + "j" + u32(1<<31) + ".",
			"memo 2147483648 was never set"},
		{"string length", p + "X" + u32(1<<31-1) + ".", "cut off"},
		{"string length 2", p + "X" + u32(1<<32-1) + ".", "cut off"},
		{"string", p + "X" + u32(1) + "\xff.", "not UTF-8"},
		{"long1", p + "\x8a\xff.", "wider than 64 bits"},
		{"long4", p + "\x8b" + u32(1<<31-1) + ".", "opcode 0x8b"},
		{"global cut off", p + "ctorch", "cut off"},
		{"odd items", p + "}(NNNu.", "key has no value"},
		{"tuple key", p + "})Ns.", "key is a tuple"},
		{"key twice", p + "}(K\x01NX" + u32(1) + "1Nu.", `both 1 and "1"`},
		{"set in list", p + "]NNs.", "set an item of a list"},
		{"append to None", p + "NNa.", "append to a None"},
		{"itself", p + "]q\x00h\x00a.", "too many times"},
		{"itself, long", p + strings.Repeat("N", 500) + "]q\x00h\x00a.", "nested more than"},
		{"nested lists", p + strings.Repeat("]", 1<<16) + strings.Repeat("a", 1<<16-1) + ".",
			"nested more than 64"},
		{"nested tuples", p + ")" + strings.Repeat("\x85", 1<<16) + ".", "nested more than 64"},
		{"marks", p + strings.Repeat("(", 1<<16) + ".", "stack is empty"},
		{"laughs", p + "]q\x00" + strings.Repeat("]q\x01(h\x00h\x00h\x00h\x00eq\x00", 40) + ".",
			"too many times"},
		{"persistent id", p + "X\x01\x00\x00\x000Q.", "not a storage's"},
		{"persistent id 2", p + "(X\x07\x00\x00\x00storageNNNNtQ.", "parts of the wrong type"},
		{"storage as value", p + storagePickle("torch\nFloatStorage", "0"),
			"a storage without a tensor"},
		{"storage class", storagePickle("collections\nOrderedDict", "0"), "not a storage class"},
		{"storage missing", storagePickle("torch\nFloatStorage", "../../x"),
			`no storage "../../x"`},
		{"storage longer", tensorPickle(5, 0, []int{4}, []int{1}),
			"5 elements of 4 bytes claimed, 16 bytes"},
		{"storage huge", tensorPickle(1<<62, 0, []int{1 << 62}, []int{1}), "claimed"},
		{"storage negative", tensorPickle(-4, 0, []int{4}, []int{1}), "claimed"},
		{"offset", tensorPickle(4, 1, []int{4}, []int{1}), "reach outside"},
		{"offset negative", tensorPickle(4, -1, []int{4}, []int{1}), "reach outside"},
		{"offset huge", tensorPickle(4, 1<<62, []int{4}, []int{1}), "reach outside"},
		{"stride", tensorPickle(4, 0, []int{2, 2}, []int{3, 1}), "reach outside"},
		{"stride negative", tensorPickle(4, 3, []int{4}, []int{-1}), "reach outside"},
		{"stride overflow", tensorPickle(4, 0, []int{3, 3}, []int{1 << 62, 1 << 62}),
			"reach outside"},
		{"shape negative", tensorPickle(4, 0, []int{-4}, []int{1}), "negative size"},
		{"shape overflow", tensorPickle(4, 0, []int{1 << 32, 1 << 32}, []int{0, 0}), "too large"},
		{"shape overflow with 0", tensorPickle(4, 0, []int{0, 1 << 32, 1 << 32}, []int{0, 0, 0}),
			"too large"},
		{"expanded", tensorPickle(4, 0, []int{1 << 40}, []int{0}), "much larger than the file"},
		{"dimensions", tensorPickle(4, 0, make([]int, 65), make([]int, 65)), "wrong types"},
		{"strides short", tensorPickle(4, 0, []int{2, 2}, []int{1}), "does not fit strides"},
		{"same tensor many times", strings.Repeat(expanded, 1000) + ".",
			"much larger than the file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused(t,
				archived(t, entry{name: "a/data.pkl", data: c.pickle},
					entry{name: "a/data/0", data: "0123456789abcdef"}), c.want)
		})
	}
}

func TestHostileArchives(t *testing.T) {
	good := entry{name: "a/data.pkl", data: tensorPickle(4, 0, []int{4}, []int{1})}
	data := entry{name: "a/data/0", data: "0123456789abcdef"}
	with := func(e entry, change func(*zip.FileHeader)) entry { e.change = change; return e }
	whole := archived(t, good, data)
	if _, err := Decode(bytes.NewReader(whole), int64(len(whole))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":       {nil, "the file is empty"},
		"text":        {[]byte("hello"), "it is no zip file"},
		"pickle":      {[]byte("\x80\x02N."), "bare Python pickle"},
		"cut off":     {whole[:len(whole)-30], "not a whole .pt file"},
		"one byte":    {whole[:1], "it is no zip file"},
		"no pickle":   {archived(t, data), "without data.pkl"},
		"at the top":  {archived(t, entry{name: "data.pkl", data: "N."}), "without data.pkl"},
		"two pickles": {archived(t, good, entry{name: "b/data.pkl"}), "both"},
		"twice":       {archived(t, good, data, data), `"a/data/0" occurs twice`},
		"no storage":  {archived(t, good), `no storage "0"`},
		"big-endian": {archived(t, good, data, entry{name: "a/byteorder", data: "big"}),
			`byte order is "big"`},
		"parent":       {archived(t, good, entry{name: "../x"}), "plain relative path"},
		"inner parent": {archived(t, good, entry{name: "a/../x"}), "plain relative path"},
		"absolute":     {archived(t, good, entry{name: "/etc/passwd"}), "plain relative path"},
		"backslash":    {archived(t, good, entry{name: `a\..\x`}), "plain relative path"},
		"nul":          {archived(t, good, entry{name: "a/x\x00y"}), "plain relative path"},
		"deflated": {archived(t, good,
			with(data,
				func(
					h *zip.FileHeader) {
					h.Method = zip.Deflate
					h.UncompressedSize64 = 1 << 31
				})), "is compressed"},
		"encrypted": {archived(t, good, with(data, func(h *zip.FileHeader) { h.Flags = 1 })),
			"is encrypted"},
		"two sizes": {archived(t, good,
			with(data,
				func(h *zip.FileHeader) { h.UncompressedSize64++ })), "two different sizes"},
		"huge": {archived(t, good, with(data, func(h *zip.FileHeader) {
			h.CompressedSize64, h.UncompressedSize64 = 1<<40, 1<<40
		})), "larger than the file"},
		"checksum": {archived(t, good, with(data, func(h *zip.FileHeader) { h.CRC32++ })),
			"checksum"},
		"pickle checksum": {archived(t, with(good, func(h *zip.FileHeader) { h.CRC32 = 0 }), data),
			"checksum"},
		"flipped bit": {bytes.Replace(whole, []byte("89ab"), []byte("89aa"), 1), "checksum"},
		"large pickle": {archived(t,
			entry{name: "a/data.pkl",
				data: strings.Repeat("N", maxPickle+1)}), "at most 4194304 are read"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, c.file, c.want) })
	}
}

// TestOverlap lets many entries share the same bytes of the file.
func TestOverlap(t *testing.T) {
	b := archived(t, entry{name: "a/data.pkl", data: "N."},
		entry{name: "a/x", data: strings.Repeat("x", 4000)}, entry{name: "a/y"})
	// In the directory, give y the header and size of x.
	dir := bytes.Index(b, []byte("PK\x01\x02"))
	x := dir + bytes.Index(b[dir:], []byte("a/x")) - 46
	y := dir + bytes.Index(b[dir:], []byte("a/y")) - 46
	copy(b[y+16:y+28], b[x+16:x+28])
	copy(b[y+42:y+46], b[x+42:x+46])
	refused(t, b, "larger than the file")
}

// TestTruncated cuts a file at every length.
func TestTruncated(t *testing.T) {
	var b bytes.Buffer
	if err := Encode(&b, Dict{{"w", Tensor{[]int{3}, []float32{1, 2, 3}}}}); err != nil {
		t.Fatal(err)
	}
	for n := range b.Len() {
		if v, err := Decode(bytes.NewReader(b.Bytes()[:n]), int64(n)); err == nil {
			t.Fatalf("the first %d of %d bytes read as %v", n, b.Len(), v)
		}
	}
}

func TestReadFileRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, "/dev/null"} {
		if _, err := ReadFile(path); err == nil ||
			err.Error() != fmt.Sprintf("pt: read %s: not a regular file", path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	path := filepath.Join(dir, "none.pt")
	if _, err := ReadFile(path); !errors.Is(err, os.ErrNotExist) ||
		strings.Count(err.Error(), path) != 1 {
		t.Errorf("%v", err)
	}
}

// TestSharing reads what is shared within bounds: unshared pickles may have one
// node a byte, and a container may be referred to twice.
func TestSharing(t *testing.T) {
	for _, pickle := range []string{
		"\x80\x02](" + strings.Repeat("N", 1000) + "e.",
		"\x80\x02]q\x00(]q\x01Nah\x01e.",
	} {
		v, err := unpickle([]byte(pickle), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if l := v.([]any); len(l) == 2 && !reflect.DeepEqual(l[0], l[1]) {
			t.Errorf("%v", v)
		}
	}
}

// TestUntyped reads storages without a type, as _rebuild_tensor_v3 has them.
func TestUntyped(t *testing.T) {
	pickle := "\x80\x02ctorch._utils\n_rebuild_tensor_v3\n((X\x07\x00\x00\x00storage" +
		"ctorch.storage\nUntypedStorage\nX\x01\x00\x00\x000NK\x08tQ" +
		"K\x01K\x01\x85K\x01\x85\x89Nctorch\nint32\ntR."
	b := archived(t, entry{name: "a/data.pkl", data: pickle},
		entry{name: "a/data/0", data: "\x01\x00\x00\x00\x02\x00\x00\x00"})
	v, err := Decode(bytes.NewReader(b), int64(len(b)))
	if err != nil || !reflect.DeepEqual(v, Tensor{[]int{1}, []int32{2}}) {
		t.Errorf("%v, %v", v, err)
	}
}
