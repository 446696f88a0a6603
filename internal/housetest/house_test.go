//go:build linux && cgo

package housetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors are the rooms of the house from the top down. A package imports from lower
// floors only. What is not listed belongs to the longest listed path above it, or, a
// room of its own, is free to import what it likes, but is imported by nobody below
// the top.
var floors = [][]string{
	{"cmd", "examples", "scripts"},
	{"internal/notebook"},
	{"internal/stage", "internal/train"},
	{"internal/view"},
	{"internal/report", "internal/figure"},
	{"internal/run"},
	{"contrastive"},
	{"autoenc"},
	{"dataset"},
	{"torch"},
	{"torch/pt"},
	{"tsne"},
	{"centroid"},
	{"internal/matrix", "internal/progress", "internal/axis"},
	{"internal/atomicfile"},
}

// ground are the internal packages on which public ones may stand.
var ground = []string{"internal/matrix", "internal/progress", "internal/axis",
	"internal/atomicfile"}

// pure are the public packages that know nothing of torch, and build without cgo.
var pure = []string{"tsne", "centroid"}

// room is a package as go list has it.
type room struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// rooms lists the packages of this module by their path in it, with what they import
// of it, tests left out.
func rooms(t *testing.T) map[string]room {
	t.Helper()
	module := strings.TrimSpace(output(t, "go", "list", "-m"))
	d := json.NewDecoder(strings.NewReader(output(t, "go", "list", "-json=ImportPath,Imports,Deps",
		module+"/...")))
	found := map[string]room{}
	for {
		var r room
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimPrefix(r.ImportPath, module+"/")] = room{r.ImportPath,
			within(module, r.Imports), within(module, r.Deps)}
	}
}

// within are the paths below the module, without its name.
func within(module string, paths []string) []string {
	var inside []string
	for _, p := range paths {
		if name, ok := strings.CutPrefix(p, module+"/"); ok {
			inside = append(inside, name)
		}
	}
	return inside
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &stderr)
	}
	return string(out)
}

// floor is the number of a package's floor, -1 for one that is not in the list.
func floor(name string) int {
	at, longest := -1, 0
	for i, names := range floors {
		for _, n := range names {
			if (name == n || strings.HasPrefix(name, n+"/")) && len(n) > longest {
				at, longest = i, len(n)
			}
		}
	}
	return at
}

func public(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !slices.Contains([]string{"cmd", "examples", "internal", "scripts"}, first)
}

// wrongImports says what is against the rules in what name imports.
func wrongImports(name string, r room) []string {
	var wrong []string
	bad := func(imported, why string) { wrong = append(wrong, name+" imports "+imported+": "+why) }
	for _, imported := range r.Imports {
		from, to := floor(name), floor(imported)
		switch {
		case strings.HasSuffix(imported, "test") && strings.HasPrefix(imported, "internal/"):
			bad(imported, "which is for tests")
		case strings.HasPrefix(name, imported+"/") || strings.HasPrefix(imported, name+"/") &&
			from == to:
			// a part of the same room
		case from >= 0 && to < 0 && from > 0:
			bad(imported, "give it a floor in this test's list")
		case from >= 0 && to >= 0 && to <= from:
			bad(imported, "imports go down only")
		}
		if strings.HasPrefix(name, "examples/") && !public(imported) {
			bad(imported, "an example shows what everybody can write")
		}
		if public(name) && !public(imported) && !slices.Contains(ground, imported) {
			bad(imported, "a public package stands on public ones and the ground floor")
		}
	}
	if slices.ContainsFunc(pure,
		func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") }) {
		for _, dep := range r.Deps {
			if dep == "torch" || strings.HasPrefix(dep, "torch/") {
				bad(dep, "it knows nothing of torch")
			}
		}
	}
	return wrong
}

func TestImports(t *testing.T) {
	all := rooms(t)
	for name, r := range all {
		for _, wrong := range wrongImports(name, r) {
			t.Error(wrong)
		}
	}
	for _, names := range floors[1:] {
		for _, name := range names {
			if _, ok := all[name]; !ok {
				t.Errorf("there is no package %s", name)
			}
		}
	}
}

// The rules find what they are for.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name, imported string
		wrong          bool
	}{
		{"autoenc", "torch/pt", false},
		{"internal/notebook", "internal/stage", false},
		{"cmd/latent", "internal/notebook", false},
		{"cmd/latent", "internal/server", false}, // a room that comes later
		{"internal/server", "internal/report", false},
		{"tsne", "tsne/internal/tree", false},
		{"torch", "autoenc", true},
		{"internal/stage", "internal/notebook", true},
		{"internal/stage", "internal/train", true}, // sideways
		{"dataset", "internal/run", true},
		{"dataset", "internal/server", true},
		{"examples/notebook", "internal/matrix", true},
		{"internal/train", "internal/datasettest", true},
	} {
		wrong := wrongImports(c.name, room{Imports: []string{c.imported}})
		if (len(wrong) > 0) != c.wrong {
			t.Errorf("%s imports %s: %q", c.name, c.imported, wrong)
		}
	}
	if len(wrongImports("tsne", room{Deps: []string{"torch"}})) == 0 {
		t.Error("tsne may depend on torch")
	}
}

// maxLines is how long a Go file may be without a reason.
const maxLines = 400

// A file above maxLines that a person wrote says why in its first comment, which begins
// with "Above 400 lines: ".
func TestFileLength(t *testing.T) {
	for _, path := range goFiles(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > maxLines && !excused(t, path, text) {
			t.Errorf("%s has %d lines: split it, or begin it with a comment \"Above 400 lines: "+
				"...\" that says why not", path, n)
		}
	}
}

func excused(t *testing.T, path string, text []byte) bool {
	f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if ast.IsGenerated(f) {
		return true
	}
	for _, c := range f.Comments {
		if first := c.Text(); first != "" { // a build constraint has no text
			return strings.HasPrefix(first, "Above 400 lines: ")
		}
	}
	return false
}

// Less than a third of the Go lines lies in internal/, tests and what only they use
// left out: who builds on this module can use the rest.
func TestInternalIsTheSmallerPart(t *testing.T) {
	all, inside := 0, 0
	for _, path := range goFiles(t) {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Dir(path), "test") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n := bytes.Count(text, []byte("\n"))
		all += n
		if strings.Contains(filepath.ToSlash(path), "/internal/") {
			inside += n
		}
	}
	if 3*inside >= all {
		t.Errorf("%d of %d lines are in internal/", inside, all)
	}
}

// goFiles are the module's Go files.
func goFiles(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() && path != "../.." &&
			(slices.Contains([]string{"build", "data", "runs", "bin"}, name) || name[0] == '.') {
			return fs.SkipDir
		}
		if !e.IsDir() && filepath.Ext(name) == ".go" {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 100 {
		t.Fatalf("only %d Go files", len(paths))
	}
	return paths
}
