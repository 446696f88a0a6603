//go:build linux && cgo

package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latent/dataset"
	"latent/internal/datasettest"
	"latent/internal/matrix"
)

// owned are the flags of a short run on rows of the user's own.
func owned(out string, more ...string) []string {
	return append([]string{"train", "--out", out, "--batch-size", "100", "--threads", "1",
		"--epochs", "2", "--quiet"}, more...)
}

// npyOf is a .npy file of bytes.
func npyOf(content []byte, shape string) string {
	header := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': %s}", shape)
	return "\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), byte(len(header) >> 8)}) +
		header + string(content)
}

// csvOf writes images as text, their labels in the first column.
func csvOf(s *dataset.Split) string {
	var b strings.Builder
	b.WriteString("label")
	for i := range s.Width() {
		fmt.Fprintf(&b, ",p%d", i)
	}
	for i := range s.N {
		fmt.Fprintf(&b, "\n%d", s.Labels[i])
		for _, v := range s.Images[i*784 : (i+1)*784] {
			fmt.Fprintf(&b, ",%d", v)
		}
	}
	return b.String() + "\n"
}

// picturesOf writes images as PNG, a folder for each class, and returns their order in it.
func picturesOf(t *testing.T, dir string, s *dataset.Split) (order []int) {
	t.Helper()
	for i := range s.N {
		folder := filepath.Join(dir, fmt.Sprint(s.Labels[i]))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		m := &image.Gray{Pix: s.Images[i*784 : (i+1)*784], Stride: 28,
			Rect: image.Rect(0, 0, 28, 28)}
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, fmt.Sprintf("%05d.png", i)), b.String())
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return s.Labels[a] - s.Labels[b] })
	return order
}

