package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"latent/internal/matrix"
)

// maxClasses bounds the number of classes, so that a column of measurements is not taken for
// labels.
const maxClasses = 10000

// readLabels reads the labels of rows as texts, "" where one is not known. The file is a
// .npy file of integers or texts, an array of a .npz file, an IDX file, or a text of one
// label a line, whose first may be a heading.
func readLabels(ctx context.Context, path string, rows int, progress func(Progress)) ([]string,
	error) {
	f, err := openFile(ctx, path, progress)
	if err != nil {
		return nil, fmt.Errorf("dataset: labels: %w", err)
	}
	defer f.Close()
	labels, err := f.labels(rows)
	if err == nil && len(labels) != rows {
		err = fmt.Errorf("%d labels for %d rows", len(labels), rows)
	}
	if err != nil {
		return nil, fmt.Errorf("dataset: labels %s: %w", path, err)
	}
	return labels, nil
}

func (f *file) labels(rows int) ([]string, error) {
	var numbers []int
	var texts []string
	var err error
	switch f.kind {
	case kindNPY:
		numbers, texts, err = matrix.DecodeLabels(f, f.size)
	case kindNPZ:
		var a *matrix.Archive
		var name string
		if a, name, err = f.archive(); err == nil {
			numbers, texts, err = a.Labels(name)
		}
	case kindIDX:
		var x *IDX
		if x, err = decodeIDX(f, f.size, maxLabels); err == nil && len(x.Dims) != 1 {
			err = fmt.Errorf("%d dimensions, labels have one", len(x.Dims))
		}
		if err == nil {
			numbers = labels(x.Data)
		}
	default:
		return f.lines(rows)
	}
	if err != nil {
		return nil, err
	}
	if numbers != nil {
		known := map[int]string{}
		texts = make([]string, len(numbers))
		for i, v := range numbers {
			if _, ok := known[v]; !ok {
				known[v] = strconv.Itoa(v)
			}
			texts[i] = known[v]
		}
	}
	return texts, nil
}

// lines are the lines of a text file, one more than rows where the first is a heading.
func (f *file) lines(rows int) ([]string, error) {
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("line %d is not UTF-8", bytes.Count(b[:invalid(b)], []byte("\n"))+1)
	}
	text := strings.TrimSuffix(string(b), "\n")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if n := len(line); n >= 2 && line[0] == '"' && line[n-1] == '"' {
			line = strings.ReplaceAll(line[1:n-1], `""`, `"`)
		}
		lines[i] = line
	}
	if len(lines) == rows+1 {
		if lines[rows] == "" {
			return lines[:rows], nil
		}
		return lines[1:], nil
	}
	return lines, nil
}

// invalid is where b stops being UTF-8.
func invalid(b []byte) int {
	at := 0
	for at < len(b) {
		r, size := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// unknown reports whether a label says that the class is not known.
func unknown(label string) bool { return label == "" || label == "-1" }

// classesOf lists the classes that occur: whole numbers in their order, texts in the
// alphabet's.
func classesOf(lists ...[]string) []string {
	seen := map[string]bool{}
	var names []string
	whole := true
	for _, list := range lists {
		for _, label := range list {
			if !unknown(label) && !seen[label] {
				seen[label] = true
				names = append(names, label)
				_, err := strconv.Atoi(label)
				whole = whole && err == nil
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if whole {
			x, _ := strconv.Atoi(a)
			y, _ := strconv.Atoi(b)
			if x != y {
				return x - y
			}
		}
		return strings.Compare(a, b)
	})
	return names
}

// number makes classes of labels, nil where none is known.
func number(labels, classes []string) ([]int, error) {
	index := map[string]int{"": Unknown, "-1": Unknown}
	for i, name := range classes {
		index[name] = i
	}
	numbers := make([]int, len(labels))
	some := false
	for i, label := range labels {
		class, ok := index[label]
		if !ok {
			return nil, fmt.Errorf("row %d: label %.40q is none of the classes, %s", i+1, label,
				some10(classes))
		}
		numbers[i], some = class, some || class != Unknown
	}
	if !some {
		return nil, nil
	}
	return numbers, nil
}

// some10 lists names for an error, the first ten.
func some10(names []string) string {
	if len(names) > 10 {
		return strings.Join(names[:10], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}
