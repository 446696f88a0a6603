package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"latent/internal/atomicfile"
)

// IDX is an array of unsigned bytes as the IDX format holds it
// (http://yann.lecun.com/exdb/mnist, "the IDX file format").
type IDX struct {
	Dims []int  // lengths, outermost first; none is below 1
	Data []byte // C order, the product of Dims bytes
}

const (
	typeUint8 = 0x08
	maxDims   = 8

	// maxUnpacked bounds what is read of a file, in bytes, and maxLabels of one
	// with labels: deflate packs a thousandfold and a label becomes an int, so a
	// small file may otherwise fill the memory.
	maxUnpacked = 1 << 30
	maxLabels   = 1 << 24

	// maxRatio is more than deflate can pack (1032:1): a header that claims
	// more is wrong.
	maxRatio = 1040
)

// ReadIDX reads a file of unsigned bytes in IDX format, plain or gzip'd,
// which the content decides, not the name. A file that is truncated, corrupt,
// of another type or has bytes after the array is an error that names the
// file, found before memory is taken for what it claims to hold.
func ReadIDX(path string) (*IDX, error) { return readIDX(path, maxUnpacked) }

func readIDX(path string, most int64) (*IDX, error) {
	x, err := decodeFile(path, most)
	if err != nil {
		return nil, fmt.Errorf("dataset: read %s: %w", path, err)
	}
	return x, nil
}

func decodeFile(path string, most int64) (*IDX, error) {
	f, size, err := atomicfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return decodeIDX(f, size, most)
}

// ReadIDXLabels reads a one-dimensional IDX file (idx1), plain or gzip'd, as
// at most 2^24 labels 0 to 255. Its errors are those of ReadIDX.
func ReadIDXLabels(path string) ([]int, error) {
	x, err := readIDX(path, maxLabels)
	if err != nil {
		return nil, err
	}
	if len(x.Dims) != 1 {
		return nil, fmt.Errorf("dataset: read %s: %d dimensions, labels have one", path,
			len(x.Dims))
	}
	return labels(x.Data), nil
}

func labels(b []byte) []int {
	l := make([]int, len(b))
	for i, v := range b {
		l[i] = int(v)
	}
	return l
}

// decodeIDX reads an IDX file of size bytes, plain or gzip'd, from r, which may hold
// at most so many bytes when unpacked.
func decodeIDX(r io.Reader, size, most int64) (*IDX, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(2)
	if err != nil {
		return nil, truncated(err)
	}
	if !isGzip(magic) {
		return decodePlain(b, min(size, most), size)
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, truncated(err)
	}
	return decodePlain(z, min(size*maxRatio, most), 8*size)
}

// decodePlain reads an IDX array that fills r to its end. It may take at most
// limit bytes, and reserves at most about reserve bytes before they have come.
func decodePlain(r io.Reader, limit, reserve int64) (*IDX, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, truncated(err)
	}
	if head[0] != 0 || head[1] != 0 {
		return nil, fmt.Errorf("not an IDX file: begins with % x, want 00 00", head[:2])
	}
	if head[2] != typeUint8 {
		return nil, fmt.Errorf("IDX type %#02x, want %#02x (unsigned byte)", head[2], typeUint8)
	}
	if head[3] == 0 || head[3] > maxDims {
		return nil, fmt.Errorf("IDX with %d dimensions, want 1 to %d", head[3], maxDims)
	}
	lengths := make([]byte, 4*int(head[3]))
	if _, err := io.ReadFull(r, lengths); err != nil {
		return nil, truncated(err)
	}
	x := &IDX{Dims: make([]int, head[3])}
	room := limit - int64(len(head)+len(lengths))
	n := int64(1)
	for i := range x.Dims {
		d := int64(binary.BigEndian.Uint32(lengths[4*i:]))
		if d == 0 {
			return nil, errors.New("IDX array is empty")
		}
		if d > room/n {
			return nil, fmt.Errorf("truncated or corrupt: the header claims an array of %s "+
				"bytes, more than the file may hold", product(lengths))
		}
		n *= d
		x.Dims[i] = int(d)
	}
	var err error
	if x.Data, err = readN(r, n, min(n, reserve+1<<16)); err != nil {
		return nil, truncated(err)
	}
	switch _, err := io.ReadFull(r, head[:1]); err {
	case io.EOF:
		return x, nil
	case nil:
		return nil, fmt.Errorf("trailing data after the %d bytes that the header claims", n)
	default:
		return nil, truncated(err)
	}
}

// readN reads n bytes into memory that starts at reserve bytes and grows as
// they come.
func readN(r io.Reader, n, reserve int64) ([]byte, error) {
	b := make([]byte, reserve)
	for done := int64(0); ; {
		m, err := io.ReadFull(r, b[done:])
		done += int64(m)
		if err != nil {
			return nil, err
		}
		if done == n {
			return b, nil
		}
		b = append(b, make([]byte, min(n-done, done))...)
	}
}

// product writes the array's size for an error, as a product because it may
// not fit an integer.
func product(lengths []byte) string {
	var b bytes.Buffer
	for i := 0; i < len(lengths); i += 4 {
		if i > 0 {
			b.WriteByte('x')
		}
		fmt.Fprint(&b, binary.BigEndian.Uint32(lengths[i:]))
	}
	return b.String()
}

func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// truncated names the end of the file for what it means here.
func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("truncated: %w", io.ErrUnexpectedEOF)
	}
	if errors.Is(err, gzip.ErrHeader) {
		return fmt.Errorf("not gzip, or other data follow the gzip data: %w", err)
	}
	return err
}
