package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"latent/internal/view"
)

// fakeBrowser makes the file that the program's browser writes the address into.
func fakeBrowser(t *testing.T) (address string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the browser is started by another name")
	}
	dir := t.TempDir()
	address = filepath.Join(dir, "address")
	script := "#!/bin/sh\nprintf %s \"$1\" > '" + address + ".part' && mv '" + address +
		".part' '" + address + "'\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return address
}

// watchStates calls f with each state that the page at the address shows until f says that
// it has seen enough.
func watchStates(t *testing.T, address string, f func(view.State) bool) {
	t.Helper()
	answer, err := http.Get(address + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var s view.State
		if err := json.Unmarshal([]byte(data), &s); err != nil {
			t.Fatal(err)
		}
		if f(s) {
			return
		}
	}
	t.Fatal("the events ended")
}

// --view opens the browser on a map that forms and shows its frames.
func TestTSNEView(t *testing.T) {
	browser, tmp := fakeBrowser(t), t.TempDir()
	x := blobs(t, filepath.Join(tmp, "x.npy"), 1500, 10)
	y := filepath.Join(tmp, "map", "y.npy")
	if err := os.Mkdir(filepath.Dir(y), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd, stderr := start(t, "tsne", "--input", x, "--output", y, "--view", "--iterations",
		"100000000")
	waitFor(t, "the browser", func() bool { return exists(browser) })
	watchStates(t, string(read(t, browser)), func(s view.State) bool {
		return s.Status != nil && s.Status.Label == "tsne" && s.Status.Done > 0 &&
			len(s.Maps) == 1 && s.Maps[0].Name == "y" &&
			exists(filepath.Join(tmp, "map", "y.frame.npy"))
	})
	cmd.Process.Signal(os.Interrupt)
	if code := wait(t, cmd); code != 130 {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	if left, _ := os.ReadDir(filepath.Dir(y)); len(left) != 1 {
		t.Errorf("beside the map are left %v", left)
	}
	refuse(t, 2, []string{"tsne", "--input", x, "--output", "-", "--view"}, "--view")
	refuse(t, 2, []string{"tsne", "--input", x, "--output", y, "--components", "3", "--view"},
		"--view")
}

// After the work the page stays until Ctrl-C, and the map has the bytes of one that nobody
// could watch.
func TestTSNEViewEnds(t *testing.T) {
	browser, tmp := fakeBrowser(t), t.TempDir()
	x, y := blobs(t, filepath.Join(tmp, "x.npy"), 300, 10), filepath.Join(tmp, "y.npy")
	flags := []string{"tsne", "--input", x, "--iterations", "300", "--quiet", "--output"}
	cmd, stderr := start(t, append(flags, y, "--view")...)
	waitFor(t, "the browser", func() bool { return exists(browser) })
	watchStates(t, string(read(t, browser)),
		func(s view.State) bool { return s.Idle == "Finished" && len(s.Maps) == 1 })
	cmd.Process.Signal(os.Interrupt)
	if code := wait(t, cmd); code != 0 {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
	plain := must(t, append(flags, "-", "--format", "npy")...).stdout
	if string(read(t, y)) != plain {
		t.Error("watching changes the map")
	}
}
