// Command animation draws README's picture: t-SNE maps of every sixth training image of MNIST
// as they form, pixels on the left, a trained model's latents on the right. make animation
// calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"io"
	"log"
	"math"
	"slices"
	"time"

	"latent/dataset"
	"latent/internal/atomicfile"
	"latent/internal/figure"
	"latent/internal/matrix"
	"latent/tsne"
)

const (
	frames = 36
	side   = 480 // pixels of a map
	margin = 14
)

func main() {
	log.SetFlags(0)
	data := flag.String("data", "data", "folder of the datasets")
	latents := flag.String("latents", "", "latents of all training images, .npy")
	out := flag.String("out", "docs/tsne.png", "where the picture goes")
	every := flag.Int("every", 6, "embed every k-th image")
	flag.Parse()
	if err := draw(*data, *latents, *out, *every); err != nil {
		log.Fatal("animation: ", err)
	}
}

func draw(data, latents, out string, every int) error {
	d, err := dataset.Open(data, "mnist")
	if err != nil {
		return err
	}
	z, err := matrix.ReadFile(latents)
	if err != nil {
		return err
	}
	pixels := matrix.Matrix{Data: d.Train.Floats(), Rows: d.Train.N,
		Cols: d.Train.Rows * d.Train.Cols}
	if z.Rows != pixels.Rows {
		return fmt.Errorf("%s has %d rows, not one for each of the %d training images", latents,
			z.Rows, pixels.Rows)
	}
	labels := matrix.Every(d.Train.Labels, 1, every)
	var panels [2][][]float32
	for i, x := range []matrix.Matrix{pixels, z} {
		if panels[i], err = forming(x.Every(every)); err != nil {
			return err
		}
	}
	list := make([]figure.Frame, frames)
	for k := range list {
		m := image.NewPaletted(image.Rect(0, 0, 2*side, side), palette())
		for i, p := range panels {
			dots(m, i*side, p[k], labels)
		}
		list[k] = figure.Frame{Image: m, Stays: 70 * time.Millisecond}
	}
	list[0].Stays, list[frames-1].Stays = 600*time.Millisecond, 3*time.Second
	return atomicfile.Write(out, func(w io.Writer) error { return figure.Animate(w, list) })
}

// forming are positions from the map's start to its end, between which points move about as
// far, each in the square [-1, 1]^2.
func forming(x matrix.Matrix) ([][]float32, error) {
	var all [][]float32
	o := tsne.DefaultOptions()
	o.Seed, o.CallbackEvery = 3, 1
	o.Callback = func(_ int, _ float64, y []float32) bool {
		all = append(all, square(y))
		return false
	}
	e, err := tsne.Fit(context.Background(), x.Data, x.Rows, o)
	if err != nil {
		return nil, err
	}
	all = append(all, square(e.Y))
	way := make([]float64, len(all))
	for i := 1; i < len(all); i++ {
		sum := 0.0
		for k, v := range all[i] {
			sum += math.Pow(float64(v-all[i-1][k]), 2)
		}
		way[i] = way[i-1] + math.Sqrt(sum/float64(len(all[i])))
	}
	list := make([][]float32, 0, frames)
	for i := 0; len(list) < frames; {
		for i < len(all)-1 && way[i] < way[len(all)-1]*float64(len(list))/(frames-1) {
			i++
		}
		list = append(list, all[i])
	}
	list[frames-1] = all[len(all)-1]
	return list, nil
}

// square puts a map into [-1, 1]^2, both axes by the same factor, but for the few points that
// lie far outside while it forms.
func square(y []float32) []float32 {
	var lo, hi [2]float32
	for axis := range 2 {
		values := make([]float32, 0, len(y)/2)
		for i := axis; i < len(y); i += 2 {
			values = append(values, y[i])
		}
		slices.Sort(values)
		lo[axis], hi[axis] = values[len(values)/500], values[len(values)-1-len(values)/500]
	}
	half := 1.06 * max(hi[0]-lo[0], hi[1]-lo[1]) / 2
	out := make([]float32, len(y))
	for i, v := range y {
		out[i] = (v - (lo[i%2]+hi[i%2])/2) / half
	}
	return out
}

// palette is white and the explorer's ten colours (Petroff 2021).
func palette() color.Palette {
	p := color.Palette{color.White}
	for _, v := range []uint32{0x3f90da, 0xffa90e, 0xbd1f01, 0x94a4a2, 0x832db6, 0xa96b59,
		0xe76300, 0xb9ac70, 0x717581, 0x92dadd} {
		p = append(p, color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255})
	}
	return p
}

// dots draws points of 2 x 2 pixels.
func dots(m *image.Paletted, left int, y []float32, labels []int) {
	at := func(v float32) int { return side/2 + int(math.Round(float64(v)*(side/2-margin))) }
	for i, label := range labels {
		u, v := at(y[2*i]), at(-y[2*i+1])
		if u < 0 || v < 0 || u > side-2 || v > side-2 {
			continue
		}
		for k := range 4 {
			m.SetColorIndex(left+u+k%2, v+k/2, uint8(1+label))
		}
	}
}
