//go:build linux && cgo

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"latent/internal/browsertest"
	"latent/internal/datasettest"
	"latent/internal/run"
	"latent/internal/view"
)

var update = flag.Bool("update", false,
	"take the screenshot of docs/explorer.md's live page again")

// -update takes the picture of a notebook at work; look at it then.
func TestLiveScreenshot(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	dir := filepath.Join(t.TempDir(), "notebook")
	start(t, "notebook", "--out", dir, "--data", datasettest.Dir(t), "--limit", "6000", "--every",
		"1", "--epochs", "10", "--quiet")
	waitFor(t, "the folder", func() bool { return exists(dir) })
	s, err := view.Listen(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(t.Context())
	b := browsertest.Open(t, s.URL(), "")
	b.Do(chromedp.EmulateViewport(1200, 1600))
	b.Media("prefers-color-scheme", "light")
	b.Until("live.last && live.last.maps.length >= 2 && live.frames > 3 && " +
		"live.last.pictures.length >= 2")
	b.Wait("new Promise((done) => setTimeout(done, 1500))")
	shot, err := chromedp.Run(b.Ctx, chromedp.CaptureScreenshot())
	b.Check(err)
	b.Check(os.WriteFile("../../docs/explorer/live.png", shot, 0o644))
	b.Quiet()
}

// A run is watched from its first step to its report: every number that the page shows is
// one of losses.csv. A killed run gets a sentence. With LATENT_LONG=1 the run is long enough
// for the losses to be seen as they fall.
func TestWatchTraining(t *testing.T) {
	long, epochs := os.Getenv("LATENT_LONG") != "", 8
	if long {
		epochs = 600
	}
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := view.Listen(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	b := browsertest.Open(t, s.URL(), "")
	b.Until("live.last && live.last.idle === 'Nothing is running on this folder.'")
	b.Run(
		`window.seen_ = [], new MutationObserver(() => window.seen_.push([live.last.last[0], document.querySelector("#v-last").textContent]))
		.observe(document.querySelector("#v-last"), { childList: true })`)

	must(t, small(t, "train", dir, "--epochs", fmt.Sprint(epochs))...)
	b.Until("live.last.idle === 'Finished' && !live.last.status")
	rows, err := run.ReadLosses(dir)
	if err != nil || len(rows) != 3*epochs {
		t.Fatalf("%d losses, %v", len(rows), err)
	}
	seen := browsertest.Eval[[]json.RawMessage](b, "window.seen_")
	steps := map[int]bool{}
	for _, raw := range seen {
		var pair [2]json.RawMessage
		var last view.Last
		var text string
		for i, to := range []any{&pair, &last, &text} {
			from := raw
			if i > 0 {
				from = pair[i-1]
			}
			if err := json.Unmarshal(from, to); err != nil {
				t.Fatal(err)
			}
		}
		row := rows[last.Step-1]
		if last.Loss != row.Loss || last.Epoch != row.Epoch {
			t.Fatalf("the page shows %+v, losses.csv has %+v", last, row)
		}
		var loss float64
		_, number, _ := strings.Cut(text, "loss ")
		if _, err := fmt.Sscan(number, &loss); err != nil ||
			math.Abs(loss/float64(row.Loss)-1) > 1e-6 {
			t.Fatalf("the page says %q, the loss is %v", text, row.Loss)
		}
		steps[last.Step] = true
	}
	if !steps[len(rows)] || long && len(steps) < 2 {
		t.Errorf("of %d steps the page has shown %v", len(rows), steps)
	}
	if !long { // one stretch of the chart for each step
		mean := browsertest.Eval[[]float32](b, "live.last.chart.series[0].mean")
		for i, v := range mean {
			if len(mean) != len(rows) || math.Abs(float64(v/rows[i].Loss)-1) > 1e-6 {
				t.Fatalf("the curve has %d points, %v at step %d, where losses.csv has %v",
					len(mean), v, i+1, rows[i].Loss)
			}
		}
	}
	b.Until("document.querySelector('#v-run').naturalWidth > 500") // reconstructions

	// A click would do; what waits for it would be lost with the page.
	b.Do(chromedp.Navigate(s.URL() +
		browsertest.Eval[string](b,
			"document.querySelector('#v-report:not([hidden]) a').getAttribute('href')")))
	b.Until("document.querySelector('#results')")
	if page := b.Text("body"); !strings.Contains(page, "Reconstruction") ||
		!strings.Contains(page, fmt.Sprintf("%d epochs", epochs)) {
		t.Error("the report of the finished run lacks its results")
	}
	b.Until("[...document.querySelectorAll('figure img')].some((image) => image.naturalWidth > " +
		"500)")
	b.Quiet()
	if !long {
		return
	}
	b = browsertest.Open(t, s.URL()+"live", "")
	cmd, _ := start(t, "train", "--out", dir, "--resume", "--epochs", "1000000", "--quiet")
	b.Until("live.last.status && live.last.status.Done > 0")
	cmd.Process.Kill()
	wait(t, cmd)
	b.Until(
		fmt.Sprintf(
			`$("v-message").textContent.startsWith("The run has stopped: process %d is gone.")`,
			cmd.Process.Pid))
	b.Quiet()
}
