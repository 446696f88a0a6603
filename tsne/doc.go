// Package tsne embeds high-dimensional data in one to three dimensions by
// t-distributed stochastic neighbour embedding (van der Maaten and Hinton 2008),
// with the Barnes-Hut gradient (van der Maaten 2014) and the settings of
// scikit-learn's TSNE but for the schedule, on a CPU and without cgo.
//
// [Fit] does everything:
//
//	o := tsne.DefaultOptions()
//	o.Perplexity = 40
//	e, err := tsne.Fit(ctx, x, n, o) // x holds n rows, one after the other
//	if err != nil { ... }
//	plot(e.Y) // n x 2
//
// [Embedding.Transform] places rows that were not part of the fit, at once or, with
// [Embedding.Save] and [ReadEmbedding], later; [KL], [Trustworthiness] and
// [NeighborPreservation] say how good a map is.
//
// Rows of float64 and matrices such as gonum's come in by [FromFloat64] and [FromMatrix].
// Neighbours and affinities computed elsewhere are [Options].Graph ([ReadNeighborGraph]) and
// Options.Affinities; a map made elsewhere takes new rows by [NewEmbedding].
//
// # Stages
//
// Fit is made of parts that can be used by themselves, each in a file of that name:
//
//	Neighbors       the nearest rows of every row: ExactNeighbors (exact.go) or
//	                ApproximateNeighbors (approximate.go, cells.go), as AutoNeighbors chooses
//	NewAffinities   joint probabilities P from distances, by perplexity
//	Start           first positions: PCA, random or given
//	Optimizer       gradient descent with momentum, gains and early exaggeration
//
// # Determinism
//
// The result is the same to the byte for every number of threads and from run to
// run. The kernels have assembly for amd64 with AVX2 and for arm64 (made by the generators in
// tsne/asm; the build tag purego leaves it out) and plain Go for other machines, which sum in the
// same order without fused operations and so agree to the bit. So does the code around them, which
// rounds each product by a conversion and brings its own exp and log: a map on arm64 has the bytes
// of amd64's. ApproximateNeighbors alone uses fused operations, which both of them have.
//
// # Differences from scikit-learn
//
// ScheduleAuto, the default, reaches a lower divergence in about a third of the iterations;
// ScikitLearnOptions has scikit-learn's own schedule.
//
// A cell of the tree is opened for 32 neighbouring points at once, if any of them asks for it,
// so that the forces are more accurate at the same Theta. In three dimensions Q is Student's t
// with one degree of freedom, as in the papers and openTSNE, where scikit-learn takes two.
package tsne
