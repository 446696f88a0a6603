// Package progress shows how far a long job has come: on a terminal a bar that is
// redrawn in place, elsewhere a plain line now and then.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// Status is where a job stands. Rate and time left are worked out from Done.
type Status struct {
	Label string // what is being done; a new label starts a new job
	Note  string // shown before the bar, such as "epoch 4/20"; may be empty
	Unit  string // what is counted, such as "steps"
	Done  int    // of Total
	Total int    // 0 where it is not known (yet): no bar and no count
	Tail  string // shown last, such as "loss 1.234567e-02"; may be empty
}

// Reporter is told how work goes on; *Display is one.
type Reporter interface {
	Update(Status)
	Printf(format string, args ...any)
}

// Options say where and how often a Display draws.
type Options struct {
	Terminal bool          // redraw one line in place, with a bar
	Width    func() int    // columns of the terminal; nil is 80
	Every    time.Duration // least time between two drawings
	Quiet    bool          // draw nothing, say nothing
}

// Display draws the status of one job at a time. It is safe for concurrent use;
// what cannot be written is dropped, since progress must never end a job.
type Display struct {
	w io.Writer
	o Options

	mu      sync.Mutex
	last    Status
	shown   Status // what stands on the screen
	started time.Time
	first   int       // Done when the job started
	drawn   time.Time // when last drawn
	updated time.Time // when last told
	open    bool      // an unfinished line is on the terminal
}

// New returns a Display that writes to w.
func New(w io.Writer, o Options) *Display { return &Display{w: w, o: o} }

// ForFile suits the options to f: ten drawings a second on a terminal, a line
// every ten seconds elsewhere.
func ForFile(f *os.File, quiet bool) *Display {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) || os.Getenv("TERM") == "dumb" {
		return New(f, Options{Every: 10 * time.Second, Quiet: quiet})
	}
	return New(f,
		Options{Terminal: true, Every: 100 * time.Millisecond, Quiet: quiet, Width: func() int {
			width, _, err := term.GetSize(fd)
			if err != nil || width < 20 {
				return 80
			}
			return width
		}})
}

// Update notes where the job stands, and draws it when it is time.
func (d *Display) Update(s Status) {
	if d.o.Quiet {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if s.Label != d.last.Label || d.started.IsZero() {
		d.finish()
		d.started, d.first, d.drawn = now, s.Done, now
		if d.o.Terminal || s.Total == 0 {
			d.drawn = time.Time{}
		}
	}
	if d.last.Total == 0 && s.Total > 0 { // what came before was no counted work
		d.started, d.first = now, s.Done
	}
	d.last, d.updated = s, now
	if now.Sub(d.drawn) >= d.o.Every {
		d.draw(now)
	}
}

// Done ends the job: its last status is drawn and stays.
func (d *Display) Done() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.finish()
}

// Printf ends the job like Done and writes a message on a line of its own.
func (d *Display) Printf(format string, args ...any) {
	if d.o.Quiet {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.finish()
	fmt.Fprintf(d.w, format+"\n", args...)
}

func (d *Display) finish() {
	if d.started.IsZero() {
		return
	}
	if d.shown != d.last {
		d.draw(d.updated) // what came after the job is not part of it
	}
	if d.open {
		fmt.Fprintln(d.w)
	}
	d.open, d.started, d.last, d.shown = false, time.Time{}, Status{}, Status{}
}

func (d *Display) draw(now time.Time) {
	d.drawn, d.shown = now, d.last
	if !d.o.Terminal {
		fmt.Fprintln(d.w, strings.Join(d.parts(now, ""), "  "))
		return
	}
	width := 80
	if d.o.Width != nil {
		width = d.o.Width()
	}
	line := strings.Join(d.parts(now, ""), "  ")
	if room := width - 1 - utf8.RuneCountInString(line) - 2; d.last.Total > 0 && room >= 10 {
		line = strings.Join(d.parts(now, bar(d.last, min(room, 30))), "  ")
	}
	if runes := []rune(line); len(runes) >= width {
		line = string(runes[:width-1])
	}
	fmt.Fprintf(d.w, "\r%s\x1b[K", line)
	d.open = true
}

// parts are the pieces of the line, from left to right.
func (d *Display) parts(now time.Time, bar string) []string {
	s := d.last
	parts := []string{s.Label}
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(s.Note)
	add(bar)
	elapsed := now.Sub(d.started)
	if s.Total > 0 {
		add(strings.TrimSpace(fmt.Sprintf("%d/%d %s", s.Done, s.Total, s.Unit)))
		if done := s.Done - d.first; done > 0 && elapsed > 0 {
			rate := float64(done) / elapsed.Seconds()
			add(fmt.Sprintf("%.*f/s", digits(rate), rate))
			if left := s.Total - s.Done; left > 0 {
				add("ETA " + Duration(time.Duration(float64(left)/rate*float64(time.Second))))
			} else {
				add("in " + Duration(elapsed))
			}
		}
	}
	add(s.Tail)
	return parts
}

// digits keeps about three figures of a rate.
func digits(rate float64) int {
	switch {
	case rate >= 100:
		return 0
	case rate >= 10:
		return 1
	}
	return 2
}

func bar(s Status, width int) string {
	inner := width - 2
	full := inner * min(max(s.Done, 0), s.Total) / s.Total
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", inner-full) + "]"
}

// Duration writes a time for people: 0.4s, 12s, 1m10s, 2h05m.
func Duration(t time.Duration) string {
	switch s := t.Seconds(); {
	case s < 9.95:
		return fmt.Sprintf("%.1fs", s)
	case s < 59.5:
		return fmt.Sprintf("%.0fs", s)
	case s < 3600:
		t = t.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", int(t.Minutes()), int(t.Seconds())%60)
	default:
		t = t.Round(time.Minute)
		return fmt.Sprintf("%dh%02dm", int(t.Hours()), int(t.Minutes())%60)
	}
}
