//go:build !(linux && cgo)

package main

import (
	"strings"
	"testing"
)

// What needs libtorch says so in one line, whatever its flags.
func TestNeedsLibtorch(t *testing.T) {
	for _, call := range []string{
		"train", "train --out runs/a --epochs 3", "train --help", "encode --run runs/a",
		"notebook -o x",
		"classify --run runs/a", "info --device cuda",
	} {
		args := strings.Fields(call)
		refuse(t, exitFailed, args, "needs libtorch", "run make on Linux")
	}
	refuse(t, exitUsage, []string{"classify"}, "--run")
}

func TestInfo(t *testing.T) {
	if out := must(t, "info").stdout; !strings.Contains(out, "built without") {
		t.Errorf("info prints %q", out)
	}
	if v := object(t, must(t, "info", "--json")); v["libtorch"] != nil || v["device"] != "cpu" {
		t.Errorf("info says %v", v)
	}
}
