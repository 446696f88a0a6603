package autoenc

import (
	"fmt"
	"latent/torch"
	"math"
)

// Loss is one step's losses, a row of losses.csv; Step and Epoch count from 1 over
// the whole run.
type Loss struct {
	Step, Epoch    int
	Loss           float32 // what was minimised: Reconstruction + Contrastive
	Reconstruction float32 // mean squared error of the batch
	Contrastive    float32 // what the extra loss added, 0 without one
}

// Progress is where a run stands after a step.
type Progress struct {
	Loss
	Steps  int // steps of the whole run
	Epochs int // epochs of the whole run
}

// checkFinite is the error of a loss that is not finite.
func checkFinite(loss float32) error {
	if v := float64(loss); math.IsNaN(v) || math.IsInf(v, 0) {
		return &torch.Error{Op: "loss", Message: fmt.Sprintf(
			"the loss is %v: lower the learning rate, or look for NaN in the data", v)}
	}
	return nil
}
