//go:build linux && cgo

package train

import (
	"context"
	"fmt"
	"slices"

	"latent/autoenc"
	"latent/centroid"
	"latent/dataset"
	"latent/internal/matrix"
	"latent/internal/progress"
	"latent/tsne"
)

// selfLabel is the loss whose classes are clusters that training finds itself: SupCon on them.
// No label is read. The first clusters are those of a t-SNE map of the rows, later ones those
// of the latents, by k-means. The rows about which it is least sure have no class until the
// next round.
const selfLabel = "self-label"

const (
	roundEpochs = 5                 // epochs between two rounds of clusters
	unsure      = 0.1               // share of the rows that have no class in a round
	mapSharp    = 4                 // late exaggeration of the map, as Kobak and Berens (2019)
	mapNear     = 15                // perplexity of the map, as UMAP's number of neighbours
	clusterFile = "clusters-%d.npy" // classes of a round, from 0; -1 is none
)

// lossClasses are the classes that the loss is told: the labels, or for a self-label run the
// first clusters, or those of the checkpoint that the run goes on from.
func (j *job) lossClasses(ctx context.Context, checkpoint *autoenc.Checkpoint) ([]int, error) {
	n := j.data.Train.N
	switch {
	case j.Contrastive != selfLabel:
		return j.data.Train.Labels, nil
	case j.group != nil:
		return nil, fmt.Errorf("--contrastive %s trains in one process, not in a group", selfLabel)
	case checkpoint == nil:
		classes, err := j.mapClusters(ctx, j.data.Train.Floats(), n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", selfLabel, err)
		}
		return classes, nil
	}
	batches := (n + j.BatchSize - 1) / j.BatchSize
	path := j.folder.Path(fmt.Sprintf(clusterFile, checkpoint.Step/batches/roundEpochs))
	classes, err := matrix.ReadLabels(path)
	if err == nil && len(classes) != n {
		err = fmt.Errorf("%s: %d classes for %d rows", path, len(classes), n)
	}
	if err != nil {
		return nil, fmt.Errorf("resume: %w; choose another folder, or put back the run's own file",
			err)
	}
	return classes, nil
}

// mapClusters are the clusters of a t-SNE map of n rows.
func (j *job) mapClusters(ctx context.Context, x []float32, n int) ([]int, error) {
	o := tsne.DefaultOptions()
	o.LateExaggeration, o.Perplexity = mapSharp, max(1, min(mapNear, float64(n-1)/3))
	o.Seed, o.Threads = uint64(j.Seed), j.Threads
	o.Progress = func(p tsne.Progress) {
		s := progress.Status{Label: j.label, Note: "map, " + string(p.Stage), Unit: "iterations",
			Done: p.Iteration, Total: p.Iterations}
		if p.TotalRows > 0 {
			s.Unit, s.Done, s.Total = "rows", p.Rows, p.TotalRows
		}
		j.report.Update(s)
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
	sorted := slices.Sorted(slices.Values(ratios))
	most := sorted[n-1-int(unsure*float64(n))]
	for i, r := range ratios {
		if r > most {
			found.Labels[i] = dataset.Unknown
		}
	}
	return found.Labels, nil
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

// relabel finds the classes of the next round after the last epoch of one.
func (j *job) relabel(epoch int) error {
	if j.Contrastive != selfLabel || epoch%roundEpochs != 0 {
		return nil
	}
	// As in measure, an interruption waits: the checkpoint must not lack the classes.
	ctx := context.Background()
	latents, err := autoenc.Encode(ctx, j.trainer.Model, Samples(j.data.Train))
	if err != nil {
		return err
	}
	classes, err := sureClusters(ctx, latents, j.data.Train.N, j.Clusters, j.Seed)
	if err != nil {
		return fmt.Errorf("%s: %w", selfLabel, err)
	}
	j.report.Printf("self-label: after epoch %d %.2f %% of the rows keep their cluster", epoch,
		100*agreement(j.classes, classes))
	copy(j.classes, classes)
	return j.writeClasses(epoch / roundEpochs)
}

func (j *job) writeClasses(round int) error {
	return matrix.WriteLabels(j.folder.Path(fmt.Sprintf(clusterFile, round)), j.classes)
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
