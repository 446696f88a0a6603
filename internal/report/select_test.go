package report

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// columned is a sample with columns of all kinds and neighbours.
func columned(n int) Report {
	r := sample(n)
	e := r.Explorer
	size, kind, note := Column{Name: "size"},
		Column{Name: hostile, Names: []string{"even", hostile}}, Column{Name: "note"}
	e.K = 2
	for i := range n {
		size.Numbers = append(size.Numbers, float32(i))
		kind.Categories = append(kind.Categories, i%2)
		note.Texts = append(note.Texts,
			fmt.Sprintf("note %d \u202e%s", i, strings.Repeat(hostile, 1+i%3*100)))
		e.Neighbors = append(e.Neighbors, int32((i+1)%n), int32((i+2)%n))
	}
	size.Numbers[7] = float32(math.NaN())
	e.Columns = []Column{size, kind, note}
	return r
}

func (b *tab) selected() int {
	b.Helper()
	return eval[int](b, "explorer.selection.rows().length")
}

// inside are the points whose places hold.
func (b *tab) inside(holds func(x, y float64) bool) map[int]bool {
	b.Helper()
	at := eval[[]float64](b,
		fmt.Sprintf("Array.from({ length: %d }, (_, i) => explorer.position(i)).flat()",
			b.r.Explorer.N))
	found := map[int]bool{}
	for i := range b.r.Explorer.N {
		if holds(at[2*i], at[2*i+1]) {
			found[i] = true
		}
	}
	return found
}

// drag draws along points of the canvas.
func (b *tab) drag(points [][2]float64, options ...chromedp.MouseOption) {
	b.Helper()
	o := eval[[]float64](b,
		`(() => { const c = document.querySelector("#x-canvas").getBoundingClientRect(); return [c.left, c.top]; })()`)
	options = append(options, chromedp.ButtonType(input.MouseButtonLeft), chromedp.ClickCount(1))
	for k, p := range points {
		kind := input.DispatchMouseEventTypeMouseMoved
		if k == 0 {
			kind = input.DispatchMouseEventTypeMousePressed
		}
		b.Mouse(kind, o[0]+p[0], o[1]+p[1], options...)
	}
	last := points[len(points)-1]
	b.Mouse(input.DispatchMouseEventTypeMouseReleased, o[0]+last[0], o[1]+last[1], options...)
}

