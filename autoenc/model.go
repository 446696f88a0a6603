package autoenc

import (
	"fmt"

	"latent/torch"
)

// Widths of the notebook's layers. The latent vector is the encoder's output;
// the narrowest layer, the bottleneck, lies inside the encoder.
const (
	hidden     = 1000
	bottleneck = 25
	LatentDim  = 50 // width of a latent vector
)

// AutoEncoder is the notebook's model (problem 1):
//
//	encoder: Linear(784,1000) ReLU Linear(1000,25) ReLU Linear(25,50)
//	decoder: ReLU Linear(50,1000) ReLU Linear(1000,784)
type AutoEncoder struct {
	Encoder, Decoder *torch.Sequential

	dimIn  int
	device string
}

// New seeds libtorch's generators, as torch.manual_seed(seed) does, and makes a
// model with PyTorch's default initial weights for inputs of dimIn features.
func New(dimIn int, seed int64) (*AutoEncoder, error) {
	if dimIn < 1 {
		return nil, fmt.Errorf("autoenc: new: input features must be at least 1, got %d", dimIn)
	}
	if err := torch.ManualSeed(seed); err != nil {
		return nil, fmt.Errorf("autoenc: new: %w", err)
	}
	m := &AutoEncoder{dimIn: dimIn, device: "cpu"}
	err := torch.Do(func(*torch.Scope) {
		m.Encoder = torch.NewSequential(
			torch.Linear(dimIn, hidden),
			torch.ReLU(),
			torch.Linear(hidden, bottleneck),
			torch.ReLU(),
			torch.Linear(bottleneck, LatentDim),
		)
		m.Decoder = torch.NewSequential(
			torch.ReLU(),
			torch.Linear(LatentDim, hidden),
			torch.ReLU(),
			torch.Linear(hidden, dimIn),
		)
	})
	if err != nil {
		return nil, fmt.Errorf("autoenc: new: %w", err)
	}
	return m, nil
}

// DimIn is the number of input features, 784 for the notebook's images.
func (m *AutoEncoder) DimIn() int { return m.dimIn }

// Device is where the parameters are: "cpu", "cuda" or "cuda:N".
func (m *AutoEncoder) Device() string { return m.device }

// To moves the parameters to a device.
func (m *AutoEncoder) To(device string) error {
	for _, p := range m.Parameters() {
		if err := p.SetDevice(device); err != nil {
			return fmt.Errorf("autoenc: %s to %s: %w", p.Name, device, err)
		}
	}
	m.device = device
	return nil
}

// Parameters lists the trainable tensors in PyTorch's order, named as in its
// state_dict: encoder.0.weight (1000 x 784), encoder.0.bias, ..., decoder.3.bias.
func (m *AutoEncoder) Parameters() []torch.Parameter {
	return append(m.Encoder.Parameters("encoder."), m.Decoder.Parameters("decoder.")...)
}
