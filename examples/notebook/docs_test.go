//go:build linux && cgo

package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the line numbers in docs/notebook.md")

const page = "../../docs/notebook.md"

// excerpt is a link to lines of main.go and, below it, the block that shows them.
var excerpt = regexp.MustCompile(`\[main\.go, lines \d+ to \d+\]\(\.\./examples/notebook/main\.go#L(\d+)-L(\d+)\)\n\n` +
	"```go\n((?s:.*?))```\n")

// TestDocs holds the Go lines that docs/notebook.md shows against main.go, to the
// letter but for the indentation, and the line numbers of their links.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(source), "\n")
	count := 0
	fixed := excerpt.ReplaceAllStringFunc(string(text), func(block string) string {
		count++
		m := excerpt.FindStringSubmatch(block)
		shown := strings.Split(strings.TrimSuffix(m[3], "\n"), "\n")
		from, found := 0, 0
		for i := 0; i+len(shown) <= len(lines); i++ {
			if dedented(lines[i:i+len(shown)]) == strings.Join(shown, "\n") {
				from, found = i+1, found+1
			}
		}
		if found != 1 {
			t.Errorf("these lines occur %d times in main.go, want once:\n%s", found, m[3])
			return block
		}
		to := from + len(shown) - 1
		if !*update && (m[1] != fmt.Sprint(from) || m[2] != fmt.Sprint(to)) {
			t.Errorf("the link names lines %s to %s, they are %d to %d: run go test "+
				"./examples/notebook -run Docs -update", m[1], m[2], from, to)
		}
		return fmt.Sprintf("[main.go, lines %[1]d to "+
			"%[2]d](../examples/notebook/main.go#L%[1]d-L%[2]d)\n\n```go\n%[3]s```\n", from, to,
			m[3])
	})
	if count < 10 {
		t.Errorf("%d excerpts of main.go, want at least 10", count)
	}
	if blocks := strings.Count(string(text), "```go\n"); blocks != count {
		t.Errorf("%d Go blocks, but %d have a link to main.go above them", blocks, count)
	}
	if *update {
		if err := os.WriteFile(page, []byte(fixed), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// dedented joins lines without the tabs that all of them begin with.
func dedented(lines []string) string {
	common := 1 << 10
	for _, l := range lines {
		if l != "" {
			common = min(common, len(l)-len(strings.TrimLeft(l, "\t")))
		}
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l[min(common, len(l)):]
	}
	return strings.Join(out, "\n")
}
