package view

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"latent/internal/atomicfile"
	"latent/internal/matrix"
	"latent/internal/progress"
	"latent/internal/report"
	"latent/internal/run"
)

// maxRows is the most points of a map that is shown.
const maxRows = 20_000

// folder is a run folder, a notebook's folder, or the folder of one page.
type folder struct {
	dir  string
	html string // the page's name

	mu     sync.Mutex
	losses map[string]stamped[run.Series] // by path
}

// stamped is what was read of a file, and the file's state at that time.
type stamped[T any] struct {
	at    time.Time
	size  int64
	value T
}

func openFolder(path string) (*folder, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}
	f := &folder{dir: path, html: "report.html", losses: map[string]stamped[run.Series]{}}
	if !info.IsDir() {
		if !strings.EqualFold(filepath.Ext(path), ".html") {
			return nil, fmt.Errorf("view: %s is neither a folder nor a .html file", path)
		}
		f.dir, f.html = filepath.Dir(path), filepath.Base(path)
	}
	return f, nil
}

func (f *folder) name() string {
	if abs, err := filepath.Abs(f.dir); err == nil {
		return filepath.Base(abs)
	}
	return f.dir
}

func (f *folder) path(parts ...string) string {
	return filepath.Join(append([]string{f.dir}, parts...)...)
}

func (f *folder) reportName() string { return f.html }
func (f *folder) dataName() string   { return strings.TrimSuffix(f.html, filepath.Ext(f.html)) + "-data" }

// finished says that there is a report and nobody works on the folder.
func (f *folder) finished() bool {
	_, err := os.Stat(f.path(f.html))
	_, working := os.Stat(f.path(run.StatusFile))
	return err == nil && errors.Is(working, fs.ErrNotExist)
}

// State is what the page shows.
type State struct {
	Status   *progress.Record `json:"status"` // nil: nobody works
	Message  string           `json:"message"`
	Report   string           `json:"report"` // name of the finished page; empty: none
	Chart    *report.Chart    `json:"chart"`
	Last     []Last           `json:"last"`
	Maps     []Picture        `json:"maps"`
	Pictures []Picture        `json:"pictures"`
}

// Last is the last row of a losses.csv.
type Last struct {
	Model string  `json:"model"`
	Step  int     `json:"step"`
	Epoch int     `json:"epoch"`
	Loss  float32 `json:"loss"`
}

// Picture is a file that the page shows, and when it was written.
type Picture struct {
	Name string `json:"name"`
	At   int64  `json:"at"` // milliseconds since 1970
}

func (f *folder) state() State {
	s := State{Last: []Last{}, Maps: []Picture{}, Pictures: []Picture{}}
	if _, err := os.Stat(f.dir); err != nil {
		s.Message = "The folder is gone: it was deleted or moved."
		return s
	}
	s.Status = f.status()
	if s.Status != nil && !alive(s.Status.PID) {
		s.Message = fmt.Sprintf("The run has stopped: process %d is gone. The same command goes on from the last checkpoint.",
			s.Status.PID)
		s.Status = nil
	}
	if f.finished() {
		s.Report = f.html
	}
	series := f.series(&s)
	s.Chart = report.NewChart(series)
	for _, m := range series {
		last := m.Losses[len(m.Losses)-1]
		s.Last = append(s.Last, Last{m.Model, last.Step, last.Epoch, last.Loss})
	}
	s.Maps = f.maps()
	for _, name := range f.pictureNames() {
		if info, err := os.Stat(f.path(f.picture(name))); err == nil {
			s.Pictures = append(s.Pictures, Picture{name, info.ModTime().UnixMilli()})
		}
	}
	return s
}

func (f *folder) status() *progress.Record {
	for _, sub := range []string{"", run.Reconstruction, run.Contrastive} {
		b, err := os.ReadFile(f.path(sub, run.StatusFile))
		r := new(progress.Record)
		if err == nil && len(b) < 1<<16 && json.Unmarshal(b, r) == nil {
			return r
		}
	}
	return nil
}

// alive says whether a process is there; in doubt it is.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || !errors.Is(err, os.ErrProcessDone)
}

// series are the losses of the folder's models. A file is read again when it has changed.
func (f *folder) series(s *State) []run.Series {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []run.Series
	for _, sub := range []string{"", run.Reconstruction, run.Contrastive} {
		dir := f.path(sub)
		info, err := os.Stat(filepath.Join(dir, run.LossesFile))
		if err != nil {
			continue
		}
		have, ok := f.losses[dir]
		if !ok || !have.at.Equal(info.ModTime()) || have.size != info.Size() {
			rows, err := run.ReadLosses(dir)
			if err != nil {
				s.Message = "The losses cannot be read: " + err.Error()
				continue
			}
			name := sub
			if name == "" {
				name = f.name()
			}
			have = stamped[run.Series]{info.ModTime(), info.Size(), run.Series{Model: name, Losses: rows}}
			f.losses[dir] = have
		}
		if len(have.value.Losses) > 0 {
			list = append(list, have.value)
		}
	}
	return list
}

// maps are the maps below tsne/: the frame of one that is forming, or the finished one.
func (f *folder) maps() []Picture {
	list := []Picture{}
	entries, err := os.ReadDir(f.path("tsne"))
	if err != nil {
		return list
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".npy")
		info, err := e.Info()
		if !ok || name == "labels" || strings.HasPrefix(name, ".") || err != nil {
			continue
		}
		if frame, ok := strings.CutSuffix(name, ".frame"); ok {
			name = frame
		}
		at := info.ModTime().UnixMilli()
		if k := slices.IndexFunc(list, func(p Picture) bool { return p.Name == name }); k >= 0 {
			list[k].At = max(list[k].At, at)
			continue
		}
		list = append(list, Picture{name, at})
	}
	return list
}

// serveMap sends at most maxRows points of a map that maps lists, as report.Quantise has
// them.
func (f *folder) serveMap(w http.ResponseWriter, name string) {
	if !slices.ContainsFunc(f.maps(), func(p Picture) bool { return p.Name == name }) {
		http.Error(w, "there is no such map", http.StatusNotFound)
		return
	}
	y, err := matrix.ReadFile(f.path("tsne", name+".frame.npy"))
	if err != nil {
		y, err = matrix.ReadFile(f.path("tsne", name+".npy"))
	}
	if err != nil || y.Cols != 2 {
		http.Error(w, "the map cannot be read", http.StatusNotFound)
		return
	}
	y = y.Every((y.Rows + maxRows - 1) / maxRows)
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(report.Quantise(y.Data))
}

// serveLabels sends a byte per point of the maps.
func (f *folder) serveLabels(w http.ResponseWriter) {
	labels, err := matrix.ReadLabels(f.path("tsne", "labels.npy"))
	if err != nil {
		http.Error(w, "there are no labels", http.StatusNotFound)
		return
	}
	labels = matrix.Every(labels, 1, (len(labels)+maxRows-1)/maxRows)
	out := make([]byte, len(labels))
	for i, v := range labels {
		out[i] = byte(v)
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(out)
}

// pictureNames are pictures that the page shows where they are.
func (f *folder) pictureNames() []string { return []string{"reconstructions"} }

func (f *folder) hasPicture(name string) bool { return slices.Contains(f.pictureNames(), name) }

func (f *folder) picture(name string) string { return filepath.Join("figures", name+".png") }

// serve sends a regular file of the folder.
func (f *folder) serve(w http.ResponseWriter, r *http.Request, kind string, parts ...string) {
	file, _, err := atomicfile.Open(f.path(parts...))
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusNotFound)
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", time.Time{}, file)
}
