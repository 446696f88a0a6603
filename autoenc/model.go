//go:build linux && cgo

package autoenc

import (
	"errors"
	"fmt"

	"latent/torch"
)

// Model is what a Trainer trains and what Encode, Evaluate and Save take:
// AutoEncoder, or one of your own. Its parameters are float32 and all on one
// device. Encode and Decode run inside torch.Do, as every operation on tensors
// does: one that fails ends the step with its error.
//
// A model that also has SetBF16(on bool) can be trained with Options.Precision
// BF16; SetPlain(on bool) is told Options.Plain.
type Model interface {
	// Encode maps n x DimIn rows to their latents, n x d.
	Encode(x *torch.Tensor) *torch.Tensor
	// Decode maps n x d latents to reconstructions, n x DimIn.
	Decode(z *torch.Tensor) *torch.Tensor
	// Parameters lists the trainable tensors, always in the same order, with the
	// names that they have in the state_dict.
	Parameters() []torch.Parameter
}

// LatentDim is the width of the notebook's latent vectors.
const LatentDim = 50

// Widths are the numbers of output features of an AutoEncoder's linear layers.
type Widths struct {
	Encoder []int // of every layer of the encoder; the last is the width of the latents
	Decoder []int // of every layer of the decoder but the last, whose width is the input's
}

// DefaultWidths are the notebook's: the encoder's 1000, 25, 50 and the decoder's
// 1000. The narrowest layer lies inside the encoder.
func DefaultWidths() Widths {
	return Widths{Encoder: []int{1000, 25, LatentDim}, Decoder: []int{1000}}
}

// maxWidth bounds a layer: a square one of it would need 16 TiB.
const maxWidth = 1 << 21

// Validate names the first width that is out of range.
func (w Widths) Validate() error {
	if len(w.Encoder) == 0 {
		return errors.New("autoenc: the encoder must have at least one layer")
	}
	for _, side := range []struct {
		name   string
		widths []int
	}{{"encoder", w.Encoder}, {"decoder", w.Decoder}} {
		for i, n := range side.widths {
			if n < 1 || n > maxWidth {
				return fmt.Errorf("autoenc: %s widths: layer %d must have from 1 to %d "+
					"features, got %d", side.name, i+1, maxWidth, n)
			}
		}
	}
	return nil
}

// AutoEncoder is the notebook's model (problem 1), with its widths
//
//	encoder: Linear(784,1000) ReLU Linear(1000,25) ReLU Linear(25,50)
//	decoder: ReLU Linear(50,1000) ReLU Linear(1000,784)
//
// and with others as many Linear layers, a ReLU between any two.
type AutoEncoder struct {
	Encoder, Decoder *torch.Sequential

	dimIn  int
	widths Widths
}

// New seeds libtorch's generators, as torch.manual_seed(seed) does, and makes the
// notebook's model with PyTorch's default initial weights for inputs of dimIn
// features. Close frees it.
func New(dimIn int, seed int64) (*AutoEncoder, error) {
	return NewWithWidths(dimIn, DefaultWidths(), seed)
}

// NewWithWidths is New with other widths.
func NewWithWidths(dimIn int, w Widths, seed int64) (*AutoEncoder, error) {
	if dimIn < 1 {
		return nil, fmt.Errorf("autoenc: new: input features must be at least 1, got %d", dimIn)
	}
	if err := w.Validate(); err != nil {
		return nil, err
	}
	if err := torch.ManualSeed(seed); err != nil {
		return nil, fmt.Errorf("autoenc: new: %w", err)
	}
	m := &AutoEncoder{dimIn: dimIn, widths: w}
	err := torch.Do(func(*torch.Scope) {
		m.Encoder = chain(false, append([]int{dimIn}, w.Encoder...))
		m.Decoder = chain(true, append(append([]int{w.latent()}, w.Decoder...), dimIn))
	})
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("autoenc: new: %w", err)
	}
	return m, nil
}

func (w Widths) latent() int { return w.Encoder[len(w.Encoder)-1] }

// chain is a Linear from each width to the next with a ReLU between any two, and
// one in front where asked.
func chain(front bool, widths []int) *torch.Sequential {
	var modules []torch.Module
	for i := range widths[1:] {
		if i > 0 || front {
			modules = append(modules, torch.ReLU())
		}
		modules = append(modules, torch.Linear(widths[i], widths[i+1]))
	}
	return torch.NewSequential(modules...)
}

// Close frees the parameters. Close trainers of the model first.
func (m *AutoEncoder) Close() {
	m.Encoder.Close()
	m.Decoder.Close()
}

// DimIn is the number of input features, 784 for the notebook's images.
func (m *AutoEncoder) DimIn() int { return m.dimIn }

// Widths are those of the layers.
func (m *AutoEncoder) Widths() Widths { return m.widths }

// Encode is the encoder's output for x (n x DimIn): n x the encoder's last width.
func (m *AutoEncoder) Encode(x *torch.Tensor) *torch.Tensor { return m.Encoder.Forward(x) }

// Decode is the decoder's output for latents z: n x DimIn.
func (m *AutoEncoder) Decode(z *torch.Tensor) *torch.Tensor { return m.Decoder.Forward(z) }

// Parameters lists the trainable tensors in PyTorch's order, named as in its
// state_dict: encoder.0.weight (1000 x 784), encoder.0.bias, ..., decoder.3.bias.
func (m *AutoEncoder) Parameters() []torch.Parameter {
	return append(m.Encoder.Parameters("encoder."), m.Decoder.Parameters("decoder.")...)
}

// SetBF16 makes the layers multiply in bfloat16, weights and sums kept in float32.
func (m *AutoEncoder) SetBF16(on bool) {
	m.Encoder.SetBF16(on)
	m.Decoder.SetBF16(on)
}

// SetPlain makes the layers run in gotorch's own operations, one after the other.
func (m *AutoEncoder) SetPlain(on bool) {
	m.Encoder.SetPlain(on)
	m.Decoder.SetPlain(on)
}

// To moves a model's parameters to a device: "cpu", "cuda" or "cuda:N".
func To(m Model, device string) error {
	for _, p := range m.Parameters() {
		if err := p.SetDevice(device); err != nil {
			return fmt.Errorf("autoenc: %s to %s: %w", p.Name, device, err)
		}
	}
	return nil
}

// deviceOf is where a model's parameters are.
func deviceOf(m Model) (device string, err error) {
	parameters := m.Parameters()
	if len(parameters) == 0 {
		return "", errors.New("the model has no parameters")
	}
	err = torch.Do(func(*torch.Scope) { device = parameters[0].Device() })
	return device, err
}
