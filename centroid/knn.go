package centroid

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
)

// Neighbors lists the nearest labelled rows of each of N rows, found elsewhere: by
// tsne.ExactNeighbors or any other search.
type Neighbors struct {
	N, K int
	// Index holds, N x K row-major, row numbers, nearest first; -1 is none.
	Index []int32
	// Similarity holds, N x K, how alike the two rows are, such as their cosine. KNN
	// reads it where votes have weights; it may be nil elsewhere.
	Similarity []float32
}

// KNNOptions are the settings of [KNN].
type KNNOptions struct {
	K int // neighbours that vote, 1 to Neighbors.K; the others are left out
	// Temperature, unless 0, gives each vote the weight exp(similarity / Temperature):
	// with cosines and 0.07 the classifier of Wu et al. (2018) that SimCLR's and DINO's
	// evaluations use, scikit-learn's KNeighborsClassifier(metric="cosine",
	// weights=lambda d: np.exp((1 - d) / 0.07)). With 0 all votes count alike.
	Temperature float64
}

// KNN returns the class that most neighbours of each row have. labels has the class of
// every row that an index may name. The lowest class wins a tie, as in scikit-learn. A row
// without neighbours is an error.
func KNN(nb Neighbors, labels []int, o KNNOptions) ([]int, error) {
	out, err := knn(nb, labels, o)
	if err != nil {
		return nil, fmt.Errorf("centroid: KNN: %w", err)
	}
	return out, nil
}

func knn(nb Neighbors, labels []int, o KNNOptions) ([]int, error) {
	switch {
	case nb.N < 1 || nb.K < 1 || len(nb.Index) != nb.N*nb.K:
		return nil, fmt.Errorf("%d indices for %d rows of %d neighbours", len(nb.Index), nb.N,
			nb.K)
	case o.K < 1 || o.K > nb.K:
		return nil, fmt.Errorf("option K is %d: want 1 to %d, the neighbours of a row", o.K, nb.K)
	case !(o.Temperature >= 0):
		return nil, fmt.Errorf("option Temperature is %v: want at least 0", o.Temperature)
	case o.Temperature > 0 && len(nb.Similarity) != len(nb.Index):
		return nil, fmt.Errorf("%d similarities for %d neighbours", len(nb.Similarity),
			len(nb.Index))
	case len(labels) == 0:
		return nil, errors.New("no labels")
	}
	classes, class := distinct(labels)
	out := make([]int, nb.N)
	var bad atomic.Int64 // 1 + a row that cannot be worked on
	parallel(nb.N, func(lo, hi int) {
		votes := make([]float64, len(classes))
		for i := lo; i < hi; i++ {
			clear(votes)
			index := nb.Index[i*nb.K:][:o.K]
			greatest := math.Inf(-1) // of the similarities: only differences count
			if o.Temperature > 0 {
				for _, s := range nb.Similarity[i*nb.K:][:o.K] {
					greatest = max(greatest, float64(s))
				}
			}
			voted := false
			for k, row := range index {
				if row < 0 {
					continue
				}
				weight := 1.0
				if o.Temperature > 0 {
					weight = math.Exp((float64(nb.Similarity[i*nb.K+k]) -
						greatest) / o.Temperature)
				}
				if int(row) >= len(labels) || !finite(weight) {
					voted = false
					break
				}
				votes[class[row]] += weight
				voted = true
			}
			if !voted {
				bad.CompareAndSwap(0, int64(i)+1)
				continue
			}
			best := 0
			for k, v := range votes {
				if v > votes[best] {
					best = k
				}
			}
			out[i] = classes[best]
		}
	})
	if row := bad.Load(); row > 0 {
		return nil, fmt.Errorf("a row, such as %d, has no neighbours, one that is not among the "+
			"%d labels, "+
			"or a similarity that is no number", row-1, len(labels))
	}
	return out, nil
}
