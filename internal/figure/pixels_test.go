package figure

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"io"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// count returns how many pixels are of colour c.
func count(m *image.RGBA, c color.RGBA) int {
	n := 0
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
			if m.RGBAAt(x, y) == c {
				n++
			}
		}
	}
	return n
}

func TestPixels(t *testing.T) {
	draw := examples(t, 5000)
	for _, test := range []struct {
		name    string
		w, h    int
		colors  []color.RGBA
		atLeast int // pixels of each colour
	}{
		{"loss", 960, 600, cycle[:1], 1000},
		{"loss-two", 960, 600, cycle[:2], 300},
		{"tsne", 1920, 600, cycle[:], 250}, // an opaque marker alone has 390
		{"tsne-contrastive", 960, 600, cycle[:], 250},
		{"tsne-fashion", 960, 600, cycle[:], 250},
		{"sample", 0, 600, []color.RGBA{viridisColor(0), viridisColor(1)}, 1000},
		{"reconstructions", 1920, 0, []color.RGBA{grayColor(0), grayColor(1)}, 1000},
	} {
		data := draw[test.name]("png")
		m := decode(t, data)
		if w, h := m.Bounds().Dx(), m.Bounds().Dy(); test.w > 0 && w != test.w || test.h > 0 &&
			h != test.h {
			t.Errorf("%s: %d x %d pixels, want %d x %d", test.name, w, h, test.w, test.h)
		}
		for i, c := range test.colors {
			if n := count(m, c); n < test.atLeast {
				t.Errorf("%s: %d pixels of colour %d, want at least %d", test.name, n, i,
					test.atLeast)
			}
		}
		i := bytes.Index(data, []byte("pHYs"))
		if i < 0 || binary.BigEndian.Uint32(data[i+4:]) != 7874 ||
			binary.BigEndian.Uint32(data[i+8:]) != 7874 {
			t.Errorf("%s: the file does not state 200 dpi", test.name)
		}
		// Nothing is cut off at the edges.
		b := m.Bounds()
		for _, edge := range []image.Rectangle{{b.Min, image.Pt(b.Max.X, 1)},
			{b.Min, image.Pt(1, b.Max.Y)},
			{image.Pt(0, b.Max.Y-1), b.Max}, {image.Pt(b.Max.X-1, 0), b.Max}} {
			if n := count(m.SubImage(edge).(*image.RGBA),
				color.RGBA{255, 255, 255, 255}); n != edge.Dx()*edge.Dy() {
				t.Errorf("%s: something touches the edge %v", test.name, edge)
			}
		}
	}
}

// svgText returns the text elements of an SVG file, joined by |.
func svgText(svg []byte) string {
	var out []string
	for _, m := range regexp.MustCompile(`<text[^>]*>([^<]*)</text>`).FindAllSubmatch(svg, -1) {
		out = append(out, string(m[1]))
	}
	return "|" + strings.Join(out, "|") + "|"
}

func TestSVG(t *testing.T) {
	draw := examples(t, 20000)
	for name, want := range map[string][]string{
		"loss":             {"Iterations", "Training Loss", "10", "−1", "2×10", "1000"},
		"loss-two":         {"reconstruction", "contrastive", "Iterations", "30000"},
		"tsne":             {"Original", "Latent", "0", "9", "−50", "100"},
		"tsne-contrastive": {"Autoencoder with Contrastive Learning", "0", "5", "9"},
		"tsne-fashion":     {"T-shirt/top", "Ankle boot"},
		"sample":           {"First training image", "0", "25"},
		"reconstructions":  {"Test image", "Reconstruction", "Contrastive"},
	} {
		svg := draw[name]("svg")
		if len(svg) > 3<<20 {
			t.Errorf("%s: %d bytes, want at most 3 MB", name, len(svg))
		}
		got := svgText(svg)
		for _, w := range want {
			if !strings.Contains(got, "|"+w+"|") {
				t.Errorf("%s: no text %q in %s", name, w, got)
			}
		}
		if bytes.Contains(svg, []byte("image/jpg")) {
			t.Errorf("%s: wrong media type", name)
		}
	}
}

