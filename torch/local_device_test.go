//go:build linux && cgo

package torch

import (
	"errors"
	"strings"
	"testing"
)

// Whatever is asked for, the processes on a machine with two GPUs take one each, and
// name them alike.
func TestLocalDevice(t *testing.T) {
	two := func(name string) (string, error) {
		switch name {
		case "auto":
			return "cuda", nil
		case "cpu", "cuda", "cuda:0", "cuda:1":
			return name, nil
		}
		return "", errors.New("device " + name + " does not exist")
	}
	none := func(name string) (string, error) {
		if name == "auto" || name == "cpu" {
			return "cpu", nil
		}
		return "", errors.New("no GPU")
	}
	for _, c := range []struct {
		asked             string
		machine           func(string) (string, error)
		localRank         int
		localSize         int
		group, local, err string
	}{
		{"auto", two, 0, 2, "cuda", "cuda:0", ""},
		{"auto", two, 1, 2, "cuda", "cuda:1", ""},
		{"cuda", two, 1, 2, "cuda", "cuda:1", ""},
		{"cuda", two, 2, 3, "", "", "cuda:2 does not exist"},
		{"cuda:1", two, 0, 1, "cuda:1", "cuda:1", ""},
		{"cuda:1", two, 1, 2, "", "", "cannot share cuda:1"},
		{"cpu", two, 1, 2, "cpu", "cpu", ""},
		{"auto", none, 1, 2, "cpu", "cpu", ""},
		{"cuda", none, 0, 2, "", "", "no GPU"},
	} {
		o := GroupOptions{LocalRank: c.localRank, LocalSize: c.localSize}
		group, local, err := o.localDevice(c.asked, c.machine)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: error %v", c, err)
			}
		} else if err != nil || group != c.group || local != c.local {
			t.Errorf("%s as process %d of %d: %q, %q, %v, want %q and %q",
				c.asked, c.localRank, c.localSize, group, local, err, c.group, c.local)
		}
	}
}
