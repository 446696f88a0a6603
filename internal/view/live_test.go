package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"latent/internal/browsertest"
	"latent/internal/figure"
	"latent/internal/matrix"
	"latent/internal/progress"
	"latent/internal/report"
	"latent/internal/run"
)

// record is a status.json.
func record(t *testing.T, r progress.Record, parts ...string) {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	write(t, string(b), parts...)
}

// The page shows a run as its folder grows, and says in a sentence what has gone wrong.
func TestLivePage(t *testing.T) {
	dir := grown(t)
	now := time.Now()
	work := progress.Record{Status: progress.Status{Label: "train <b>", Note: "epoch 1/4",
		Unit: "steps", Done: 30, Total: 120, Tail: "loss 1e-2"},
		Started: now.Add(-time.Minute), First: 10, Updated: now, PID: os.Getpid()}
	record(t, work, dir, run.StatusFile)
	s, stop := serveUntil(t, dir)
	b := browsertest.Open(t, s.URL(), "")
	b.Until("live.last && live.last.status")
	if got := b.Text("#v-stage"); got != "train <b> · epoch 1/4 · 30 of 120 steps · loss 1e-2 · "+
		"5 min left" {
		t.Errorf("the stage is %q", got)
	}
	if got := b.Text("#v-last"); got != "run step 2, epoch 1, loss 2.500000e-1" {
		t.Errorf("the losses are %q", got)
	}
	b.Until(`document.querySelectorAll("#v-maps canvas").length === 1`)

	// Reconstructions, and a map that moves.
	write(t, "\x89PNG", dir, run.PreviewFile)
	b.Until(`document.querySelector("#v-run")`)
	y := matrix.Matrix{Data: []float32{5, 0, 1, 2}, Rows: 2, Cols: 2}
	if err := matrix.WriteFile(filepath.Join(dir, "tsne", "original.frame.npy"), y); err != nil {
		t.Fatal(err)
	}
	b.Until(`live.frames > 1`)

	for _, c := range []struct {
		name   string
		change func()
		want   string
	}{
		{"full disk", func() {
			work.Error = "run: save losses: no space left on device (make room or choose " +
				"another folder)"
			record(t, work, dir, run.StatusFile)
		}, "The run has stopped: run: save losses: no space left on device (make room or choose " +
			"another folder)."},
		{"killed", func() {
			work.Error, work.PID = "", 2147483646
			record(t, work, dir, run.StatusFile)
		}, "The run has stopped: process 2147483646 is gone. It goes on from its last " +
			"checkpoint: latent train with --resume, latent notebook without."},
		{"deleted folder", func() {
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}, "The folder is gone: it was deleted or moved."},
		{"server", stop,
			"latent view has ended, or does not answer: this is what it showed last."},
	} {
		c.change()
		b.Until(fmt.Sprintf("!$('v-message').hidden && $('v-message').textContent === %q", c.want))
		if stage := b.Text("#v-stage"); stage != "Stopped" {
			t.Errorf("%s: the stage is %q", c.name, stage)
		}
	}
	if b.Text("#v-last") != "run step 2, epoch 1, loss 2.500000e-1" {
		t.Error("what was shown last is gone")
	}
}

// Ten thousand events, 300 in the quick test, leave no more in the page than
// ten do.
func TestManyEvents(t *testing.T) {
	count := 300
	if os.Getenv("LATENT_LONG") != "" {
		count = 10_000
	}
	dir := grown(t)
	var png bytes.Buffer
	if err := figure.Preview(&png, []figure.ImageRow{{Pixels: make([]float32, 784)}}, 28,
		28); err != nil {
		t.Fatal(err)
	}
	write(t, png.String(), dir, run.PreviewFile)
	s := serve(t, dir)
	b := browsertest.Open(t, s.URL(),
		`window.EventSource = class { constructor() { window.source_ = this; } }`)
	send := func(n int) {
		b.Wait(fmt.Sprintf(`(async () => {
			for (let k = 0; k < %d; k++) {
				const mean = Array.from({ length: 200 }, (_, i) => 1 / (i + 2 + k %% 7));
				const state = { status: { Label: "train", Note: "epoch " + k, Done: k, Total: 1e6, Unit: "steps", Tail: "", first: 0,
					started: "2026-01-01T00:00:00Z", updated: "2026-01-01T01:00:00Z", pid: 1 }, message: k %% 3 ? "" : "message " + k, idle: "", report: "",
					chart: { xmax: 200 + k, ymin: -3, ymax: 0, series: [{ model: "a", first: mean.map((_, i) => i), last: mean.map((_, i) => i), mean }] },
					last: [{ model: "a", step: k, epoch: 1, loss: 0.5 }], maps: [{ name: "original", at: 1 + k %% 50 }], pictures: [{ name: "run", at: k %% 20 }] };
				window.source_.onmessage({ data: JSON.stringify(state) });
				if (k %% 100 === 0) await new Promise((done) => setTimeout(done, 5));
			}
		})()`, n))
		b.Until("live.idle()")
	}
	size := func() (heap, nodes float64) {
		b.Wait("new Promise((done) => setTimeout(done, 800))") // what glides comes to rest
		for range 2 {
			_, err := chromedp.Call(b.Ctx, heapprofiler.CollectGarbage, cdp.Empty{})
			b.Check(err)
		}
		usage, err := chromedp.Call(b.Ctx, runtime.GetHeapUsage, cdp.Empty{})
		b.Check(err)
		return usage.UsedSize + usage.EmbedderHeapUsedSize + usage.BackingStorageSize,
			browsertest.Eval[float64](b, `document.querySelectorAll("*").length`)
	}
	send(100)
	heap, nodes := size()
	send(count)
	after, afterNodes := size()
	if afterNodes != nodes {
		t.Errorf("the page has %v elements, %v before", afterNodes, nodes)
	}
	if after-heap > 3<<20 {
		t.Errorf("the page holds %.1f MB more", (after-heap)/(1<<20))
	}
	t.Logf("%d events: %.2f MB before, %.2f MB after", count, heap/(1<<20), after/(1<<20))
	b.Quiet()
}

// A page whose data lies beside it opens from the server as from disk, and a hostile name of
// its folder is text.
func TestPageFromServer(t *testing.T) {
	const n = report.MaxInside + 1
	dir := filepath.Join(t.TempDir(), `<img src=x onerror=alert(1)> "'&\u202e`)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	e := &report.Explorer{N: n,
		Spaces: []report.Space{{Name: "map", Embedding: make([]float32, 2*n), KL: 1}}}
	for i := range e.Spaces[0].Embedding {
		e.Spaces[0].Embedding[i] = float32(i * i % 1009)
	}
	if err := report.WriteFile(filepath.Join(dir, "report.html"),
		report.Report{Title: "served", Explorer: e}); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir)
	b := browsertest.Open(t, s.URL(), "")
	b.Wait("explorer.ready")
	if got := b.Text("#x-status"); got != "100,001 of 100,001 points shown. KL divergence 1.000." {
		t.Errorf("the page says %q", got)
	}
	b.Do(chromedp.Navigate(s.URL() + "live"))
	b.Until("live.last")
	if got := b.Text("h1"); got != filepath.Base(dir) || b.Text("#v-stage") != "Finished" {
		t.Errorf("the live page is called %q", got)
	}
	b.Quiet()
}
