//go:build linux && cgo

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latent/internal/datasettest"
	"latent/internal/matrix"
	"latent/internal/run"
	"latent/torch/pt"
)

// A run's folder holds what users rely on, and the commands that read it agree.
func TestTrainedRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "run")
	v := object(t, must(t, small(t, "train", dir, "--epochs", "2", "--json")...))
	for _, split := range []string{"train", "test"} {
		for _, space := range []string{"original", "reconstruction"} {
			at(t, v, "accuracy", space, split)
		}
		at(t, v, "mse", "reconstruction", split)
	}
	if at(t, v, "epochs") != 2.0 || v["seed"] != 0.0 || at(t, v, "dataset") != "mnist" ||
		at(t, v, "device") != "cpu" {
		t.Errorf("metrics %v", v)
	}
	for _, name := range []string{"config.json", "checkpoint.pt", "metrics.json", "model.pt",
		"loss.png", "loss.svg"} {
		if len(read(t, filepath.Join(dir, name))) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	rows, err := run.ReadLosses(dir)
	if err != nil || len(rows) != 6 || rows[5].Step != 6 || rows[5].Epoch != 2 {
		t.Errorf("losses %v, %v", rows, err)
	}
	if !strings.HasPrefix(string(read(t, filepath.Join(dir, "losses.csv"))),
		"step,epoch,loss,reconstruction,contrastive\n1,1,0.1") {
		t.Error("losses.csv has another form")
	}

	c := object(t,
		must(t, "classify", "--run", dir, "--threads", "1", "--quiet", "--json", "--confusion"))
	if at(t, c, "accuracy", "original", "test") != at(t, v, "accuracy", "original", "test") ||
		at(t, c, "accuracy", "latent", "test") != at(t, v, "accuracy", "reconstruction", "test") {
		t.Errorf("classify says %v, train said %v", c["accuracy"], v["accuracy"])
	}
	total := 0.0
	for _, row := range at(t, c, "confusion", "latent").([]any) {
		for _, n := range row.([]any) {
			total += n.(float64)
		}
	}
	if total != 300 {
		t.Errorf("the confusion matrix counts %v test images", total)
	}
	k := object(t,
		must(t, "classify", "--run", dir, "--threads", "1", "--quiet", "--json", "--clusters",
			"10"))
	for _, key := range []string{"accuracy", "nmi", "ari"} {
		at(t, k, "scores", "latent", key, "test")
		at(t, k, "scores", "original", key, "train")
	}
	text := must(t, "classify", "--run", dir, "--threads", "1", "--quiet", "--metric",
		"cosine").stdout
	if !strings.Contains(text, "cosine") || !strings.Contains(text, "latent") {
		t.Errorf("classify prints %q", text)
	}

	for _, method := range []string{"knn", "linear"} {
		v := object(t,
			must(t, "classify", "--run", dir, "--threads", "1", "--quiet", "--json", "--keep",
				"--method", method))
		if right := at(t, v, "accuracy", "latent", "test").(float64); right < 0.3 {
			t.Errorf("%s classifies %v", method, right)
		}
	}
	m, err := run.ReadMetrics(dir)
	if err != nil || len(m.Scores) != 4 || m.Scores["linear"]["reconstruction"].Test < 0.3 ||
		m.Accuracy["original"].Test == 0 {
		t.Errorf("metrics.json has the scores %v, %v", m.Scores, err)
	}
	page := filepath.Join(dir, "r.html")
	must(t, "report", "-o", page, dir)
	if !strings.Contains(string(read(t, page)), ">Knn 20, cosine-weighted<") {
		t.Error("the report has no row for knn")
	}

	// Latents of the split and of the same images as a matrix are the same.
	z, z2, x := filepath.Join(dir, "z.npy"), filepath.Join(dir, "z2.npy"),
		filepath.Join(dir, "x.npy")
	test := datasettest.Open(t, "mnist").Test
	if err := matrix.WriteFile(x,
		matrix.Matrix{Data: test.Floats()[:300*784], Rows: 300, Cols: 784}); err != nil {
		t.Fatal(err)
	}
	e := object(t,
		must(t, "encode", "--run", dir, "--threads", "1", "--quiet", "--split", "test", "--output",
			z, "--json"))
	if at(t, e, "n") != 300.0 || at(t, e, "dims") != 50.0 {
		t.Errorf("encode says %v", e)
	}
	must(t, "encode", "--run", dir, "--threads", "1", "--quiet", "--input", x, "--output", z2)
	sameFiles(t, dir, dir, "z.npy")
	if a, b := read(t, z), read(t, z2); string(a) != string(b) {
		t.Error("latents of a split and of its matrix differ")
	}
	for _, format := range []string{"png", "svg", "pdf"} {
		must(t, "plot", "loss", "--run", dir, "--output", filepath.Join(dir, "l."+format))
	}
}

