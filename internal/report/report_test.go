package report

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"latent/autoenc"
	"latent/internal/run"
)

// walk calls f for every element of the page.
func walk(t *testing.T, page string, f func(n *html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			f(n)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

func TestPageIsSelfContained(t *testing.T) {
	page := render(t, sample(200))
	var policy, script string
	executable := 0
	walk(t, page, func(n *html.Node) {
		for _, a := range n.Attr {
			switch a.Key {
			case "src", "href", "action", "data", "poster", "srcset":
				if !strings.HasPrefix(a.Val, "data:") && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("<%s %s=%q> leads out of the page", n.Data, a.Key, a.Val)
				}
			}
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s> has an inline handler %s", n.Data, a.Key)
			}
		}
		switch {
		case n.Data == "script" && attr(n, "type") == "":
			executable++
			script = text(n)
		case n.Data == "link" &&
			attr(n, "rel") != "icon", n.Data == "iframe", n.Data == "object", n.Data == "base":
			t.Errorf("page has <%s>", n.Data)
		case n.Data == "meta" && attr(n, "http-equiv") == "Content-Security-Policy":
			policy = attr(n, "content")
		}
	})
	if executable != 1 {
		t.Errorf("%d executable scripts, want 1: some text was taken for markup", executable)
	}
	sum := sha256.Sum256([]byte(script))
	hash := base64.StdEncoding.EncodeToString(sum[:])
	if !strings.Contains(policy, "default-src 'none'") ||
		!strings.Contains(policy, "script-src 'sha256-"+hash+"'") {
		t.Errorf("policy %q does not allow just the page's script (sha256-%s)", policy, hash)
	}
	for _, outside := range []string{"http://", "https://", "@import", "url("} {
		for _, line := range strings.Split(page, "\n") {
			if strings.Contains(line, outside) &&
				!strings.Contains(line, "application/octet-stream") {
				t.Errorf("page mentions %q: %.120s", outside, line)
			}
		}
	}
}

func TestTextIsEscaped(t *testing.T) {
	page := render(t, sample(50))
	found := map[string]int{}
	walk(t, page, func(n *html.Node) {
		if n.Data == "img" && attr(n, "alt") == hostile {
			found["alt"]++
		}
		for _, element := range []string{"title", "h1", "code", "dt", "dd", "li", "figcaption"} {
			if n.Data == element && strings.Contains(text(n), hostile) {
				found[element]++
			}
		}
	})
	for _, place := range []string{"alt", "title", "h1", "code", "dt", "dd", "li", "figcaption"} {
		if found[place] != 1 {
			t.Errorf("hostile text found %d times in %s, want once, as text", found[place], place)
		}
	}
}

