package report

import (
	"fmt"
	"image"
	"math"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// TestExplorer drives the page with both renderers. Software WebGL counts as none;
// a browser that keeps the processor's name to itself gets WebGL.
func TestExplorer(t *testing.T) {
	for _, c := range []struct{ renderer, script string }{
		{"2d", ""},
		{"webgl2", "WebGL2RenderingContext.prototype.getExtension = () => null"},
	} {
		t.Run(c.renderer, func(t *testing.T) {
			b := openTab(t, 500, c.script)
			if got := eval[string](b, "explorer.renderer"); got != c.renderer {
				t.Fatalf("renderer is %s", got)
			}
			eval[chromedp.Void](b,
				`document.querySelector("#x-stage").scrollIntoView({ behavior: "instant", block: "center" })`)
			b.hovers()
			b.filters()
			b.glides()
			b.zoomsAndPans()
			b.Quiet()
		})
	}
}

func (b *tab) hovers() {
	b.Helper()
	e := b.r.Explorer
	// The grid finds what a look at every point finds.
	b.Wait("explorer.hasGrid()")
	if got := eval[int](b, fmt.Sprintf(`(() => {
		const at = [...Array(%d).keys()].map((i) => explorer.position(i));
		return at.filter(([x, y]) => {
			const far = at.map((p) => Math.hypot(p[0] - x - 5, p[1] - y + 3));
			return far[explorer.nearest(x + 5, y - 3, 12)] !== Math.min(...far);
		}).length;
	})()`, e.N)); got > 0 {
		b.Errorf("at %d of %d places another point is nearer than the one found", got, e.N)
	}
	for _, i := range []int{0, 49, 123} {
		x, y := b.place(i)
		b.Mouse(input.DispatchMouseEventTypeMouseMoved, x, y)
		got := eval[int](b, "explorer.point()") // the point itself, or one on top of it
		if eval[bool](b, `document.querySelector("#x-tip").hidden`) || got < 0 {
			b.Fatalf("pointing at point %d shows nothing", i)
		}
		gx, gy := b.place(got)
		if math.Hypot(gx-x, gy-y) > 1 {
			b.Errorf("pointing at point %d shows point %d, %.1f pixels away", i, got,
				math.Hypot(gx-x, gy-y))
		}
		if want := e.Classes[e.Labels[got]]; b.Text("#x-label") != want {
			b.Errorf("point %d: label %q, want %q", got, b.Text("#x-label"), want)
		}
		if want := fmt.Sprintf("Training image %s",
			thousands(3*got)); b.Text("#x-number") != want {
			b.Errorf("point %d: %q, want %q", got, b.Text("#x-number"), want)
		}
		for k, s := range e.Spaces {
			mark := "✓ "
			if s.Predicted[got] != e.Labels[got] {
				mark = "✗ "
			}
			selector := fmt.Sprintf("#x-values tr:nth-child(%d) td", k+1)
			if want := mark + e.Classes[s.Predicted[got]]; b.Text(selector) != want {
				b.Errorf("point %d, space %s: %q, want %q", got, s.Name, b.Text(selector), want)
			}
		}
		grey := eval[[]int](b,
			`[...document.querySelector("#x-digit").getContext("2d").getImageData(5, 0, 1, 2).data]`)
		if grey[0] != got%251 || grey[4] != 0 {
			b.Errorf("point %d: picture has grey %d over %d, want %d over 0", got, grey[0],
				grey[4], got%251)
		}
	}
	b.Mouse(input.DispatchMouseEventTypeMouseMoved, 5, 5)
	if !eval[bool](b, `document.querySelector("#x-tip").hidden`) {
		b.Error("the tooltip stays when the pointer leaves")
	}
}

func (b *tab) filters() {
	b.Helper()
	const red, purple = "#bd1f01", "#832db6" // classes 2 and 4
	before := b.picture()
	if n := count(b.TB, before, red); n < 50 {
		b.Errorf("%d red pixels with all classes shown, want more", n)
	}
	b.Click(".chip:nth-child(3)")
	after := b.picture()
	if n, _ := b.shown(); n != 450 {
		b.Errorf("%d points shown without class 2, want 450", n)
	}
	if n, m := count(b.TB, after, red), count(b.TB, after, purple); n > 0 || m < 50 {
		b.Errorf("%d red and %d purple pixels without class 2", n, m)
	}
	if eval[string](b, `document.querySelector(".chip:nth-child(3)").ariaPressed`) != "false" {
		b.Error("the chip does not say that it is off")
	}
	b.Click("#x-none")
	if n, _ := b.shown(); n != 0 {
		b.Errorf("%d points shown with no class, want 0", n)
	}
	b.Click("#x-all")
	b.Click("#x-wrong")
	if n, wrong := b.shown(); n != 100 || wrong != 100 {
		b.Errorf("%d of %d misclassified points shown, want 100 of 100", n, wrong)
	}
	if n := count(b.TB, b.picture(), purple); n > 0 { // i%10 == 4 is never misclassified
		b.Errorf("%d purple pixels among the misclassified, want none", n)
	}
	b.Click("#x-wrong")
}

func (b *tab) glides() {
	b.Helper()
	const i = 7
	before := b.picture()
	x0, y0 := b.place(i)
	jump := eval[float64](b, fmt.Sprintf(`(() => {
		const [x, y] = explorer.position(%[1]d);
		document.querySelector(".x-space:nth-child(2)").click();
		const [u, v] = explorer.position(%[1]d);
		return explorer.gliding() ? Math.hypot(u - x, v - y) : Infinity;
	})()`, i))
	if jump > 0.1 {
		b.Errorf("switching the space moves point %d by %.1f pixels at once, want a glide", i,
			jump)
	}
	b.settle()
	x1, y1 := b.place(i)
	// Its place follows from the second embedding: the square's centre is the stage's.
	y := b.r.Explorer.Spaces[1].Embedding
	lo, hi := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for j, v := range y {
		lo[j%2], hi[j%2] = min(lo[j%2], float64(v)), max(hi[j%2], float64(v))
	}
	box := eval[[]float64](b,
		`(() => { const c = document.querySelector("#x-canvas").getBoundingClientRect(); return [c.left, c.top, c.width, c.height]; })()`)
	scale := 0.47 * min(box[2], box[3]) / (max(hi[0]-lo[0], hi[1]-lo[1]) / 2)
	wantX := box[0] + box[2]/2 + scale*(float64(y[2*i])-(lo[0]+hi[0])/2)
	wantY := box[1] + box[3]/2 - scale*(float64(y[2*i+1])-(lo[1]+hi[1])/2)
	if math.Hypot(x1-wantX, y1-wantY) > 0.5 {
		b.Errorf("point %d ends at (%.1f, %.1f), want (%.1f, %.1f)", i, x1, y1, wantX, wantY)
	}
	if math.Hypot(x1-x0, y1-y0) < 20 {
		b.Errorf("point %d has not moved", i)
	}
	if n, wrong := b.shown(); n != 500 || wrong != 84 { // multiples of 6 below 500
		b.Errorf("second space: %d shown, %d misclassified, want 500 and 84", n, wrong)
	}
	after := b.picture()
	if same(before, after) {
		b.Error("the picture has not changed")
	}

	b.Media("prefers-reduced-motion", "reduce")
	b.Click(".x-space:nth-child(1)")
	if eval[bool](b, "explorer.gliding()") {
		b.Error("points glide although less motion is wanted")
	}
	if x, y := b.place(i); math.Hypot(x-x0, y-y0) > 0.1 {
		b.Errorf("point %d comes back to (%.1f, %.1f), want (%.1f, %.1f)", i, x, y, x0, y0)
	}
	b.Media("prefers-reduced-motion", "no-preference")
}

func same(a, b image.Image) bool {
	for y := a.Bounds().Min.Y; y < a.Bounds().Max.Y; y++ {
		for x := a.Bounds().Min.X; x < a.Bounds().Max.X; x++ {
			if a.At(x, y) != b.At(x, y) {
				return false
			}
		}
	}
	return true
}

func (b *tab) zoomsAndPans() {
	b.Helper()
	distance := func() float64 {
		b.Helper()
		x0, y0 := b.place(0)
		x5, y5 := b.place(5)
		return math.Hypot(x5-x0, y5-y0)
	}
	d := distance()
	expect := func(what string, factor float64) {
		b.Helper()
		if got := distance() / d; math.Abs(got/factor-1) > 0.01 {
			b.Errorf("%s: magnified %.3f times, want %.3f", what, got, factor)
		}
	}
	b.Click("#x-in")
	expect("button +", 1.6)
	b.Click("#x-out")
	expect("button −", 1)
	eval[chromedp.Void](b, `document.querySelector("#x-canvas").focus()`)
	b.Do(chromedp.KeyEvent("+"), chromedp.KeyEvent("+"))
	expect("key + twice", 2.25)

	b.Do(chromedp.KeyEvent("0"))
	expect("key 0", 1)

	// The wheel keeps the point under the pointer.
	x, y := b.place(3)
	// after the page's scrolling
	b.Wait("new Promise((done) => setTimeout(done, 350))")
	// the protocol wants both
	b.Mouse(input.DispatchMouseEventTypeMouseWheel, x, y,
		func(p *input.DispatchMouseEventParams) { p.DeltaX, p.DeltaY = 1e-3, -100 })
	b.settle()
	expect("wheel", math.Exp(0.2))
	if nx, ny := b.place(3); math.Hypot(nx-x, ny-y) > 0.5 {
		b.Errorf("the wheel moves the point under it by %.1f pixels", math.Hypot(nx-x, ny-y))
	}

	// Dragging takes the points along; by 3 pixels less, which still count as a click.
	x, y = b.place(3)
	box := eval[[]float64](b,
		`(() => { const c = document.querySelector("#x-canvas").getBoundingClientRect(); return [c.left + c.width / 2, c.top + c.height / 2]; })()`)
	left := chromedp.ButtonType(input.MouseButtonLeft)
	b.Mouse(input.DispatchMouseEventTypeMousePressed, box[0], box[1], left, chromedp.ClickCount(1))
	for k := 1.0; k <= 4; k++ {
		b.Mouse(input.DispatchMouseEventTypeMouseMoved, box[0]+10*k, box[1]+5*k, left)
	}
	b.Mouse(input.DispatchMouseEventTypeMouseReleased, box[0]+40, box[1]+20, left,
		chromedp.ClickCount(1))
	if nx, ny := b.place(3); math.Abs(nx-x-40) > 1 || math.Abs(ny-y-20) > 1 {
		b.Errorf("a drag by (40, 20) moves a point by (%.1f, %.1f)", nx-x, ny-y)
	}
}

// The page fits a phone, obeys the theme, and answers a tap.
func TestPageOnPhone(t *testing.T) {
	b := openTab(t, 500, "")
	ground := func() float64 {
		b.Helper()
		m := regexp.MustCompile(`\d+`).FindAllString(eval[string](b,
			"getComputedStyle(document.body).backgroundColor"), 3)
		v, err := strconv.Atoi(m[0])
		b.Check(err)
		return float64(v)
	}
	b.Media("prefers-color-scheme", "light")
	if ground() < 200 {
		t.Error("the light theme is dark")
	}
	b.Media("prefers-color-scheme", "dark")
	if ground() > 60 {
		t.Error("the dark theme is light")
	}
	b.Click("#theme")
	if ground() < 200 ||
		eval[string](b, `document.querySelector("#theme").ariaPressed`) != "false" {
		t.Error("the button does not turn the dark theme off")
	}
	b.Click("#theme")
	if ground() > 60 {
		t.Error("the button does not turn the dark theme on again")
	}

	for _, width := range []int64{390, 320} {
		b.Do(chromedp.EmulateViewport(width, 844, chromedp.EmulateMobile, chromedp.EmulateTouch,
			chromedp.EmulateScale(2)))
		b.settle()
		if got := eval[int64](b, "document.documentElement.scrollWidth"); got > width {
			t.Errorf("the page is %d wide in a window of %d: %s", got, width,
				eval[string](b, fmt.Sprintf(
					`[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > %d && !e.closest(".scroll, pre")).map(e => e.tagName + "." + e.className).join(" ")`, width)))
		}
	}

	eval[chromedp.Void](b,
		`document.querySelector("#x-stage").scrollIntoView({ behavior: "instant", block: "center" })`)
	x, y := b.place(49)
	b.Do(chromedp.TapXY(x, y))
	if got := eval[int](b, "explorer.point()"); got < 0 ||
		eval[bool](b, `document.querySelector("#x-tip").hidden`) {
		t.Error("a tap on a point shows nothing")
	}
	tip := eval[[]float64](b,
		`(() => { const r = document.querySelector("#x-tip").getBoundingClientRect(); return [r.left, r.right]; })()`)
	if tip[0] < 0 || tip[1] > 320 {
		t.Errorf("the tooltip reaches from %v to %v in a window of 320", tip[0], tip[1])
	}
	b.Quiet()
}

// The chart tells the values under the pointer.
func TestChartPointer(t *testing.T) {
	b := openTab(t, 20, "")
	box := eval[[]float64](b, `(() => {
		const plot = document.querySelector("#c-plot");
		plot.scrollIntoView({ behavior: "instant", block: "center" });
		const r = plot.getBoundingClientRect();
		return [r.left, r.top, r.width, r.height];
	})()`)
	b.Mouse(input.DispatchMouseEventTypeMouseMoved, box[0]+box[2]/2, box[1]+20)
	got := b.Text("#c-tip")
	// Steps 1249 to 1251 of the sample: 0.01 + 1/1250 and 0.11 + 1/1250.
	if want := "Iteration 1,249–1,251Reconstruction1.080e-2Contrastive1.108e-1"; got != want {
		t.Errorf("the chart says %q, want %q", got, want)
	}
	b.Quiet()
}

// Frames a second while 20,000 points glide from one map to another; the browser draws 60 at the
// most. Here without a GPU, on the CPU that also runs the page.
func BenchmarkGlide(b *testing.B) {
	for _, c := range []struct{ renderer, script string }{
		{"2d", ""},
		{"webgl2", "WebGL2RenderingContext.prototype.getExtension = () => null"},
	} {
		b.Run(c.renderer, func(b *testing.B) {
			page := openTab(b, 20_000, c.script)
			if got := eval[string](page, "explorer.renderer"); got != c.renderer {
				b.Fatalf("renderer is %s", got)
			}
			var frames, seconds float64
			for i := 0; b.Loop(); i++ {
				page.Click(fmt.Sprintf(".x-space:nth-of-type(%d)", 1+(i+1)%3))
				began := time.Now()
				page.Wait(`new Promise((done) => {
					window.frames_ = 0;
					const frame = () => { window.frames_++; explorer.gliding() ? requestAnimationFrame(frame) : done(); };
					requestAnimationFrame(frame);
				})`)
				seconds += time.Since(began).Seconds()
				frames += eval[float64](page, "window.frames_")
			}
			b.ReportMetric(frames/seconds, "frames/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
