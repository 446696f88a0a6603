//go:build linux && cgo

package train

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"latent/autoenc"
	"latent/centroid"
	"latent/dataset"
	"latent/internal/matrix"
	"latent/internal/progress"
	"latent/tsne"
)

// selfLabel is the loss whose classes are clusters that training finds itself. No label is read.
// It begins as NT-Xent. The first clusters are those of a t-SNE map of the latents, put right by
// a vote of the nearest rows; later ones are those of the latents, by k-means. From the first
// on it is SupCon on them. The rows about which it is least sure have no class until the next
// round.
const selfLabel = "self-label"

const (
	firstEpochs = 10                // epochs of NT-Xent before the first clusters
	roundEpochs = 5                 // epochs between two rounds of clusters
	unsure      = 0.1               // share of the rows that have no class in a round
	mapSharp    = 4                 // late exaggeration of the map, as Kobak and Berens (2019)
	mapNear     = 15                // perplexity of the map, as UMAP's number of neighbours
	voters      = 15                // nearest rows that vote
	asked       = 20                // nearest rows among which those with a class are looked for
	clusterFile = "clusters-%d.npy" // classes of a round, from 0; -1 is none
)

// round is that of the clusters found after an epoch, and whether any are.
func round(epoch int) (n int, found bool) {
	since := epoch - firstEpochs
	return since / roundEpochs, since >= 0 && since%roundEpochs == 0
}

// firstClasses are what the loss is told as training begins: the labels, or for a self-label
// run no class for any row.
func (j *job) firstClasses() ([]int, error) {
	switch {
	case j.Contrastive != selfLabel:
		return j.data.Train.Labels, nil
	case j.group != nil:
		return nil, fmt.Errorf("--contrastive %s trains in one process, not in a group", selfLabel)
	}
	return slices.Repeat([]int{dataset.Unknown}, j.data.Train.N), nil
}

// resumeClasses takes the classes of a self-label run that goes on after so many steps from
// its folder. A run that was interrupted while it drew the map draws it again.
func (j *job) resumeClasses(ctx context.Context, step int) error {
	n := j.data.Train.N
	batches := (n + j.BatchSize - 1) / j.BatchSize
	epoch := step / batches
	if j.Contrastive != selfLabel || epoch < firstEpochs {
		return nil
	}
	r, _ := round(epoch)
	path := j.folder.Path(fmt.Sprintf(clusterFile, r))
	classes, err := matrix.ReadLabels(path)
	switch {
	case step == firstEpochs*batches && errors.Is(err, fs.ErrNotExist):
		return j.relabel(ctx, epoch)
	case err == nil && len(classes) != n:
		err = fmt.Errorf("%s: %d classes for %d rows", path, len(classes), n)
	}
	if err != nil {
		return fmt.Errorf("resume: %w; choose another folder, or put back the run's own file", err)
	}
	copy(j.classes, classes)
	return nil
}

// relabel finds the classes of the next round after the last epoch of one. An interruption
// ends the map and the vote, not the second that the rest takes.
func (j *job) relabel(ctx context.Context, epoch int) error {
	r, found := round(epoch)
	if j.Contrastive != selfLabel || !found {
		return nil
	}
	n := j.data.Train.N
	latents, err := autoenc.Encode(context.Background(), j.trainer.Model, Samples(j.data.Train))
	if err != nil {
		return err
	}
	var classes []int
	if r == 0 {
		classes, err = j.votedClusters(ctx, latents, n)
		if err != nil && ctx.Err() != nil {
			return nil // no step follows, and the run that goes on comes here again
		}
	} else {
		classes, err = sureClusters(context.Background(), latents, n, j.Clusters, j.Seed)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", selfLabel, err)
	}
	if r > 0 {
		j.report.Printf("self-label: after epoch %d %.2f %% of the rows keep their cluster", epoch,
			100*agreement(j.classes, classes))
	}
	copy(j.classes, classes)
	return matrix.WriteLabels(j.folder.Path(fmt.Sprintf(clusterFile, r)), classes)
}

