package autoenc

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
