//go:build linux && cgo

package train

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"latent/internal/progress"
	"latent/internal/run"
)

// Choose puts the run that c can go on with into dir, or nothing, and reports
// whether there is one. A run with other options is kept beside it, one at most, and
// taken back when its options are asked for again; d is the data, for rows of the user's own.
// label begins what r is told.
func Choose(dir string, c Config, d *Data, label string, r progress.Reporter) (resume bool,
	err error) {
	kept := dir + ".previous"
	if err := endSwap(dir, kept); err != nil {
		return false, err
	}
	here, err := trained(dir, c, d)
	if err != nil {
		return false, err
	}
	there, _ := trained(kept, c, d)
	switch {
	case there > max(here, 0):
		r.Printf("%s: continues the run kept in %s", label, kept)
		return true, swap(dir, kept)
	case here == other:
		r.Printf("%s: starts over; the earlier run is kept in %s", label, kept)
		if err := os.RemoveAll(kept); err != nil {
			return false, err
		}
		return false, os.Rename(dir, kept)
	}
	return here != none, nil
}

// What trained finds beside a number of epochs.
const (
	none  = -1 // no run
	other = -2 // a run with other options, or with more epochs than are asked for
)

// trained returns how many epochs the run in dir has begun, 0 or more where c can
// go on with it.
func trained(dir string, c Config, d *Data) (int, error) {
	saved, err := ReadConfig(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	if run.Compare(saved, c, mayChange...) != nil {
		return other, nil
	}
	if d != nil && d.Form != nil {
		if form, err := readForm(dir); err == nil && form.SHA256 != d.Form.SHA256 {
			return other, nil
		}
	}
	rows, err := run.ReadLosses(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(rows) == 0:
		return 0, nil // it ended before its first checkpoint, or its first step
	case err != nil:
		return none, err
	}
	if epochs := rows[len(rows)-1].Epoch; epochs <= c.Epochs {
		return epochs, nil
	}
	return other, nil
}

// swap exchanges two folders, of which the first may be missing.
func swap(dir, kept string) error {
	err := os.Rename(dir, aside(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return os.Rename(kept, dir)
	}
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(kept, dir), os.Rename(aside(dir), kept))
}

// endSwap gives the folder that a killed swap left aside the name that is free.
func endSwap(dir, kept string) error {
	for _, name := range []string{dir, kept} {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(aside(dir), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// aside is where swap puts dir for a moment.
func aside(dir string) string {
	return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".aside")
}
