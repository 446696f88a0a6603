package report

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"latent/dataset"
	"latent/internal/matrix"
	"latent/tsne"
)

// Sources are the files of an explorer. Rows of all of them are the same points, in the
// same order.
type Sources struct {
	Maps      []Source // .npy or .csv, n x 2; at least one
	Labels    string   // .npy, IDX, or a text file of one label per line
	Predicted []Source // like Labels: one for all maps, or one per map, by name
	Names     string   // text file of the classes' names, the name of class 0 first
	Pictures  string   // IDX or .npy, n x h x w, or a folder of PNG, JPEG or GIF files
	Columns   string   // .csv with a header
	Input     string   // what was embedded, .npy or .csv: for nearest neighbours
	Every     int      // take each k-th row of all but the maps; 1 is every row
	Neighbors int      // per point, of Input
	Finder    tsne.Neighbors
	// Note is told what is worth knowing but no error, one line each.
	Note func(string)
}

// Source is a file with a name.
type Source struct{ Name, Path string }

// Read reads the files. Errors name the file, what is wrong with it and, where rows are
// counted, the file whose rows there should be.
func (s Sources) Read(ctx context.Context) (*Explorer, error) {
	if len(s.Maps) == 0 {
		return nil, errors.New("report: no maps")
	}
	e := &Explorer{Stride: s.Every}
	for _, m := range s.Maps {
		y, err := matrix.ReadFile(m.Path)
		if err != nil {
			return nil, err
		}
		if y.Cols != 2 {
			return nil, fmt.Errorf("%s has %d columns: a map has two", m.Path, y.Cols)
		}
		if e.N == 0 {
			e.N = y.Rows
		}
		if y.Rows != e.N {
			return nil, fmt.Errorf("%s has %d points, %s has %d: maps of one page show the same "+
				"rows",
				m.Path, y.Rows, s.Maps[0].Path, e.N)
		}
		e.Spaces = append(e.Spaces, Space{Name: m.Name, Title: m.Name, Embedding: y.Data, KL: nan})
	}
	for _, read := range []func(context.Context, *Explorer) error{
		s.readClasses, s.readPictures, s.readColumns, s.readNeighbors,
	} {
		if err := read(ctx, e); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// fits checks that a file of so many rows has one per point.
func (s Sources) fits(path, what string, rows, n int) error {
	if have := (rows + s.Every - 1) / s.Every; have != n {
		return fmt.Errorf("%s has %d %s, %s has %d points: --every K takes each K-th",
			path, rows, what, s.Maps[0].Path, n)
	}
	return nil
}

// readClasses reads labels, predictions and names.
func (s Sources) readClasses(_ context.Context, e *Explorer) error {
	var files []Source
	if s.Labels != "" {
		files = append(files, Source{Path: s.Labels})
	}
	files = append(files, s.Predicted...)
	values := make([][]string, len(files))
	for i, f := range files {
		v, err := readValues(f.Path)
		if err == nil {
			err = s.fits(f.Path, "labels", len(v), e.N)
		}
		if err != nil {
			return err
		}
		values[i] = matrix.Every(v, 1, s.Every)
	}
	names, err := s.names()
	if err != nil {
		return err
	}
	classes, indices, err := classify(values, names)
	if err != nil {
		return err
	}
	e.Classes = classes
	if s.Labels != "" {
		e.Labels, indices = indices[0], indices[1:]
	}
	for i, p := range s.Predicted {
		found := false
		for k := range e.Spaces {
			if p.Name == "" || p.Name == e.Spaces[k].Name {
				e.Spaces[k].Predicted, found = indices[i], true
			}
		}
		if !found {
			return fmt.Errorf("--predicted %s=%s: no map has this name", p.Name, p.Path)
		}
	}
	return nil
}

// readValues reads labels as texts.
func readValues(path string) ([]string, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".txt", ".tsv":
		return readLines(path)
	}
	read := dataset.ReadIDXLabels
	if strings.EqualFold(filepath.Ext(path), ".npy") {
		read = matrix.ReadLabels
	}
	numbers, err := read(path)
	if err != nil {
		return nil, err
	}
	texts := map[int]string{}
	values := make([]string, len(numbers))
	for i, v := range numbers {
		if _, ok := texts[v]; !ok {
			texts[v] = strconv.Itoa(v)
		}
		values[i] = texts[v]
	}
	return values, nil
}

func (s Sources) names() ([]string, error) {
	if s.Names == "" {
		return nil, nil
	}
	return readLines(s.Names)
}

// classify numbers the values of several lists: whole numbers in their order, texts in
// the alphabet's. names, if any, are those of the classes 0, 1, ...
func classify(lists [][]string, names []string) (classes []string, indices [][]int, err error) {
	index := map[string]int{}
	for _, list := range lists {
		for _, v := range list {
			if _, ok := index[v]; !ok {
				index[v] = 0
				classes = append(classes, v)
			}
		}
	}
	if len(classes) > MaxGroups {
		return nil, nil, fmt.Errorf("%d different labels: an explorer has at most %d classes",
			len(classes), MaxGroups)
	}
	whole := !slices.ContainsFunc(classes,
		func(v string) bool { _, err := strconv.Atoi(v); return err != nil })
	sort.Slice(classes, func(i, j int) bool {
		if whole {
			a, _ := strconv.Atoi(classes[i])
			b, _ := strconv.Atoi(classes[j])
			return a < b
		}
		return classes[i] < classes[j]
	})
	if names != nil {
		if classes, err = named(classes, names, whole); err != nil {
			return nil, nil, err
		}
		for i := range classes {
			index[strconv.Itoa(i)] = i
		}
	} else {
		for i, v := range classes {
			index[v] = i
		}
	}
	indices = make([][]int, len(lists))
	for k, list := range lists {
		indices[k] = make([]int, len(list))
		for i, v := range list {
			indices[k][i] = index[v]
		}
	}
	return classes, indices, nil
}

// named are the names of classes that are numbers from 0 on.
func named(classes, names []string, whole bool) ([]string, error) {
	if !whole {
		return nil,
			errors.New("names of classes are for labels that are whole numbers from 0 on: " +
				"these are texts already")
	}
	for _, v := range classes {
		if c, _ := strconv.Atoi(v); c < 0 || c >= len(names) {
			return nil, fmt.Errorf("label %s has no name: there are %d, for classes 0 to %d",
				v, len(names), len(names)-1)
		}
	}
	return names, nil
}

func (s Sources) readNeighbors(ctx context.Context, e *Explorer) error {
	if s.Input == "" {
		return nil
	}
	x, err := matrix.ReadFile(s.Input)
	if err == nil {
		err = s.fits(s.Input, "rows", x.Rows, e.N)
	}
	if err != nil {
		return err
	}
	x = x.Every(s.Every)
	k := min(s.Neighbors, x.Rows-1)
	if k < 1 {
		return nil
	}
	g, err := s.Finder.Nearest(ctx, x.Data, x.Rows, nil, x.Rows, k)
	if err != nil {
		return err
	}
	e.Neighbors, e.K = g.Index, g.K
	return nil
}
