//go:build linux && cgo

package contrastive

import (
	"fmt"
	"math"

	"latent/torch"
)

// Augmentation says how far images may be changed. Each number is the largest
// change in either direction, drawn uniformly; 0 is none. Lengths are in units of
// half the image's side, as affine_grid has them.
type Augmentation struct {
	Rotation float64 // radians
	Scale    float64 // share of the size, below 1
	Shear    float64 // x moved per y
	Shift    float64 // along x and along y
	Elastic  float64 // of the points of a 4 x 4 grid, between which displacements are interpolated
}

// DefaultAugmentation: 0.35 radians, scale and shear 0.2, shift 0.15, elastic 0.2.
func DefaultAugmentation() Augmentation {
	return Augmentation{Rotation: 0.35, Scale: 0.2, Shear: 0.2, Shift: 0.15, Elastic: 0.2}
}

// Validate names the first range that makes no sense.
func (a Augmentation) Validate() error {
	for _, r := range []struct {
		name       string
		value, top float64
	}{
		{"rotation", a.Rotation, math.Pi}, {"scale", a.Scale, 0.99}, {"shear", a.Shear,
			10}, {"shift", a.Shift, 2}, {"elastic", a.Elastic, 2},
	} {
		if !(r.value >= 0 && r.value <= r.top) {
			return fmt.Errorf("contrastive: augmentation: %s must be from 0 to %.4g, got %g",
				r.name, r.top, r.value)
		}
	}
	return nil
}

const (
	knots = 4                 // a side of the elastic grid
	draws = 5 + 2*knots*knots // uniform numbers per image, whatever the ranges are
)

// Image is the form of the images: a row is their channels one after the other, each
// Height x Width pixels. The zero Image is grey and square.
type Image struct{ Channels, Height, Width int }

// of is the form of rows with so many pixels.
func (m Image) of(pixels int) Image {
	if m == (Image{}) {
		side := int(math.Round(math.Sqrt(float64(pixels))))
		return Image{1, side, side}
	}
	return m
}

// Apply returns changed copies of square grey images (n x side^2), bilinearly
// interpolated, 0 outside. It draws torch.rand(n, 37) from the default generator,
// a row an image: angle, scale, shear, shift along x and y, then 4 x 4
// displacements along x and as many along y.
func (a Augmentation) Apply(s *torch.Scope, images *torch.Tensor) *torch.Tensor {
	return a.ApplyTo(s, images, Image{})
}

// ApplyTo is Apply to images of another form. All channels of an image move alike.
func (a Augmentation) ApplyTo(s *torch.Scope, images *torch.Tensor, form Image) *torch.Tensor {
	shape := images.Shape()
	return a.apply(images, s.Uniform(images, 0, 1, shape[0], draws), form.of(shape[1]))
}

// apply maps output to input pixels by k R(angle) [[1, shear], [0, 1]] and the
// shift, plus the elastic displacement; u (n x 37) is uniform in [0, 1).
func (a Augmentation) apply(images, u *torch.Tensor, form Image) *torch.Tensor {
	n, height, width := images.Shape()[0], form.Height, form.Width
	u = u.Scale(2, -1)
	draw := func(i int) *torch.Tensor { return u.Slice(1, i, i+1) }

	angle, scale, shear := draw(0).Scale(a.Rotation, 0), draw(1).Scale(a.Scale, 1),
		draw(2).Scale(a.Shear, 0)
	cos, sin := angle.Cos().Mul(scale), angle.Sin().Mul(scale)
	theta := torch.Cat(1,
		cos, cos.Mul(shear).Sub(sin), draw(3).Scale(a.Shift, 0),
		sin, sin.Mul(shear).Add(cos), draw(4).Scale(a.Shift, 0))
	grid := torch.AffineGrid(theta.Reshape(n, 2, 3), n, height, width)
	if a.Elastic > 0 {
		grid = grid.Add(u.Slice(1, 5, draws).MatMul(a.surfaces(u, height, width)).Reshape(n,
			height, width, 2))
	}
	pixels := form.Channels * height * width
	return torch.GridSample(images.Reshape(n, form.Channels, height, width), grid).Reshape(n,
		pixels)
}

// surfaces is the elastic part as a matrix, 2 x 16 knots to height x width x 2
// displacements, since interpolation (bicubic, corners aligned) is linear: made once
// a batch, for each knot alone. It lies where like does.
func (a Augmentation) surfaces(like *torch.Tensor, height, width int) *torch.Tensor {
	size := like.Slice(0, 0, 1).Slice(1, 0, 1).Scale(0, a.Elastic) // 1 x 1
	knot := like.EyeMask(knots*knots).Mul(size).Reshape(knots*knots, 1, knots,
		knots).UpsampleBicubic(height, width)
	axes := like.EyeMask(2).Reshape(2, 1, 1, 2)
	return knot.Reshape(1, knots*knots, height*width, 1).Mul(axes).Reshape(2*knots*knots,
		height*width*2)
}
