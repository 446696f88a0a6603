package matrix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// The .npy format is described in NumPy's numpy/lib/format.py: a magic
// string, a version, the length of a header, and the header, which is a
// Python dictionary with the keys descr, fortran_order and shape.
const (
	magic = "\x93NUMPY"

	// maxHeader is the longest header read, as numpy.load's
	// max_header_size: an array of numbers needs about a hundred bytes.
	maxHeader = 10000

	// maxDims is NumPy's own bound.
	maxDims = 64
)

// header is the parsed header of a .npy file.
type header struct {
	descr   string // "<f4"
	fortran bool
	shape   []int
}

// readHeader reads the header from the start of a file and returns also the
// number of bytes read.
func readHeader(r io.Reader) (h header, n int64, err error) {
	start := make([]byte, len(magic)+4)
	if _, err := io.ReadFull(r, start); err != nil {
		return h, 0, errors.New("not a .npy file: too short")
	}
	if string(start[:len(magic)]) != magic {
		return h, 0, errors.New(`not a .npy file: does not begin with "\x93NUMPY"`)
	}
	length := int(binary.LittleEndian.Uint16(start[8:]))
	switch major := start[6]; major {
	case 1:
	case 2, 3: // 32 bits of length
		start = append(start, 0, 0)
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return h, 0, errTruncated
		}
		if length |= int(binary.LittleEndian.Uint16(start[10:])) << 16; length > math.MaxInt32 {
			length = math.MaxInt32
		}
	default:
		return h, 0, fmt.Errorf("version %d.%d of the .npy format, want 1.0 to 3.0", major,
			start[7])
	}
	if length > maxHeader {
		return h, 0, fmt.Errorf("the .npy header claims %d bytes, want at most %d", length,
			maxHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, 0, errTruncated
	}
	if h, err = parseHeader(string(text)); err != nil {
		return h, 0, fmt.Errorf("corrupt .npy header: %w", err)
	}
	return h, int64(len(start) + length), nil
}

var errTruncated = errors.New("truncated")

// parseHeader parses the dictionary as NumPy writes it, in any order of keys.
func parseHeader(text string) (header, error) {
	var h header
	p := parser{rest: text}
	seen := map[string]bool{}
	if err := p.expect('{'); err != nil {
		return h, err
	}
	for !p.take('}') {
		key, err := p.text()
		if err != nil {
			return h, err
		}
		if seen[key] {
			return h, fmt.Errorf("key %q twice", key)
		}
		seen[key] = true
		if err := p.expect(':'); err != nil {
			return h, err
		}
		switch key {
		case "descr":
			if p.peek() == '[' {
				return h, errors.New("a structured type, want plain numbers")
			}
			h.descr, err = p.text()
		case "fortran_order":
			h.fortran, err = p.truth()
		case "shape":
			h.shape, err = p.tuple()
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		if err != nil {
			return h, err
		}
		if !p.take(',') {
			if err := p.expect('}'); err != nil {
				return h, err
			}
			break
		}
	}
	if len(seen) != 3 {
		return h, errors.New("keys missing, want descr, fortran_order and shape")
	}
	if rest := strings.Trim(p.rest, " \n\x00"); rest != "" {
		return h, fmt.Errorf("%.20q follows the dictionary", rest)
	}
	return h, nil
}

// parser reads the few Python literals of a header from the front of rest.
type parser struct{ rest string }

// peek returns the next byte that is not a space, or 0 at the end.
func (p *parser) peek() byte {
	p.rest = strings.TrimLeft(p.rest, " \t\n")
	if p.rest == "" {
		return 0
	}
	return p.rest[0]
}

func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) expect(c byte) error {
	if !p.take(c) {
		return fmt.Errorf("%.20q where %q is expected", p.rest, c)
	}
	return nil
}

// text reads a quoted string without escapes.
func (p *parser) text() (string, error) {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return "", fmt.Errorf("%.20q where a string is expected", p.rest)
	}
	s, rest, ok := strings.Cut(p.rest[1:], string(quote))
	if !ok || strings.Contains(s, `\`) {
		return "", errors.New("a string that does not end or has escapes")
	}
	p.rest = rest
	return s, nil
}

// truth reads True or False.
func (p *parser) truth() (bool, error) {
	p.peek()
	for _, word := range []string{"True", "False"} {
		if rest, ok := strings.CutPrefix(p.rest, word); ok {
			p.rest = rest
			return word == "True", nil
		}
	}
	return false, fmt.Errorf("%.20q where True or False is expected", p.rest)
}

// tuple reads (), (n,), (n, m) and so on, of integers that are not negative.
func (p *parser) tuple() ([]int, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	shape := []int{}
	for !p.take(')') {
		p.peek()
		digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
		n, err := strconv.Atoi(p.rest[:digits])
		if err != nil {
			return nil, fmt.Errorf("%.20q where a length is expected", p.rest)
		}
		p.rest = strings.TrimPrefix(p.rest[digits:], "L") // Python 2 wrote 3L
		if shape = append(shape, n); len(shape) > maxDims {
			return nil, fmt.Errorf("more than %d dimensions", maxDims)
		}
		if !p.take(',') {
			if err := p.expect(')'); err != nil {
				return nil, err
			}
			break
		}
	}
	return shape, nil
}

// tupleText writes a shape as Python does: (5,) and (2, 3).
func tupleText(shape ...int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i, n := range shape {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(n))
	}
	if len(shape) == 1 {
		b.WriteByte(',')
	}
	b.WriteByte(')')
	return b.String()
}

// growth is the room in digits that NumPy leaves for the first length of the
// shape, so that a file can grow in place.
const growth = 21

// writeHeader writes the bytes that numpy.save writes before an array in
// C order, format 1.0.
func writeHeader(w io.Writer, descr string, shape ...int) error {
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr,
		tupleText(shape...))
	if len(shape) > 0 {
		dict += strings.Repeat(" ", max(0, growth-len(strconv.Itoa(shape[0]))))
	}
	pad := 64 - (len(magic)+4+len(dict)+1)%64
	dict += strings.Repeat(" ", pad) + "\n"
	b := append([]byte(magic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(dict)))
	_, err := w.Write(append(b, dict...))
	return err
}
