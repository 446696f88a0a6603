package figure

import (
	"bytes"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"latent/internal/run"
)

func TestDegenerate(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	nan32, inf32 := float32(nan), float32(inf)
	o := DefaultPanelOptions()
	names := o
	names.Names = []string{"a", "",
		"a very long name that does not fit into any column of any legend that one would want " +
			"to draw, ever", "ß<&>"}
	for _, test := range []struct {
		name string
		draw func(w io.Writer, format string) error
		want string // in the error; "": draws
	}{
		{"loss: none", func(w io.Writer, f string) error { return Loss(w, f) }, "no losses"},
		{"loss: empty",
			func(w io.Writer,
				f string) error {
				return Loss(w, f, run.Series{}, run.Series{})
			}, "no losses"},
		{"loss: no positive",
			func(w io.Writer,
				f string) error {
				return Loss(w, f, series("", 0, -1, nan, inf))
			}, "above 0"},
		{"loss: one", func(w io.Writer, f string) error { return Loss(w, f, series("", 0.1)) },
			""},
		{"loss: constant",
			func(w io.Writer, f string) error { return Loss(w, f, series("", 2, 2, 2)) }, ""},
		{"loss: nearly constant",
			func(w io.Writer, f string) error { return Loss(w, f, series("", 2, 2.0000002)) }, ""},
		{"loss: gaps", func(w io.Writer, f string) error {
			return Loss(w, f, series("", nan, 3, 0, 2, 1, -inf, 1, 0.5), series("all gone", nan))
		}, ""},
		{"loss: huge range",
			func(w io.Writer,
				f string) error {
				return Loss(w, f, series("", 3e38, 1e-45, 1e-30))
			}, ""},
		{"loss: greatest",
			func(w io.Writer,
				f string) error {
				return Loss(w, f, series("", math.MaxFloat32, 1))
			}, ""},
		{"loss: small range",
			func(w io.Writer,
				f string) error {
				return Loss(w, f, series("", 1.001, 1.002, 1.003))
			}, ""},
		{"loss: under a decade",
			func(w io.Writer, f string) error { return Loss(w, f, series("", 2, 7, 3)) }, ""},
		{"loss: between decades",
			func(w io.Writer, f string) error { return Loss(w, f, series("", 0.9, 0.011)) }, ""},
		{"loss: format",
			func(w io.Writer,
				f string) error {
				return Loss(w, "gif", series("", 1))
			}, `format "gif"`},
		{"panels: none", func(w io.Writer, f string) error { return Panels(w, f, nil, o) },
			"no panels"},
		{"panels: empty",
			func(w io.Writer,
				f string) error {
				return Panels(w, f, []Panel{{}}, o)
			}, "panel 1: no points"},
		{"panels: odd",
			func(w io.Writer,
				f string) error {
				return Panels(w, f, []Panel{{"", make([]float32, 3), nil}}, o)
			}, "3 coordinates"},
		{"panels: labels",
			func(w io.Writer,
				f string) error {
				return Panels(w, f, []Panel{{"", make([]float32, 4), []int{1}}}, o)
			}, "1 labels for 2 points"},
		{"panels: no finite", func(w io.Writer, f string) error {
			return Panels(w, f, []Panel{{"", []float32{nan32, 1, 1, inf32}, nil}}, o)
		}, "no point has finite"},
		{"panels: some finite", func(w io.Writer, f string) error {
			return Panels(w, f,
				[]Panel{{"", []float32{nan32, 1, 1, 2, -inf32, 4}, []int{0, 1, 2}}}, o)
		}, ""},
		{"panels: one point",
			func(w io.Writer,
				f string) error {
				return Panels(w, f, []Panel{{"", []float32{5, 5}, []int{3}}}, o)
			}, ""},
		{"panels: at the origin",
			func(w io.Writer,
				f string) error {
				return Panels(w, f, []Panel{{"", make([]float32, 10), nil}}, o)
			}, ""},
		{"panels: vertical line",
			func(w io.Writer,
				f string) error {
				return Panels(w, f, []Panel{{"", []float32{1, 2, 1, 7}, nil}}, o)
			}, ""},
		{"panels: huge", func(w io.Writer, f string) error {
			return Panels(w, f, []Panel{{"", []float32{3e38, -3e38, -3e38, 3e38}, nil}}, o)
		}, ""},
		{"panels: tiny", func(w io.Writer, f string) error {
			return Panels(w, f, []Panel{{"", []float32{1e-40, 0, 0, 2e-40}, nil}}, o)
		}, ""},
		{"panels: far from zero", func(w io.Writer, f string) error {
			return Panels(w, f, []Panel{{"", []float32{1e6, 1e6 + 1, 1e6 + .25, 1e6}, nil}}, o)
		}, ""},
		{"panels: other labels", func(w io.Writer, f string) error {
			return Panels(w, f,
				[]Panel{{"", []float32{1, 2, 3, 4, 5, 6}, []int{-7, 100, 1 << 40}}}, o)
		}, ""},
		{"panels: names", func(w io.Writer, f string) error {
			return Panels(w, f, []Panel{{"ß – お", []float32{1, 2, 3, 4}, []int{1, 12}}}, names)
		}, ""},
		{"panels: 100 classes", func(w io.Writer, f string) error {
			p := Panel{XY: make([]float32, 200)}
			for i := range 100 {
				p.XY[2*i] = float32(i)
				p.Labels = append(p.Labels, i)
			}
			return Panels(w, f, []Panel{p, p, p}, o)
		}, ""},
		{"panels: alpha", func(w io.Writer, f string) error {
			return Panels(w, f, []Panel{{"", []float32{1, 2}, nil}},
				PanelOptions{Alpha: nan, PointSize: 1})
		}, "Alpha is NaN"},
		{"panels: size", func(w io.Writer, f string) error {
			return Panels(w, f, []Panel{{"", []float32{1, 2}, nil}}, PanelOptions{Alpha: 1})
		}, "PointSize is 0"},
		{"sample: empty",
			func(w io.Writer,
				f string) error {
				return Sample(w, f, "", nil, 28, 28)
			}, "no pixels"},
		{"sample: no size",
			func(w io.Writer,
				f string) error {
				return Sample(w, f, "", make([]float32, 4), 0, 4)
			}, "0 x 4"},
		{"sample: two images",
			func(w io.Writer,
				f string) error {
				return Sample(w, f, "", make([]float32, 8), 2, 2)
			}, "8 pixels"},
		{"sample: NaN",
			func(w io.Writer,
				f string) error {
				return Sample(w, f, "", []float32{nan32, nan32}, 1, 2)
			}, "no pixel is finite"},
		{"sample: some NaN",
			func(w io.Writer,
				f string) error {
				return Sample(w, f, "", []float32{nan32, 1, inf32, 3}, 2, 2)
			}, ""},
		{"sample: black",
			func(w io.Writer,
				f string) error {
				return Sample(w, f, "", make([]float32, 784), 28, 28)
			}, ""},
		{"sample: one pixel",
			func(w io.Writer, f string) error { return Sample(w, f, "", []float32{7}, 1, 1) }, ""},
		{"sample: wide",
			func(w io.Writer,
				f string) error {
				return Sample(w, f, "", make([]float32, 300), 1, 300)
			}, ""},
		{"sample: tall",
			func(w io.Writer,
				f string) error {
				return Sample(w, f, "", make([]float32, 300), 300, 1)
			}, ""},
		{"rows: none",
			func(w io.Writer,
				f string) error {
				return Reconstructions(w, f, nil, 28, 28)
			}, "no images"},
		{"rows: empty",
			func(w io.Writer,
				f string) error {
				return Reconstructions(w, f, []ImageRow{{}}, 28, 28)
			}, "row 1: no pixels"},
		{"rows: part", func(w io.Writer, f string) error {
			return Reconstructions(w, f, []ImageRow{{"", make([]float32, 785)}}, 28, 28)
		}, "row 1: 785 pixels"},
		{"rows: too many", func(w io.Writer, f string) error {
			return Reconstructions(w, f, []ImageRow{{"", make([]float32, 4000)}}, 1, 1)
		}, "4000 images"},
		{"rows: ragged, odd values", func(w io.Writer, f string) error {
			return Reconstructions(w, f,
				[]ImageRow{{strings.Repeat("long ", 50), make([]float32, 3*6)},
					{"", []float32{nan32, 9, -9, inf32, 0, .5}}}, 2, 3)
		}, ""},
	} {
		for _, format := range []string{"png", "svg", "pdf"} {
			var buf bytes.Buffer
			err := test.draw(&buf, format)
			switch {
			case test.want != "":
				if err == nil || !strings.HasPrefix(err.Error(), "figure: ") ||
					!strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
				}
				if buf.Len() != 0 {
					t.Errorf("%s: wrote %d bytes in spite of the error", test.name, buf.Len())
				}
			case err != nil:
				t.Errorf("%s, %s: %v", test.name, format, err)
			case format == "png":
				m := decode(t, buf.Bytes())
				if all := m.Bounds().Dx() * m.Bounds().Dy(); count(m,
					color.RGBA{255, 255, 255, 255}) == all {
					t.Errorf("%s: blank", test.name)
				}
			case format == "svg":
				vectors := regexp.MustCompile(`href="[^"]*"`).ReplaceAll(buf.Bytes(), nil)
				if bytes.Contains(vectors, []byte("NaN")) ||
					bytes.Contains(vectors, []byte("Inf")) {
					t.Errorf("%s: NaN or Inf in the SVG file", test.name)
				}
			}
			if dir := os.Getenv("FIGURES"); dir != "" && format == "png" && err == nil {
				os.WriteFile(filepath.Join(dir,
					"degenerate-"+strings.ReplaceAll(test.name, " ",
						"-")+".png"), buf.Bytes(), 0o666)
			}
		}
	}
}