// Epochs 1-2 plus resume to 4 end with the bytes of 4 unbroken.
func TestResumeGivesTheSameBytes(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	must(t, small(t, "train", a, "--epochs", "4", "--seed", "7")...)
	must(t, small(t, "train", b, "--epochs", "2", "--seed", "7")...)
	if r := must(t, "train", "--out", b, "--resume", "--epochs", "4", "--quiet"); r.stderr != "" {
		t.Errorf("resume says %q", r.stderr)
	}
	sameFiles(t, a, b, "losses.csv", "accuracy.csv", "model.pt", "checkpoint.pt", "config.json",
		"loss.svg")
	must(t, "train", "--out", b, "--resume", "--quiet")      // has nothing to do
	must(t, "train", "--out", b, "--resume=auto", "--quiet") // neither
	c := filepath.Join(t.TempDir(), "c")
	must(t, small(t, "train", c, "--epochs", "2", "--seed", "7", "--resume=auto")...) // begins
	must(t, "train", "--out", c, "--resume=auto", "--epochs", "4", "--quiet")
	sameFiles(t, a, c, "losses.csv", "accuracy.csv", "model.pt", "checkpoint.pt", "config.json")
	refuse(t, 2, []string{"train", "--out", c, "--resume=maybe"}, "--resume=auto", "maybe")
	sameFiles(t, a, b, "losses.csv", "accuracy.csv", "model.pt", "checkpoint.pt", "config.json")
}

// What does not fit a run folder is refused and changes nothing in it.
func TestRunFolderIsGuarded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	must(t, small(t, "train", dir, "--epochs", "2")...)
	before := snapshot(t, dir)
	refuse(t, 1, small(t, "train", dir), dir, "--resume")
	refuse(t, 2, []string{"train", "--out", dir, "--resume", "--quiet", "--lr", "0.5"},
		"lr is 0.001", "--epochs")
	refuse(t, 2, []string{"train", "--out", dir, "--resume", "--quiet", "--seed", "1"},
		"seed is 0")
	refuse(t, 2, []string{"train", "--out", dir, "--resume", "--quiet", "--epochs", "1"},
		"more than 1 epochs")
	refuse(t, 1, []string{"train", "--out", filepath.Join(dir, "none"), "--resume", "--quiet"},
		"config.json", "nothing to resume")
	refuse(t, 1, []string{"notebook", "--out", dir, "--quiet", "--contrastive", "none"},
		"run folder of one model")
	refuse(t, 1, small(t, "train", filepath.Join(dir, "model.pt", "x")), "file is in the way")
	refuse(t, 1, small(t, "train", filepath.Join(t.TempDir(), "new"), "--data", "/proc/nowhere"),
		"/proc/nowhere")
	refuse(t, 1,
		[]string{"plot", "loss", "--run", dir, "--output",
			filepath.Join(dir, "none", "l.png")}, "l.png", "does the folder")
	if after := snapshot(t, dir); after != before {
		t.Errorf("the folder changed: was\n%s\nis\n%s", before, after)
	}

	damage := func(name, content, want string, args ...string) {
		t.Helper()
		path := filepath.Join(dir, name)
		kept := read(t, path)
		write(t, path, content)
		refuse(t, 1, args, name, want)
		write(t, path, string(kept))
	}
	resume := []string{"train", "--out", dir, "--resume", "--quiet", "--epochs", "3"}
	classify := []string{"classify", "--run", dir, "--quiet", "--threads", "1"}
	config, model := string(read(t, filepath.Join(dir, "config.json"))),
		string(read(t, filepath.Join(dir, "model.pt")))
	damage("config.json", strings.Replace(config, `"version": 1`, `"version": 99`, 1), "newer",
		resume...)
	damage("config.json", config[:len(config)/2], "JSON", classify...)
	damage("config.json", strings.Replace(config, `"batch_size": 100`, `"batch_size": -100`, 1),
		"batch size", resume...)
	damage("losses.csv", "step,epoch,loss,reconstruction,contrastive\n1,1,0.1,0.1,0\n",
		"ends at step 1", resume...)
	damage("checkpoint.pt", "PK\x03\x04 nothing", "checkpoint.pt", resume...)
	damage("model.pt", model[:len(model)/2], "model.pt", classify...)
	must(t, resume...)
}

// Files that are no state_dict of this model are refused before a folder is used.
func TestForeignModels(t *testing.T) {
	tmp := t.TempDir()
	save := func(name string, v any) string {
		path := filepath.Join(tmp, name)
		if err := pt.WriteFile(path, v); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tensor := pt.Tensor{Shape: []int{2, 2}, Data: []float32{1, 2, 3, 4}}
	for _, c := range []struct{ path, want string }{
		{save("other.pt", pt.Dict{{Key: "fc.weight", Value: tensor}}),
			"missing key encoder.0.weight"},
		{save("shape.pt", pt.Dict{{Key: "encoder.0.weight", Value: tensor}}), "shape"},
		{save("tensor.pt", tensor), "state_dict"},
		{write(t, filepath.Join(tmp, "text.pt"), "hello"), "text.pt"},
		{filepath.Join(tmp, "absent.pt"), "absent.pt"},
	} {
		out := filepath.Join(tmp, "run")
		refuse(t, 1, small(t, "train", out, "--init", c.path), c.want)
		if _, err := os.Stat(filepath.Join(out, "config.json")); err == nil {
			t.Fatalf("%s: a run was begun", c.path)
		}
	}
	// A good one is the start: a step of almost no size leaves it as it is.
	from, to := filepath.Join(tmp, "from"), filepath.Join(tmp, "to")
	must(t, small(t, "train", from, "--epochs", "1", "--seed", "3")...)
	must(t,
		small(t, "train", to, "--epochs", "1", "--init", filepath.Join(from, "model.pt"), "--lr",
			"1e-30", "--weight-decay", "0")...)
	sameFiles(t, from, to, "model.pt")
}

// snapshot lists the files of a folder with sizes and times.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if e.Name() != ".lock" {
			lines = append(lines, e.Name()+" "+info.ModTime().String())
		}
	}
	return strings.Join(lines, "\n")
}
