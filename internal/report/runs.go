package report

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"latent/internal/matrix"
	"latent/internal/run"
)

// Runs is a report that sets run folders and notebooks' folders side by side: one table of
// accuracies, one chart of losses, and one explorer of all maps with as many rows as the
// first map. Each map is turned and mirrored as it lies closest to the first (orthogonal
// Procrustes): t-SNE fixes neither.
func Runs(dirs []string) (Report, error) {
	r := Report{Title: strings.Join(runNames(dirs), ", ")}
	for i, name := range runNames(dirs) {
		if err := r.addRun(dirs[i], name, len(dirs) > 1); err != nil {
			return Report{}, err
		}
	}
	return r, nil
}

// runNames are the folders' own names where they differ, else the paths as given.
func runNames(dirs []string) []string {
	names, seen := make([]string, len(dirs)), map[string]bool{}
	for i, dir := range dirs {
		names[i] = filepath.Base(filepath.Clean(dir))
		if seen[names[i]] {
			return dirs
		}
		seen[names[i]] = true
	}
	return names
}

func (r *Report) addRun(dir, name string, several bool) error {
	m, err := run.ReadMetrics(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is no finished run: it has no %s", dir, run.MetricsFile)
	}
	if err != nil {
		return err
	}
	title := func(space string) string {
		if several {
			return name + ", " + space
		}
		return space
	}
	for _, space := range []string{run.Original, run.Reconstruction, run.Contrastive} {
		if a, ok := m.Accuracy[space]; ok {
			r.Accuracy = append(r.Accuracy, Accuracy{Space: title(space), Euclidean: a})
		}
		if e, ok := m.MSE[space]; ok {
			r.MSE = append(r.MSE, MSE{Model: title(space), Splits: e})
		}
		if s, ok := m.Seconds[space]; ok {
			r.Seconds = append(r.Seconds, Timing{title(space), s})
		}
		if err := r.addLosses(dir, space, title(space), m); err != nil {
			return err
		}
		if err := r.addMap(filepath.Join(dir, "tsne"), space, title(space), m.TSNE[space].KL); err != nil {
			return err
		}
	}
	setting := func(key, value string) {
		if value != "" {
			r.Config = append(r.Config, Setting{name + ": " + key, value})
		}
	}
	setting("dataset", m.Dataset)
	setting("epochs", fmt.Sprint(m.Epochs))
	if m.Seed != nil {
		setting("seed", fmt.Sprint(*m.Seed))
	}
	setting("device", m.Device)
	return nil
}

// addLosses adds the losses and accuracies by epoch of a space's model, whose run folder is dir itself or below it.
func (r *Report) addLosses(dir, space, title string, m run.Metrics) error {
	if _, trained := m.MSE[space]; !trained {
		return nil
	}
	if !exists(filepath.Join(dir, run.LossesFile)) {
		dir = filepath.Join(dir, space)
	}
	accuracies, err := run.ReadAccuracy(dir)
	if err != nil {
		return err
	}
	if len(accuracies) > 0 {
		r.Epochwise = append(r.Epochwise, run.AccuracySeries{Model: title, Rows: accuracies})
	}
	losses, err := run.ReadLosses(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		r.Losses = append(r.Losses, run.Series{Model: title, Losses: losses})
	}
	return err
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// addMap adds dir/space.npy, if it is there and shows as many rows as the first map.
func (r *Report) addMap(dir, space, title string, kl float64) error {
	path := filepath.Join(dir, space+".npy")
	if !exists(path) {
		return nil
	}
	y, err := matrix.ReadFile(path)
	if err != nil {
		return err
	}
	if y.Cols != 2 {
		return fmt.Errorf("%s has %d columns: a map has two", path, y.Cols)
	}
	if r.Explorer == nil {
		r.Explorer = &Explorer{N: y.Rows}
		if labels := filepath.Join(dir, "labels.npy"); exists(labels) {
			values, err := readValues(labels)
			if err != nil {
				return err
			}
			classes, indices, err := classify([][]string{values}, nil)
			if err != nil {
				return fmt.Errorf("%s: %w", labels, err)
			}
			if len(values) == y.Rows {
				r.Explorer.Classes, r.Explorer.Labels = classes, indices[0]
			}
		}
	}
	if y.Rows != r.Explorer.N {
		r.Notes = append(r.Notes, fmt.Sprintf("%s has %s points, not %s as the first map: it is left out.",
			path, thousands(y.Rows), thousands(r.Explorer.N)))
		return nil
	}
	if len(r.Explorer.Spaces) > 0 {
		align(y.Data, r.Explorer.Spaces[0].Embedding)
	}
	r.Explorer.Spaces = append(r.Explorer.Spaces, Space{Name: title, Title: title, Embedding: y.Data, KL: kl})
	return nil
}

// align turns and mirrors the n x 2 map y, in place, as it lies closest to the map of the
// same rows in the sum of squares, once both are centred (orthogonal Procrustes,
// Schönemann 1966; in two dimensions its singular value decomposition is an angle).
func align(y, to []float32) {
	n := float64(len(y) / 2)
	var cy, ct [2]float64
	for i := range y {
		cy[i%2] += float64(y[i]) / n
		ct[i%2] += float64(to[i]) / n
	}
	var m [2][2]float64 // sum of y to', centred
	for i := 0; i < len(y); i += 2 {
		for a := range 2 {
			for b := range 2 {
				m[a][b] += (float64(y[i+a]) - cy[a]) * (float64(to[i+b]) - ct[b])
			}
		}
	}
	turn := math.Hypot(m[0][0]+m[1][1], m[0][1]-m[1][0])
	mirror := math.Hypot(m[0][0]-m[1][1], m[0][1]+m[1][0])
	angle, sign := math.Atan2(m[0][1]-m[1][0], m[0][0]+m[1][1]), 1.0
	if mirror > turn {
		angle, sign = math.Atan2(m[0][1]+m[1][0], m[0][0]-m[1][1]), -1
	}
	sin, cos := math.Sincos(angle)
	for i := 0; i < len(y); i += 2 {
		u, v := float64(y[i])-cy[0], sign*(float64(y[i+1])-cy[1])
		y[i], y[i+1] = float32(cos*u-sin*v), float32(sin*u+cos*v)
	}
}
