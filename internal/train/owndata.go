package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"latent/dataset"
	"latent/internal/atomicfile"
	"latent/internal/progress"
)

// OwnData says where a user's own rows are, in place of a named dataset; with an empty Input
// all of it is empty.
type OwnData struct {
	Input        string  `json:"input,omitempty"`
	Labels       string  `json:"labels,omitempty"`
	LabelColumn  string  `json:"label_column,omitempty"`
	TestInput    string  `json:"test_input,omitempty"`
	TestLabels   string  `json:"test_labels,omitempty"`
	TestFraction float64 `json:"test_fraction,omitempty"`
	Scale        string  `json:"scale,omitempty"`
	ImageSize    string  `json:"image_size,omitempty"`
}

// defaultTestFraction of the rows are held out where no test rows are named.
const defaultTestFraction = 0.2

// Options are the options of own data. scale is what --scale is by default.
func (o *OwnData) Options(scale string) []Option {
	return []Option{
		{"input", "Input", &o.Input, "",
			"your own rows in place of --dataset: `X`.npy, X.npz:NAME, X.csv, an IDX file, or a " +
				"folder with a folder of PNG or JPEG pictures per class"},
		{"labels", "Labels", &o.Labels, "",
			"classes of the rows of --input: `L`.npy, L.npz:NAME, an IDX file, or a text file " +
				"of one label per line; empty and -1 are unknown"},
		{"label-column", "LabelColumn", &o.LabelColumn, "",
			"`NAME`, or number from 1 on, of the column of --input X.csv that holds the labels"},
		{"test-input", "TestInput", &o.TestInput, "",
			"test rows, a `FILE` or folder like --input"},
		{"test-labels", "TestLabels", &o.TestLabels, "",
			"classes of the rows of --test-input, a `FILE` like --labels"},
		{"test-fraction", "TestFraction", &o.TestFraction,
			strconv.FormatFloat(defaultTestFraction, 'g', -1, 64),
			"share of the rows of --input that is held out to test, the same of each class, " +
				"chosen by --seed"},
		{"scale", "Scale", &o.Scale, scale,
			"how columns are scaled: auto (bytes / 255, else standard), none, unit (to 0..1), " +
				"standard (mean 0, deviation 1), or a number that divides"},
		{"image-size", "ImageSize", &o.ImageSize, "the pictures' own",
			"`HxW` that pictures of a folder are resized to, or the size of the image that a " +
				"row of a matrix is"},
	}
}

// complete fills in the defaults.
func (o *OwnData) complete() {
	if o.Input == "" {
		return
	}
	if o.TestInput == "" && o.TestFraction == 0 {
		o.TestFraction = defaultTestFraction
	}
	if o.Scale == "" {
		o.Scale = dataset.ScaleAuto
	}
}

// Validate names the first value that makes no sense.
func (o OwnData) Validate() error {
	if o.Input == "" {
		if o != (OwnData{}) {
			return errors.New("labels, test rows, scale and image size are for rows of your " +
				"own: name them with --input")
		}
		return nil
	}
	switch {
	case o.Labels != "" && o.LabelColumn != "":
		return errors.New("--labels and --label-column both name the labels: leave one out")
	case o.TestInput != "" && o.TestFraction != 0:
		return errors.New(
			"--test-input and --test-fraction both name the test rows: leave one out")
	case o.TestInput == "" && o.TestLabels != "":
		return errors.New("--test-labels goes with --test-input")
	case o.TestInput == "" && !(o.TestFraction > 0 && o.TestFraction < 1):
		return fmt.Errorf("--test-fraction must be above 0 and below 1, got %g", o.TestFraction)
	}
	if err := dataset.CheckScale(o.Scale); err != nil {
		return err
	}
	_, _, err := ParseImageSize(o.ImageSize)
	return err
}

// ParseImageSize reads HxW, 0 and 0 for "".
func ParseImageSize(text string) (height, width int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	h, w, ok := strings.Cut(text, "x")
	height, errH := strconv.Atoi(h)
	width, errW := strconv.Atoi(w)
	if !ok || errH != nil || errW != nil || min(height, width) < 1 || max(height, width) > 4096 {
		return 0, 0, fmt.Errorf("--image-size must be HEIGHTxWIDTH, such as 32x32, got %q", text)
	}
	return height, width, nil
}

// source is one of the two sets of rows.
func (o OwnData) source(input, labels string, r progress.Reporter) dataset.Source {
	height, width, _ := ParseImageSize(o.ImageSize) // Validate has seen it
	return dataset.Source{Input: input, Labels: labels, LabelColumn: o.LabelColumn, Height: height,
		Width:    width,
		Progress: ShowRead(r)}
}

// ShowRead shows how far a file or folder is read.
func ShowRead(r progress.Reporter) func(dataset.Progress) {
	return func(p dataset.Progress) {
		s := progress.Status{Label: "read " + filepath.Base(p.File), Unit: "pictures",
			Done: int(p.Done), Total: int(p.Total)}
		if info, err := os.Stat(p.File); err != nil || !info.IsDir() {
			s.Unit, s.Done, s.Total = "KB", int(p.Done>>10), int(p.Total>>10)
		}
		r.Update(s)
	}
}