func TestSelection(t *testing.T) {
	b := openReport(t, columned(300), "", "")
	eval[chromedp.Void](b,
		`document.querySelector("#x-stage").scrollIntoView({ behavior: "instant", block: "center" })`)

	b.Click(`[data-tool="box"]`)
	b.drag([][2]float64{{60, 60}, {200, 150}, {330, 300}})
	want := b.inside(func(x, y float64) bool { return x >= 60 && x <= 330 && y >= 60 && y <= 300 })
	if got := b.selected(); got != len(want) || got == 0 {
		t.Errorf("the box selects %d points, want %d", got, len(want))
	}
	if got, want := b.Text("#x-count"), fmt.Sprintf("%d selected", len(want)); got != want {
		t.Errorf("the page says %q, want %q", got, want)
	}
	if got := b.Text("#x-said"); !strings.HasPrefix(got,
		fmt.Sprintf("%d of 300 points selected: ", len(want))) {
		t.Errorf("screen readers hear %q", got)
	}
	if shares, strip := eval[int](b,
		`document.querySelectorAll("#x-shares li").length`), eval[int](b,
		`document.querySelectorAll("#x-strip canvas").length`); shares < 2 ||
		strip != min(60, len(want)) {
		t.Errorf("%d shares and %d pictures", shares, strip)
	}
	csv := eval[string](b, "explorer.selection.csv()")
	if lines := strings.Split(strings.TrimSpace(csv), "\r\n"); len(lines) != len(want)+1 ||
		lines[0] != "row,label,predicted original,predicted reconstruction,predicted contrastive" {
		t.Errorf("the CSV has %d lines and begins with %q", len(lines), lines[0])
	}

	// A triangle, against its half planes; the edge is a pixel wide.
	b.Click(`[data-tool="lasso"]`)
	b.drag([][2]float64{{90, 40}, {260, 40}, {460, 40}, {360, 240}, {275, 410}, {180, 220}})
	slope := 370.0 / 185
	distance := func(x, y float64) float64 { // from inside the triangle, positive
		norm := math.Hypot(slope, 1)
		return min(y-40, (slope*(x-90)-(y-40))/norm, (slope*(460-x)-(y-40))/norm)
	}
	sure := b.inside(func(x, y float64) bool { return distance(x, y) > 1.5 })
	maybe := b.inside(func(x, y float64) bool { return distance(x, y) > -1.5 })
	got := map[int]bool{}
	for _, i := range eval[[]int](b, "explorer.selection.rows()") {
		got[i] = true
		if !maybe[i] {
			t.Errorf("the lasso takes point %d, which is outside", i)
		}
	}
	for i := range sure {
		if !got[i] {
			t.Errorf("the lasso leaves point %d out", i)
		}
	}

	// Keys do what the pointer does.
	eval[chromedp.Void](b, `document.querySelector("#x-canvas").focus()`)
	b.Do(chromedp.KeyEvent("a"))
	if got := b.selected(); got != 300 {
		t.Errorf("key a selects %d points, want 300", got)
	}
	b.Do(chromedp.KeyEvent("p"))
	i := eval[int](b, "explorer.point()")
	if said := b.Text("#x-said"); i < 0 ||
		!strings.Contains(said, fmt.Sprintf("Training image %s", thousands(3*i))) ||
		!strings.Contains(said, "selected") {
		t.Errorf("key p points at %d and says %q", i, said)
	}
	if lines := eval[int](b, `document.querySelectorAll("#x-lines line").length`); lines != 2 {
		t.Errorf("%d lines to neighbours, want 2", lines)
	}
	if text := b.Text("#x-values"); !strings.Contains(text, hostile) ||
		!strings.Contains(text, fmt.Sprintf("note %d", i)) {
		t.Errorf("the tooltip says %.200q", text)
	}
	b.Do(chromedp.KeyEvent("\r"))
	if got := b.selected(); got != 299 {
		t.Errorf("Enter leaves %d points selected, want 299", got)
	}
	b.Do(chromedp.KeyEvent("\u001b"))
	if got := b.selected(); got != 0 {
		t.Errorf("Escape leaves %d points selected", got)
	}

	// Search: a row, a label, a text.
	for _, c := range []struct {
		text string
		want int
	}{{"#30", 1}, {"3", 30}, {hostile, 300}, {"note 17", 11}, {"nowhere", 11}} {
		eval[chromedp.Void](b,
			fmt.Sprintf(
				`document.querySelector("#x-search").value = %q; document.querySelector("#x-form").requestSubmit()`, c.text))
		if c.text == hostile {
			c.want = 30 // the class of this name
		}
		if got := b.selected(); got != c.want {
			t.Errorf("searching %q selects %d points, want %d", c.text, got, c.want)
		}
	}

	// Numbers have a colour bar, and a link leads back.
	eval[chromedp.Void](b,
		`(() => { const s = document.querySelector("#x-colour"); s.value = [...s.options].findIndex((o) => o.text === "size"); s.dispatchEvent(new Event("change")); })()`)
	if b.Text("#x-lo") != "0" || b.Text("#x-hi") != "299" ||
		eval[bool](b, `document.querySelector("#x-missing").hidden`) {
		t.Errorf("the colour bar goes from %s to %s", b.Text("#x-lo"), b.Text("#x-hi"))
	}
	b.Click(".x-space:nth-child(2)")
	b.settle()
	b.Wait("new Promise((done) => setTimeout(done, 400))")
	hash := eval[string](b, "location.hash")
	if size := eval[int](b,
		"explorer.savePNG().then((n) => { window.size_ = n; }) && 0"); size != 0 {
		t.Error("no promise")
	}
	b.Wait("new Promise((done) => { const look = () => window.size_ ? done() : setTimeout(look, " +
		"20); look(); })")
	if size := eval[int](b, "window.size_"); size < 5000 {
		t.Errorf("the PNG has %d bytes", size)
	}
	b.Quiet()

	c := openReport(t, columned(300), "", hash)
	if c.selected() != 11 ||
		eval[string](c, `document.querySelector("#x-colour").selectedOptions[0].text`) != "size" ||
		eval[string](c, `document.querySelector(".x-space:nth-child(2)").ariaPressed`) != "true" {
		t.Errorf("%s does not lead back to the view", hash)
	}
	c.Quiet()
}

// Without labels there is one colour and no table; a missing folder gets a sentence.
func TestPlainMap(t *testing.T) {
	r := Report{Title: "plain",
		Explorer: &Explorer{N: 50, Spaces: []Space{{Name: "map", KL: math.NaN()}}}}
	for i := range 50 {
		r.Explorer.Spaces[0].Embedding = append(r.Explorer.Spaces[0].Embedding, float32(i%7),
			float32(i))
	}
	b := openReport(t, r, "", "")
	if got := b.Text("#x-status"); got != "50 of 50 points shown." {
		t.Errorf("status %q", got)
	}
	if !eval[bool](b,
		`["#x-wrong", "#x-chips", "#x-colourby", "#x-ramp"].every((q) => document.querySelector(q).hidden)`) {
		t.Error("the page shows groups that are not there")
	}
	b.Quiet()
}
