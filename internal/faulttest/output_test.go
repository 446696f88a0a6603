//go:build linux && cgo

package faulttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shell runs a line of the shell in which $latent is the program.
func shell(t *testing.T, line string, args ...string) result {
	t.Helper()
	p := &process{Cmd: exec.Command("sh", append([]string{"-c", line, "sh"}, args...)...)}
	p.Stdout, p.Stderr = &p.out, &p.err
	p.Env = append(os.Environ(), "latent="+program)
	return p.start(t).end(t)
}

// Readers that go away early, outputs that are closed or full: no crash, no trace,
// and the work is done.
func TestOutputGone(t *testing.T) {
	t.Parallel()
	trained, _ := trained1.get(t, "train", "1")
	classify := []string{"classify", "--run", trained, "--threads", "1", "--quiet"}
	embed, y := tsneCall(t, folder(t), "20")
	for _, args := range few(1, embed, classify, []string{"data", "--data", dataDir(t), "--quiet"},
		[]string{"info"}, []string{"--help"}) {
		name := args[0]
		for _, line := range []string{
			`"$latent" "$@" | head -c 1 >/dev/null`,
			`("$latent" "$@"; echo "exit code $?" >&2) | true`,
			`"$latent" "$@" >&-`,
			`"$latent" "$@" </dev/null 2>&- >&-`,
		} {
			r := shell(t, line, args...)
			if r.code != 0 || r.stderr != "" && r.stderr != "exit code 0\n" {
				t.Errorf("%s, %s: exit code %d, stderr %q", name, line, r.code, r.stderr)
			}
		}
		if _, err := os.Stat("/dev/full"); err == nil {
			shell(t, `"$latent" "$@" >/dev/full`, args...).fails(t, name+" >/dev/full", 1,
				"stdout", "no space left")
		}
	}
	read(t, y)

	want, _ := trained3.get(t, "train", "3")
	for _, redirect := range few(1, ">&- 2>&- <&-", ">/dev/full", ">&-", "2>&-", "2>/dev/full") {
		dir := filepath.Join(folder(t), "run")
		args := small(t, "train", dir, "--epochs", "3")
		for i, a := range args {
			if a == "--quiet" {
				args = append(args[:i:i], args[i+1:]...)
			}
		}
		r := shell(t, `exec "$latent" "$@" `+redirect, args...)
		if code := map[bool]int{true: 1, false: 0}[redirect == ">/dev/full"]; r.code != code {
			t.Errorf("train %s: exit code %d, want %d: %s", redirect, r.code, code, r.stderr)
		}
		sameRun(t, "train "+redirect, dir, want)
		whole(t, "train "+redirect, filepath.Dir(dir)) // nothing of the output in a file
	}
	if strings.Contains(string(read(t, filepath.Join(trained, "config.json"))),
		"nearest centroid") {
		t.Error("output in a file")
	}
}
