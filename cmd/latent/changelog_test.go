package main

import (
	"os"
	"regexp"
	"testing"
)

// The newest version in CHANGELOG.md is the program's.
func TestChangelog(t *testing.T) {
	text, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	newest := regexp.MustCompile(`(?m)^## (\d\S*)`).FindSubmatch(text)
	if newest == nil {
		t.Fatal("no version")
	}
	if got, want := must(t, "--version").stdout, "latent "+string(newest[1])+"\n"; got != want {
		t.Errorf("latent --version prints %q, CHANGELOG.md begins with %q", got, want)
	}
}