// MNIST as a user's own rows, in each form, trains to the bytes that --dataset mnist does.
func TestOwnRowsTrainAsTheDataset(t *testing.T) {
	data := dataDir(t)
	raw := filepath.Join(data, "MNIST", "raw")
	d := datasettest.Open(t, "mnist")
	train, test := d.Train.First(300), d.Test.First(300)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	files := []string{"losses.csv", "model.pt", "accuracy.csv"}

	npyLabels := func(name string, labels []int) string {
		if err := matrix.WriteLabels(at(name), labels); err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	forms := map[string][]string{
		"idx": {"--input", filepath.Join(raw, "train-images-idx3-ubyte"), "--labels",
			filepath.Join(raw, "train-labels-idx1-ubyte"),
			"--test-input", filepath.Join(raw,
				"t10k-images-idx3-ubyte"), "--test-labels", filepath.Join(raw,
				"t10k-labels-idx1-ubyte"), "--limit", "300"},
		"npy": {"--input", write(t, at("x.npy"), npyOf(train.Images, "(300, 28, 28)")), "--labels",
			npyLabels("l.npy", train.Labels),
			"--test-input", write(t, at("xt.npy"),
				npyOf(test.Images, "(300, 28, 28)")), "--test-labels", npyLabels("lt.npy",
				test.Labels)},
		"csv": {"--input", write(t, at("x.csv"), csvOf(train)), "--label-column", "label",
			"--test-input", write(t, at("xt.csv"), csvOf(test)),
			"--scale", "255", "--image-size", "28x28"},
	}
	for _, loss := range []string{"none", "nt-xent"} {
		must(t, small(t, "train", at("dataset-"+loss), "--epochs", "2", "--contrastive", loss)...)
		for form, args := range forms {
			if loss == "nt-xent" && form == "npy" {
				continue
			}
			out := at(form + "-" + loss)
			must(t, owned(out, append(args, "--contrastive", loss)...)...)
			sameFiles(t, out, at("dataset-"+loss), files...)
		}
	}

	// A folder of pictures is an IDX file of its rows in the folder's order.
	order := picturesOf(t, at("pictures"), train)
	x := *train
	x.Images, x.Labels = nil, nil
	for _, i := range order {
		x.Images, x.Labels = append(x.Images, train.Images[i*784:(i+1)*784]...),
			append(x.Labels, train.Labels[i])
	}
	datasettest.Write(t, at("idx"), &x, test)
	tested := []string{"--test-input", at("idx/t10k-images-idx3-ubyte"), "--test-labels",
		at("idx/t10k-labels-idx1-ubyte")}
	must(t, owned(at("a"), append(tested, "--input", at("pictures"))...)...)
	must(t,
		owned(at("b"),
			append(tested, "--input", at("idx/train-images-idx3-ubyte"), "--labels",
				at("idx/train-labels-idx1-ubyte"))...)...)
	sameFiles(t, at("a"), at("b"), append(files, "input.json")...)

	// New rows are scaled as the model's own were: the same latents, from bytes and from CSV.
	var latents []string
	for _, c := range [][]string{{at("npy-none"), at("xt.npy")}, {at("npy-none"), at("xt.csv")},
		{at("csv-none"), at("xt.npy")}, {at("dataset-none"), at("xt.npy")}} {
		args := []string{"encode", "--run", c[0], "--threads", "1", "--quiet", "--input", c[1],
			"--output", at("z.npy")}
		if strings.HasSuffix(c[1], ".csv") {
			args = append(args, "--label-column", "label")
		}
		must(t, args...)
		latents = append(latents, string(read(t, at("z.npy"))))
	}
	if latents[1] != latents[0] || latents[2] != latents[0] || latents[3] != latents[0] {
		t.Error("latents of the same rows differ")
	}
	whole := object(t,
		must(t, "classify", "--run", at("npy-none"), "--threads", "1", "--quiet", "--json"))
	again := object(t,
		must(t, "classify", "--run", at("npy-none"), "--threads", "1", "--quiet", "--json",
			"--input", at("xt.csv"), "--label-column", "label"))
	if fmt.Sprint(whole) != fmt.Sprint(again) {
		t.Errorf("the test rows as new rows: %v, want %v", again, whole)
	}
}

// table writes n rows of three numbers in two classes, every fifth without a class.
func numbersTable(t *testing.T, path string, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("a,kind,b,c\n")
	for i := range n {
		kind := []string{"red", "blue"}[i%2]
		if i%5 == 4 {
			kind = ""
		}
		fmt.Fprintf(&b, "%d,%s,%d,%g\n", i%2*3+i%3, kind, i*i%17, 1/float64(i+1))
	}
	return write(t, path, b.String())
}

// A run on a user's own rows goes on with the bytes of an unbroken one, wherever the file is
// now, but not on other rows.
func TestOwnRowsResume(t *testing.T) {
	dir := t.TempDir()
	x := numbersTable(t, filepath.Join(dir, "x.csv"), 60)
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	rows := []string{"--input", x, "--label-column", "kind", "--contrastive", "supcon",
		"--encoder-widths", "16,4", "--decoder-widths", "16"}
	must(t, owned(a, append(rows, "--epochs", "4")...)...)
	must(t, owned(b, rows...)...)
	moved := filepath.Join(dir, "moved.csv")
	if err := os.Rename(x, moved); err != nil {
		t.Fatal(err)
	}
	must(t, "train", "--out", b, "--resume", "--epochs", "4", "--quiet", "--input", moved)
	sameFiles(t, a, b, "losses.csv", "model.pt", "checkpoint.pt", "input.json", "test-rows.npy")
	numbersTable(t, moved, 61)
	refuse(t, 1, []string{"train", "--out", b, "--resume", "--epochs", "5", "--quiet"},
		"does not hold the rows that the run was begun with")
	refuse(t, 1, []string{"classify", "--run", b, "--quiet"},
		"does not hold the rows that the model was trained on")
	refuse(t, 2, []string{"train", "--out", b, "--resume", "--quiet", "--scale", "unit"},
		"scale is")
	out := must(t, "encode", "--run", b, "--quiet", "--input", moved, "--label-column", "kind",
		"--output", filepath.Join(dir, "z.csv")).stdout
	if !strings.Contains(out, "61 latents of 4 numbers") {
		t.Errorf("encode says %q", out)
	}
}

// Rows without labels train, and are not scored; the loss that needs labels says so.
func TestOwnRowsWithoutLabels(t *testing.T) {
	dir := t.TempDir()
	x := filepath.Join(dir, "x.npy")
	m := matrix.Matrix{Rows: 40, Cols: 6, Data: make([]float32, 240)}
	for i := range m.Data {
		m.Data[i] = float32(i * i % 23)
	}
	if err := matrix.WriteFile(x, m); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "a")
	v := object(t, must(t, owned(out, "--input", x, "--contrastive", "nt-xent", "--json")...))
	if v["accuracy"] != nil || v["dataset"] != "x.npy" ||
		at(t, v, "mse", "contrastive", "test") == nil {
		t.Errorf("metrics %v", v)
	}
	refuse(t, 1, owned(filepath.Join(dir, "b"), "--input", x, "--contrastive", "supcon"),
		"supcon needs labels", "nt-xent")
	refuse(t, 1, []string{"classify", "--run", out, "--quiet"}, "no labels to classify by")
	said := must(t,
		append(owned(filepath.Join(dir, "c"), "--input", x, "--batch-size", "1024"),
			"--quiet=false")...).stderr
	for _, want := range []string{
		"x.npy: 32 training and 8 test rows of 6 values, scaled: standard",
		"32 training rows are fewer than a batch of 1024", "--encoder-widths"} {
		if !strings.Contains(said, want) {
			t.Errorf("it says %q, not %q", said, want)
		}
	}
}

