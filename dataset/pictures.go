package dataset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // a format of pictures in a folder
	_ "image/png"  // the same
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/draw"

	"latent/internal/atomicfile"
)

// maxPixels bounds a picture that is decoded.
const maxPixels = 1 << 26

// block is how many pictures are decoded side by side before they are put in their places.
const block = 512

// readFolder reads the pictures of a folder and those of each folder in it, which are the
// classes, all in the order of their names. A folder in a class belongs to the class.
func (s Source) readFolder(ctx context.Context) (*Split, []string, error) {
	fail := func(err error) (*Split, []string, error) {
		return nil, nil,
			fmt.Errorf("%s: %w", s.Input, err)
	}
	if s.LabelColumn != "" {
		return fail(fmt.Errorf("a column of labels, %s, is a .csv file's", s.LabelColumn))
	}
	paths, labels, err := pictures(s.Input)
	if err != nil {
		return fail(err)
	}
	p := picked{height: s.Height, width: s.Width}
	if l := s.Like; l != nil {
		if !l.IsImage() {
			return fail(fmt.Errorf("a folder of pictures, want rows of %d numbers", l.Width()))
		}
		p.Split, p.like = Split{Rows: l.Rows, Cols: l.Cols, Channels: max(1, l.Channels)}, true
	}
	decoded := make([]image.Image, block)
	failed := make([]error, block)
	for at := 0; at < len(paths); at += block {
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		some := paths[at:min(at+block, len(paths))]
		p.decode(some, decoded, failed)
		for i, path := range some {
			err := failed[i]
			if err == nil {
				err = p.add(decoded[i], len(paths))
			}
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", path, err)
			}
		}
		if s.Progress != nil {
			s.Progress(Progress{File: s.Input, Done: int64(at + len(some)),
				Total: int64(len(paths))})
		}
	}
	return &p.Split, labels, nil
}

// pictures lists the pictures of a folder with the name of the folder in it where they are,
// "" for those in none; labels are nil where all are in none.
func pictures(dir string) (paths, labels []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	classes := false
	add := func(list []string, class string) {
		for _, path := range list {
			paths, labels = append(paths, path), append(labels, class)
		}
		classes = classes || class != "" && len(list) > 0
	}
	own, folders, err := sorted(dir, entries)
	if err != nil {
		return nil, nil, err
	}
	add(own, "")
	for _, folder := range folders {
		list, err := below(folder)
		if err != nil {
			return nil, nil, err
		}
		add(list, filepath.Base(folder))
	}
	switch {
	case len(paths) == 0:
		return nil, nil, errors.New("no PNG or JPEG pictures in the folder, nor in the folders " +
			"in it")
	case !classes:
		labels = nil
	}
	return paths, labels, nil
}

// below lists the pictures of a folder and of all folders in it, folder by folder, in the
// order of torchvision's ImageFolder.
func below(dir string) (paths []string, err error) {
	folders := []string{dir}
	var lists [][]string
	for i := 0; i < len(folders); i++ {
		entries, err := os.ReadDir(folders[i])
		if err != nil {
			return nil, err
		}
		own, more, err := sorted(folders[i], entries)
		if err != nil {
			return nil, err
		}
		if folders = append(folders, more...); len(folders) > maxClasses {
			return nil, fmt.Errorf("more than %d folders in %s: does a link lead back?",
				maxClasses, dir)
		}
		lists = append(lists, own)
	}
	order := make([]int, len(folders))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(folders[a], folders[b]) })
	for _, i := range order {
		paths = append(paths, lists[i]...)
	}
	return paths, nil
}

// sorted parts a folder's entries into pictures and folders, links followed, hidden ones
// left out.
func sorted(dir string, entries []fs.DirEntry) (own, folders []string, err error) {
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := os.Stat(path)
			if err != nil {
				return nil, nil, err
			}
			isDir = info.IsDir()
		}
		if isDir {
			folders = append(folders, path)
			continue
		}
		switch strings.ToLower(filepath.Ext(path)) {
		case ".png", ".jpg", ".jpeg":
			own = append(own, path)
		}
	}
	return own, folders, nil
}

// picked are the pictures read so far.
type picked struct {
	Split
	height, width int  // that pictures are made to have; 0: as they are
	like          bool // the size, and the channels, are given
}

// decode decodes pictures on all cores.
func (p *picked) decode(paths []string, decoded []image.Image, failed []error) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(paths); i += workers {
				decoded[i], failed[i] = p.open(paths[i])
			}
		})
	}
	wg.Wait()
}

