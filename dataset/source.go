package dataset

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"latent/internal/atomicfile"
	"latent/internal/matrix"
)

// maxWidth bounds the values of a row: a model's first layer has a thousand weights for each.
const maxWidth = 1 << 18

// Source says where rows of a user's own are. Files are told apart by their bytes.
type Source struct {
	// Input is a .npy file of numbers of any type, in two dimensions or more, of which the
	// first counts the rows; an array of a .npz file, FILE.npz:NAME, or FILE.npz where it has
	// one only; a .csv file; an IDX file of bytes; or a folder of PNG and JPEG pictures, those
	// of a class in a folder of its own. n x h x w is n grey images, n x 3 x h x w or
	// n x h x w x 3 colour ones.
	Input string
	// Labels is a file with a label for each row: see the package's comment.
	Labels string
	// LabelColumn is the column of a .csv Input that holds the labels, by the header's name
	// or by number from 1 on.
	LabelColumn string
	// Height and Width are what pictures of a folder are resized to, and in other files what
	// image a row is. 0: pictures have one size, and rows of a matrix are no images.
	Height, Width int
	// Like, if set, is a split whose rows these must be like.
	Like *Split
	// Progress is told how far each file is read. nil is silent.
	Progress func(Progress)
}

// Read reads the rows. classes are the classes' names, where they are known from other rows;
// else nil, and those that occur are returned: whole numbers in their order, texts in the
// alphabet's. An empty label and -1 are Unknown. Errors name the file, and row and column.
func (s Source) Read(ctx context.Context, classes []string) (*Split, []string, error) {
	x, labels, err := s.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	if classes == nil {
		classes = classesOf(labels)
	}
	if err := s.number(x, labels, classes); err != nil {
		return nil, nil, err
	}
	return x, classes, nil
}

// number gives the rows their classes.
func (s Source) number(x *Split, labels, classes []string) (err error) {
	if len(classes) > maxClasses {
		err = fmt.Errorf("more than %d different labels", maxClasses)
	} else if labels != nil {
		x.Labels, err = number(labels, classes)
	}
	if err != nil {
		path := s.Input
		if s.Labels != "" {
			path = s.Labels
		}
		return fmt.Errorf("dataset: labels %s: %w", path, err)
	}
	return nil
}

// read reads the rows and their labels as texts, nil without any.
func (s Source) read(ctx context.Context) (x *Split, labels []string, err error) {
	if s.Labels != "" && s.LabelColumn != "" {
		return nil, nil, fmt.Errorf("dataset: labels are in the column %s, or in %s: name one "+
			"of them", s.LabelColumn, s.Labels)
	}
	info, err := os.Stat(s.Input)
	if err == nil && info.IsDir() {
		x, labels, err = s.readFolder(ctx)
	} else {
		x, labels, err = s.readFile(ctx)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("dataset: read %w", err)
	}
	if s.Labels != "" {
		if labels != nil {
			return nil, nil, fmt.Errorf("dataset: read %s: its folders are its classes already, "+
				"beside the labels %s", s.Input, s.Labels)
		}
		labels, err = readLabels(ctx, s.Labels, x.N, s.Progress)
	}
	return x, labels, err
}

// readFile reads a file of rows; its errors begin with its name.
func (s Source) readFile(ctx context.Context) (*Split, []string, error) {
	f, err := openFile(ctx, s.Input, s.Progress)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	fail := func(err error) (*Split, []string, error) {
		return nil, nil,
			fmt.Errorf("%s: %w", s.Input, err)
	}
	if s.LabelColumn != "" && f.kind != kindText {
		return fail(fmt.Errorf("a column of labels, %s, is a .csv file's", s.LabelColumn))
	}
	var labels []string
	var array matrix.Array
	switch f.kind {
	case kindNPY:
		array, err = matrix.DecodeArray(f, f.size)
	case kindNPZ:
		var a *matrix.Archive
		var name string
		if a, name, err = f.archive(); err == nil {
			array, err = a.Array(name)
		}
	case kindIDX:
		var x *IDX
		if x, err = decodeIDX(f, f.size, f.most()); err == nil {
			array = matrix.Array{Shape: x.Dims, Bytes: x.Data}
		}
	default:
		var t matrix.Table
		if t, err = matrix.DecodeCSV(f, f.size, s.LabelColumn); err == nil {
			array, labels = matrix.Array{Shape: []int{t.Rows, t.Cols}, Floats: t.Data}, t.Labels
		}
	}
	if err != nil {
		return fail(err)
	}
	x, err := s.split(array)
	if err != nil {
		return fail(err)
	}
	return x, labels, nil
}