// block returns the decoded binary block id.
func blockOf(t *testing.T, page, id string) []byte {
	t.Helper()
	m := regexp.MustCompile(`<script type="application/octet-stream" id="x-` + id +
		`">([^<]*)</script>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no block %s", id)
	}
	data, err := base64.StdEncoding.DecodeString(m[1])
	if err != nil {
		t.Fatalf("block %s: %v", id, err)
	}
	return data
}

func TestBlocks(t *testing.T) {
	const n = 200
	r := sample(n)
	page := render(t, r)
	for i, b := range blockOf(t, page, "labels") {
		if int(b) != r.Explorer.Labels[i] {
			t.Fatalf("label %d is %d, want %d", i, b, r.Explorer.Labels[i])
		}
	}
	for k, s := range r.Explorer.Spaces {
		id := string(rune('0' + k))
		if got := blockOf(t, page, "predicted-"+id); len(got) != n {
			t.Errorf("predicted-%s has %d bytes, want %d", id, len(got), n)
		}
		got := blockOf(t, page, "map-"+id)
		if len(got) != 4*n {
			t.Fatalf("map-%s has %d bytes, want %d", id, len(got), 4*n)
		}
		// Distances survive up to one factor.
		at := func(i int) float64 { return float64(int16(binary.LittleEndian.Uint16(got[2*i:]))) }
		y := s.Embedding
		want := math.Hypot(float64(y[2]-y[0]), float64(y[3]-y[1])) / math.Hypot(float64(y[6]-y[4]),
			float64(y[7]-y[5]))
		have := math.Hypot(at(2)-at(0), at(3)-at(1)) / math.Hypot(at(6)-at(4), at(7)-at(5))
		if math.Abs(have/want-1) > 1e-3 {
			t.Errorf("map-%s: ratio of two distances is %v, want %v", id, have, want)
		}
	}
	z, err := zlib.NewReader(bytes.NewReader(blockOf(t, page, "pictures-0")))
	if err != nil {
		t.Fatal(err)
	}
	images, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(images, r.Explorer.Pictures.Pixels) {
		t.Errorf("images do not come back as they were (%d bytes, %v)", len(images), err)
	}
}

func TestQuantiseFillsTheSquare(t *testing.T) {
	got := quantise([]float32{-3, 10, 5, 12, 1, 11})
	want := []int16{-32767, -8192, 32767, 8192, 0, 0}
	for i, w := range want {
		if v := int16(binary.LittleEndian.Uint16(got[2*i:])); v != w {
			t.Errorf("coordinate %d is %d, want %d", i, v, w)
		}
	}
	for i, v := range quantise([]float32{7, 7, 7, 7}) {
		if v != 0 {
			t.Errorf("coinciding points: byte %d is %d, want 0", i, v)
		}
	}
}

// Noise compresses worst of all; a page of it still keeps to the limit.
func TestPicturesArePackedToFit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	noise := make([]byte, 300*784)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	full := base64.StdEncoding.EncodedLen(len(noise))
	for _, c := range []struct{ room, bits int }{{full + full/50, 8}, {full * 8 / 10, 6},
		{full * 6 / 10, 4}, {0, 4}} {
		packed, bits := packPictures(noise, c.room)
		if bits != c.bits {
			t.Errorf("room for %d: %d bits, want %d", c.room, bits, c.bits)
		}
		if size := base64.StdEncoding.EncodedLen(len(packed)); c.room > 0 && size > c.room {
			t.Errorf("room for %d: %d bytes", c.room, size)
		}
	}
}

func TestChartWithoutLosses(t *testing.T) {
	for _, s := range [][]run.Series{nil, {{Model: "m"}},
		{{Model: "m", Losses: []autoenc.Loss{{Step: 1}}}}} {
		if c := newChart(s); c != nil {
			t.Errorf("%v gives a chart", s)
		}
	}
	c := newChart([]run.Series{{Model: "m", Losses: []autoenc.Loss{{Step: 1, Loss: 0.5}}}})
	if c == nil || len(c.Y) == 0 || strings.Contains(c.Curves[0].Line, "NaN") {
		t.Errorf("one loss: %+v", c)
	}
}

func TestTables(t *testing.T) {
	page := render(t, sample(200))
	for _, want := range []string{
		">80.80<", ">Knn 20, cosine-weighted<", ">97.12<", ">82.03<", ">83.00<", ">0.01510<",
		">1 min 32 s<", ">1 h 02 min<", ">t-SNE<", "200 points. ",
		`<dt>batch size</dt><dd>1024</dd>`, "seed 3", "20 epochs", "libtorch 1.13.1",
		"original ends at 82.00 %; contrastive ends at 75.41 %; contrastive, cosine ends at " +
			"90.00 %",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("page lacks %q", want)
		}
	}
	if strings.Count(page, "<dt>seed</dt>") != 1 {
		t.Error("the seed is listed twice")
	}
	v, err := newExplorerView(sample(200).Explorer, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	rows := v.Table
	if all := rows[10]; all.N != 200 || all.Correct[0] != 0.8 {
		t.Errorf("all classes: %+v, want 200 points and 80 %% correct in the first space", all)
	}
}

func TestSmallestReport(t *testing.T) {
	page := render(t, Report{Title: "Nothing yet"})
	for _, absent := range []string{`id="results"`, `id="explorer"`, `id="losses"`, `id="epochs"`,
		`id="figures"`, `id="notes"`} {
		if strings.Contains(page, absent) {
			t.Errorf("empty section %s is on the page", absent)
		}
	}
}

func TestValidate(t *testing.T) {
	cases := []struct {
		name   string
		change func(r *Report)
		want   string
	}{
		{"title", func(r *Report) { r.Title = "" }, "Title"},
		{"accuracy", func(r *Report) { r.Accuracy[0].Euclidean.Test = 82.03 },
			"Accuracy[0] (original)"},
		{"cosine", func(r *Report) { r.Accuracy[0].Cosine.Test = math.NaN() },
			"Accuracy[0] (original)"},
		{"score", func(r *Report) { r.Scores[1].Test = 97 }, "Scores[1] ("},
		{"mse", func(r *Report) { r.MSE[0].Train = math.Inf(1) }, "MSE[0]"},
		{"seconds", func(r *Report) { r.Seconds[0].Seconds = -1 }, "Seconds[0]"},
		{"loss value", func(r *Report) { r.Losses[1].Losses[9].Loss = float32(math.NaN()) },
			"Losses[1] (contrastive): loss of step 10 is NaN"},
		{"loss order", func(r *Report) { r.Losses[0].Losses[9].Step = 3 },
			"step 3 follows step 9"},
		{"figure data", func(r *Report) { r.Figures[0].Data = []byte("GIF89a") },
			"neither PNG nor SVG"},
		{"figure cut", func(r *Report) { r.Figures[0].Data = r.Figures[0].Data[:20] },
			"Figures[0]"},
		{"figure alt", func(r *Report) { r.Figures[0].Alt = "" }, "no Alt text"},
		{"no points", func(r *Report) { r.Explorer.N = 0 }, "N is 0"},
		{"spaces", func(r *Report) { r.Explorer.Spaces = nil }, "0 spaces"},
		{"classes", func(r *Report) { r.Explorer.Classes = nil }, "Labels without names"},
		{"many classes", func(r *Report) { r.Explorer.Classes = make([]string, 256) },
			"Classes: 256 of them, want at most 255"},
		{"stride", func(r *Report) { r.Explorer.Stride = -1 }, "Stride is -1"},
		{"pictures",
			func(r *Report) { r.Explorer.Pictures.Pixels = r.Explorer.Pictures.Pixels[1:] },
			"Pixels has 39199 bytes, want 39200"},
		{"picture size", func(r *Report) { r.Explorer.Pictures.Height = 257 }, "257 x 28 pixels"},
		{"neighbours", func(r *Report) { r.Explorer.K, r.Explorer.Neighbors = 2, []int32{1} },
			"Neighbors has 1 entries, want 100"},
		{"neighbour",
			func(r *Report) {
				r.Explorer.K, r.Explorer.Neighbors = 1,
					append(make([]int32, 49), 50)
			}, "Neighbors[49] is 50, want 0 to 49"},
		{"column length",
			func(r *Report) {
				r.Explorer.Columns = []Column{{Name: "size",
					Numbers: []float32{1}}}
			}, "Columns[0] (size): 1 values of 1 kinds, want 50"},
		{"column kind", func(r *Report) { r.Explorer.Columns = []Column{{Name: "size"}} },
			"0 values of 0 kinds"},
		{"infinite", func(r *Report) {
			r.Explorer.Columns = []Column{{Numbers: append(make([]float32, 49),
				float32(math.Inf(1)))}}
		}, "Numbers[49] is +Inf"},
		{"labels", func(r *Report) { r.Explorer.Labels = r.Explorer.Labels[1:] },
			"Labels has 49 entries, want 50"},
		{"label", func(r *Report) { r.Explorer.Labels[4] = 10 }, "Labels[4] is 10, want 0 to 9"},
		{"embedding", func(r *Report) { r.Explorer.Spaces[1].Embedding = nil },
			"Spaces[1] (reconstruction): field Embedding has 0 values, want 100"},
		{"coordinate",
			func(r *Report) { r.Explorer.Spaces[0].Embedding[7] = float32(math.Inf(1)) },
			"Embedding of point 3 holds +Inf"},
		{"kl", func(r *Report) { r.Explorer.Spaces[2].KL = math.Inf(1) }, "KL is +Inf"},
		{"predicted", func(r *Report) { r.Explorer.Spaces[2].Predicted[0] = -1 },
			"Predicted[0] is -1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := sample(50)
			c.change(&r)
			var buf bytes.Buffer
			err := Write(&buf, r)
			if err == nil || !strings.HasPrefix(err.Error(), "report: ") ||
				!strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if buf.Len() > 0 {
				t.Errorf("%d bytes were written", buf.Len())
			}
		})
	}
}

type failingWriter struct{}

var errFull = errors.New("disk full")

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }

func TestWriteError(t *testing.T) {
	if err := Write(failingWriter{}, sample(50)); !errors.Is(err, errFull) {
		t.Errorf("error %v, want the writer's", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	r := sample(20000)
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
