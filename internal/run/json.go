package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"latent/internal/atomicfile"
)

// maxJSON bounds a JSON file that is read, in bytes; ours are about a thousand.
const maxJSON = 1 << 20

// readJSON returns the content of a JSON file of ours.
func readJSON(path string) ([]byte, error) {
	b, err := readSmall(path, maxJSON)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, new(json.RawMessage)); err != nil {
		return nil, fmt.Errorf("cut off or not JSON (%w); restore it or use another folder", err)
	}
	return b, nil
}

// readSmall reads a regular file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, _, err := atomicfile.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, reason(err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("larger than %d bytes, not a file of this program", limit)
	}
	return b, nil
}

// strict decodes one JSON value that has no fields that v lacks.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more follows the JSON value")
	}
	return nil
}

// writeJSON replaces the file at path by v, indented.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}
