//go:build linux && cgo

package notebook

import (
	"errors"

	"latent/dataset"
	"latent/internal/matrix"
	"latent/internal/report"
)

// What the rows of a data set are shown as: those of a user's own may be no images, have no
// labels or not all, and values of any range.

// own says what a user's own rows are, "" for a named dataset: part of the options of the
// stages that depend on them.
func (b *book) own() string {
	if b.o.Input == "" {
		return ""
	}
	return b.data.Form.SHA256 + " " + b.data.Form.Scaler.Kind
}

// hasLabels reports whether there are labels.
func (b *book) hasLabels() bool { return b.o.Input == "" || b.data.Labelled() }

// images reports whether rows are images.
func (b *book) images() bool { return b.o.Input == "" || b.data.Train.IsImage() }

// unlabelled is the name of the class of rows whose class is not known.
const unlabelled = "unlabelled"

// classes are the names of the classes that labels has.
func (b *book) classes() []string {
	names := b.data.Classes
	for _, l := range b.data.Train.Labels {
		if l == dataset.Unknown {
			return append(names[:len(names):len(names)], unlabelled)
		}
	}
	if b.data.Train.Labels == nil {
		return []string{unlabelled}
	}
	return names
}

// labels are those of the embedded rows, numbers in classes.
func (b *book) labels() []int {
	known := matrix.Every(b.data.Train.Labels, 1, b.o.Every)
	if b.data.Train.Labels == nil {
		return make([]int, (b.data.Train.N+b.o.Every-1)/b.o.Every)
	}
	shown := make([]int, len(known))
	for i, l := range known {
		if shown[i] = l; l == dataset.Unknown {
			shown[i] = len(b.data.Classes)
		}
	}
	return shown
}

// savedLabels are those of the embedded rows, dataset.Unknown where they are not known.
func (b *book) savedLabels() []int {
	if b.data.Train.Labels != nil {
		return matrix.Every(b.data.Train.Labels, 1, b.o.Every)
	}
	labels := b.labels()
	for i := range labels {
		labels[i] = dataset.Unknown
	}
	return labels
}

// show turns scaled rows back into pixels from 0 to 1, the mean of an image's channels: like
// says what they are, and what range they have.
func (d *drawing) show(x []float32, like *dataset.Split) []float32 {
	form := d.data.Form
	if form == nil {
		return x
	}
	x = form.Scaler.Undo(x, like.Width())
	low, high := float32(0), float32(255)
	if like.Images == nil {
		low, high = limits(form.Scaler.Undo(like.Features, like.Width()))
	}
	channels, size := max(1, like.Channels), like.Rows*like.Cols
	grey := make([]float32, len(x)/channels)
	for i := range grey {
		sum := float32(0)
		for c := range channels {
			sum += x[i/size*size*channels+c*size+i%size]
		}
		grey[i] = (sum/float32(channels) - low) / (high - low)
	}
	return grey
}

// limits are the least and the greatest of some numbers, apart.
func limits(x []float32) (low, high float32) {
	low, high = x[0], x[0]
	for _, v := range x {
		low, high = min(low, v), max(high, v)
	}
	if low == high {
		high++
	}
	return low, high
}

// pictures are the embedded rows as pictures; nil where they are none.
func (b *book) pictures() *report.Pictures {
	s := b.data.Train
	if !b.images() {
		return nil
	}
	p := &report.Pictures{Height: s.Rows, Width: s.Cols, Channels: max(1, s.Channels)}
	if s.Images != nil {
		p.Pixels = matrix.Every(s.Images, s.Width(), b.o.Every)
	} else {
		x := b.data.Form.Scaler.Undo(matrix.Every(s.Features, s.Width(), b.o.Every), s.Width())
		low, high := limits(x)
		p.Pixels = make([]byte, len(x))
		for i, v := range x {
			p.Pixels[i] = byte(255 * (v - low) / (high - low))
		}
	}
	if p.Channels == 3 { // from planes to pixels
		size := s.Rows * s.Cols
		pixels := make([]byte, len(p.Pixels))
		for i, v := range p.Pixels {
			image, c, at := i/(3*size), i/size%3, i%size
			pixels[image*3*size+3*at+c] = v
		}
		p.Pixels = pixels
	}
	return p
}

// openOwn reads a user's own rows, on which the stages depend, and says whether the notebook
// can be run on them.
func (b *book) openOwn() error {
	if err := b.o.Config.Check(b.data); err != nil {
		return err
	}
	if (b.data.Train.N+b.o.Every-1)/b.o.Every < 5 {
		return errors.New("fewer than five rows to embed: --every 1 takes all")
	}
	return nil
}
