package figure

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"time"
)

// Frame is a picture of an [Animate]d one and how long it stays.
type Frame struct {
	Image image.Image
	Stays time.Duration // up to 65 s
}

// Animate writes a PNG that moves (APNG) and begins again at its end. Programs that know no
// such pictures show the last frame. All frames have one size and, where they are paletted,
// one palette.
func Animate(w io.Writer, frames []Frame) error {
	if err := animate(w, frames); err != nil {
		return fmt.Errorf("figure: Animate: %w", err)
	}
	return nil
}

// The chunks acTL, fcTL and fdAT are those of the PNG specification's third edition, 11.3.2.
func animate(w io.Writer, frames []Frame) error {
	if len(frames) == 0 {
		return errors.New("no frames")
	}
	last, err := chunksOf(frames[len(frames)-1].Image)
	if err != nil {
		return err
	}
	out := chunkWriter{w: w}
	_, out.err = io.WriteString(w, "\x89PNG\r\n\x1a\n")
	be := binary.BigEndian
	for _, c := range last { // of the picture that stands still
		switch c.kind {
		case "IDAT":
			if out.begun {
				break
			}
			out.begun = true
			out.write("acTL", be.AppendUint32(be.AppendUint32(nil, uint32(len(frames))), 0))
		case "IEND":
			continue
		}
		out.write(c.kind, c.data)
	}
	number := uint32(0)
	for i, f := range frames {
		if f.Image.Bounds().Size() != frames[0].Image.Bounds().Size() {
			return fmt.Errorf("frame %d has another size", i)
		}
		size := f.Image.Bounds().Size()
		control := be.AppendUint32(nil, number)
		for _, v := range []int{size.X, size.Y, 0, 0} {
			control = be.AppendUint32(control, uint32(v))
		}
		control = be.AppendUint16(be.AppendUint16(control, uint16(f.Stays.Milliseconds())), 1000)
		out.write("fcTL", append(control, 0, 0)) // it replaces the one before
		number++
		chunks, err := chunksOf(f.Image)
		if err != nil {
			return err
		}
		for _, c := range chunks {
			if c.kind == "IDAT" {
				out.write("fdAT", append(be.AppendUint32(nil, number), c.data...))
				number++
			}
		}
	}
	out.write("IEND", nil)
	return out.err
}

type chunk struct {
	kind string
	data []byte
}

// chunksOf are the chunks of a picture's PNG.
func chunksOf(m image.Image) (list []chunk, err error) {
	var buf bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&buf, m); err != nil {
		return nil, err
	}
	for b := buf.Bytes()[8:]; len(b) > 0; {
		n := int(binary.BigEndian.Uint32(b))
		list = append(list, chunk{string(b[4:8]), b[8 : 8+n]})
		b = b[12+n:]
	}
	return list, nil
}

type chunkWriter struct {
	w     io.Writer
	begun bool // the first IDAT is written
	err   error
}

func (c *chunkWriter) write(kind string, data []byte) {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	if c.err == nil {
		_, c.err = c.w.Write(b)
	}
}