// A notebook of a user's own table has no pictures, and one of rows without labels no scores.
func TestOwnNotebook(t *testing.T) {
	dir := t.TempDir()
	x := numbersTable(t, filepath.Join(dir, "x.csv"), 200)
	out := filepath.Join(dir, "nb")
	call := []string{"notebook", "--out", out, "--epochs", "1", "--threads", "1", "--quiet",
		"--every", "1", "--input", x, "--label-column", "kind",
		"--encoder-widths", "8,2", "--decoder-widths", "8", "--batch-size", "50"}
	v := object(t, must(t, append(call, "--json")...))
	at(t, v, "accuracy", "contrastive", "test")
	page := string(read(t, filepath.Join(out, "report.html")))
	if !strings.Contains(page, "unlabelled") || !strings.Contains(page, "Training row") ||
		exists(filepath.Join(out, "figures", "sample.png")) {
		t.Error("the report is not of a table")
	}
	if r := must(t, append(call, "--quiet=false")...); !strings.Contains(r.stderr,
		"nothing to do") {
		t.Errorf("again: %q", r.stderr)
	}
	numbersTable(t, x, 210)
	if r := must(t, append(call, "--quiet=false")...); !strings.Contains(r.stderr, "kept in") {
		t.Errorf("with other rows: %q", r.stderr)
	}
	refuse(t, 1,
		append(call[:len(call):len(call)], "--label-column", "", "--input",
			write(t, filepath.Join(dir, "n.csv"), strings.Repeat("1,2\n3,5\n", 20))),
		"notebook needs labels")
}

func TestOwnRowsBadCalls(t *testing.T) {
	dir := t.TempDir()
	x := numbersTable(t, filepath.Join(dir, "x.csv"), 20)
	for _, c := range []struct {
		code int
		args string
		want string
	}{
		{2, "--input x.csv --dataset mnist", "--input and --dataset"},
		{2, "--labels l.npy", "name them with --input"},
		{2, "--input x.csv --scale minmax", "unknown scale"},
		{2, "--input x.csv --image-size 28", "--image-size must be HEIGHTxWIDTH"},
		{2, "--input x.csv --test-fraction 0",
			"--test-fraction must be above 0 and below 1, got 0"},
		{2, "--input x.csv --test-fraction 0.5 --test-input x.csv", "leave one out"},
		{2, "--input x.csv --test-labels x.csv", "--test-labels goes with --test-input"},
		{2, "--input x.csv --labels x.csv --label-column kind", "leave one out"},
		{2, "--input x.csv --encoder-widths 10,x", "--encoder-widths must be numbers"},
		{2, "--input x.csv --encoder-widths 10,0", "layer 2 must have from 1"},
		{1, "--input x.csv", `x.csv: line 2, column 2: "red" is not a number`},
		{1, "--input x.csv --label-column sort",
			`x.csv: line 1: no column is called "sort"; there are a, kind, b, c`},
		{1, "--input none.csv", "none.csv: no such file"},
	} {
		args := strings.Fields(strings.ReplaceAll(c.args, "x.csv", x))
		refuse(t, c.code, owned(filepath.Join(dir, "a"), args...), c.want)
	}
	if exists(filepath.Join(dir, "a", "config.json")) {
		t.Error("a wrong call leaves a run")
	}
}
