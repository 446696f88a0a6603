package report

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"latent/internal/atomicfile"
)

// Grey levels a picture may be stored with, best first, as bits per value.
var greyBits = []int{8, 6, 5, 4}

// chunkBytes is about how much one chunk holds of what is loaded a part at a time.
const chunkBytes = 4 << 20

// explorerView is what the template needs of an Explorer. Point data travels in blocks of
// bytes: as base64 in the page (template.HTML is safe for it, its alphabet has no markup),
// or beside it, each in a script that calls latentBlock.
type explorerView struct {
	Meta   explorerMeta
	Lede   string
	Find   string  // an example for the search field
	Inside []block // blocks in the page
	beside []block
	// One row per class and a last one for all points: how many of the class's points each
	// space that predicts gets right.
	Table      []classRow
	Predicting []string
	Reduced    bool // pictures are stored with fewer than 256 grey levels
	Levels     int
}

// explorerMeta goes to the page's script as JSON.
type explorerMeta struct {
	N         int         `json:"n"`
	Row       string      `json:"row"`
	Stride    int         `json:"stride"`
	Folder    string      `json:"folder"` // where blocks beside the page are, with its slash
	Labels    bool        `json:"labels"`
	Classes   []string    `json:"classes"`
	Spaces    []spaceMeta `json:"spaces"`
	Columns   []column    `json:"columns"`
	Pictures  *pictures   `json:"pictures"`
	Neighbors *neighbors  `json:"neighbors"`
	Side      bool        `json:"side"`
}

type spaceMeta struct {
	Name      string   `json:"name"`
	Title     string   `json:"title"`
	KL        *float64 `json:"kl"`
	Predicted bool     `json:"predicted"`
}

type column struct {
	Name  string   `json:"name"`
	Kind  string   `json:"kind"` // number, category or text
	Names []string `json:"names,omitempty"`
}

type pictures struct {
	Width    int `json:"w"`
	Height   int `json:"h"`
	Channels int `json:"c"`
	Bits     int `json:"bits"` // per stored value
	chunks
}

type neighbors struct {
	K int `json:"k"`
	chunks
}

// chunks say how rows are cut: so many in each chunk, of so many bytes.
type chunks struct {
	Rows  int `json:"rows"`
	Width int `json:"width"`
}

// block is one binary block; the id of its element is x-ID.
type block struct {
	ID     string
	Base64 template.HTML
}

type classRow struct {
	Name    string
	N       int
	Correct []float64 // fraction per space; NaN without points
}

// newExplorerView encodes a valid e, whose blocks go into folder, or into the page where
// folder is empty. The page's other parts take rest bytes.
//
// Blocks, little-endian: "labels" and "predicted-S" (n bytes), "map-S" (n x 2 int16, see
// quantise), "column-C" (n float32, or n bytes for categories, or a zlib stream of a JSON
// array of texts), "pictures-K" and "neighbors-K" (zlib streams, chunk K of the rows:
// each value's highest bits in a byte; K int32).
func newExplorerView(e *Explorer, folder string, rest int) (*explorerView, error) {
	v := &explorerView{Meta: explorerMeta{N: e.N, Row: e.Row, Stride: e.Stride, Classes: e.Classes,
		Labels: e.Labels != nil, Columns: []column{}, Side: e.SideBySide && len(e.Spaces) > 1},
		Lede: thousands(e.N) + " points. " + e.Note, Find: "row number"}
	if folder != "" {
		v.Meta.Folder = folder + "/"
	}
	if v.Meta.Row == "" {
		v.Meta.Row = "Row"
	}
	if v.Meta.Classes == nil {
		v.Meta.Classes = []string{}
	}
	if e.Labels != nil {
		v.add("labels", indexBytes(e.Labels))
		v.Find = "row number or label"
	}
	for i, s := range e.Spaces {
		meta := spaceMeta{Name: s.Name, Title: s.Title, Predicted: s.Predicted != nil}
		if s.Title == "" {
			meta.Title = capital(s.Name)
		}
		if !math.IsNaN(s.KL) {
			meta.KL = &s.KL
		}
		v.Meta.Spaces = append(v.Meta.Spaces, meta)
		v.add(fmt.Sprint("map-", i), quantise(s.Embedding))
		if s.Predicted != nil {
			v.add(fmt.Sprint("predicted-", i), indexBytes(s.Predicted))
		}
	}
	for i, c := range e.Columns {
		if err := v.addColumn(fmt.Sprint("column-", i), c); err != nil {
			return nil, err
		}
	}
	if e.K > 0 {
		rows := make([]byte, 0, 4*len(e.Neighbors))
		for _, j := range e.Neighbors {
			rows = binary.LittleEndian.AppendUint32(rows, uint32(j))
		}
		v.Meta.Neighbors = &neighbors{e.K, v.cut(e.N, 4*e.K)}
		for k, part := range v.Meta.Neighbors.of(rows) {
			v.add(fmt.Sprint("neighbors-", k), deflate(part))
		}
	}
	for _, b := range v.Inside {
		rest += len(b.Base64)
	}
	v.addPictures(e, rest)
	v.tabulate(e)
	return v, nil
}

