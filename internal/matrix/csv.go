package matrix

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxLine bounds the bytes of one line of a .csv file.
const maxLine = 1 << 24

// Table is what a .csv file holds: numbers, and the texts of one column where one is asked for.
type Table struct {
	Matrix
	Labels []string // one per row, "" for an empty field; nil without such a column
}

// DecodeCSV reads a .csv file of size bytes. column names the one column that may hold
// texts, by the file's header or by its number from 1 on; "" is none. Fields may be quoted,
// but not run over a line's end.
func DecodeCSV(r io.Reader, size int64, column string) (Table, error) {
	lines := bufio.NewReaderSize(r, int(min(size+1, maxLine)))
	t := tableReader{texts: map[string]string{}}
	blank := 0 // the first of the blank lines just read
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return Table{}, fmt.Errorf("line %d: longer than %d bytes", number, maxLine)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return Table{}, err
		}
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		length := len(line)
		if line = trim(line); len(line) == 0 {
			if err != nil {
				break
			}
			if blank == 0 {
				blank = number
			}
			continue
		}
		if blank > 0 {
			return Table{}, fmt.Errorf("line %d: empty; remove it", blank)
		}
		header := false
		if number == 1 {
			if header, err = t.begin(line, column); err != nil {
				return Table{}, err
			}
		}
		if !header {
			if t.Rows == 0 {
				if number > 1 && column == "" { // a header may be a comment
					if _, err := t.begin(line, ""); err != nil {
						return Table{}, err
					}
				}
				// Lines are about as long as the first, and a number has at
				// least a digit and a comma.
				rows := size/int64(length) + size/int64(length)/16 + 1
				t.Data = make([]float32, 0, min(rows*int64(t.fields), size/2+1))
			}
			if err := t.add(line); err != nil {
				return Table{}, fmt.Errorf("line %d, %w", number, err)
			}
		}
	}
	if t.Rows == 0 {
		return Table{}, errors.New("the file has no rows of numbers")
	}
	return t.Table, nil
}

// decodeCSV reads a matrix from a .csv file of size bytes.
func decodeCSV(r io.Reader, size int64) (Matrix, error) {
	t, err := DecodeCSV(r, size, "")
	return t.Matrix, err
}

// tableReader is a Table as it is read.
type tableReader struct {
	Table
	fields int               // in a line
	label  int               // the field that is a label; -1: none
	texts  map[string]string // one copy of each label
}

// begin takes the file's first line, which may be its header, and finds the column of labels.
func (t *tableReader) begin(line []byte, column string) (header bool, err error) {
	var names []string
	for rest, more := line, true; more; {
		var field []byte
		if field, rest, more, err = cut(rest); err != nil {
			return false, fmt.Errorf("line 1, column %d: %w", len(names)+1, err)
		}
		names = append(names, string(field))
	}
	t.fields, t.Cols, t.label = len(names), len(names), -1
	number, notNumber := strconv.Atoi(column)
	named := -1
	if column != "" {
		named = slices.Index(names, column)
	}
	if column != "" && notNumber == nil && number >= 1 && number <= len(names) {
		t.label = number - 1
	}
	header = isHeader(names, t.label) || named >= 0 && notNumber != nil
	if header && named >= 0 {
		t.label = named
	}
	if column == "" {
		return header, nil
	}
	if t.Cols--; t.label >= 0 && t.Cols > 0 {
		return header, nil
	}
	switch {
	case t.label >= 0:
		return false, errors.New("line 1: no column beside that of the labels")
	case header && notNumber != nil && len(names) <= 20:
		return false, fmt.Errorf("line 1: no column is called %q; there are %s", column,
			strings.Join(names, ", "))
	case header || notNumber == nil:
		return false, fmt.Errorf("line 1: there is no column %s; the line has %d columns", column,
			len(names))
	}
	return false, fmt.Errorf("line 1 is no header, so that no column is called %q; its number "+
		"would do, 1 for the first", column)
}