// TestWorstSVG draws points all over the panel, the least compressible picture.
func TestWorstSVG(t *testing.T) {
	xy, labels := clusters(20000, 1)
	for i := range xy {
		xy[i] = float32(math.Mod(float64(i)*math.Phi*(1+float64(i%2)), 1))
	}
	p := Panel{"", xy, labels}
	var buf bytes.Buffer
	if err := Panels(&buf, "svg", []Panel{p, p}, DefaultPanelOptions()); err != nil {
		t.Fatal(err)
	}
	if buf.Len() > 3<<20 {
		t.Errorf("%d bytes, want at most 3 MB", buf.Len())
	}
}

// Where no font can be made, the error says so. The process is a new one: vgpdf keeps fonts.
func TestPDFWithoutTemporaryFiles(t *testing.T) {
	if os.Getenv("LATENT_FIRST_PDF") == "" {
		again := exec.Command(os.Args[0], "-test.run=^TestPDFWithoutTemporaryFiles$")
		again.Env = append(os.Environ(), "LATENT_FIRST_PDF=1")
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	log.SetOutput(io.Discard) // vgpdf logs what it panics with
	defer log.SetOutput(os.Stderr)
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	err := Loss(io.Discard, "pdf", series("", 3, 2, 1))
	if err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("error %v", err)
	}
}

// TestPDF compares what Ghostscript makes of a PDF file with the PNG file.
func TestPDF(t *testing.T) {
	gs, err := exec.LookPath("gs")
	if err != nil {
		t.Skip("no Ghostscript (gs)")
	}
	draw := examples(t, 2000)
	for _, name := range []string{"tsne", "sample"} {
		in, out := filepath.Join(t.TempDir(), "f.pdf"), filepath.Join(t.TempDir(), "f.png")
		if err := os.WriteFile(in, draw[name]("pdf"), 0o666); err != nil {
			t.Fatal(err)
		}
		if msg, err := exec.Command(gs, "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=png16m",
			"-dGraphicsAlphaBits=4",
			"-dTextAlphaBits=4", "-r200", "-o", out, in).CombinedOutput(); err != nil {
			t.Fatalf("gs: %v: %s", err, msg)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		a, b := decode(t, data), decode(t, draw[name]("png"))
		var diff, n float64
		for y := range min(a.Bounds().Dy(), b.Bounds().Dy()) {
			for x := range min(a.Bounds().Dx(), b.Bounds().Dx()) {
				diff += math.Abs(float64(a.RGBAAt(x, y).R)-float64(b.RGBAAt(x, y).R)) / 255
				n++
			}
		}
		// Measured: 0.008. An upside-down picture gives 0.05 and more.
		if diff/n > 0.02 {
			t.Errorf("%s: PDF and PNG differ by %.4f a pixel", name, diff/n)
		}
	}
}

// TestDiscs compares blended discs with their definition: area and opacity.
func TestDiscs(t *testing.T) {
	const radius = 3.7
	for _, at := range [][2]float64{{20, 20}, {20.13, 19.9}, {20.5, 20.99}} {
		d := newDiscs(40, 40, radius)
		d.add(at[0], at[1], cycle[3], 0.1)
		var area, x, y float64
		for i, p := range d.pixels {
			a := float64(p[3]) / 0.1
			area += a
			x += a * (float64(i%40) + 0.5)
			y += a * (float64(i/40) + 0.5)
		}
		if want := math.Pi * radius * radius; math.Abs(area-want) > 0.02*want {
			t.Errorf("area %v, want %v", area, want)
		}
		if math.Abs(x/area-at[0]) > 0.15 || math.Abs(y/area-at[1]) > 0.15 {
			t.Errorf("centre (%v, %v), want %v", x/area, y/area, at)
		}
	}
	d := newDiscs(9, 9, 3)
	for range 20 {
		d.add(4.5, 4.5, cycle[1], 0.1)
	}
	if got, want := float64(d.pixels[4*9+4][3]), 1-math.Pow(0.9, 20); math.Abs(got-want) > 1e-5 {
		t.Errorf("opacity of 20 discs %v, want %v", got, want)
	}
	for _, at := range [][2]float64{{-50, 4}, {4, 1e6}, {-1, -1}, {8.999, 8.999}} {
		d.add(at[0], at[1], cycle[0], 1) // clipped, no panic
	}
}

func BenchmarkPanels(b *testing.B) {
	xy, labels := clusters(20000, 1)
	p := Panel{"", xy, labels}
	for _, format := range []string{"png", "svg"} {
		b.Run("n=2x20000/"+format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Panels(io.Discard, format, []Panel{p, p},
					DefaultPanelOptions()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
