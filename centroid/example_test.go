package centroid_test

import (
	"context"
	"fmt"

	"latent/centroid"
)

// Two classes of points in the plane, called 3 and 7.
var (
	points = []float32{0, 0, 0, 1, 1, 0, 8, 8, 9, 8, 8, 9}
	labels = []int{3, 3, 3, 7, 7, 7}
)

func ExampleFit() {
	c, err := centroid.Fit(points, 6, labels, centroid.Euclidean)
	if err != nil {
		fmt.Println(err)
		return
	}
	predicted, err := c.Predict([]float32{2, 2, 7, 6}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(predicted, centroid.Accuracy(predicted, []int{3, 7}))
	// Output: [3 7] 1
}

func ExampleKMeans() {
	o := centroid.DefaultKMeansOptions()
	o.K = 2
	k, err := centroid.KMeans(context.Background(), points, 6, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, accuracy := centroid.Match(k.Labels, labels)
	fmt.Printf("inertia %.3f, accuracy %.0f, NMI %.0f\n", k.Inertia, accuracy,
		centroid.NMI(k.Labels, labels))
	// Output: inertia 2.667, accuracy 1, NMI 1
}
