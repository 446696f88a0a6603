package report

import (
	"errors"
	"fmt"
	"math"
)

const (
	// MaxInside is the most points whose data is inside the page.
	MaxInside = 100_000
	// MaxGroups is the most classes, and values of a column of categories.
	MaxGroups = 255

	maxPictures = 128 << 20 // bytes of pixels inside a page
	maxSpaces   = 32
	maxColumns  = 64
)

// Explorer is the data behind the interactive map of N points.
type Explorer struct {
	N      int
	Spaces []Space // 1 to 32 maps of the same points
	// Labels are the points' classes, N indices into Classes, or nil. Classes are at most
	// MaxGroups names.
	Labels  []int
	Classes []string
	// Columns are further values of the points, to be shown and to colour by.
	Columns  []Column
	Pictures *Pictures // nil: none
	// Neighbors are each point's nearest rows in the space that was embedded, N x K
	// row-major, nearest first. nil: not known; then K is 0.
	Neighbors []int32
	K         int
	// Row is what a point is: "Training image", or "Row" where it is empty. Points are
	// counted from 0; Stride says that point i is number i*Stride. 0 counts as 1.
	Row    string
	Stride int
	// SideBySide shows all maps at once from the start; a button of the page does as well.
	SideBySide bool
	// Note is shown in front of the explorer, behind the number of points; it may be empty.
	Note string
}

// Space is one map of the explorer's points.
type Space struct {
	Name      string    // "original", ...
	Title     string    // on its button; empty: the name with a capital letter
	Embedding []float32 // N x 2, row-major, finite
	KL        float64   // Kullback-Leibler divergence at the end of t-SNE; NaN: not known
	Predicted []int     // N; class that is predicted for each point in this space, or nil
}

// Column is one value of each point. One of Numbers, Categories and Texts is not nil and
// has N entries.
type Column struct {
	Name       string
	Numbers    []float32 // NaN where there is none
	Categories []int     // indices into Names, which are at most MaxGroups
	Names      []string
	Texts      []string
}

// Pictures are one image per point, all of one size.
type Pictures struct {
	Height, Width int // pixels, 1 to 256
	Channels      int // 1: grey, 3: RGB
	// Pixels are N x Height x Width x Channels values, row-major; 0 is black.
	Pixels []byte
}

func (p *Pictures) size() int { return p.Height * p.Width * p.Channels }

// beside says whether the data goes beside the page.
func (e *Explorer) beside() bool {
	return e.N > MaxInside || (e.Pictures != nil && len(e.Pictures.Pixels) > maxPictures)
}

func (e *Explorer) validate() error {
	switch {
	case e.N < 1:
		return fmt.Errorf("field N is %d, want at least 1", e.N)
	case len(e.Spaces) < 1 || len(e.Spaces) > maxSpaces:
		return fmt.Errorf("%d spaces, want 1 to %d", len(e.Spaces), maxSpaces)
	case len(e.Columns) > maxColumns:
		return fmt.Errorf("%d columns, want at most %d", len(e.Columns), maxColumns)
	case e.Stride < 0:
		return fmt.Errorf("field Stride is %d, want 0 or more", e.Stride)
	}
	if err := checkGroups("Classes", e.Classes); err != nil {
		return err
	}
	if e.Labels != nil {
		if err := checkIndices("Labels", e.Labels, e.N, len(e.Classes)); err != nil {
			return err
		}
	}
	if p := e.Pictures; p != nil {
		if min(p.Height, p.Width) < 1 || max(p.Height, p.Width) > 256 ||
			(p.Channels != 1 && p.Channels != 3) {
			return fmt.Errorf("field Pictures: %d x %d pixels of %d values, want 1 to 256 each "+
				"way and 1 or 3 values",
				p.Height, p.Width, p.Channels)
		}
		if want := e.N * p.size(); len(p.Pixels) != want {
			return fmt.Errorf("field Pictures: Pixels has %d bytes, want %d (%d x %d x %d x %d)",
				len(p.Pixels), want, e.N, p.Height, p.Width, p.Channels)
		}
	}
	if len(e.Neighbors) != e.N*e.K {
		return fmt.Errorf("field Neighbors has %d entries, want %d (%d x %d)", len(e.Neighbors),
			e.N*e.K, e.N, e.K)
	}
	for i, j := range e.Neighbors {
		if j < 0 || int(j) >= e.N {
			return fmt.Errorf("field Neighbors[%d] is %d, want 0 to %d", i, j, e.N-1)
		}
	}
	for i, s := range e.Spaces {
		if err := s.validate(e); err != nil {
			return fmt.Errorf("field Spaces[%d] (%s): %w", i, s.Name, err)
		}
	}
	for i, c := range e.Columns {
		if err := c.validate(e.N); err != nil {
			return fmt.Errorf("field Columns[%d] (%s): %w", i, c.Name, err)
		}
	}
	return nil
}

func (s Space) validate(e *Explorer) error {
	if len(s.Embedding) != 2*e.N {
		return fmt.Errorf("field Embedding has %d values, want %d (%d x 2)", len(s.Embedding),
			2*e.N, e.N)
	}
	for j, v := range s.Embedding {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("field Embedding of point %d holds %v", j/2, v)
		}
	}
	if !nonNegative(s.KL) && !math.IsNaN(s.KL) {
		return fmt.Errorf("KL is %v, want a finite value, 0 or more, or NaN", s.KL)
	}
	if s.Predicted == nil {
		return nil
	}
	return checkIndices("Predicted", s.Predicted, e.N, len(e.Classes))
}

func (c Column) validate(n int) error {
	kinds := 0
	for _, has := range []bool{c.Numbers != nil, c.Categories != nil, c.Texts != nil} {
		if has {
			kinds++
		}
	}
	if length := len(c.Numbers) + len(c.Categories) + len(c.Texts); kinds != 1 || length != n {
		return fmt.Errorf("%d values of %d kinds, want %d of one kind", length, kinds, n)
	}
	for i, v := range c.Numbers {
		if math.IsInf(float64(v), 0) {
			return fmt.Errorf("field Numbers[%d] is %v", i, v)
		}
	}
	if c.Categories == nil {
		return nil
	}
	if err := checkGroups("Names", c.Names); err != nil {
		return err
	}
	return checkIndices("Categories", c.Categories, n, len(c.Names))
}

func checkGroups(name string, groups []string) error {
	if len(groups) > MaxGroups {
		return fmt.Errorf("%s: %d of them, want at most %d", name, len(groups), MaxGroups)
	}
	return nil
}

func checkIndices(name string, indices []int, n, groups int) error {
	if len(indices) != n {
		return fmt.Errorf("%s has %d entries, want %d", name, len(indices), n)
	}
	if groups == 0 {
		return errors.New(name + " without names")
	}
	for i, c := range indices {
		if c < 0 || c >= groups {
			return fmt.Errorf("%s[%d] is %d, want 0 to %d", name, i, c, groups-1)
		}
	}
	return nil
}
