package report

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"

	"latent/internal/browsertest"
)

// tab is a page of the report in headless Chromium.
type tab struct {
	*browsertest.Tab
	r Report
}

// openTab opens a report of n points from disk; script, if any, runs before the
// page's own.
func openTab(t testing.TB, n int, script string) *tab {
	t.Helper()
	return openReport(t, sample(n), script, "")
}

// openReport opens a report from disk, at the given hash.
func openReport(t testing.TB, r Report, script, hash string) *tab {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := WriteFile(file, r); err != nil {
		t.Fatal(err)
	}
	address := url.URL{Scheme: "file", Path: file}
	b := &tab{browsertest.Open(t, address.String()+hash, script), r}
	b.Wait("explorer.ready")
	b.settle()
	return b
}

func eval[T any](b *tab, script string) T {
	b.Helper()
	return browsertest.Eval[T](b.Tab, script)
}

// settle waits until a glide is over and what was asked for is drawn.
func (b *tab) settle() {
	b.Helper()
	b.Wait(`new Promise((done) => {
		const frame = () => explorer.gliding() ? requestAnimationFrame(frame) : requestAnimationFrame(done);
		requestAnimationFrame(frame);
	})`)
}

// place is point i's position in the window.
func (b *tab) place(i int) (x, y float64) {
	b.Helper()
	at := eval[[]float64](b, fmt.Sprintf(`(() => {
		const box = document.querySelector("#x-canvas").getBoundingClientRect(), p = explorer.position(%d);
		return [box.left + p[0], box.top + p[1]];
	})()`, i))
	return at[0], at[1]
}

// shown is the number of points shown and the number misclassified, as the page says.
func (b *tab) shown() (visible, wrong int) {
	b.Helper()
	m :=
		regexp.MustCompile(`^([\d,]+) of .* space ([\d,]+) are`).FindStringSubmatch(
			b.Text("#x-status"))
	if m == nil {
		b.Fatalf("status is %q", b.Text("#x-status"))
	}
	number := func(s string) int {
		n, err := strconv.Atoi(regexp.MustCompile(",").ReplaceAllString(s, ""))
		b.Check(err)
		return n
	}
	return number(m[1]), number(m[2])
}

// picture is what the stage looks like on the screen.
func (b *tab) picture() image.Image {
	b.Helper()
	b.settle()
	data, err := chromedp.Run(b.Ctx, chromedp.Screenshot(chromedp.CSS("#x-stage")))
	b.Check(err)
	m, err := png.Decode(bytes.NewReader(data))
	b.Check(err)
	return m
}

// count returns how many pixels are close to a colour of the cycle, whatever the
// ground they are blended with: their hue is what matters.
func count(t testing.TB, m image.Image, hex string) int {
	want := parseHex(t, hex)
	n := 0
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			r, g, b, _ := m.At(x, y).RGBA()
			got := [3]float64{float64(r >> 8), float64(g >> 8), float64(b >> 8)}
			// got = ground + a (want - ground) on a white ground.
			var dot, norm float64
			for k := range got {
				dot += (255 - got[k]) * (255 - float64(want[k]))
				norm += (255 - float64(want[k])) * (255 - float64(want[k]))
			}
			a, off := dot/norm, 0.0
			for k := range got {
				off += math.Abs(255 - got[k] - a*(255-float64(want[k])))
			}
			if a > 0.4 && off < 15 {
				n++
			}
		}
	}
	return n
}

func parseHex(t testing.TB, s string) [3]uint8 {
	t.Helper()
	v, err := strconv.ParseUint(s[1:], 16, 24)
	if err != nil {
		t.Fatal(err)
	}
	return [3]uint8{uint8(v >> 16), uint8(v >> 8), uint8(v)}
}
