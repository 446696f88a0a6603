//go:build linux && cgo

// Package moduletest builds and runs a program of another module on latent's
// public packages.
package moduletest

import (
	"os"
	"os/exec"
	"testing"
)

func TestSecondModule(t *testing.T) {
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = "testdata/second"
	// Nothing is fetched: what latent itself needs is all there is.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const want = `trained: true
saved: [in.0.weight in.0.bias narrow.0.weight narrow.0.bias widen.0.weight widen.0.bias out.0.weight out.0.bias]
latents: 200 x 3, reloaded the same: true
`
	if string(out) != want {
		t.Errorf("it printed\n%swant\n%s", out, want)
	}
}
