// Command cmd writes the files that torch/operations.table gives; run by `go generate ./torch`, in
// torch/.
package main

import (
	"bytes"
	"fmt"
	"os"

	"latent/torch/internal/opgen"
)

func main() {
	table, err := os.ReadFile("operations.table")
	var files map[string][]byte
	if err == nil {
		files, err = opgen.Generate(string(table))
	}
	for path, text := range files {
		// what stays compiles no more
		if old, _ := os.ReadFile(path); err == nil && !bytes.Equal(old, text) {
			err = os.WriteFile(path, text, 0o666)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
