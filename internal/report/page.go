package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/png"
	"io"
	"math"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxPage is the page's size limit in bytes, which images are packed to fit.
const maxPage = 15_000_000

//go:embed page
var files embed.FS

// scripts in the order in which the page runs them, as one script.
var scripts = []string{"theme.js", "chart.js", "colours.js", "points.js", "grid.js", "blocks.js",
	"view.js",
	"selection.js", "side.js", "search.js", "address.js", "explorer.js"}

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"count":    thousands,
	"percent":  percent,
	"duration": duration,
	"capital":  capital,
}).ParseFS(files, "page/page.html"))

// Asset is a part of the page for others that look like it: page.css, or one of its scripts.
// It panics where there is none of this name.
func Asset(name string) string {
	b, err := files.ReadFile("page/" + name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// page is what the template reads.
type page struct {
	Report
	Run        []Setting // what was run, one row each
	Summary    []string  // the same, shortest form
	HasCosine  bool
	Chart      *chart
	Accuracies *chart
	Pictures   []picture
	View       *explorerView
	CSS        template.CSS
	Script     template.JS
	ScriptHash string // CSP source expression that allows Script alone
	Beside     bool   // the explorer's data is in scripts beside the page
}

// Called is the name of a space, a model or a stage as the page shows it.
func (p *page) Called(name string) string {
	if p.AsNamed {
		return name
	}
	return capital(name)
}

type picture struct {
	Figure
	URL           template.URL
	Width, Height int // pixels; 0 where the file does not say
}

// newPage prepares a valid report, whose explorer's data goes into folder beside the page
// unless that is empty.
func newPage(r Report, folder string) (*page, error) {
	p := &page{Report: r, Chart: newChart(r.Losses),
		Accuracies: accuracyChart(r.Epochwise), Beside: folder != ""}
	if p.Chart != nil {
		for i, c := range p.Chart.Curves {
			p.Chart.Meta.Series[i].Model = p.Called(c.Model)
		}
	}
	css, err := files.ReadFile("page/page.css")
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var script []byte
	for _, name := range scripts {
		js, err := files.ReadFile("page/" + name)
		if err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		script = append(script, js...)
	}
	p.CSS, p.Script = template.CSS(css), template.JS(script)
	sum := sha256.Sum256(script)
	p.ScriptHash = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"

	p.Run, p.Summary = describeRun(r)
	for _, a := range r.Accuracy {
		p.HasCosine = p.HasCosine || a.Cosine != nil
	}
	rest := len(css) + len(script) + 100_000 // and the markup
	for _, f := range r.Figures {
		pic := newPicture(f)
		rest += len(pic.URL)
		p.Pictures = append(p.Pictures, pic)
	}
	if p.Chart != nil {
		for _, c := range p.Chart.Curves {
			rest += 2 * (len(c.Line) + len(c.Band)) // paths, and the values for the pointer
		}
	}
	if r.Explorer != nil {
		if p.View, err = newExplorerView(r.Explorer, folder, rest); err != nil {
			return nil, fmt.Errorf("report: explorer images: %w", err)
		}
	}
	return p, nil
}

func (p *page) write(w io.Writer) error {
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("report: write page: %w", err)
	}
	return nil
}

// describeRun lists what was run: named fields first, then the options that do
// not repeat them.
func describeRun(r Report) (rows []Setting, summary []string) {
	seen := map[string]bool{}
	add := func(key, value, short string) {
		if value == "" {
			return
		}
		rows = append(rows, Setting{key, value})
		seen[key] = true
		if short != "" {
			summary = append(summary, short)
		}
	}
	add("dataset", r.Dataset, r.Dataset)
	if r.Epochs > 0 {
		word := " epochs"
		if r.Epochs == 1 {
			word = " epoch"
		}
		add("epochs", strconv.Itoa(r.Epochs), thousands(r.Epochs)+word)
	}
	if r.Seed != nil {
		seed := strconv.FormatInt(*r.Seed, 10)
		add("seed", seed, "seed "+seed)
	}
	add("device", r.Device, r.Device)
	if r.Libtorch != "" {
		add("libtorch", r.Libtorch, "libtorch "+r.Libtorch)
	}
	add("date", r.Date, r.Date)
	for _, s := range r.Config {
		if !seen[s.Key] {
			rows = append(rows, s)
		}
	}
	return rows, summary
}

func newPicture(f Figure) picture {
	kind := f.mediaType()
	p := picture{Figure: f}
	if c, err := png.DecodeConfig(bytes.NewReader(f.Data)); err == nil {
		p.Width, p.Height = c.Width, c.Height
	}
	// Safe as a URL: the type is one of two constants, the rest is base64. Scripts
	// inside an SVG do not run in an <img>.
	p.URL = template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(f.Data))
	return p
}

// percent writes a fraction in percent, without the sign: 80.80.
func percent(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.2f", 100*v)
}

// capital writes a word's first letter large; "t-SNE" stays as it is.
func capital(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	if second, _ := utf8.DecodeRuneInString(name[size:]); !unicode.IsLower(second) {
		return name
	}
	return string(unicode.ToUpper(first)) + name[size:]
}

// duration writes seconds as 0.42 s, 12.3 s, 3 min 05 s, 2 h 07 min.
func duration(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case seconds < 9.995:
		return fmt.Sprintf("%.2f s", seconds)
	case seconds < 59.95:
		return fmt.Sprintf("%.1f s", seconds)
	case seconds < 3599.5:
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
}
