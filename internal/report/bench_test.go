package report

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// software makes the page take WebGL2 although it is software.
const software = "WebGL2RenderingContext.prototype.getExtension = ((get) => function (name) { " +
	"return name === 'WEBGL_debug_renderer_info' ? null : get.call(this, name); " +
	"})(WebGL2RenderingContext.prototype.getExtension)"

// BenchmarkExplorer times what a reader waits for on a page of many points: until it has
// opened, frames while the map is dragged (whole, and enlarged four and eight times), the point
// under the pointer, a lasso. Without a graphics processor. LATENT_LONG=1 runs it.
func BenchmarkExplorer(b *testing.B) {
	if os.Getenv("LATENT_LONG") == "" {
		b.Skip("long")
	}
	for _, n := range []int{100_000, 1_000_000} {
		r := crowd(n)
		for _, c := range []struct{ renderer, script string }{{"2d", ""}, {"webgl2", software}} {
			b.Run(fmt.Sprintf("n=%d/%s", n, c.renderer), func(b *testing.B) {
				page := openReport(b, r, c.script, "")
				if got := eval[string](page, "explorer.renderer"); got != c.renderer {
					b.Fatalf("renderer is %s", got)
				}
				// ReportMetric before or in the loop is lost
				sums, rounds := map[string]float64{}, 0.0
				for b.Loop() {
					rounds++
					page.Do(chromedp.Reload())
					page.Until("explorer.opened")
					sums["ms/open"] += eval[float64](page, "explorer.opened")
					page.Until("explorer.hasGrid()")
					for what, zoom := range map[string]int{"frames/s": 1, "frames/s@4": 4,
						"frames/s@8": 8} {
						page.Wait(fmt.Sprintf(`new Promise((done) => {
							let frames = 0;
							explorer.view.fit(); explorer.view.zoomBy(%d);
							const began = performance.now();
							const frame = () => {
								explorer.view.pan(frames %% 2 ? 3 : -3, 0);
								if (++frames < 60 && performance.now() - began < 8000) return requestAnimationFrame(frame);
								window.rate_ = 1000 * frames / (performance.now() - began);
								done();
							};
							requestAnimationFrame(frame);
						})`, zoom))
						sums[what] += eval[float64](page, "window.rate_")
					}
					eval[chromedp.Void](page, "explorer.view.fit()")
					sums["ms/hover"] += eval[float64](page, `(() => {
						const { width, height } = explorer.view, began = performance.now();
						for (let i = 0; i < 400; i++) explorer.nearest(width * (i % 20 + 0.5) / 20, height * ((i / 20 | 0) + 0.5) / 20, 12);
						return (performance.now() - began) / 400;
					})()`)
					sums["ms/lasso"] += eval[float64](page, `(() => {
						const { width, height } = explorer.view, r = 0.4 * Math.min(width, height);
						const path = Array.from({ length: 200 }, (_, k) => ({ x: width / 2 + r * Math.cos(k / 32), y: height / 2 + r * Math.sin(k / 32) }));
						const began = performance.now();
						explorer.selection.set(within(path, "lasso", explorer.each), "set");
						return performance.now() - began;
					})()`)
					sums["selected"] += float64(page.selected())
				}
				for what, sum := range sums {
					b.ReportMetric(sum/rounds, what)
				}
				b.ReportMetric(float64(pageSize(b, r))/1e6, "MB")
				b.ReportMetric(0, "ns/op")
				page.Quiet()
			})
		}
	}
}

// pageSize is the size of a report's files.
func pageSize(b *testing.B, r Report) (size int64) {
	dir := b.TempDir()
	if err := WriteFile(filepath.Join(dir, "r.html"), r); err != nil {
		b.Fatal(err)
	}
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// crowd is a report of n points in 200 clusters and two maps.
func crowd(n int) Report {
	e := &Explorer{N: n, Classes: strings.Fields("0 1 2 3 4 5 6 7 8 9"), Labels: make([]int, n),
		Spaces: []Space{{Name: "a", KL: 1}, {Name: "b", KL: 1}}}
	state := uint64(1)
	uniform := func() float64 {
		state = state*6364136223846793005 + 1442695040888963407
		return float64(state>>11) / (1 << 53)
	}
	for i := range n {
		e.Labels[i] = i % 10
		for k := range e.Spaces {
			angle, spread := float64(i%200)*2.4+float64(k), 0.3+float64(i%200)/100
			u, v := math.Sqrt(-2*math.Log(1-uniform())), 2*math.Pi*uniform()
			radius := math.Sqrt(float64(i%200)) * 3
			e.Spaces[k].Embedding = append(e.Spaces[k].Embedding,
				float32(radius*math.Cos(angle)+spread*u*math.Cos(v)),
				float32(radius*math.Sin(angle)+spread*u*math.Sin(v)))
		}
	}
	return Report{Title: thousands(n) + " points", Explorer: e}
}
