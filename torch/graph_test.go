//go:build linux && cgo

package torch

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// gpu stands for a device that records: what a graph's function does is run at once or,
// while it records, kept for replay.
type gpu struct {
	recording bool
	kept      []string // what was recorded
	log       []string
	failAt    string // "begin", "function", "end" or "replay"
}

var errGPU = errors.New("out of order")

func (d *gpu) step(s *Scope) {
	s.Float32s([]float32{1}, 1) // a tensor that the scope frees
	if !d.recording {
		d.log = append(d.log, "run")
		return
	}
	if d.failAt == "function" {
		panic(&Error{"item", "not while recording"})
	}
	if d.failAt == "panic" {
		panic("a bug")
	}
	d.kept = append(d.kept, "run")
}

func (d *gpu) fail(where string) error {
	d.log = append(d.log, where)
	if d.failAt == where {
		return errGPU
	}
	return nil
}

func (d *gpu) begin() error {
	err := d.fail("begin")
	d.recording, d.kept = err == nil, nil
	return err
}

func (d *gpu) end(keep bool) error {
	d.recording = false
	if !keep {
		d.log = append(d.log, "drop")
		return nil
	}
	return d.fail("end")
}

func (d *gpu) replay() error {
	err := d.fail("replay")
	if err == nil {
		d.log = append(d.log, d.kept...)
	}
	return err
}

func (d *gpu) close() { d.log = append(d.log, "close") }

func (d *gpu) stream() *Stream { return &Stream{record: func() recorder { return d }} }

func (d *gpu) logged(t *testing.T, want string) {
	t.Helper()
	if got := strings.Join(d.log, " "); got != want {
		t.Errorf("the device saw\n%s\nwant\n%s", got, want)
	}
	d.log = nil
}

// onAThread runs f on a thread that no other onAThread uses.
func onAThread(f func()) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocks it: the thread ends with the goroutine
		f()
	}()
	<-done
}

func times(t *testing.T, n int, g *Graph) {
	t.Helper()
	for range n {
		if err := g.Run(); err != nil {
			t.Error(err)
		}
	}
}

// Three runs as they are, then one recording, and replays only.
func TestGraphIsRecordedOnce(t *testing.T) {
	d := &gpu{}
	onAThread(func() {
		g := NewGraph(d.stream(), nil, d.step)
		times(t, 3, g)
		d.logged(t, "run run run")
		times(t, 1, g)
		d.logged(t, "begin end replay run")
		times(t, 2, g)
		d.logged(t, "replay run replay run")
		g.Close()
		g.Close()
		d.logged(t, "close")
	})
}

// A thread's libraries are set up by runs on that thread; a recording is good for all.
func TestGraphWarmsUpOnItsThread(t *testing.T) {
	d := &gpu{}
	g := NewGraph(d.stream(), nil, d.step)
	onAThread(func() { times(t, 2, g) })
	onAThread(func() {
		times(t, 3, g)
		d.logged(t, "run run run run run")
		times(t, 1, g)
		d.logged(t, "begin end replay run")
	})
	onAThread(func() { times(t, 1, g) })
	d.logged(t, "replay run")
}

// Where the recording fails each Run still runs the function once, the device is not
// left recording, and nobody tries again; one warning says why.
func TestGraphFallsBack(t *testing.T) {
	for _, c := range []struct{ at, log, why string }{
		{"begin", "begin run", "out of order"},
		{"function", "begin drop run", "not while recording"},
		{"end", "begin end run", "out of order"},
	} {
		d := &gpu{failAt: c.at}
		var warnings []error
		warn := func(err error) { warnings = append(warnings, err) }
		onAThread(func() {
			stream := d.stream()
			g, other := NewGraph(stream, warn, d.step), NewGraph(stream, warn, d.step)
			times(t, 3, g)
			d.logged(t, "run run run")
			times(t, 1, g)
			d.logged(t, c.log)
			times(t, 5, other)
			times(t, 1, g)
			d.logged(t, "run run run run run run")
			if d.recording {
				t.Errorf("%s: the device still records", c.at)
			}
			g.Close()
			d.logged(t, "") // what failed is left alone
		})
		if len(warnings) != 1 || !strings.Contains(fmt.Sprint(warnings), c.why) ||
			strings.Contains(fmt.Sprint(warnings), "\n") {
			t.Errorf("%s: warnings %q", c.at, warnings)
		}
	}
}

// An error of the replay is the run's, a bug in the function goes on upwards and leaves
// the device in order.
func TestGraphErrors(t *testing.T) {
	d := &gpu{failAt: "replay"}
	onAThread(func() {
		g := NewGraph(d.stream(), nil, d.step)
		times(t, 3, g)
		if err := g.Run(); !errors.Is(err, errGPU) {
			t.Errorf("error %v", err)
		}
	})
	d = &gpu{failAt: "panic"}
	onAThread(func() {
		g := NewGraph(d.stream(), nil, d.step)
		times(t, 3, g)
		defer func() {
			if r := recover(); r != "a bug" || d.recording || !slices.Contains(d.log, "drop") {
				t.Errorf("recovered %v, recording %v, log %v", r, d.recording, d.log)
			}
		}()
		g.Run()
	})
}
