package progress

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPlainLines(t *testing.T) {
	var b strings.Builder
	d := New(&b, Options{Every: time.Hour})
	for i := range 5 {
		d.Update(Status{Label: "train", Unit: "steps", Note: "epoch 1/1", Done: i + 1, Total: 5,
			Tail: "loss 1.0e-02"})
	}
	d.Update(Status{Label: "encode", Unit: "rows", Done: 0, Total: 7})
	d.Done()
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want one for each job: %q", len(lines), lines)
	}
	for _, want := range []string{"train  epoch 1/1  5/5 steps", "/s", "loss 1.0e-02"} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("line %q lacks %q", lines[0], want)
		}
	}
	if lines[1] != "encode  0/7 rows" {
		t.Errorf("line %q", lines[1])
	}
	if strings.ContainsAny(b.String(), "\r\x1b#") {
		t.Errorf("terminal codes in plain output %q", b.String())
	}
}

func TestTerminalLineFits(t *testing.T) {
	for _, width := range []int{20, 40, 80, 200} {
		var b strings.Builder
		d := New(&b, Options{Terminal: true, Width: func() int { return width }})
		d.Update(Status{Label: "[3/9] train contrastive", Unit: "steps", Note: "epoch 4/20",
			Done: 200, Total: 1180, Tail: "loss 3.912345e-02"})
		d.Printf("saved")
		for _, line := range strings.FieldsFunc(b.String(),
			func(r rune) bool { return r == '\r' || r == '\n' }) {
			if line = strings.TrimSuffix(line, "\x1b[K"); len(line) >= width {
				t.Errorf("width %d: line of %d columns: %q", width, len(line), line)
			}
		}
		if width == 200 && !strings.Contains(b.String(), "[####-") {
			t.Errorf("no bar in %q", b.String())
		}
		if !strings.HasSuffix(b.String(), "\nsaved\n") {
			t.Errorf("the message has no line of its own: %q", b.String())
		}
	}
}

func TestQuiet(t *testing.T) {
	var b strings.Builder
	d := New(&b, Options{Quiet: true})
	d.Update(Status{Label: "train", Done: 1, Total: 2})
	d.Printf("saved")
	d.Done()
	if b.Len() > 0 {
		t.Errorf("quiet, but wrote %q", b.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestBrokenWriterIsIgnored(t *testing.T) {
	d := New(broken{}, Options{})
	d.Update(Status{Label: "train", Done: 1, Total: 2})
	d.Printf("saved")
	d.Done()
}

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		in   time.Duration
		want string
	}{
		{0, "0.0s"}, {420 * time.Millisecond, "0.4s"}, {9960 * time.Millisecond,
			"10s"}, {12 * time.Second, "12s"},
		{59600 * time.Millisecond, "1m00s"}, {70 * time.Second,
			"1m10s"}, {2*time.Hour + 5*time.Minute, "2h05m"},
	} {
		if got := Duration(c.in); got != c.want {
			t.Errorf("Duration(%v) = %q, want %q", c.in, got, c.want)
		}
	}
}
