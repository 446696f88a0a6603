package report

import (
	"fmt"
	"math"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Maps side by side have one selection and one point that is pointed at, and the chart's
// curves can be left out.
func TestSideBySide(t *testing.T) {
	b := openTab(t, 300, "")
	b.Click("#x-sides")
	b.settle()
	if got := eval[int](b,
		`[...document.querySelectorAll(".small")].filter((f) => f.offsetWidth > 100).length`); got != 2 {
		t.Fatalf("%d maps beside the main one, want 2", got)
	}
	// place is where point i lies in the window in the k-th map, as its numbers have it.
	place := func(k, i int) (x, y float64) {
		box := eval[[]float64](b,
			fmt.Sprintf(
				`(() => { const c = explorer.side.panes[%d].canvas; c.scrollIntoView({ behavior: "instant", block: "center" });
			const r = c.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()`, k))
		q := quantise(b.r.Explorer.Spaces[k].Embedding)
		at :=
			func(j int) float64 {
				return float64(int16(uint16(q[2*j])|uint16(q[2*j+1])<<8)) / 32767
			}
		scale := 0.47 * min(box[2], box[3])
		return box[0] + box[2]/2 + scale*at(2*i), box[1] + box[3]/2 - scale*at(2*i+1)
	}
	x, y := place(1, 17)
	b.Mouse(input.DispatchMouseEventTypeMouseMoved, x, y)
	i := eval[int](b, "explorer.point()")
	if i < 0 {
		t.Fatal("pointing at a small map points at nothing")
	}
	for k := 1; k <= 2; k++ {
		x, y := place(k, i)
		ring := eval[[]float64](b,
			fmt.Sprintf(
				`(() => { const r = explorer.side.panes[%d].ring.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })()`, k))
		if math.Hypot(ring[0]-x, ring[1]-y) > 2 {
			t.Errorf("map %d: the ring is at %v, point %d at (%.1f, %.1f)", k, ring, i, x, y)
		}
	}

	// A lasso around the left half of a small map selects in all.
	want := 0
	place(2, 0) // brings it into view
	box := eval[[]float64](b,
		`(() => { const r = explorer.side.panes[2].canvas.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()`)
	for i := range 300 {
		if x, _ := place(2, i); x < box[0]+box[2]/2 {
			want++
		}
	}
	left := chromedp.ButtonType(input.MouseButtonLeft)
	corners := [][2]float64{{9, 3}, {box[2] / 2, 3}, {box[2] / 2, box[3] - 3}, {9, box[3] - 3},
		{9, box[3] / 2}}
	for n, c := range corners {
		kind := input.DispatchMouseEventTypeMouseMoved
		if n == 0 {
			kind = input.DispatchMouseEventTypeMousePressed
		}
		b.Mouse(kind, box[0]+c[0], box[1]+c[1], left, chromedp.ClickCount(1))
	}
	b.Mouse(input.DispatchMouseEventTypeMouseReleased, box[0]+9, box[1]+box[3]/2, left,
		chromedp.ClickCount(1))
	if got := b.selected(); math.Abs(float64(got-want)) > 2 || want < 50 {
		t.Errorf("the lasso selects %d points, want %d", got, want)
	}
	for k := 1; k <= 2; k++ {
		dim := eval[int](b,
			fmt.Sprintf("explorer.side.panes[%d].cloud.visibleTo.filter((v) => v < 255).length",
				k))
		if dim != 300-b.selected() {
			t.Errorf("map %d dims %d points", k, dim)
		}
	}
	b.Click(".small:nth-child(3) > button") // becomes the main map
	b.settle()
	if eval[string](b, `document.querySelector(".x-space:nth-child(3)").ariaPressed`) != "true" ||
		eval[bool](b, `document.querySelector(".small:nth-child(1)").hidden`) ||
		!eval[bool](b, `document.querySelector(".small:nth-child(3)").hidden`) {
		t.Error("the small map does not change places with the main one")
	}
	b.Until(`location.hash.includes("side=1")`)

	b.Click(".c-toggle")
	plot := eval[[]float64](b,
		`(() => { const plot = document.querySelector("#c-plot"); plot.scrollIntoView({ behavior: "instant", block: "center" });
		const r = plot.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()`)
	b.Mouse(input.DispatchMouseEventTypeMouseMoved, plot[0]+plot[2]/2, plot[1]+20)
	if got, want := b.Text("#c-tip"), "Iteration 1,249–1,251Contrastive1.108e-1"; got != want {
		t.Errorf("without the first curve the chart says %q, want %q", got, want)
	}
	if got := eval[int](b,
		`[...document.querySelectorAll("#c-plot .curve, #c-plot .band")].filter((c) => c.getBoundingClientRect().width > 0).length`); got != 2 {
		t.Errorf("%d curves and bands are drawn, want 2", got)
	}
	b.Quiet()
}