// votedClusters are the clusters of a map of the directions of the n rows' latents, and then of
// the rows themselves: the class of each is the one that most of its nearest rows have.
func (j *job) votedClusters(ctx context.Context, latents []float32, n int) ([]int, error) {
	classes, err := j.mapClusters(ctx, directions(latents, n), n)
	if err != nil {
		return nil, err
	}
	x, k := j.data.Train.Floats(), min(asked, n-1)
	finder := tsne.AutoNeighbors(n, len(x)/n, k)
	shown := func(done, total int) { j.report.Update(j.stage("neighbors", "rows", done, total)) }
	switch f := finder.(type) {
	case tsne.ApproximateNeighbors:
		f.Threads, f.Progress = j.Threads, shown
		finder = f
	case tsne.ExactNeighbors:
		f.Threads, f.Progress = j.Threads, shown
		finder = f
	}
	g, err := finder.Nearest(ctx, x, n, nil, n, k)
	if err != nil {
		return nil, err
	}
	return voted(g, classes, j.Clusters), nil
}

// stage is where a stage of the first clusters stands. Its label is its own, so that its time is.
func (j *job) stage(name, unit string, done, total int) progress.Status {
	return progress.Status{Label: j.label + ": " + name, Unit: unit, Done: done, Total: total}
}

// voted gives each row the class that most of its nearest rows with a class have, and none to
// the rows with the smallest majorities. The lowest class wins a tie.
func voted(g *tsne.NeighborGraph, classes []int, k int) []int {
	winners, doubts := make([]int, g.N), make([]float64, g.N)
	for i := range winners {
		counts, votes := make([]int, k), 0
		for _, row := range g.Index[i*g.K:][:g.K] {
			if row >= 0 && classes[row] != dataset.Unknown && votes < voters {
				counts[classes[row]]++
				votes++
			}
		}
		most := slices.Max(counts)
		winners[i], doubts[i] = slices.Index(counts, most), -float64(most)
	}
	return withoutUnsure(winners, doubts)
}

// mapClusters are the clusters of a t-SNE map of n rows.
func (j *job) mapClusters(ctx context.Context, x []float32, n int) ([]int, error) {
	o := tsne.DefaultOptions()
	o.LateExaggeration, o.Perplexity = mapSharp, max(1, min(mapNear, float64(n-1)/3))
	o.Seed, o.Threads = uint64(j.Seed), j.Threads
	o.Progress = func(p tsne.Progress) {
		name := "map, " + string(p.Stage)
		if p.TotalRows > 0 {
			j.report.Update(j.stage(name, "rows", p.Rows, p.TotalRows))
		} else {
			j.report.Update(j.stage(name, "iterations", p.Iteration, p.Iterations))
		}
	}
	e, err := tsne.Fit(ctx, x, n, o)
	if err != nil {
		return nil, err
	}
	return sureClusters(ctx, e.Y, n, j.Clusters, j.Seed)
}

// sureClusters are the k-means clusters of the rows of x, without the rows that lie
// almost as near to a second centre.
func sureClusters(ctx context.Context, x []float32, n, k int, seed int64) ([]int, error) {
	o := centroid.DefaultKMeansOptions()
	o.K, o.Seed = k, uint64(seed)
	found, err := centroid.KMeans(ctx, x, n, o)
	if err != nil {
		return nil, err
	}
	ratios := make([]float64, n)
	d := len(x) / n
	for i := range n {
		ratios[i] = nearness(x[i*d:(i+1)*d], found.Centroids.Centers)
	}
	return withoutUnsure(found.Labels, ratios), nil
}

// withoutUnsure takes their class from the rows with the largest doubts.
func withoutUnsure(classes []int, doubts []float64) []int {
	n := len(classes)
	most := slices.Sorted(slices.Values(doubts))[n-1-int(unsure*float64(n))]
	for i, doubt := range doubts {
		if doubt > most {
			classes[i] = dataset.Unknown
		}
	}
	return classes
}

// nearness is the squared distance to the nearest of the centres by that to the second: 1 for
// a row halfway between them.
func nearness(row, centers []float32) float64 {
	nearest, second := -1.0, -1.0
	for len(centers) > 0 {
		sum := 0.0
		for i, v := range row {
			d := float64(v) - float64(centers[i])
			sum += d * d
		}
		switch {
		case nearest < 0 || sum < nearest:
			nearest, second = sum, nearest
		case second < 0 || sum < second:
			second = sum
		}
		centers = centers[len(row):]
	}
	if second <= 0 {
		return 0
	}
	return nearest / second
}

// agreement is the share of the rows with a class in both rounds whose clusters are the same,
// when those are matched one to one.
func agreement(before, after []int) float64 {
	var a, b []int
	for i, k := range before {
		if k != dataset.Unknown && after[i] != dataset.Unknown {
			a, b = append(a, k), append(b, after[i])
		}
	}
	if len(a) == 0 {
		return 0
	}
	_, share := centroid.Match(a, b)
	return share
}