// open decodes a picture, and resizes it where that is asked for.
func (p *picked) open(path string) (image.Image, error) {
	f, _, err := atomicfile.Open(path)
	if err != nil {
		var named *fs.PathError
		if errors.As(err, &named) {
			err = named.Err
		}
		return nil, err
	}
	defer f.Close()
	b := bufio.NewReader(f)
	c, _, err := image.DecodeConfig(b)
	if err != nil {
		return nil, fmt.Errorf("cannot be decoded: %w", err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxPixels/c.Height {
		return nil, fmt.Errorf("%d x %d pixels are too many", c.Height, c.Width)
	}
	if p.height == 0 && p.Rows > 0 { // before it is decoded
		if err := p.size(c.Height, c.Width); err != nil {
			return nil, err
		}
	}
	if _, err := f.Seek(0, 0); err != nil {
		return nil, err
	}
	b.Reset(f)
	m, _, err := image.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("cannot be decoded: %w", err)
	}
	if ycc, ok := m.(*image.YCbCr); ok { // a JPEG's; pixel by pixel it is slow
		rgba := image.NewRGBA(ycc.Bounds())
		draw.Draw(rgba, rgba.Bounds(), ycc, ycc.Bounds().Min, draw.Src)
		m = rgba
	}
	if p.height > 0 && (m.Bounds().Dy() != p.height || m.Bounds().Dx() != p.width) {
		m = resize(m, p.height, p.width)
	}
	return m, nil
}

// size says whether a picture has the others' size.
func (p *picked) size(height, width int) error {
	if height != p.Rows || width != p.Cols {
		return fmt.Errorf("%d x %d pixels (height x width), the others have %d x %d; an image "+
			"size, %dx%d, resizes all",
			height, width, p.Rows, p.Cols, p.Rows, p.Cols)
	}
	return nil
}

// resize is torchvision's Resize but for rounding: bilinear, and the mean of what a pixel
// covers where it covers several.
func resize(m image.Image, height, width int) image.Image {
	to := image.Rect(0, 0, width, height)
	var made draw.Image = image.NewNRGBA(to)
	if grey(m) {
		made = image.NewGray(to)
	}
	draw.BiLinear.Scale(made, to, m, m.Bounds(), draw.Src, nil)
	return made
}

// grey reports whether a picture's format has no colours.
func grey(m image.Image) bool {
	switch m := m.(type) {
	case *image.Gray, *image.Gray16:
		return true
	case *image.Paletted:
		return !slices.ContainsFunc(m.Palette, func(c color.Color) bool {
			n := color.NRGBAModel.Convert(c).(color.NRGBA)
			return n.R != n.G || n.G != n.B
		})
	}
	return false
}

// add puts a picture, one of n, below the others. With the first in colour all have colours.
func (p *picked) add(m image.Image, n int) error {
	b := m.Bounds()
	if p.Rows == 0 {
		p.Rows, p.Cols, p.Channels = b.Dy(), b.Dx(), 1
	}
	if err := p.size(b.Dy(), b.Dx()); err != nil {
		return err
	}
	if p.Channels == 1 && !grey(m) {
		if p.like {
			return errors.New("a picture in colour, the others are grey")
		}
		p.colour(n)
	}
	if p.Width() > maxWidth {
		return fmt.Errorf("%d x %d pixels in %d channels are %d values, want at most %d: an "+
			"image size, such as 64x64, resizes all",
			p.Rows, p.Cols, p.Channels, p.Width(), maxWidth)
	}
	if p.Images == nil {
		p.Images = make([]byte, 0, n*p.Width())
	}
	p.N++
	p.Images = append(p.Images, make([]byte, p.Width())...)
	p.fill(p.Images[(p.N-1)*p.Width():], m)
	return nil
}

// colour gives all pictures so far three equal channels.
func (p *picked) colour(n int) {
	grey, size := p.Images, p.Rows*p.Cols
	p.Channels = 3
	p.Images = make([]byte, 0, n*3*size)
	for ; len(grey) > 0; grey = grey[size:] {
		for range 3 {
			p.Images = append(p.Images, grey[:size]...)
		}
	}
}

// fill writes a picture's pixels, plane by plane; what is transparent keeps its colour, as in
// PIL's convert("RGB").
func (p *picked) fill(to []byte, m image.Image) {
	b, size := m.Bounds(), p.Rows*p.Cols
	for y := range p.Rows {
		for x := range p.Cols {
			var c color.NRGBA
			switch m := m.(type) {
			case *image.Gray:
				v := m.Pix[y*m.Stride+x]
				c = color.NRGBA{v, v, v, 255}
			case *image.NRGBA:
				v := m.Pix[y*m.Stride+4*x:]
				c = color.NRGBA{v[0], v[1], v[2], 255}
			case *image.RGBA: // of a PNG without transparency
				v := m.Pix[y*m.Stride+4*x:]
				c = color.NRGBA{v[0], v[1], v[2], v[3]}
				if c.A != 255 {
					c = color.NRGBAModel.Convert(m.RGBAAt(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
				}
			default:
				c = color.NRGBAModel.Convert(m.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			}
			at := y*p.Cols + x
			if to[at] = c.R; p.Channels == 3 {
				to[size+at], to[2*size+at] = c.G, c.B
			}
		}
	}
}
