package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
)

// Version is the version of the run folder's form, the field "version" of
// config.json. A change that older programs would read wrongly raises it.
const Version = 1

// WriteConfig writes config.json: the fields of config, any value that JSON
// writes as an object, and Version.
func (f *Folder) WriteConfig(config any) error {
	b, err := json.Marshal(config)
	if err != nil {
		return fmt.Errorf("run: write %s: %w", f.Path(ConfigFile), err)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(b, &fields) != nil || fields == nil || fields["version"] != nil {
		return fmt.Errorf("run: write %s: a config must be an object without a field \"version\"",
			f.Path(ConfigFile))
	}
	// Text before fields, to keep their order.
	text := fmt.Appendf(nil, `{"version":%d`, Version)
	if len(fields) > 0 {
		text = append(text, ',')
	}
	text = append(text, bytes.TrimSpace(b)[1:]...)
	if err := writeJSON(f.Path(ConfigFile), json.RawMessage(text)); err != nil {
		return fmt.Errorf("run: write config: %w", err)
	}
	return nil
}

// ReadConfig reads dir's config.json into config, a pointer to what WriteConfig
// was given. A file of a newer Version, a field that config does not have and
// anything that is no JSON are errors that name the file. Whether the values make
// sense is for the caller to check.
func ReadConfig(dir string, config any) error {
	path := filepath.Join(dir, ConfigFile)
	b, err := readJSON(path)
	if err == nil {
		err = decodeConfig(b, config)
	}
	if err != nil {
		return fmt.Errorf("run: read %s: %w", path, err)
	}
	return nil
}

func decodeConfig(b []byte, config any) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	var version int
	if err := json.Unmarshal(fields["version"], &version); err != nil || version < 1 {
		return errors.New("no valid field \"version\"; not the config of a run folder")
	}
	if version > Version {
		return fmt.Errorf("written by a newer latent (run folder version %d, this one knows "+
			"%d); use that one or another folder", version, Version)
	}
	delete(fields, "version")
	rest, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return strict(rest, config)
}

// Compare returns an error that names the first field, in alphabetical order, in
// which two configs differ, with both values: what a folder was made with and
// what is asked for now. Fields are compared as they stand in JSON; those in
// ignore may differ. Fields of nested objects are named "outer.inner".
func Compare(saved, asked any, ignore ...string) error {
	a, err := flatten(saved)
	if err != nil {
		return fmt.Errorf("run: compare: %w", err)
	}
	b, err := flatten(asked)
	if err != nil {
		return fmt.Errorf("run: compare: %w", err)
	}
	names := make([]string, 0, len(a)+len(b))
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range slices.Compact(names) {
		if a[name] != b[name] && !slices.Contains(ignore, name) {
			return fmt.Errorf("%s is %s in the run folder, but %s was asked for", name,
				shown(a[name]), shown(b[name]))
		}
	}
	return nil
}

// flatten returns the JSON text of each field of v that is not itself an object.
func flatten(v any) (map[string]string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	var walk func(prefix string, raw json.RawMessage)
	walk = func(prefix string, raw json.RawMessage) {
		var fields map[string]json.RawMessage
		if json.Unmarshal(raw, &fields) != nil || len(fields) == 0 {
			out[prefix] = string(raw)
			return
		}
		for name, field := range fields {
			if prefix != "" {
				name = prefix + "." + name
			}
			walk(name, field)
		}
	}
	walk("", b)
	return out, nil
}

// shown is a value's text in an error.
func shown(text string) string {
	if text == "" {
		return "absent"
	}
	return text
}
