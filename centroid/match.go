package centroid

import "math"

// Match pairs clusters with labels one to one so that as many rows as possible
// lie in a cluster paired with their label (the Hungarian method), and returns
// the pairs as cluster -> label and the share of such rows. With more clusters
// than labels some clusters have no label, and their rows count as wrong.
func Match(clusters, labels []int) (mapping map[int]int, accuracy float64) {
	sameLength("Match", clusters, labels)
	table, rows, cols := contingency(clusters, labels)
	mapping = make(map[int]int)
	var right float64
	for i, j := range assign(table) {
		if j >= 0 {
			mapping[rows[i]] = cols[j]
			right += table[i][j]
		}
	}
	return mapping, right / float64(len(labels))
}

// assign returns for each row of gain the column paired with it, or -1, such
// that no column is used twice, min(rows, columns) pairs are made and their sum
// is the largest possible. O(rows^2 columns) for rows <= columns.
func assign(gain [][]float64) []int {
	n := len(gain)
	if n == 0 {
		return nil
	}
	m := len(gain[0])
	at := func(i, j int) float64 { return -gain[i-1][j-1] }
	transposed := n > m
	if transposed {
		n, m = m, n
		at = func(i, j int) float64 { return -gain[j-1][i-1] }
	}
	// Shortest augmenting paths with potentials u, v; indices from 1, column 0
	// being where the row to be placed starts. owner[j] is the row of column j.
	u, v := make([]float64, n+1), make([]float64, m+1)
	owner, previous := make([]int, m+1), make([]int, m+1)
	slack, used := make([]float64, m+1), make([]bool, m+1)
	for i := 1; i <= n; i++ {
		for j := range slack {
			slack[j], used[j] = math.Inf(1), false
		}
		owner[0] = i
		j0 := 0
		for owner[j0] != 0 {
			used[j0] = true
			i0, delta, j1 := owner[j0], math.Inf(1), 0
			for j := 1; j <= m; j++ {
				if used[j] {
					continue
				}
				if cost := at(i0, j) - u[i0] - v[j]; cost < slack[j] {
					slack[j], previous[j] = cost, j0
				}
				if slack[j] < delta {
					delta, j1 = slack[j], j
				}
			}
			for j := range slack {
				if used[j] {
					u[owner[j]] += delta
					v[j] -= delta
				} else {
					slack[j] -= delta
				}
			}
			j0 = j1
		}
		for j0 != 0 {
			owner[j0] = owner[previous[j0]]
			j0 = previous[j0]
		}
	}
	pairs := make([]int, len(gain))
	for i := range pairs {
		pairs[i] = -1
	}
	for j := 1; j <= m; j++ {
		if i := owner[j]; i != 0 {
			if transposed {
				pairs[j-1] = i - 1
			} else {
				pairs[i-1] = j - 1
			}
		}
	}
	return pairs
}
