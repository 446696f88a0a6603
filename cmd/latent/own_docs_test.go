//go:build linux && cgo

package main

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latent/internal/matrix"
)

// The walks of docs/own-data.md run as they are written, on small data.
func TestOwnDataWalks(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "wine.csv"), string(read(t, "testdata/wine.csv")))
	pictures(t, filepath.Join(dir, "pictures"))
	v := matrix.Matrix{Rows: 120, Cols: 16, Data: make([]float32, 120*16)}
	for i := range v.Data {
		v.Data[i] = float32(i*i%97)/50 + float32(i/16%3)
	}
	if err := matrix.WriteFile(filepath.Join(dir, "vectors.npy"), v); err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, block := range strings.Split(string(read(t, "../../docs/own-data.md")), "```sh\n")[1:] {
		for _, line := range strings.Split(strings.TrimSpace(strings.Split(block, "```")[0]),
			"\n") {
			args := strings.Fields(line)
			if args[0] != "latent" {
				continue // the Python that makes the table
			}
			commands++
			for i, a := range args {
				switch a {
				case "wine.csv", "pictures", "vectors.npy", "runs/wine", "runs/pictures",
					"runs/vectors", "latents.npy",
					"map.npy", "cosine.npy", "wine.html", "vectors.html",
					"runs/pictures/reconstruction":
					args[i] = filepath.Join(dir, a)
				}
			}
			must(t, args[1:]...)
		}
	}
	if commands != 11 {
		t.Errorf("%d commands in docs/own-data.md, want 11", commands)
	}
	for _, name := range []string{"wine.html", "runs/pictures/report.html",
		"runs/vectors/report.html", "vectors.html"} {
		if !exists(filepath.Join(dir, name)) {
			t.Errorf("no %s", name)
		}
	}
}

// pictures writes 40 small pictures of two classes.
func pictures(t *testing.T, dir string) {
	t.Helper()
	for i := range 40 {
		folder := filepath.Join(dir, []string{"boot", "shirt"}[i%2])
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		m := image.NewGray(image.Rect(0, 0, 12, 12))
		for x := range 12 {
			for y := range 12 {
				if (x > y) == (i%2 == 0) {
					m.SetGray(x, y, color.Gray{Y: uint8(100 + 3*i)})
				}
			}
		}
		f, err := os.Create(filepath.Join(folder, string(rune('a'+i/2))+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, m); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}
