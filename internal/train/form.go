//go:build linux && cgo

package train

import (
	"fmt"

	"latent/internal/matrix"
)

// checkForm says whether a resumed run goes on with the rows that it was begun with.
func (j *job) checkForm() error {
	if j.data.Form == nil {
		return nil
	}
	saved, err := readForm(j.dir)
	if err == nil && saved.SHA256 != j.data.Form.SHA256 {
		return fmt.Errorf("resume %s: %s does not hold the rows that the run was begun with: "+
			"choose another folder for a new run", j.dir, j.Input)
	}
	return nil
}

// writeForm keeps what new rows need, and which rows are held out.
func (j *job) writeForm() error {
	if j.data.Form == nil {
		return nil
	}
	if j.data.TestRows != nil {
		if err := matrix.WriteLabels(j.folder.Path(testRowsFile), j.data.TestRows); err != nil {
			return err
		}
	}
	return j.data.Form.write(j.dir)
}

// notes tells what may surprise about the options and about a user's own rows.
func (j *job) notes() {
	if j.Contrastive == selfLabel && j.Epochs <= firstEpochs {
		j.report.Printf("note: the first %d epochs of %s are NT-Xent's, and clusters are found "+
			"after them: train for more than %d", firstEpochs, selfLabel, firstEpochs)
	}
	f := j.data.Form
	if f == nil {
		return
	}
	j.report.Printf("%s: %d training and %d test rows of %d values, scaled: %s", j.Name(), f.Train,
		f.Test, f.Width(), f.Scaler.Kind)
	if j.BatchSize > f.Train {
		j.report.Printf("note: %d training rows are fewer than a batch of %d: every step takes "+
			"all of them", f.Train, j.BatchSize)
	}
	if w := f.Width(); j.EncoderWidths == "" && j.DecoderWidths == "" && (w < 784/8 || w > 784*8) {
		j.report.Printf("note: the layers are the notebook's, 1000, 25, 50 and 1000 wide, made " +
			"for rows of 784 values; " +
			"--encoder-widths and --decoder-widths set others")
	}
}
