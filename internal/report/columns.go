package report

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"

	"latent/internal/atomicfile"
)

var nan = math.NaN()

// maxText bounds a file of lines or columns, in bytes.
const maxText = 1 << 30

// open opens a text file, without its byte order mark.
func openText(path string) (io.Reader, func() error, error) {
	f, size, err := atomicfile.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if size > maxText {
		f.Close()
		return nil, nil, fmt.Errorf("%s has %d bytes, more than %d", path, size, maxText)
	}
	r := bufio.NewReaderSize(f, 1<<16)
	if b, err := r.Peek(3); err == nil && bytes.Equal(b, []byte("\xef\xbb\xbf")) {
		_, _ = r.Discard(3)
	}
	return r, f.Close, nil
}

// readLines reads one text per line. A line that is a quoted CSV field is unquoted.
func readLines(path string) ([]string, error) {
	r, done, err := openText(path)
	if err != nil {
		return nil, err
	}
	defer done()
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	text := strings.TrimSuffix(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n")
	if text == "" {
		return nil, fmt.Errorf("%s is empty", path)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if n := len(line); n >= 2 && line[0] == '"' && line[n-1] == '"' {
			line = strings.ReplaceAll(line[1:n-1], `""`, `"`)
		}
		if lines[i] = strings.ToValidUTF8(line, "\uFFFD"); strings.TrimSpace(line) == "" {
			return nil, fmt.Errorf("%s: line %d is empty", path, i+1)
		}
	}
	return lines, nil
}

// readColumns reads the file of columns.
func (s Sources) readColumns(_ context.Context, e *Explorer) error {
	if s.Columns == "" {
		return nil
	}
	r, done, err := openText(s.Columns)
	if err != nil {
		return err
	}
	defer done()
	reader := csv.NewReader(r)
	reader.ReuseRecord = true
	var names []string
	var cells [][]string
	rows := 0
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.Columns, err)
		}
		if names == nil {
			for _, name := range record {
				names = append(names, strings.ToValidUTF8(strings.Clone(name), "\uFFFD"))
			}
			if len(names) > maxColumns {
				return fmt.Errorf("%s has %d columns, more than %d", s.Columns, len(names),
					maxColumns)
			}
			cells = make([][]string, len(names))
			continue
		}
		if rows++; (rows-1)%s.Every != 0 {
			continue
		}
		for c, cell := range record {
			cells[c] = append(cells[c], strings.Clone(cell))
		}
	}
	if names == nil {
		return fmt.Errorf("%s is empty", s.Columns)
	}
	if err := s.fits(s.Columns, "rows below its header", rows, e.N); err != nil {
		return err
	}
	for c, name := range names {
		column, gaps, err := newColumn(name, cells[c])
		if err != nil {
			return fmt.Errorf("%s: column %q: %w", s.Columns, name, err)
		}
		if gaps > 0 && s.Note != nil {
			s.Note(fmt.Sprintf("note: %s: column %q has no number in %s of its rows: they are "+
				"shown in grey",
				s.Columns, name, thousands(gaps)))
		}
		e.Columns = append(e.Columns, column)
	}
	return nil
}

// newColumn makes numbers of cells that all are numbers or missing (empty, NaN or NA),
// categories of few different texts, and texts of others. gaps counts missing numbers.
func newColumn(name string, cells []string) (c Column, gaps int, err error) {
	c.Name = name
	if c.Numbers, gaps, err = numbers(cells); c.Numbers != nil || err != nil {
		return c, gaps, err
	}
	index := map[string]int{}
	for i, cell := range cells {
		cells[i] = strings.ToValidUTF8(cell, "\uFFFD")
		if index[cells[i]] = 0; len(index) > MaxGroups {
			c.Texts = cells
			for i := i; i < len(cells); i++ {
				cells[i] = strings.ToValidUTF8(cells[i], "\uFFFD")
			}
			return c, 0, nil
		}
	}
	if len(index) > max(20, len(cells)/2) { // nearly every row has its own
		c.Texts = cells
		return c, 0, nil
	}
	for v := range index {
		c.Names = append(c.Names, v)
	}
	sort.Strings(c.Names)
	for i, v := range c.Names {
		index[v] = i
	}
	for _, cell := range cells {
		c.Categories = append(c.Categories, index[cell])
	}
	return c, 0, nil
}

// numbers is nil where some cell is no number, or all are missing.
func numbers(cells []string) (values []float32, gaps int, err error) {
	values = make([]float32, len(cells))
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		switch strings.ToLower(cell) {
		case "", "nan", "na", "null":
			values[i] = float32(math.NaN())
			gaps++
			continue
		}
		v, err := strconv.ParseFloat(cell, 32)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, 0, nil
		}
		if math.IsInf(v, 0) {
			return nil, 0, fmt.Errorf("row %d: %.40s is not a finite number; remove or replace it",
				i+1, cell)
		}
		values[i] = float32(v)
	}
	if gaps == len(cells) {
		return nil, 0, nil
	}
	return values, gaps, nil
}
