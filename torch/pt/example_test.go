package pt_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"latent/torch/pt"
)

// A state_dict that torch.load(f, weights_only=True) reads, and back.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.pt")

	state := pt.Dict{
		{Key: "weight", Value: pt.Tensor{Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}}},
		{Key: "bias", Value: pt.Tensor{Shape: []int{2}, Data: []float32{0.5, -0.5}}},
	}
	if err := pt.WriteFile(path, state); err != nil {
		log.Fatal(err)
	}

	v, err := pt.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range v.(pt.Dict) {
		t := item.Value.(pt.Tensor)
		fmt.Println(item.Key, t.Shape, t.Data)
	}
	// Output:
	// weight [2 3] [1 2 3 4 5 6]
	// bias [2] [0.5 -0.5]
}