// Name is what the data set is called: the last part of the path.
func (o OwnData) Name() string { return filepath.Base(o.Input) }

// Open reads the training rows and the test rows.
func (o OwnData) Open(ctx context.Context, r progress.Reporter) (*Data, error) {
	return o.open(ctx, 0, 0, r)
}

// ReadRows reads the rows of Input, none held out, as they are.
func (o OwnData) ReadRows(ctx context.Context, r progress.Reporter) (*dataset.Split, error) {
	x, _, err := o.source(o.Input, "", r).Read(ctx, nil)
	return x, err
}

// ReadAlone reads and scales the rows of Input, none held out, and names their classes.
func (o OwnData) ReadAlone(ctx context.Context, r progress.Reporter) (*dataset.Split, []string,
	error) {
	x, classes, err := o.source(o.Input, o.Labels, r).Read(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	scaler, err := dataset.FitScaler(o.Scale, x)
	if err != nil {
		return nil, nil, err
	}
	return x, classes, scaler.Apply(x)
}

// open reads the rows, keeps the first limit of each split (0: all) and scales them.
func (o OwnData) open(ctx context.Context, limit int, seed int64, r progress.Reporter) (*Data,
	error) {
	options := dataset.OwnOptions{Train: o.source(o.Input, o.Labels, r),
		TestFraction: o.TestFraction, Seed: uint64(seed)}
	if o.TestInput != "" {
		options.Test = o.source(o.TestInput, o.TestLabels, r)
		if o.TestLabels != "" {
			options.Test.LabelColumn = ""
		}
	}
	own, err := dataset.ReadOwn(ctx, options)
	if err != nil {
		return nil, err
	}
	d := newData(&own.Dataset, limit)
	if own.TestRows != nil {
		d.TestRows = own.TestRows[:d.Test.N]
	}
	d.Name = o.Name()
	t := d.Train
	scaler, err := dataset.FitScaler(o.Scale, t)
	if err != nil {
		return nil, err
	}
	d.Form = &Form{Rows: t.Rows, Cols: t.Cols, Channels: t.Channels, Classes: d.Classes,
		Train: t.N, Test: d.Test.N,
		Scaler: scaler, SHA256: sum(d.Train, d.Test)}
	for _, s := range []*dataset.Split{d.Train, d.Test} {
		if err := scaler.Apply(s); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// sum is the checksum of all rows and labels.
func sum(splits ...*dataset.Split) string {
	h := sha256.New()
	b := make([]byte, 0, 1<<16)
	for _, s := range splits {
		fmt.Fprintln(h, s.N, s.Rows, s.Cols, s.Channels, s.Labels != nil)
		_, _ = h.Write(s.Images)
		for x := s.Features; len(x) > 0; x = x[min(len(x), cap(b)/4):] {
			b = b[:0]
			for _, v := range x[:min(len(x), cap(b)/4)] {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
			_, _ = h.Write(b)
		}
		for _, l := range s.Labels {
			b = binary.LittleEndian.AppendUint64(b[:0], uint64(l))
			_, _ = h.Write(b)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// Form is what new rows need to become a model's rows, and what the model's own were:
// input.json of a run folder.
type Form struct {
	Rows     int            `json:"rows"` // of an image; 0: rows are no images
	Cols     int            `json:"cols"` // of an image, else of a row
	Channels int            `json:"channels"`
	Classes  []string       `json:"classes"` // names of classes 0, 1, ...
	Train    int            `json:"train"`   // number of training rows
	Test     int            `json:"test"`
	Scaler   dataset.Scaler `json:"scaler"`
	SHA256   string         `json:"sha256"` // of the rows and labels before they were scaled
}

// Width is the number of values in a row.
func (f Form) Width() int { return f.split().Width() }

func (f Form) split() *dataset.Split {
	return &dataset.Split{Rows: f.Rows, Cols: f.Cols, Channels: f.Channels}
}

// formFile is where a run folder keeps its Form, testRowsFile the rows held out.
const (
	formFile     = "input.json"
	testRowsFile = "test-rows.npy"
)

// readForm reads a run folder's form.
func readForm(dir string) (*Form, error) {
	path := filepath.Join(dir, formFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f Form
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if f.Cols < 1 || f.Rows < 0 || f.Channels < 0 || f.Cols > 1<<18 || f.Rows > 1<<18 ||
		f.Channels > 3 {
		return nil, fmt.Errorf("%s: rows of %d x %d x %d are none", path, f.Channels, f.Rows,
			f.Cols)
	}
	return &f, nil
}

// write writes a run folder's form.
func (f Form) write(dir string) error {
	return atomicfile.Write(filepath.Join(dir, formFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(f)
	})
}

// ReadRows reads new rows for a model of this form, with labels among its classes, and scales
// them as the model's own were.
func (f Form) ReadRows(ctx context.Context, o OwnData, r progress.Reporter) (*dataset.Split,
	error) {
	s := o.source(o.Input, o.Labels, r)
	s.Like = f.split()
	x, _, err := s.Read(ctx, append([]string{}, f.Classes...))
	if err != nil {
		return nil, err
	}
	if f.SHA256 == "" && x.Features == nil {
		return x, nil // bytes for a named dataset's model
	}
	return x, f.Scaler.Apply(x)
}
