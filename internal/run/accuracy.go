package run

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"latent/internal/atomicfile"
)

const (
	accuracyHeader = "epoch,original_train,original_test,latent_train,latent_test," +
		"latent_cosine_train,latent_cosine_test"

	// maxAccuracy bounds an accuracy.csv that is read, in bytes: more than 100,000 rows.
	maxAccuracy = 16 << 20
)

// EpochAccuracy is what nearest centroids find after an epoch, 0 to 1: by the 2-norm in the
// pixels, which training does not change, and by the 2-norm and by cosine in the latents.
type EpochAccuracy struct {
	Epoch                    int
	Original, Latent, Cosine Splits
}

// values are the columns behind the epoch.
func (a *EpochAccuracy) values() [6]*float64 {
	return [6]*float64{&a.Original.Train, &a.Original.Test, &a.Latent.Train, &a.Latent.Test,
		&a.Cosine.Train, &a.Cosine.Test}
}

// WriteAccuracy replaces accuracy.csv. Numbers read back exactly.
func (f *Folder) WriteAccuracy(rows []EpochAccuracy) error {
	text := []byte(accuracyHeader + "\n")
	for _, row := range rows {
		text = strconv.AppendInt(text, int64(row.Epoch), 10)
		for _, v := range row.values() {
			text = strconv.AppendFloat(append(text, ','), *v, 'g', -1, 64)
		}
		text = append(text, '\n')
	}
	err := atomicfile.Write(f.Path(AccuracyFile), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("run: save accuracies: %w", err)
	}
	return nil
}

// ReadAccuracy reads dir's accuracy.csv. Without the file, as in folders that earlier
// versions left, there are no rows.
func ReadAccuracy(dir string) ([]EpochAccuracy, error) {
	path := filepath.Join(dir, AccuracyFile)
	b, err := readSmall(path, maxAccuracy)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var rows []EpochAccuracy
	if err == nil {
		rows, err = parseAccuracy(string(b))
	}
	if err != nil {
		return nil, fmt.Errorf("run: read %s: %w", path, err)
	}
	return rows, nil
}

func parseAccuracy(text string) ([]EpochAccuracy, error) {
	lines := strings.Split(text, "\n")
	if lines[0] != accuracyHeader || len(lines) == 1 {
		return nil, fmt.Errorf("line 1: the header is not %q", accuracyHeader)
	}
	if lines[len(lines)-1] != "" {
		return nil, fmt.Errorf("line %d: cut off", len(lines))
	}
	var rows []EpochAccuracy
	for i, line := range lines[1 : len(lines)-1] {
		row, err := parseAccuracyRow(line)
		if err == nil && len(rows) > 0 && row.Epoch <= rows[len(rows)-1].Epoch {
			err = fmt.Errorf("epoch %d after epoch %d", row.Epoch, rows[len(rows)-1].Epoch)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func parseAccuracyRow(line string) (EpochAccuracy, error) {
	var row EpochAccuracy
	fields := strings.Split(line, ",")
	values := row.values()
	if len(fields) != 1+len(values) {
		return row, errors.New("not seven numbers")
	}
	var err error
	if row.Epoch, err = strconv.Atoi(fields[0]); err != nil || row.Epoch < 1 {
		return row, fmt.Errorf("%.40q is not an epoch", fields[0])
	}
	for i, v := range values {
		*v, err = strconv.ParseFloat(fields[1+i], 64)
		if err != nil || !(*v >= 0 && *v <= 1) {
			return row, fmt.Errorf("%.40q is not a number from 0 to 1", fields[1+i])
		}
	}
	return row, nil
}

// AccuracySeries is one model's accuracies.
type AccuracySeries struct {
	Model string // the space that its latents are
	Rows  []EpochAccuracy
}

// AccuracyCurve is one line of a chart of test accuracies against epochs.
type AccuracyCurve struct {
	Name   string
	Epochs []int
	Values []float64
}

// AccuracyCurves are the lines to draw: the pixels once, then each model's latents by the
// 2-norm and, where directions are what the model was trained for, by cosine.
func AccuracyCurves(models []AccuracySeries) []AccuracyCurve {
	var curves []AccuracyCurve
	add := func(name string, rows []EpochAccuracy, value func(EpochAccuracy) float64) {
		c := AccuracyCurve{Name: name}
		for _, row := range rows {
			c.Epochs, c.Values = append(c.Epochs, row.Epoch), append(c.Values, value(row))
		}
		curves = append(curves, c)
	}
	longest := 0
	for i, m := range models {
		if len(m.Rows) > len(models[longest].Rows) {
			longest = i
		}
	}
	for i, m := range models {
		if len(m.Rows) == 0 {
			continue
		}
		if len(curves) == 0 {
			add(Original, models[longest].Rows,
				func(a EpochAccuracy) float64 { return a.Original.Test })
		}
		add(models[i].Model, m.Rows, func(a EpochAccuracy) float64 { return a.Latent.Test })
		if !strings.HasSuffix(m.Model, Reconstruction) {
			add(m.Model+", cosine", m.Rows, func(a EpochAccuracy) float64 { return a.Cosine.Test })
		}
	}
	return curves
}

// Overtakes returns the first measured epoch from which on the latents classify the test
// images at least as well as the pixels to the last row, 0 where they do not in the end.
func Overtakes(rows []EpochAccuracy) (epoch int) {
	for i := len(rows) - 1; i >= 0 && rows[i].Latent.Test >= rows[i].Original.Test; i-- {
		epoch = rows[i].Epoch
	}
	return epoch
}
