package matrix

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// maxLine bounds the bytes of one line of a .csv file.
const maxLine = 1 << 24

// decodeCSV reads a matrix from a .csv file of size bytes.
func decodeCSV(r io.Reader, size int64) (Matrix, error) {
	lines := bufio.NewReaderSize(r, int(min(size+1, maxLine)))
	var m Matrix
	blank := 0 // the first of the blank lines just read
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return Matrix{}, fmt.Errorf("line %d: longer than %d bytes", number, maxLine)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return Matrix{}, err
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
			return Matrix{}, fmt.Errorf("line %d: empty; remove it", blank)
		}
		if number > 1 || !isHeader(line) {
			if m.Rows == 0 {
				m.Cols = bytes.Count(line, []byte(",")) + 1
				// Lines are about as long as the first, and a number has at
				// least a digit and a comma.
				rows := size/int64(length) + size/int64(length)/16 + 1
				m.Data = make([]float32, 0, min(rows*int64(m.Cols), size/2+1))
			}
			if m.Data, err = appendRow(m.Data, line, m.Cols); err != nil {
				return Matrix{}, fmt.Errorf("line %d, %w", number, err)
			}
			m.Rows++
		}
	}
	if m.Rows == 0 {
		return Matrix{}, errors.New("the file has no rows of numbers")
	}
	return m, nil
}

// isHeader reports whether line has fields and none of them is empty or a
// number.
func isHeader(line []byte) bool {
	for field := range bytes.SplitSeq(line, []byte(",")) {
		field = trim(field)
		if _, err := strconv.ParseFloat(string(field), 64); err == nil || errors.Is(err, strconv.ErrRange) || len(field) == 0 {
			return false
		}
	}
	return true
}

// appendRow appends the cols numbers of line to data.
func appendRow(data []float32, line []byte, cols int) ([]float32, error) {
	for col := 1; ; col++ {
		end := bytes.IndexByte(line, ',')
		field := line
		if end >= 0 {
			field = line[:end]
		}
		if col > cols {
			return nil, fmt.Errorf("column %d: more than the %d columns of the lines before", col, cols)
		}
		v, err := strconv.ParseFloat(string(trim(field)), 32)
		if err != nil {
			return nil, fmt.Errorf("column %d: %w", col, fieldError(trim(field), err))
		}
		if !finite(float32(v)) {
			return nil, fmt.Errorf("column %d: %s is not a finite number; remove or replace it", col, trim(field))
		}
		data = append(data, float32(v))
		if end < 0 {
			if col < cols {
				return nil, fmt.Errorf("column %d: missing, the lines before have %d columns", col+1, cols)
			}
			return data, nil
		}
		line = line[end+1:]
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