// add puts a block into the page, or beside it.
func (v *explorerView) add(id string, data []byte) {
	b := block{id, template.HTML(base64.StdEncoding.EncodeToString(data))}
	if v.Meta.Folder == "" {
		v.Inside = append(v.Inside, b)
	} else {
		v.beside = append(v.beside, b)
	}
}

func (v *explorerView) addColumn(id string, c Column) error {
	meta := column{Name: c.Name, Names: c.Names}
	switch {
	case c.Numbers != nil:
		meta.Kind = "number"
		data := make([]byte, 0, 4*len(c.Numbers))
		for _, x := range c.Numbers {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
		}
		v.add(id, data)
	case c.Categories != nil:
		meta.Kind = "category"
		v.add(id, indexBytes(c.Categories))
	default:
		meta.Kind = "text"
		text, err := json.Marshal(c.Texts)
		if err != nil {
			return fmt.Errorf("report: column %s: %w", c.Name, err)
		}
		v.add(id, deflate(text))
	}
	if meta.Kind != "number" {
		v.Find = "row number, label or text"
	}
	v.Meta.Columns = append(v.Meta.Columns, meta)
	return nil
}

// cut is how n rows of so many bytes are cut: not at all inside a page.
func (v *explorerView) cut(n, width int) chunks {
	if v.Meta.Folder == "" {
		return chunks{n, width}
	}
	return chunks{max(1, chunkBytes/width), width}
}

// of cuts data.
func (c chunks) of(data []byte) [][]byte {
	var parts [][]byte
	for size := c.Rows * c.Width; len(data) > 0; data = data[min(size, len(data)):] {
		parts = append(parts, data[:min(size, len(data))])
	}
	return parts
}

func (v *explorerView) addPictures(e *Explorer, rest int) {
	p := e.Pictures
	if p == nil {
		return
	}
	meta := &pictures{p.Width, p.Height, p.Channels, 8, v.cut(e.N, p.size())}
	v.Meta.Pictures = meta
	if v.Meta.Folder == "" {
		packed, bits := packPictures(p.Pixels, maxPage-rest)
		v.add("pictures-0", packed)
		meta.Bits, v.Reduced, v.Levels = bits, bits < 8, 1<<bits
		return
	}
	for k, part := range meta.of(p.Pixels) {
		v.add(fmt.Sprint("pictures-", k), deflate(part))
	}
}

// writeBeside writes the blocks into dir and removes those of an earlier page that are
// not this one's.
func (v *explorerView) writeBeside(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	wanted := map[string]bool{}
	for _, b := range v.beside {
		wanted[b.ID+".js"] = true
		err := atomicfile.Write(filepath.Join(dir, b.ID+".js"), func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "latentBlock(%q, %q);\n", b.ID, b.Base64)
			return err
		})
		if err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	for _, f := range entries {
		kind, _, _ := strings.Cut(f.Name(), "-")
		chunk := kind == "map" || kind == "predicted" || kind == "column" || kind == "pictures" ||
			kind == "neighbors" || f.Name() == "labels.js"
		if chunk && strings.HasSuffix(f.Name(), ".js") && !wanted[f.Name()] {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("report: %w", err)
			}
		}
	}
	return nil
}

// Quantise is a map's positions as pages take them: n x 2 little-endian int16 in the square
// [-32767, 32767]^2, centred, both axes by the same factor.
func Quantise(y []float32) []byte { return quantise(y) }

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

// packPictures compresses the pixels with the most grey levels whose base64 form fits
// into room bytes, and with the fewest where none does. It returns the zlib stream and the
// bits kept per value.
func packPictures(pixels []byte, room int) (packed []byte, bits int) {
	for _, bits = range greyBits {
		kept := pixels
		if bits < 8 {
			kept = make([]byte, len(pixels))
			for i, v := range pixels {
				kept[i] = v >> (8 - bits)
			}
		}
		packed = deflate(kept)
		if base64.StdEncoding.EncodedLen(len(packed)) <= room {
			break
		}
	}
	return packed, bits
}

// deflate is a zlib stream of data.
func deflate(data []byte) []byte {
	var buf bytes.Buffer
	z, err := zlib.NewWriterLevel(&buf, zlib.BestCompression)
	if err == nil {
		_, err = z.Write(data)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // the level is one, and a buffer takes everything
	}
	return buf.Bytes()
}

func indexBytes(indices []int) []byte {
	out := make([]byte, len(indices))
	for i, c := range indices {
		out[i] = byte(c)
	}
	return out
}

// tabulate counts, class by class, what each space predicts right.
func (v *explorerView) tabulate(e *Explorer) {
	var spaces []Space
	for _, s := range e.Spaces {
		if s.Predicted != nil {
			spaces = append(spaces, s)
			v.Predicting = append(v.Predicting, s.Name)
		}
	}
	if e.Labels == nil || len(spaces) == 0 {
		return
	}
	rows := make([]classRow, len(e.Classes)+1)
	for c := range rows {
		rows[c].Name = "all classes"
		if c < len(e.Classes) {
			rows[c].Name = e.Classes[c]
		}
		rows[c].Correct = make([]float64, len(spaces))
	}
	all := &rows[len(e.Classes)]
	for i, label := range e.Labels {
		row := &rows[label]
		row.N++
		all.N++
		for s, space := range spaces {
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
	v.Table = rows
}
