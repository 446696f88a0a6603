package view

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"latent/internal/atomicfile"
	"latent/internal/progress"
	"latent/internal/report"
	"latent/internal/run"
)

// folder is a run folder, a notebook's folder, or the folder of one page or one map.
type folder struct {
	dir  string
	html string // the page's name
	file string // the map's file, such as y.npy; empty: a folder is shown

	mu     sync.Mutex
	losses map[string]stamped[run.Series] // by path
	formed map[string]bool                // maps beside which there was a frame, by name
}

// stamped is what was read of a file, and the file's state at that time.
type stamped[T any] struct {
	at    time.Time
	size  int64
	value T
}

// openFolder opens what is there; a map may also be about to be.
func openFolder(path string) (*folder, error) {
	info, err := os.Stat(path)
	f := &folder{dir: filepath.Dir(path), html: "report.html",
		losses: map[string]stamped[run.Series]{}, formed: map[string]bool{}}
	switch extension := strings.ToLower(filepath.Ext(path)); {
	case err == nil && info.IsDir():
		f.dir = path
	case extension == ".npy" || extension == ".csv":
		f.file = filepath.Base(path)
		if err == nil {
			err = checkMap(path)
		} else if exists(run.MapStatusFile(path)) || exists(run.FrameFile(path)) {
			err = nil
		}
	case err == nil && extension == ".html":
		f.html = filepath.Base(path)
	case err == nil:
		return nil, fmt.Errorf("view: %s is no folder, no .html file and no map (.npy or .csv)",
			path)
	}
	if err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}
	return f, nil
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func (f *folder) name() string {
	if f.file != "" {
		return f.file
	}
	if abs, err := filepath.Abs(f.dir); err == nil {
		return filepath.Base(abs)
	}
	return f.dir
}

func (f *folder) path(parts ...string) string {
	return filepath.Join(append([]string{f.dir}, parts...)...)
}

func (f *folder) reportName() string { return f.html }
func (f *folder) dataName() string {
	return strings.TrimSuffix(f.html, filepath.Ext(f.html)) + "-data"
}

// finished says that there is a report, or results to make one of, and that nobody works
// on the folder.
func (f *folder) finished() bool {
	if f.file != "" || !exists(f.path(f.html)) && !f.trained() {
		return false
	}
	status := f.status()
	return status == nil || status.Error != "" || !alive(status.PID)
}

// trained says that the folder is a run folder whose run has reached its end.
func (f *folder) trained() bool {
	if f.html != "report.html" || !exists(f.path(run.ConfigFile)) {
		return false
	}
	m, err := run.ReadMetrics(f.dir)
	return err == nil && len(m.Accuracy) > 0
}

// serveReport sends the finished page, or makes that of a run folder, which has none.
func (f *folder) serveReport(w http.ResponseWriter, r *http.Request) {
	const kind = "text/html; charset=utf-8"
	if exists(f.path(f.html)) || !f.trained() {
		f.serve(w, r, kind, f.html)
		return
	}
	p, err := report.Runs([]string{f.dir})
	var page bytes.Buffer
	if err == nil {
		err = report.Write(&page, p)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(page.Bytes())
}

// State is what the page shows.
type State struct {
	Status   *progress.Record `json:"status"`  // nil: nobody works
	Message  string           `json:"message"` // what has gone wrong; empty: nothing
	Idle     string           `json:"idle"`    // what there is to say where nobody works
	Report   string           `json:"report"`  // name of the finished page; empty: none
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
	s := State{Idle: "Stopped", Last: []Last{}, Maps: []Picture{}, Pictures: []Picture{}}
	if !exists(f.dir) {
		s.Message = "The folder is gone: it was deleted or moved."
		return s
	}
	s.Status = f.status()
	switch {
	case s.Status == nil:
	case s.Status.Error != "":
		s.Message = "The run has stopped: " +
			strings.TrimSuffix(s.Status.Error, ": "+context.Canceled.Error()) + "."
		s.Status = nil
	case !alive(s.Status.PID):
		s.Message = fmt.Sprintf("The run has stopped: process %d is gone. ", s.Status.PID)
		if f.file != "" {
			s.Message += "The same command starts it anew."
		} else {
			s.Message += "It goes on from its last checkpoint: latent train with --resume, " +
				"latent notebook without."
		}
		s.Status = nil
	}
	s.Maps = f.maps()
	if f.finished() {
		s.Report = f.html
	}
	s.Idle = f.idle(s)
	series := f.series(&s)
	s.Chart = report.NewChart(series)
	for _, m := range series {
		last := m.Losses[len(m.Losses)-1]
		s.Last = append(s.Last, Last{m.Model, last.Step, last.Epoch, last.Loss})
	}
	for _, p := range pictures {
		if info, err := os.Stat(f.path(p.file)); err == nil && f.file == "" {
			s.Pictures = append(s.Pictures, Picture{p.name, info.ModTime().UnixMilli()})
		}
	}
	return s
}

// idle is what there is to say where nobody works.
func (f *folder) idle(s State) string {
	switch {
	case s.Message != "":
		return "Stopped"
	case s.Report != "" || f.file != "" && exists(f.path(f.file)):
		return "Finished"
	case exists(f.path(run.ConfigFile)) || exists(f.path(run.Reconstruction, run.ConfigFile)):
		return "Nobody works on this folder, and its run has not reached its end."
	}
	return "Nothing is running on this folder."
}

// statusFiles are those that may say who works here.
func (f *folder) statusFiles() []string {
	if f.file != "" {
		return []string{run.MapStatusFile(f.path(f.file))}
	}
	list := []string{f.path(run.StatusFile), f.path(run.Reconstruction, run.StatusFile),
		f.path(run.Contrastive, run.StatusFile)}
	maps, _ := filepath.Glob(filepath.Join(escaped(f.dir), "*."+run.StatusFile))
	return append(list, maps...)
}

// escaped is a path as filepath.Glob takes it literally, where it can.
func escaped(path string) string {
	if filepath.Separator == '\\' {
		return path
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (f *folder) status() *progress.Record {
	for _, path := range f.statusFiles() {
		b, err := os.ReadFile(path)
		r := new(progress.Record)
		if err != nil || len(b) > 1<<20 || json.Unmarshal(b, r) != nil {
			continue
		}
		if info, err := os.Stat(f.path(f.file)); f.file != "" && err == nil &&
			info.ModTime().After(r.Updated) {
			continue // left by a process that was killed; a later one has made the map
		}
		return r
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
			have = stamped[run.Series]{info.ModTime(), info.Size(),
				run.Series{Model: name, Losses: rows}}
			f.losses[dir] = have
		}
		if len(have.value.Losses) > 0 {
			list = append(list, have.value)
		}
	}
	return list
}

// pictures are those that the page shows where they are.
var pictures = []struct{ name, file string }{
	{"run", run.PreviewFile},
	{run.Reconstruction, filepath.Join(run.Reconstruction, run.PreviewFile)},
	{run.Contrastive, filepath.Join(run.Contrastive, run.PreviewFile)},
}

func (f *folder) servePicture(w http.ResponseWriter, r *http.Request, name string) {
	for _, p := range pictures {
		if p.name == name && f.file == "" {
			f.serve(w, r, "image/png", p.file)
			return
		}
	}
	http.Error(w, "there is no such picture", http.StatusNotFound)
}

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
