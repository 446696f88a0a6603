package report

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"html/template"
	"math"
)

// Grey levels an image may be stored with, best first, as bits per pixel.
var greyBits = []int{8, 6, 5, 4}

// explorerView is what the template needs of an Explorer. Point data travels as
// base64: template.HTML is safe for it, its alphabet has no markup.
type explorerView struct {
	Meta   explorerMeta
	Blocks []block
	// One row per class and a last one for all points: how many of the class's
	// points each space's nearest centroid gets right.
	Table   []classRow
	Glyphs  []swatch
	Reduced bool // images are stored with fewer than 256 grey levels
	Levels  int
}

// explorerMeta goes to the page's script as JSON.
type explorerMeta struct {
	N       int         `json:"n"`
	Classes []string    `json:"classes"`
	Spaces  []spaceMeta `json:"spaces"`
	Bits    int         `json:"bits"`   // bits per stored pixel
	Stride  int         `json:"stride"` // 0: unknown
}

type spaceMeta struct {
	Name string  `json:"name"`
	KL   float64 `json:"kl"`
}

// block is one binary block of the page.
type block struct {
	ID     string
	Base64 template.HTML
}

type swatch struct {
	Name   string
	Colour int // 0 to 9: matplotlib's C0 to C9
}

type classRow struct {
	Name    string
	N       int
	Correct []float64 // fraction per space; NaN without points
}

// newExplorerView encodes a valid e. The page's other parts take rest bytes.
//
// Blocks: "labels" (n bytes), "embedding-S" (n x 2 int16, little-endian, see
// quantise), "predicted-S" (n bytes), "images" (zlib of n x 784 bytes, each
// holding one pixel's highest Meta.Bits bits).
func newExplorerView(e *Explorer, rest int) (*explorerView, error) {
	v := &explorerView{Meta: explorerMeta{N: e.N, Classes: e.Classes, Stride: e.Stride}}
	v.add("labels", classBytes(e.Labels))
	for i, s := range e.Spaces {
		id := string(rune('0' + i))
		v.Meta.Spaces = append(v.Meta.Spaces, spaceMeta{s.Name, s.KL})
		v.add("embedding-"+id, quantise(s.Embedding))
		v.add("predicted-"+id, classBytes(s.Predicted))
	}
	for _, b := range v.Blocks {
		rest += len(b.Base64)
	}
	images, bits, err := packImages(e.Images, maxPage-rest)
	if err != nil {
		return nil, err
	}
	v.add("images", images)
	v.Meta.Bits = bits
	v.Reduced, v.Levels = bits < 8, 1<<bits
	for i, name := range e.Classes {
		v.Glyphs = append(v.Glyphs, swatch{name, i % 10})
	}
	v.Table = classTable(e)
	return v, nil
}

func (v *explorerView) add(id string, data []byte) {
	v.Blocks = append(v.Blocks, block{id, template.HTML(base64.StdEncoding.EncodeToString(data))})
}

// quantise maps an n x 2 embedding into the square [-32767, 32767]^2: centred,
// both axes by the same factor, so shapes stay as they are.
func quantise(y []float32) []byte {
	lo := [2]float64{math.Inf(1), math.Inf(1)}
	hi := [2]float64{math.Inf(-1), math.Inf(-1)}
	for i, v := range y {
		lo[i%2] = min(lo[i%2], float64(v))
		hi[i%2] = max(hi[i%2], float64(v))
	}
	half := max(hi[0]-lo[0], hi[1]-lo[1]) / 2
	if half == 0 {
		half = 1 // all points coincide
	}
	out := make([]byte, 0, 2*len(y))
	for i, v := range y {
		centre := (lo[i%2] + hi[i%2]) / 2
		q := math.Round((float64(v) - centre) / half * 32767)
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(q)))
	}
	return out
}

// packImages compresses the images with the most grey levels whose base64 form
// fits into room bytes, and with the fewest where none does. It returns the zlib
// stream and the bits kept per pixel.
func packImages(images []byte, room int) (packed []byte, bits int, err error) {
	for _, bits = range greyBits {
		pixels := images
		if bits < 8 {
			pixels = make([]byte, len(images))
			for i, v := range images {
				pixels[i] = v >> (8 - bits)
			}
		}
		var buf bytes.Buffer
		z, err := zlib.NewWriterLevel(&buf, zlib.BestCompression)
		if err != nil {
			return nil, 0, err
		}
		if _, err := z.Write(pixels); err != nil {
			return nil, 0, err
		}
		if err := z.Close(); err != nil {
			return nil, 0, err
		}
		packed = buf.Bytes()
		if base64.StdEncoding.EncodedLen(len(packed)) <= room {
			break
		}
	}
	return packed, bits, nil
}

func classBytes(classes []int) []byte {
	out := make([]byte, len(classes))
	for i, c := range classes {
		out[i] = byte(c)
	}
	return out
}

func classTable(e *Explorer) []classRow {
	rows := make([]classRow, len(e.Classes)+1)
	for c := range rows {
		rows[c].Name = "all classes"
		if c < len(e.Classes) {
			rows[c].Name = e.Classes[c]
		}
		rows[c].Correct = make([]float64, len(e.Spaces))
	}
	all := &rows[len(e.Classes)]
	for i, label := range e.Labels {
		row := &rows[label]
		row.N++
		all.N++
		for s, space := range e.Spaces {
			if space.Predicted[i] == label {
				row.Correct[s]++
				all.Correct[s]++
			}
		}
	}
	for _, row := range rows {
		for s := range row.Correct {
			row.Correct[s] /= float64(row.N) // NaN without points
		}
	}
	return rows
}
