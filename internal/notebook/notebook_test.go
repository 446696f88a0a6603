//go:build linux && cgo

package notebook

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latent/internal/progress"
	"latent/internal/run"
	"latent/internal/stage"
	"latent/internal/train"
)

// heard notes what is said.
type heard struct{ lines []string }

func (h *heard) Update(progress.Status) {}

func (h *heard) Printf(format string, args ...any) {
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

// testdata/finished holds the records, and metrics.json, that this program's first
// version left after
//
//	latent notebook --limit 3000 --batch-size 100 --epochs 2 --contrastive supcon
//
// Its stages are finished for every later version too.
func TestFolderOfFirstVersion(t *testing.T) {
	dir := t.TempDir()
	copied := 0
	files, err := filepath.Glob("testdata/finished/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var record struct{ Outputs map[string]int64 }
		if err := json.Unmarshal(text, &record); err != nil {
			t.Fatal(err)
		}
		for name, size := range record.Outputs {
			if name != "metrics.json" {
				write(t, filepath.Join(dir, name), "")
				if err := os.Truncate(filepath.Join(dir, name), size); err != nil {
					t.Fatal(err)
				}
			}
		}
		if name := filepath.Base(file); name == "metrics.json" {
			write(t, filepath.Join(dir, name), string(text))
		} else {
			write(t, filepath.Join(dir, stage.Folder, name), string(text))
			copied++
		}
	}
	o := DefaultOptions()
	o.Limit, o.BatchSize, o.Epochs, o.ExtraLoss = 3000, 100, 2, train.NewExtraLoss("supcon")
	said := new(heard)
	result, err := Run(context.Background(), dir, o, said)
	if err != nil || copied != 8 || len(said.lines) != 1 ||
		!strings.HasSuffix(said.lines[0], "is finished: nothing to do") {
		t.Errorf("%d records: said %q, %v", copied, said.lines, err)
	}
	if result.Epochs != 2 || result.Cosine["contrastive"].Test == 0 ||
		result.TSNE["original"].KL == 0 {
		t.Errorf("result %+v", result)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestConclusion(t *testing.T) {
	dir := t.TempDir()
	header := "epoch,original_train,original_test,latent_train,latent_test," +
		"latent_cosine_train,latent_cosine_test\n"
	m := run.Metrics{Dataset: "mnist", Epochs: 20, Accuracy: map[string]run.Splits{
		run.Original: {Test: 0.8203}, run.Reconstruction: {Test: 0.7633}}}
	for _, c := range []struct {
		rows    string
		dataset string
		test    float64
		want    string
	}{
		{"", "mnist", 0.7, ""},
		{"20,0,0.8203,0,0.7633,0,0\n", "mnist", 0.7633,
			"20 epochs stop before the latents overtake the pixels: nearest " +
				"centroids classify 76.33 % of the test images against 82.03 %. With seed 0 " +
				"they do so at epoch 50, and after the notebook's 500 they have 87.46 %: the " +
				"same command with --epochs 500 goes on from here."},
		{"20,0,0.8203,0,0.7633,0,0\n", "kmnist", 0.7633,
			"20 epochs stop before the latents overtake the pixels: nearest " +
				"centroids classify 76.33 % of the test images against 82.03 %."},
		{"5,0,0.8203,0,0.8,0,0\n10,0,0.8203,0,0.83,0,0\n", "mnist", 0.84,
			"The latents overtake the pixels at epoch 10 of 20: " +
				"nearest centroids classify 84.00 % of the test images against 82.03 %."},
	} {
		write(t, filepath.Join(dir, run.AccuracyFile), header+c.rows)
		m.Dataset, m.Accuracy[run.Reconstruction] = c.dataset, run.Splits{Test: c.test}
		if got, err := Conclusion(dir, m); err != nil || got != c.want {
			t.Errorf("got  %q, %v\nwant %q", got, err, c.want)
		}
	}
}
