package report

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"latent/internal/matrix"
	"latent/internal/run"
)

// Runs is a report that sets run folders and notebooks' folders side by side: one table of
// accuracies, one chart of losses, and one explorer of all maps with as many rows as the
// first map. Each map is turned and mirrored as it lies closest to the first (orthogonal
// Procrustes): t-SNE fixes neither.
func Runs(dirs []string) (Report, error) {
	names := runNames(dirs)
	r := Report{Title: strings.Join(names, ", "), AsNamed: len(dirs) > 1}
	settings := make([][]Setting, len(dirs))
	for i, name := range names {
		var err error
		if settings[i], err = r.addRun(dirs[i], name, len(dirs) > 1); err != nil {
			return Report{}, err
		}
	}
	r.Config = merge(names, settings)
	return r, nil
}

// merge lists the settings of several runs: once where all have the same, else one for each
// run, behind its name.
func merge(names []string, settings [][]Setting) (list []Setting) {
	done := map[string]bool{}
	for _, of := range settings {
		for _, s := range of {
			if done[s.Key] {
				continue
			}
			done[s.Key] = true
			values := map[string]bool{}
			var each []Setting
			for i := range settings {
				value := "–"
				for _, other := range settings[i] {
					if other.Key == s.Key {
						value = other.Value
					}
				}
				values[value] = true
				each = append(each, Setting{names[i] + ": " + s.Key, value})
			}
			if len(values) == 1 {
				each = []Setting{s}
			}
			list = append(list, each...)
		}
	}
	return list
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

// addRun adds what a folder has to show, and returns its settings.
func (r *Report) addRun(dir, name string, several bool) ([]Setting, error) {
	m, err := run.ReadMetrics(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no finished run: it has no %s", dir, run.MetricsFile)
	}
	if err != nil {
		return nil, err
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
			return nil, err
		}
		kl := nan
		if t, ok := m.TSNE[space]; ok {
			kl = t.KL
		}
		if err := r.addMap(filepath.Join(dir, "tsne"), space, title(space), kl); err != nil {
			return nil, err
		}
	}
	for _, s := range Scores(m) {
		s.Space = title(s.Space)
		r.Scores = append(r.Scores, s)
	}
	if err := r.addPreviews(dir, title); err != nil {
		return nil, err
	}
	if !several {
		r.Dataset, r.Epochs, r.Seed, r.Device, r.Libtorch = m.Dataset, m.Epochs, m.Seed, m.Device,
			m.Libtorch
	}
	settings := []Setting{{"dataset", m.Dataset}, {"epochs", fmt.Sprint(m.Epochs)}}
	if m.Seed != nil {
		settings = append(settings, Setting{"seed", fmt.Sprint(*m.Seed)})
	}
	return addConfig(append(settings, Setting{"device", m.Device}), dir)
}

// addConfig adds the options in a run folder's config.json that are not among the settings;
// a notebook's folder has none.
func addConfig(settings []Setting, dir string) ([]Setting, error) {
	var options map[string]any
	err := run.ReadConfig(dir, &options)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	has := map[string]bool{"version": true, "data": true}
	for _, s := range settings {
		has[s.Key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(options)) {
		switch v := options[key].(type) {
		case string, float64, bool:
			if !has[key] {
				settings = append(settings,
					Setting{strings.ReplaceAll(key, "_", " "), fmt.Sprint(v)})
			}
		}
	}
	return settings, nil
}

// addPreviews adds the pictures of test images and their reconstructions that models left.
func (r *Report) addPreviews(dir string, title func(string) string) error {
	for _, space := range []string{"", run.Reconstruction, run.Contrastive} {
		data, err := os.ReadFile(filepath.Join(dir, space, run.PreviewFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		name := space
		if name == "" {
			name = "test images and their reconstructions"
		} else {
			name += ": test images and their reconstructions"
		}
		caption := title(name)
		if !r.AsNamed {
			caption = capital(caption)
		}
		r.Figures = append(r.Figures, Figure{Caption: caption, Data: data,
			Alt: "A row of test images above a row of their reconstructions"})
	}
	return nil
}

// addLosses adds the losses and accuracies by epoch of a space's model, whose run folder is dir
// itself or below it.
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
	classes, labels, err := readMapLabels(filepath.Join(dir, "labels.npy"), y.Rows)
	if err != nil {
		return err
	}
	if r.Explorer == nil {
		r.Explorer = &Explorer{N: y.Rows, Classes: classes, Labels: labels, SideBySide: true}
	}
	if y.Rows != r.Explorer.N {
		r.Notes = append(r.Notes,
			fmt.Sprintf("%s has %s points, not %s as the first map: it is left out.",
				path, thousands(y.Rows), thousands(r.Explorer.N)))
		return nil
	}
	if !slices.Equal(labels, r.Explorer.Labels) || !slices.Equal(classes, r.Explorer.Classes) {
		r.Notes = append(r.Notes,
			fmt.Sprintf("The points of %s have other labels than the first map's, so they are "+
				"other rows: "+
				"it is left out.", path))
		return nil
	}
	if len(r.Explorer.Spaces) > 0 {
		align(y.Data, r.Explorer.Spaces[0].Embedding)
	}
	r.Explorer.Spaces = append(r.Explorer.Spaces,
		Space{Name: title, Title: title, Embedding: y.Data, KL: kl})
	return nil
}

// readMapLabels reads the labels beside a map of n points; there may be none.
func readMapLabels(path string, n int) (classes []string, labels []int, err error) {
	if !exists(path) {
		return nil, nil, nil
	}
	values, err := readValues(path)
	if err != nil || len(values) != n {
		return nil, nil, err
	}
	classes, indices, err := classify([][]string{values}, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return classes, indices[0], nil
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
