// Package browsertest drives pages in headless Chromium for tests.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Tab is a page in headless Chromium.
type Tab struct {
	testing.TB
	Ctx context.Context

	mu       sync.Mutex
	messages []string // console messages, exceptions and dialogs of the page
}

// Open opens the page at an address in a browser of its own until the test ends; script, if
// any, runs before the page's own. Without Chromium the test is skipped.
func Open(t testing.TB, address, script string) *Tab {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	b := &Tab{TB: t}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.DisableGPU, chromedp.Flag("enable-unsafe-swiftshader", true), // WebGL in software
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	limit := 2 * time.Minute
	if os.Getenv("LATENT_LONG") != "" {
		limit = 15 * time.Minute
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	b.Ctx = ctx
	b.Check(chromedp.Listen(ctx, func(event any) {
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
		_, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument,
			cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		b.Check(err)
	}
	b.Do(chromedp.EmulateViewport(1000, 640), chromedp.Navigate(address))
	return b
}

func (b *Tab) note(message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, message)
}

// Check ends the test where there is an error.
func (b *Tab) Check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// Do takes steps in order.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	b.Check(chromedp.Do(b.Ctx, steps...))
}

// Eval is the value of a script.
func Eval[T any](b *Tab, script string) T {
	b.Helper()
	v, err := chromedp.Run(b.Ctx, chromedp.Evaluate[T](script))
	if err != nil {
		b.Fatalf("%s: %v", script, err)
	}
	return v
}

// Run runs a script for what it does.
func (b *Tab) Run(script string) {
	b.Helper()
	Eval[chromedp.Void](b, "void ("+script+")")
}

// Wait waits for a promise.
func (b *Tab) Wait(promise string) {
	b.Helper()
	_, err := chromedp.Run(b.Ctx,
		chromedp.Evaluate[bool]("Promise.resolve("+promise+").then(() => true)",
			chromedp.EvalAwaitPromise))
	b.Check(err)
}

// Until waits until a condition holds.
func (b *Tab) Until(condition string) {
	b.Helper()
	b.Wait("new Promise((done) => { const look = () => (" + condition +
		") ? done() : setTimeout(look, 20); look(); })")
}

// Click clicks on an element.
func (b *Tab) Click(selector string) {
	b.Helper()
	Eval[chromedp.Void](b, fmt.Sprintf("document.querySelector(%q).click()", selector))
}

// Text is the text of an element.
func (b *Tab) Text(selector string) string {
	b.Helper()
	return Eval[string](b, fmt.Sprintf("document.querySelector(%q).textContent", selector))
}

// Mouse sends an event of the mouse.
func (b *Tab) Mouse(kind input.DispatchMouseEventType, x, y float64,
	options ...chromedp.MouseOption) {
	b.Helper()
	b.Do(chromedp.MouseEvent(kind, x, y, options...))
}

// Media sets what the page is told of a media feature.
func (b *Tab) Media(feature, value string) {
	b.Helper()
	_, err := chromedp.Call(b.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
	})
	b.Check(err)
}

// Quiet fails the test if the page has written anything to the console.
func (b *Tab) Quiet() {
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