// isHeader reports whether no field is empty or a number, label's left out.
func isHeader(fields []string, label int) bool {
	for i, field := range fields {
		if i == label && len(fields) > 1 {
			continue
		}
		if _, err := strconv.ParseFloat(field, 64); err == nil ||
			errors.Is(err, strconv.ErrRange) || field == "" {
			return false
		}
	}
	return true
}

// add takes a line of numbers.
func (t *tableReader) add(line []byte) error {
	for column := 0; ; column++ {
		field, rest, more, err := cut(line)
		switch {
		case column >= t.fields:
			return fmt.Errorf("column %d: more than the %d columns of the lines before", column+1,
				t.fields)
		case err != nil:
			return fmt.Errorf("column %d: %w", column+1, err)
		case column == t.label:
			text, ok := t.texts[string(field)]
			if !ok {
				if text = string(field); !utf8.ValidString(text) {
					return fmt.Errorf("column %d: a label that is not UTF-8", column+1)
				}
				t.texts[text] = text
			}
			t.Labels = append(t.Labels, text)
		default:
			v, err := strconv.ParseFloat(string(field), 32)
			if err != nil {
				return fmt.Errorf("column %d: %w", column+1, fieldError(field, err))
			}
			if !finite(float32(v)) {
				return fmt.Errorf("column %d: %s is not a finite number; remove or replace it",
					column+1, field)
			}
			t.Data = append(t.Data, float32(v))
		}
		if !more {
			if column+1 < t.fields {
				return fmt.Errorf("column %d: missing, the lines before have %d columns", column+2,
					t.fields)
			}
			t.Rows++
			return nil
		}
		line = rest
	}
}

// cut takes the first field from a line, without the space and the quotes around it, and
// says whether another follows.
func cut(line []byte) (field, rest []byte, more bool, err error) {
	if text := trim(line); len(text) > 0 && text[0] == '"' {
		return cutQuoted(text)
	}
	if end := bytes.IndexByte(line, ','); end >= 0 {
		return trim(line[:end]), line[end+1:], true, nil
	}
	return trim(line), nil, false, nil
}

// cutQuoted takes a quoted field, in which two quotes are one.
func cutQuoted(text []byte) (field, rest []byte, more bool, err error) {
	text = text[1:]
	for {
		end := bytes.IndexByte(text, '"')
		if end < 0 {
			return nil, nil, false, errors.New("a quoted field that does not end on its line")
		}
		field = append(field, text[:end]...)
		text = text[end+1:]
		if len(text) > 0 && text[0] == '"' {
			field, text = append(field, '"'), text[1:]
			continue
		}
		text = trim(text)
		if len(text) == 0 {
			return field, nil, false, nil
		}
		if text[0] != ',' {
			return nil, nil, false, fmt.Errorf("%.20q after a quoted field, want a comma", text)
		}
		return field, text[1:], true, nil
	}
}

// fieldError says what is wrong with a field that is no number.
func fieldError(field []byte, err error) error {
	text := strconv.Quote(string(field[:min(len(field), 40)]))
	switch {
	case len(field) == 0:
		return errors.New("empty; every place needs a number")
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%s is beyond float32", text)
	case bytes.ContainsAny(field, " \t;") && utf8.Valid(field):
		return fmt.Errorf("%s is not a number; columns are separated by commas", text)
	}
	return fmt.Errorf("%s is not a number", text)
}

// trim removes spaces, tabs and line ends around b.
func trim(b []byte) []byte {
	for len(b) > 0 && space(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && space(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// encodeCSV writes m, a row a line.
func (m Matrix) encodeCSV(w io.Writer) error {
	var line []byte
	for row := range m.Rows {
		line = line[:0]
		for col, v := range m.Data[row*m.Cols : (row+1)*m.Cols] {
			if col > 0 {
				line = append(line, ',')
			}
			line = strconv.AppendFloat(line, float64(v), 'g', -1, 32)
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}
