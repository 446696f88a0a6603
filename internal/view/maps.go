package view

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"latent/internal/matrix"
	"latent/internal/report"
	"latent/internal/run"
)

// maps are the maps below tsne/ and those that form, or have formed, in the folder itself:
// the last frame of each, or the finished map.
func (f *folder) maps() []Picture {
	list := []Picture{}
	add := func(name string) {
		at := int64(0)
		for _, path := range f.mapFiles(name) {
			at = max(at, changed(path).UnixMilli())
		}
		if at > 0 {
			list = append(list, Picture{name, at})
		}
	}
	if f.file != "" {
		add(strings.TrimSuffix(f.file, filepath.Ext(f.file)))
		return list
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names(f.dir, ".frame.npy") {
		f.formed[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(f.formed)) {
		add(name)
	}
	known := map[string]bool{"labels": true}
	for _, name := range names(f.path("tsne"), ".npy") {
		if name = strings.TrimSuffix(name, ".frame"); !known[name] && !f.formed[name] {
			known[name] = true
			add(name)
		}
	}
	return list
}

// checkMap says what is wrong with a map that is there.
func checkMap(path string) error {
	y, err := matrix.ReadFile(path)
	if err == nil && y.Cols != 2 {
		err = fmt.Errorf("%s has %d columns: a map has two", path, y.Cols)
	}
	return err
}

// names are those of a folder's files that end so, without the end, in order.
func names(dir, end string) (list []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), end); ok && !strings.HasPrefix(name, ".") &&
			e.Type().IsRegular() {
			list = append(list, name)
		}
	}
	return list
}

// mapFiles are where a map may be that maps lists.
func (f *folder) mapFiles(name string) []string {
	if f.file != "" {
		return []string{run.FrameFile(f.path(f.file)), f.path(f.file)}
	}
	var list []string
	dir := f.path("tsne")
	if f.formed[name] {
		dir = f.dir
	}
	for _, end := range []string{".frame.npy", ".npy", ".csv"} {
		list = append(list, filepath.Join(dir, name+end))
	}
	return list
}

// changed is when a file was written, the zero time for none.
func changed(path string) (t time.Time) {
	if info, err := os.Stat(path); err == nil {
		t = info.ModTime()
	}
	return t
}

// serveMap sends at most run.MaxFrame points of a map that maps lists, as report.Quantise
// has them.
func (f *folder) serveMap(w http.ResponseWriter, name string) {
	if !slices.ContainsFunc(f.maps(), func(p Picture) bool { return p.Name == name }) {
		http.Error(w, "there is no such map", http.StatusNotFound)
		return
	}
	f.mu.Lock()
	files := f.mapFiles(name)
	f.mu.Unlock()
	slices.SortStableFunc(files, func(a, b string) int { return changed(b).Compare(changed(a)) })
	for _, path := range files {
		y, err := matrix.ReadFile(path)
		if err == nil && y.Cols == 2 {
			y = y.Every((y.Rows + run.MaxFrame - 1) / run.MaxFrame)
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write(report.Quantise(y.Data))
			return
		}
	}
	http.Error(w, "the map cannot be read", http.StatusNotFound)
}

// serveLabels sends a byte per point of the maps, nothing where there are no labels.
func (f *folder) serveLabels(w http.ResponseWriter) {
	labels, err := matrix.ReadLabels(f.path("tsne", "labels.npy"))
	if err != nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	labels = matrix.Every(labels, 1, (len(labels)+run.MaxFrame-1)/run.MaxFrame)
	out := make([]byte, len(labels))
	for i, v := range labels {
		out[i] = byte(v)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(out)
}
