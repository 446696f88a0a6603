//go:build linux && cgo

package notebook

import "latent/internal/train"

// Cells 8 and 9: the loss is package contrastive's, chosen by train.ExtraLoss, and the
// second model is trained by the same stage as the first, cell 3's.

// Notes are what a reader of a run's results should know.
func Notes(c train.Config) []string {
	if c.Contrastive != "notebook" {
		return nil
	}
	return []string{"The notebook's contrastive loss only pushes classes apart, and does not help: " +
		"after 30 epochs of it on MNIST in PyTorch the centroid accuracy is 75.5 % where plain " +
		"reconstruction has 77.2 %, at more than twice the test error. --contrastive supcon and nt-xent do help."}
}
