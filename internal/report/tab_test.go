package report

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// tab is a page of the report in headless Chromium.
type tab struct {
	testing.TB
	ctx context.Context
	r   Report

	mu       sync.Mutex
	messages []string // console messages, exceptions and dialogs of the page
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
	if testing.Short() {
		t.Skip("starts a browser")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	b := &tab{TB: t, r: r}
	dir := t.TempDir()
	file := filepath.Join(dir, "report.html")
	if err := WriteFile(file, b.r); err != nil {
		t.Fatal(err)
	}

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.DisableGPU, chromedp.Flag("enable-unsafe-swiftshader", true), // WebGL in software
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	b.ctx = ctx
	b.check(chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*cdppage.EventJavascriptDialogOpening); ok {
			b.note("dialog: " + e.Message)
		}
	}))
	entries := chromedp.Console(ctx) // and uncaught exceptions, and the browser's own complaints
	go func() {
		for m, err := range entries {
			if err != nil {
				return
			}
			b.note(string(m.Type) + ": " + m.Text)
		}
	}()
	if script != "" {
		_, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		b.check(err)
	}
	address := url.URL{Scheme: "file", Path: file}
	b.do(chromedp.EmulateViewport(1000, 640), chromedp.Navigate(address.String()+hash))
	b.wait("explorer.ready")
	b.settle()
	return b
}

func (b *tab) note(message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, message)
}

func (b *tab) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	b.check(chromedp.Do(b.ctx, steps...))
}

func eval[T any](b *tab, script string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.Fatalf("%s: %v", script, err)
	}
	return v
}

// wait waits for a promise.
func (b *tab) wait(promise string) {
	b.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Promise.resolve("+promise+").then(() => true)", chromedp.EvalAwaitPromise))
	b.check(err)
}

// settle waits until a glide is over and what was asked for is drawn.
func (b *tab) settle() {
	b.Helper()
	b.wait(`new Promise((done) => {
		const frame = () => explorer.gliding() ? requestAnimationFrame(frame) : requestAnimationFrame(done);
		requestAnimationFrame(frame);
	})`)
}

func (b *tab) click(selector string) {
	b.Helper()
	eval[chromedp.Void](b, fmt.Sprintf("document.querySelector(%q).click()", selector))
}

func (b *tab) text(selector string) string {
	b.Helper()
	return eval[string](b, fmt.Sprintf("document.querySelector(%q).textContent", selector))
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

func (b *tab) mouse(kind input.DispatchMouseEventType, x, y float64, options ...chromedp.MouseOption) {
	b.Helper()
	b.do(chromedp.MouseEvent(kind, x, y, options...))
}

// shown is the number of points shown and the number misclassified, as the page says.
func (b *tab) shown() (visible, wrong int) {
	b.Helper()
	m := regexp.MustCompile(`^([\d,]+) of .* space ([\d,]+) are`).FindStringSubmatch(b.text("#x-status"))
	if m == nil {
		b.Fatalf("status is %q", b.text("#x-status"))
	}
	number := func(s string) int {
		n, err := strconv.Atoi(regexp.MustCompile(",").ReplaceAllString(s, ""))
		b.check(err)
		return n
	}
	return number(m[1]), number(m[2])
}

// picture is what the stage looks like on the screen.
func (b *tab) picture() image.Image {
	b.Helper()
	b.settle()
	data, err := chromedp.Run(b.ctx, chromedp.Screenshot(chromedp.CSS("#x-stage")))
	b.check(err)
	m, err := png.Decode(bytes.NewReader(data))
	b.check(err)
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

func (b *tab) media(feature, value string) {
	b.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
	})
	b.check(err)
}

// quiet fails the test if the page has written anything to the console.
func (b *tab) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.messages {
		if strings.Contains(m, "GPU stall due to ReadPixels") {
			continue // the browser's note on showing software WebGL
		}
		b.Errorf("the page says: %s", m)
	}
}