// split makes rows of an array.
func (s Source) split(a matrix.Array) (*Split, error) {
	if len(a.Shape) < 2 {
		return nil, fmt.Errorf("%d numbers in one dimension, want rows in two or more", a.Shape[0])
	}
	x := &Split{Images: a.Bytes, Features: a.Floats, N: a.Shape[0], Cols: a.Width()}
	switch d := a.Shape; {
	case len(d) == 3:
		x.Rows, x.Cols, x.Channels = d[1], d[2], 1
	case len(d) == 4 && (d[1] == 1 || d[1] == 3):
		x.Channels, x.Rows, x.Cols = d[1], d[2], d[3]
	case len(d) == 4 && (d[3] == 1 || d[3] == 3):
		x.Rows, x.Cols, x.Channels = d[1], d[2], d[3]
		planes(x.Images, d[1]*d[2], d[3])
		planes(x.Features, d[1]*d[2], d[3])
	}
	width := x.Width()
	if width > maxWidth {
		return nil, fmt.Errorf("%d columns, want at most %d", width, maxWidth)
	}
	if s.Height > 0 {
		channels := width / (s.Height * s.Width)
		if channels*s.Height*s.Width != width || channels != 1 && channels != 3 {
			return nil, fmt.Errorf("rows of %d values are no images of %d x %d", width, s.Height,
				s.Width)
		}
		x.Rows, x.Cols, x.Channels = s.Height, s.Width, channels
	}
	if l := s.Like; l != nil {
		if l.Width() != width {
			return nil, fmt.Errorf("%d columns, want %d", width, l.Width())
		}
		x.Rows, x.Cols, x.Channels = l.Rows, l.Cols, l.Channels
	}
	return x, nil
}

// planes turns images of n pixels, each with its channels side by side, into one plane after
// the other, in place.
func planes[T byte | float32](x []T, n, channels int) {
	if channels == 1 {
		return
	}
	image := make([]T, n*channels)
	for ; len(x) > 0; x = x[len(image):] {
		copy(image, x)
		for i, v := range image {
			x[i%channels*n+i/channels] = v
		}
	}
}

// What a file is.
const (
	kindText = iota
	kindNPY
	kindNPZ
	kindIDX
)

// file is an open file that tells its progress.
type file struct {
	ctx      context.Context
	f        *os.File
	b        *bufio.Reader
	path     string // without an archive's array
	array    string
	kind     int
	gzipped  bool
	size     int64
	done     int64
	shown    int64
	progress func(Progress)
}

// openFile opens FILE or FILE.npz:NAME and finds out what it is.
func openFile(ctx context.Context, path string, progress func(Progress)) (*file, error) {
	f := &file{ctx: ctx, path: path, progress: progress}
	if i := strings.LastIndex(strings.ToLower(path), ".npz:"); i >= 0 {
		f.path, f.array = path[:i+4], path[i+5:]
	}
	var err error
	if f.f, f.size, err = atomicfile.Open(f.path); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	f.b = bufio.NewReaderSize(counter{f}, 1<<16)
	head, err := f.b.Peek(512)
	switch {
	case ctx.Err() != nil:
		f.Close()
		return nil, ctx.Err()
	case err != nil && err != io.EOF:
		f.Close()
		return nil, fmt.Errorf("%s: %w", f.path, err)
	case len(head) == 0:
		f.Close()
		return nil, fmt.Errorf("%s: the file is empty", f.path)
	}
	switch f.gzipped = isGzip(head); {
	case bytes.HasPrefix(head, []byte("\x93NUMPY")):
		f.kind = kindNPY
	case bytes.HasPrefix(head, []byte("PK")):
		f.kind = kindNPZ
	case bytes.HasPrefix(head, []byte{0, 0}) || f.gzipped:
		f.kind = kindIDX
	case bytes.IndexByte(head, 0) >= 0:
		f.Close()
		return nil, fmt.Errorf("%s: neither .npy, .npz, IDX nor a text", f.path)
	}
	if f.array != "" && f.kind != kindNPZ {
		f.Close()
		return nil, fmt.Errorf("%s: not a .npz file", f.path)
	}
	return f, nil
}

func (f *file) Close() error { return f.f.Close() }

// Read implements io.Reader.
func (f *file) Read(b []byte) (int, error) { return f.b.Read(b) }

// most bounds what is unpacked.
func (f *file) most() int64 {
	if f.gzipped {
		return maxUnpacked
	}
	return f.size
}

// archive opens a .npz file and returns the name of the array that is asked for.
func (f *file) archive() (*matrix.Archive, string, error) {
	a, err := matrix.OpenArchive(counter{f}, f.size)
	if errors.Is(err, zip.ErrFormat) {
		return nil, "", errors.New("not a .npz file, or truncated")
	}
	if err != nil {
		return nil, "", err
	}
	names := a.Names()
	switch {
	case f.array != "" && !a.Has(f.array):
		return nil, "", fmt.Errorf("no array is called %s; there are %s", f.array, some10(names))
	case f.array != "":
		return a, f.array, nil
	case len(names) == 0:
		return nil, "", errors.New("no array in it")
	case len(names) > 1:
		return nil, "", fmt.Errorf("several arrays in it, %s: name one, as in %s:%s",
			some10(names), f.path, names[0])
	}
	return a, names[0], nil
}

// counter reads a file, tells its progress and ends when its context does.
type counter struct{ f *file }

func (c counter) Read(b []byte) (int, error) {
	n, err := c.f.f.Read(b)
	return c.told(n, err)
}

func (c counter) ReadAt(b []byte, at int64) (int, error) {
	n, err := c.f.f.ReadAt(b, at)
	return c.told(n, err)
}

func (c counter) told(n int, err error) (int, error) {
	if ended := c.f.ctx.Err(); ended != nil {
		return 0, ended
	}
	c.f.done += int64(n)
	if c.f.progress != nil && c.f.done-c.f.shown >= 1<<20 {
		c.f.shown = c.f.done
		c.f.progress(Progress{File: c.f.path, Done: min(c.f.done, c.f.size), Total: c.f.size})
	}
	return n, err
}
