//go:build linux && cgo

package faulttest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latent/internal/datasettest"
	"latent/torch/pt"
)

// hostile is a file that is not what it seems, and what the program says of it
// beside its name.
type hostile struct {
	name    string
	content []byte
	want    string
}

// smallMemory is how much more memory a refused file may cost than one that is
// merely missing.
const smallMemory = 48 << 20

// refuses checks that a call is refused with one line that names the file, in
// little memory and with the code 1.
func refuses(t *testing.T, c hostile, path string, least int64, args ...string) {
	t.Helper()
	r := refused(t, 1, args, path, c.want)
	if r.memory > least+smallMemory {
		t.Errorf("%s took %d MB, %d MB more than a missing file", c.name, r.memory>>20,
			(r.memory-least)>>20)
	}
}

// zeros is a gzip file of n zero bytes behind head.
func zeros(t *testing.T, head []byte, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(head); err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 1<<20); n > 0; n -= int64(len(chunk)) {
		if _, err := z.Write(chunk[:min(n, int64(len(chunk)))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packed(t *testing.T, b []byte) []byte { t.Helper(); return zeros(t, b, 0) }

// IDX files, plain and packed, as labels of a plot and as parts of a data set.
func TestHostileIDX(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	y := write(t, filepath.Join(dir, "y.npy"), npy("<f4", "False", "(4, 2)", make([]byte, 32)))
	figure := write(t, filepath.Join(dir, "f.svg"), []byte("an older figure"))
	plot := func(labels string) []string {
		return []string{"plot", "scatter", "--input", y, "--labels", labels, "--output", figure}
	}
	least := call(t, plot(filepath.Join(dir, "none"))...).memory
	good := datasettest.IDX([]byte{1, 2, 3, 4}, 4)
	for _, c := range few(2, []hostile{
		{"bomb.gz", zeros(t, datasettest.IDX(nil, 1<<28), 1<<28), "claims"},
		{"corrupt.gz", flip(packed(t, good), -6), "gzip"},
		{"truncated", good[:7], "truncated"},
		{"short", good[:11], "truncated"},
		{"long", append(slices.Clone(good), 5), "trailing data"},
		{"magic", []byte("GIF89a and more"), "not an IDX file"},
		{"type", append([]byte{0, 0, 0xd, 1}, good[4:]...), "IDX type 0x0d"},
		{"2^62 labels", datasettest.IDX(nil, 1<<31, 1<<31), "claims"},
		{"truncated.gz", packed(t, good)[:20], "truncated"},
	}...) {
		path := write(t, filepath.Join(dir, c.name), c.content)
		refuses(t, c, path, least, plot(path)...)
	}
	if string(read(t, figure)) != "an older figure" {
		t.Error("the older figure is gone")
	}

	run := filepath.Join(folder(t), "run")
	normal := must(t, small(t, "train", run+"-normal", "--epochs", "1")...).memory
	data := filepath.Join(folder(t), "data")
	if err := os.CopyFS(data, os.DirFS(dataDir(t))); err != nil {
		t.Fatal(err)
	}
	for _, c := range few(1, []hostile{
		{"t10k-images-idx3-ubyte", zeros(t, datasettest.IDX(nil, 10000, 28, 1<<8), 10000*28<<8),
			"remove the file and fetch it again"},
		{"train-labels-idx1-ubyte",
			read(t,
				filepath.Join(data,
					"MNIST/raw/train-labels-idx1-ubyte"))[:1000], "remove the file and fetch it " +
				"again"},
		{"train-labels-idx1-ubyte",
			flip(read(t, filepath.Join(data, "MNIST/raw/train-labels-idx1-ubyte")),
				500), "remove the file and fetch it again"},
	}...) {
		path := filepath.Join(data, "MNIST/raw", c.name)
		right := read(t, path)
		write(t, path, c.content)
		r := refused(t, 1, []string{"train", "--out", run, "--data", data, "--quiet"}, path,
			c.want)
		if r.memory > normal+smallMemory {
			t.Errorf("%s took %d MB", c.name, r.memory>>20)
		}
		refused(t, 1, []string{"data", "--data", data, "--quiet"}, path, c.want)
		if !bytes.Equal(read(t, path), c.content) {
			t.Error("the user's file was changed")
		}
		write(t, path, right)
	}
	if len(hashes(t, run)) != 0 {
		t.Error("a run without data left files")
	}
}

// flip is b with one bit changed; a negative i counts from the end.
func flip(b []byte, i int) []byte {
	b = slices.Clone(b)
	b[(i+len(b))%len(b)] ^= 16
	return b
}

// npy is a .npy file with this header and these bytes behind it.
func npy(descr, fortran, shape string, content []byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, fortran,
		shape)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	b := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	return append(append(b, header...), content...)
}

// Matrices that claim more than they hold, or hold what cannot be embedded.
func TestHostileMatrices(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	y := write(t, filepath.Join(dir, "y.npy"), []byte("an older embedding"))
	embed := func(x string) []string {
		return []string{"tsne", "--input", x, "--output", y,
			"--quiet"}
	}
	least := call(t, embed(filepath.Join(dir, "none.npy"))...).memory
	line := strings.Repeat("1,2,3\n", 100)
	for _, c := range few(2, []hostile{
		{"rows.npy", npy("<f4", "False", "(1152921504606846976, 2)", make([]byte, 16)),
			"truncated"},
		{"nan.npy",
			npy("<f4", "False", "(2, 2)",
				binary.LittleEndian.AppendUint32(make([]byte, 12), 0x7fc00000)), "row 2, column " +
				"2: NaN"},
		{"hole.csv", []byte(line + "1,,3\n"), "line 101, column 2"},
		{"product.npy", npy("<f8", "False", "(4294967296, 4294967296)", make([]byte, 16)),
			"truncated"},
		{"fortran.npy", npy("<f4", "True", "(2, 2)", make([]byte, 16)), "np.ascontiguousarray"},
		{"object.npy", npy("|O", "False", "(2, 2)", []byte("cos\nsystem\n.")), "not supported"},
		{"header.npy", append([]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), make([]byte, 100)...),
			"header"},
		{"nan.csv", []byte(line + "1,NaN,3\n"), "line 101, column 2"},
	}...) {
		path := write(t, filepath.Join(dir, c.name), c.content)
		refuses(t, c, path, least, embed(path)...)
	}
	if string(read(t, y)) != "an older embedding" {
		t.Error("the older embedding is gone")
	}
}

// entry is a file in an archive.
type entry struct {
	name    string
	method  uint16
	content []byte
	zeros   int64
}

func archive(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	zw.RegisterCompressor(zip.Deflate,
		func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, e := range entries {
		w, err := zw.CreateHeader(&zip.FileHeader{Name: e.name, Method: e.method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.content); err != nil {
			t.Fatal(err)
		}
		for chunk := make([]byte, 1<<20); e.zeros > 0; e.zeros -= int64(len(chunk)) {
			if _, err := w.Write(chunk); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Models that want to run code, fill the memory, write elsewhere, or are others.
func TestHostileModels(t *testing.T) {
	t.Parallel()
	trained, _ := trained1.get(t, "train", "1")
	dir := copyOf(t, trained)
	path, proof := filepath.Join(dir, "model.pt"), filepath.Join(dir, "proof")
	right := read(t, path)
	command := "touch " + proof
	pickle := "\x80\x02cos\nsystem\n(X" +
		string(binary.LittleEndian.AppendUint32(nil, uint32(len(command)))) + command + "tR."
	escape := filepath.Base(dir) + "-escaped"
	classify := []string{"classify", "--run", dir, "--threads", "1", "--quiet"}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	least := refused(t, 1, classify, path, "--resume").memory
	for _, c := range few(2, []hostile{
		{"code", archive(t, entry{"archive/data.pkl", zip.Store, []byte(pickle), 0}),
			`asks for "os.system"`},
		{"zip bomb",
			archive(t,
				entry{"archive/data.pkl", zip.Deflate, []byte("\x80\x02"),
					1 << 28}), "is compressed"},
		{"path trick",
			archive(t, entry{"../" + escape, zip.Store, []byte("x"), 0},
				entry{"archive/data.pkl", zip.Store, []byte("\x80\x02N."), 0}), "not a plain " +
				"relative path"},
		{"shape", stateDict(t, filepath.Join(trained, "model.pt"), func(d pt.Dict) pt.Dict {
			d[0].Value = pt.Tensor{Shape: []int{2, 2}, Data: make([]float32, 4)}
			return d
		}), "encoder.0.weight"},
		{"truncated", right[:len(right)/2], "not a whole .pt file"},
		{"corrupt", flip(right, len(right)/2), "checksum"},
		{"pickle", []byte(pickle), "bare Python pickle"},
		{"empty", nil, "empty"},
		{"checkpoint", read(t, filepath.Join(dir, "checkpoint.pt")),
			"missing key encoder.0.weight"},
		{"key", stateDict(t, filepath.Join(trained, "model.pt"), func(d pt.Dict) pt.Dict {
			return append(d, pt.Item{Key: "fc.weight", Value: d[0].Value})
		}), "unexpected key fc.weight"},
	}...) {
		write(t, path, c.content)
		refuses(t, c, path, least, classify...)
	}
	for _, p := range []string{proof, filepath.Join(filepath.Dir(dir), escape)} {
		if _, err := os.Stat(p); err == nil {
			t.Errorf("a file made %s", p)
		}
	}
	// The same reader stands before --init.
	refused(t, 1, small(t, "train", filepath.Join(folder(t), "run"), "--init", path), path)
}

// stateDict is a changed .pt file.
func stateDict(t *testing.T, path string, change func(pt.Dict) pt.Dict) []byte {
	t.Helper()
	v, err := pt.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := pt.Encode(&b, change(v.(pt.Dict))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// set changes the value of a key.
func set(d pt.Dict, key string, value any) pt.Dict {
	for i := range d {
		if d[i].Key == key {
			d[i].Value = value
		}
	}
	return d
}

// Files of a run folder that are damaged, newer, or another run's: --resume says
// which and changes none of them, and the notebook neither.
func TestHostileRunFolder(t *testing.T) {
	t.Parallel()
	trained, _ := trained1.get(t, "train", "1")
	dir := copyOf(t, trained)
	in := func(name string) string { return filepath.Join(dir, name) }
	config, losses := string(read(t, in("config.json"))), read(t, in("losses.csv"))
	checkpoint := func(change func(pt.Dict) pt.Dict) []byte {
		return stateDict(t, filepath.Join(trained, "checkpoint.pt"), change)
	}
	resume := []string{"train", "--out", dir, "--resume", "--epochs", "2", "--quiet"}
	normal := must(t, small(t, "train", dir+"-normal", "--epochs", "1")...).memory
	for _, c := range few(2, []hostile{
		{"config.json", []byte(strings.Replace(config, `"version": 1`, `"version": 2`, 1)),
			"newer latent"},
		{"checkpoint.pt", read(t, in("checkpoint.pt"))[:1<<20], "not a whole .pt file"},
		{"checkpoint.pt", checkpoint(func(d pt.Dict) pt.Dict {
			model, _ := d.Get("model")
			set(model.(pt.Dict), "encoder.2.bias",
				pt.Tensor{Shape: []int{32}, Data: make([]float32, 32)})
			return d
		}), "encoder.2.bias"},
		{"metrics.json", []byte(`{"seconds": }`), "cut off or not JSON"},
		{"config.json", []byte(config[:len(config)/2]), "cut off or not JSON"},
		{"config.json",
			[]byte(strings.Replace(config, `"epochs"`, `"convolutions": 3, "epochs"`, 1)),
			"convolutions"},
		{"config.json",
			[]byte(strings.Replace(config, `"batch_size": 100`, `"batch_size": -1`, 1)),
			"batch size"},
		{"config.json", make([]byte, 64<<20), "larger than"},
		{"checkpoint.pt", read(t, in("model.pt")), `no "format"`},
		{"checkpoint.pt",
			checkpoint(func(d pt.Dict) pt.Dict { return set(d, "format", int64(2)) }),
			"another version of latent"},
		{"checkpoint.pt", checkpoint(func(d pt.Dict) pt.Dict { return set(d, "epoch", int64(7)) }),
			"does not fit this run"},
		{"losses.csv", losses[:len(losses)-3], "cut off"},
		{"losses.csv", losses[:len(losses)/2], "losses.csv"},
		{"accuracy.csv", []byte("epoch\n"), "accuracy.csv: line 1: the header is not"},
	}...) {
		right := read(t, in(c.name))
		write(t, in(c.name), c.content)
		before := hashes(t, dir)
		r := refused(t, 1, resume, in(c.name), c.want)
		if r.memory > normal+smallMemory {
			t.Errorf("%s: %d MB", c.name, r.memory>>20)
		}
		unchanged(t, c.name, dir, before)
		write(t, in(c.name), right)
	}
	must(t, resume...)

	nb, _ := notebook2.get(t, "notebook", "2")
	book := copyOf(t, nb)
	path := filepath.Join(book, "reconstruction", "config.json")
	write(t, path, []byte("{"))
	before := hashes(t, book)
	refused(t, 1, small(t, "notebook", book, "--epochs", "3"), path, "cut off or not JSON")
	unchanged(t, "notebook", book, before)
}
