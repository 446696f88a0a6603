package dataset_test

import (
	"context"
	"fmt"
	"log"

	"latent/dataset"
)

// MNIST as rows of floats, fetched into the folder data where it is missing.
func Example() {
	if _, err := dataset.Fetch(context.Background(), "data", "mnist",
		dataset.DefaultFetchOptions()); err != nil {
		log.Fatal(err)
	}
	mnist, err := dataset.Open("data", "mnist")
	if err != nil {
		log.Fatal(err)
	}
	x := mnist.Train.Floats() // N x 784, 0 to 1
	fmt.Println(mnist.Train.N, len(x), mnist.Train.Labels[0])
}
