package dataset

// Unknown is the label of a row whose class is not known.
const Unknown = -1

// Split is one half of a data set, n rows of one width: bytes, or numbers of float32. It is
// safe for concurrent reading.
type Split struct {
	Images   []byte    // N x Width bytes, row-major, 0 to 255; nil where rows are no bytes
	Features []float32 // N x Width numbers, row-major; nil: the rows are byte / 255
	Labels   []int     // N classes from 0 on, or Unknown; nil without any label
	N        int       // number of rows

	// Size of an image in pixels. A row that is no image has Rows 0 and as many Cols as
	// numbers. Channels is 3 for colour, whose planes follow one another as PyTorch flattens
	// them, and 1 or 0 for grey.
	Rows, Cols, Channels int
}

// IsImage reports whether rows are images.
func (s *Split) IsImage() bool { return s.Rows > 0 }

// Width is the number of values in a row.
func (s *Split) Width() int {
	if !s.IsImage() {
		return s.Cols
	}
	return s.Rows * s.Cols * max(1, s.Channels)
}

// Floats returns the rows as an N x Width row-major matrix: Features where there are any,
// not copied, else bytes as 0 to 1, float32(b)/255, bit for bit what torchvision's ToTensor
// gives.
func (s *Split) Floats() []float32 {
	if s.Features != nil {
		return s.Features
	}
	var scaled [256]float32
	for b := range scaled {
		scaled[b] = float32(b) / 255
	}
	x := make([]float32, len(s.Images))
	for i, b := range s.Images {
		x[i] = scaled[b]
	}
	return x
}

// First returns the first n rows with their labels, all of them where there are no
// more. They share s's memory.
func (s *Split) First(n int) *Split {
	n = max(0, min(n, s.N))
	first, w := *s, s.Width()
	first.N = n
	if s.Images != nil {
		first.Images = s.Images[:n*w]
	}
	if s.Features != nil {
		first.Features = s.Features[:n*w]
	}
	if s.Labels != nil {
		first.Labels = s.Labels[:n]
	}
	return &first
}

// take removes the rows that are not listed, in place; rows are ascending.
func (s *Split) take(rows []int) {
	w := s.Width()
	for i, row := range rows {
		if s.Images != nil {
			copy(s.Images[i*w:(i+1)*w], s.Images[row*w:(row+1)*w])
		}
		if s.Features != nil {
			copy(s.Features[i*w:(i+1)*w], s.Features[row*w:(row+1)*w])
		}
		if s.Labels != nil {
			s.Labels[i] = s.Labels[row]
		}
	}
	*s = *s.First(len(rows))
}

// copyOf returns a copy of the listed rows.
func (s *Split) copyOf(rows []int) *Split {
	c, w := *s, s.Width()
	c.Images, c.Features, c.Labels, c.N = nil, nil, nil, len(rows)
	if s.Images != nil {
		c.Images = make([]byte, 0, c.N*w)
	}
	if s.Features != nil {
		c.Features = make([]float32, 0, c.N*w)
	}
	if s.Labels != nil {
		c.Labels = make([]int, 0, c.N)
	}
	for _, row := range rows {
		if s.Images != nil {
			c.Images = append(c.Images, s.Images[row*w:(row+1)*w]...)
		}
		if s.Features != nil {
			c.Features = append(c.Features, s.Features[row*w:(row+1)*w]...)
		}
		if s.Labels != nil {
			c.Labels = append(c.Labels, s.Labels[row])
		}
	}
	return &c
}
