package run

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"latent/autoenc"
	"latent/internal/atomicfile"
)

const (
	lossesHeader = "step,epoch,loss,reconstruction,contrastive"

	// maxLosses bounds a losses.csv that is read, in bytes: about five million
	// steps, 170 times the notebook's.
	maxLosses = 256 << 20
)

// Series is one model's losses, from its first step on.
type Series struct {
	Model  string // the space that its latents are
	Losses []autoenc.Loss
}

// Values are the losses that were minimised.
func (s Series) Values() []float64 {
	values := make([]float64, len(s.Losses))
	for i, l := range s.Losses {
		values[i] = float64(l.Loss)
	}
	return values
}

// Losses is the content of losses.csv in memory, and grows by one row per step. All
// losses are finite.
//
// The file is replaced as a whole at each Save: then it is readable after a kill
// at any moment, like every other file. Appending in place would save little. The
// text is kept, so that a Save only writes it: 1.5 MB after the notebook's 29,500
// steps, well under the cost of syncing a file at all.
type Losses struct {
	path string
	rows []autoenc.Loss
	text []byte // header and rows, as in the file
}

// Losses returns the losses of the first step steps, for a run that goes on after
// them. Later rows of losses.csv, which a process wrote that died before its
// checkpoint, are left out; missing ones are an error. With step 0 the file need
// not be there and is not read.
//
// It is so that a checkpoint never lacks a row: Save the losses first, then write
// the checkpoint.
func (f *Folder) Losses(step int) (*Losses, error) {
	l := &Losses{path: f.Path(LossesFile), text: []byte(lossesHeader + "\n")}
	if step == 0 {
		return l, nil
	}
	rows, err := ReadLosses(f.dir)
	if err != nil {
		return nil, err
	}
	if step < 0 || step > len(rows) {
		return nil, fmt.Errorf("run: read %s: ends at step %d, but the checkpoint is at step %d",
			l.path, len(rows), step)
	}
	for _, r := range rows[:step] {
		if err := l.Append(r); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// Append adds a row in memory. Its step must follow the last one's and its losses
// must be finite.
func (l *Losses) Append(r autoenc.Loss) error {
	if err := follows(r, l.rows); err != nil {
		return fmt.Errorf("run: losses: %w", err)
	}
	l.rows = append(l.rows, r)
	l.text = appendLine(l.text, r)
	return nil
}

// Rows returns the rows so far, which the caller must not change.
func (l *Losses) Rows() []autoenc.Loss { return l.rows }

// Save replaces losses.csv by the rows so far.
func (l *Losses) Save() error {
	err := atomicfile.Write(l.path, func(w io.Writer) error {
		_, err := w.Write(l.text)
		return err
	})
	if err != nil {
		return fmt.Errorf("run: save losses: %w", err)
	}
	return nil
}

// appendLine adds the row's line to text, each number in the shortest form that
// reads back as the same float32.
func appendLine(text []byte, r autoenc.Loss) []byte {
	text = strconv.AppendInt(text, int64(r.Step), 10)
	text = append(text, ',')
	text = strconv.AppendInt(text, int64(r.Epoch), 10)
	for _, v := range [...]float32{r.Loss, r.Reconstruction, r.Contrastive} {
		text = append(text, ',')
		text = strconv.AppendFloat(text, float64(v), 'g', -1, 32)
	}
	return append(text, '\n')
}

// follows checks that r may come after rows: steps 1, 2, 3, ..., epochs 1, 1, ...,
// 2, 2, ..., finite losses.
func follows(r autoenc.Loss, rows []autoenc.Loss) error {
	if r.Step != len(rows)+1 {
		return fmt.Errorf("step %d after step %d", r.Step, len(rows))
	}
	epoch, newEpoch := 1, 1
	if len(rows) > 0 {
		epoch = rows[len(rows)-1].Epoch
		newEpoch = epoch + 1
	}
	if r.Epoch != epoch && r.Epoch != newEpoch {
		return fmt.Errorf("step %d: epoch %d after epoch %d", r.Step, r.Epoch, epoch)
	}
	for _, v := range [...]float32{r.Loss, r.Reconstruction, r.Contrastive} {
		if v := float64(v); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("step %d: the loss is %v", r.Step, v)
		}
	}
	return nil
}

// ReadLosses reads dir's losses.csv. It may be called while another process
// trains.
func ReadLosses(dir string) ([]autoenc.Loss, error) {
	path := filepath.Join(dir, LossesFile)
	b, err := readSmall(path, maxLosses)
	var rows []autoenc.Loss
	if err == nil {
		rows, err = parseLosses(b)
	}
	if err != nil {
		return nil, fmt.Errorf("run: read %s: %w", path, err)
	}
	return rows, nil
}

func parseLosses(b []byte) ([]autoenc.Loss, error) {
	line, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok || string(line) != lossesHeader {
		return nil, fmt.Errorf("line 1: the header is not %q", lossesHeader)
	}
	rows := make([]autoenc.Loss, 0, bytes.Count(rest, []byte("\n")))
	for len(rest) > 0 {
		number := len(rows) + 2
		if line, rest, ok = bytes.Cut(rest, []byte("\n")); !ok {
			return nil, fmt.Errorf("line %d: cut off", number)
		}
		row, err := parseRow(string(line))
		if err == nil {
			err = follows(row, rows)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func parseRow(line string) (autoenc.Loss, error) {
	var fields [5]string
	for i := range fields {
		field, rest, more := strings.Cut(line, ",")
		if more != (i < len(fields)-1) {
			return autoenc.Loss{}, errors.New("not five numbers")
		}
		fields[i], line = field, rest
	}
	var r autoenc.Loss
	for i, to := range [...]*int{&r.Step, &r.Epoch} {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return autoenc.Loss{}, fmt.Errorf("%.40q is not a whole number", fields[i])
		}
		*to = n
	}
	for i, to := range [...]*float32{&r.Loss, &r.Reconstruction, &r.Contrastive} {
		v, err := strconv.ParseFloat(fields[2+i], 32)
		if err != nil {
			return autoenc.Loss{}, fmt.Errorf("%.40q is not a float32", fields[2+i])
		}
		*to = float32(v)
	}
	return r, nil
}
