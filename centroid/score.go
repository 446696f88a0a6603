package centroid

import (
	"fmt"
	"math"
)

// sameLength panics, as wrong shapes do in gonum, when two slices that belong
// together differ in length.
func sameLength(op string, a, b []int) {
	if len(a) != len(b) {
		panic(fmt.Sprintf("centroid: %s: slices of lengths %d and %d", op, len(a), len(b)))
	}
}

// Accuracy returns the share, 0 to 1, of rows whose prediction equals the label;
// NaN when there are no rows.
func Accuracy(predicted, labels []int) float64 {
	sameLength("Accuracy", predicted, labels)
	right := 0
	for i, p := range predicted {
		if p == labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

// PerClass returns the classes that occur in labels, ascending, and for each the
// share of its rows that were predicted right (its recall).
func PerClass(predicted, labels []int) (classes []int, accuracy []float64) {
	sameLength("PerClass", predicted, labels)
	classes, index := distinct(labels)
	accuracy, counts := make([]float64, len(classes)), make([]float64, len(classes))
	for i, k := range index {
		counts[k]++
		if predicted[i] == labels[i] {
			accuracy[k]++
		}
	}
	for k := range accuracy {
		accuracy[k] /= counts[k]
	}
	return classes, accuracy
}

// ClassScore says how well one class is told from the others, each from 0 to 1.
type ClassScore struct {
	Class     int     `json:"class"`
	Precision float64 `json:"precision"` // share of the rows predicted as it that are of it
	Recall    float64 `json:"recall"`    // share of its rows that are predicted as it
	F1        float64 `json:"f1"`        // harmonic mean of both
	Support   int     `json:"support"`   // its rows
}

// ClassScores returns the scores of every class that occurs in labels or predictions,
// ascending, as sklearn.metrics.precision_recall_fscore_support(zero_division=0): a share of
// no rows is 0.
func ClassScores(predicted, labels []int) []ClassScore {
	sameLength("ClassScores", predicted, labels)
	classes, index := distinct(append(labels[:len(labels):len(labels)], predicted...))
	scores := make([]ClassScore, len(classes))
	right, found := make([]int, len(classes)), make([]int, len(classes))
	for i := range labels {
		l, p := index[i], index[len(labels)+i]
		scores[l].Support++
		found[p]++
		if l == p {
			right[l]++
		}
	}
	share := func(part, whole int) float64 { return float64(part) / float64(max(whole, 1)) }
	for k := range scores {
		s := &scores[k]
		s.Class = classes[k]
		s.Precision, s.Recall = share(right[k], found[k]), share(right[k], s.Support)
		s.F1 = share(2*right[k], found[k]+s.Support)
	}
	return scores
}

// Confusion returns the classes x classes table whose entry [i][j] counts the
// rows of class i that were predicted as j. It panics on a label or prediction
// outside 0..classes-1.
func Confusion(predicted, labels []int, classes int) [][]int {
	sameLength("Confusion", predicted, labels)
	table := make([][]int, classes)
	for i := range table {
		table[i] = make([]int, classes)
	}
	for i, p := range predicted {
		l := labels[i]
		if l < 0 || l >= classes || p < 0 || p >= classes {
			panic(fmt.Sprintf("centroid: Confusion: row %d has label %d and prediction %d: want "+
				"0 to %d",
				i, l, p, classes-1))
		}
		table[l][p]++
	}
	return table
}

// contingency counts how often each value of a meets each value of b.
func contingency(a, b []int) (table [][]float64, valuesA, valuesB []int) {
	valuesA, indexA := distinct(a)
	valuesB, indexB := distinct(b)
	table = make([][]float64, len(valuesA))
	for i := range table {
		table[i] = make([]float64, len(valuesB))
	}
	for i, k := range indexA {
		table[k][indexB[i]]++
	}
	return table, valuesA, valuesB
}

// margins returns the row and column sums of table.
func margins(table [][]float64) (rows, cols []float64) {
	rows = make([]float64, len(table))
	for i, line := range table {
		if cols == nil {
			cols = make([]float64, len(line))
		}
		for j, v := range line {
			rows[i] += v
			cols[j] += v
		}
	}
	return rows, cols
}

func entropy(counts []float64, n float64) float64 {
	var h float64
	for _, c := range counts {
		h -= float64(c / n * math.Log(c/n))
	}
	return h
}

// NMI returns the normalised mutual information of two groupings, 0 to 1: mutual
// information over the arithmetic mean of the entropies, as
// sklearn.metrics.normalized_mutual_info_score. Two groupings with one group
// each, or none, agree perfectly.
func NMI(a, b []int) float64 {
	sameLength("NMI", a, b)
	table, valuesA, valuesB := contingency(a, b)
	if len(valuesA) == len(valuesB) && len(valuesA) <= 1 {
		return 1
	}
	rows, cols := margins(table)
	n := float64(len(a))
	var mi float64
	for i, line := range table {
		for j, v := range line {
			if v > 0 {
				mi += float64(v / n * math.Log(v*n/(rows[i]*cols[j])))
			}
		}
	}
	if mi <= 0x1p-52 {
		return 0
	}
	return min(1, mi/((entropy(rows, n)+entropy(cols, n))/2))
}

// ARI returns the adjusted Rand index of two groupings, from -0.5 to 1, 0 being
// what chance gives, as sklearn.metrics.adjusted_rand_score.
func ARI(a, b []int) float64 {
	sameLength("ARI", a, b)
	table, _, _ := contingency(a, b)
	rows, cols := margins(table)
	// Ordered pairs that are together in both, in a, in b.
	pairs := func(counts []float64) (sum float64) {
		for _, c := range counts {
			sum += float64(c * (c - 1))
		}
		return sum
	}
	var both float64
	for _, line := range table {
		both += pairs(line)
	}
	n := float64(len(a))
	inA, inB, all := pairs(rows), pairs(cols), float64(n*(n-1))
	onlyA, onlyB := inA-both, inB-both
	if onlyA == 0 && onlyB == 0 {
		return 1
	}
	neither := all - both - onlyA - onlyB
	return 2 * (float64(both*neither) - float64(onlyA*onlyB)) /
		(float64((both+onlyA)*(onlyA+neither)) + float64((both+onlyB)*(onlyB+neither)))
}
