//go:build linux && cgo

package autoenc

import (
	"errors"
	"fmt"
	"slices"

	"latent/torch"
	"latent/torch/pt"
)

// StateDict returns a model's parameters as torch's state_dict: float32, on the
// CPU, in the order of Parameters.
func StateDict(m Model) (pt.Dict, error) {
	var d pt.Dict
	err := torch.Do(func(*torch.Scope) {
		for _, p := range m.Parameters() {
			d = append(d,
				pt.Item{Key: p.Name, Value: pt.Tensor{Shape: p.Shape(), Data: p.Float32s()}})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("autoenc: state dict: %w", err)
	}
	return d, nil
}

// LoadStateDict overwrites a model's parameters. Every key and shape must be the
// model's; nothing is changed when one is not.
func LoadStateDict(m Model, d pt.Dict) error {
	parameters := m.Parameters()
	var values [][]float32
	var misfit error
	err := torch.Do(func(*torch.Scope) {
		if values, misfit = fit(parameters, d); misfit != nil {
			return
		}
		for i, p := range parameters {
			torch.CopyFrom(p.Tensor, values[i])
		}
	})
	if err = errors.Join(misfit, err); err != nil {
		return fmt.Errorf("autoenc: not a state_dict of this model: %w", err)
	}
	return nil
}

// fit lists the values that d has for the parameters, or says what does not fit.
func fit(parameters []torch.Parameter, d pt.Dict) ([][]float32, error) {
	values := make([][]float32, len(parameters))
	names := make([]string, len(parameters))
	for i, p := range parameters {
		names[i] = p.Name
		v, ok := d.Get(p.Name)
		if !ok {
			return nil, fmt.Errorf("missing key %s", p.Name)
		}
		t, ok := v.(pt.Tensor)
		if !ok {
			return nil, fmt.Errorf("%s is not a tensor", p.Name)
		}
		values[i], ok = t.Data.([]float32)
		if !ok || !slices.Equal(t.Shape, p.Shape()) {
			return nil, fmt.Errorf("%s is %T of shape %v, the model has float32 of shape %v",
				p.Name, t.Data, t.Shape, p.Shape())
		}
	}
	for _, key := range d.Keys() {
		if !slices.Contains(names, key) {
			return nil, fmt.Errorf("unexpected key %s", key)
		}
	}
	return values, nil
}

// Save writes a model's state_dict: torch.load(path, weights_only=True) reads it.
func Save(m Model, path string) error {
	d, err := StateDict(m)
	if err != nil {
		return err
	}
	return pt.WriteFile(path, d)
}

// LoadInto overwrites a model's parameters with a state_dict that Save or Python's
// torch.save wrote (1.13 to 2.11).
func LoadInto(m Model, path string) error {
	d, err := readStateDict(path)
	if err != nil {
		return err
	}
	if err := LoadStateDict(m, d); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Load makes an AutoEncoder for inputs of dimIn features from a state_dict that
// Save or Python's torch.save wrote (1.13 to 2.11), with the widths of its layers.
func Load(path string, dimIn int) (*AutoEncoder, error) {
	d, err := readStateDict(path)
	if err != nil {
		return nil, err
	}
	m, err := NewWithWidths(dimIn, widthsOf(d), 0)
	if err != nil {
		return nil, err
	}
	if err := LoadStateDict(m, d); err != nil {
		m.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

func readStateDict(path string) (pt.Dict, error) {
	v, err := pt.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d, ok := v.(pt.Dict)
	if !ok {
		return nil, fmt.Errorf("autoenc: %s: holds %T, not a state_dict", path, v)
	}
	return d, nil
}

// widthsOf are the widths of the AutoEncoder whose state_dict d is, and the
// notebook's where d is none: LoadStateDict then says what does not fit.
func widthsOf(d pt.Dict) Widths {
	encoder, decoder := outputs(d, "encoder.", 0), outputs(d, "decoder.", 1)
	if len(encoder) == 0 || len(decoder) == 0 {
		return DefaultWidths()
	}
	return Widths{Encoder: encoder, Decoder: decoder[:len(decoder)-1]}
}

// outputs lists the rows of the weights prefix+first, prefix+(first+2), ..., as far
// as each takes what the one before gives. A tensor's elements are in memory, so
// that no width is larger than what was read.
func outputs(d pt.Dict, prefix string, first int) (widths []int) {
	for i := first; ; i += 2 {
		v, _ := d.Get(fmt.Sprintf("%s%d.weight", prefix, i))
		t, ok := v.(pt.Tensor)
		if !ok || len(t.Shape) != 2 || t.Shape[0] < 1 || t.Shape[1] < 1 {
			return widths
		}
		if n := len(widths); n > 0 && t.Shape[1] != widths[n-1] {
			return widths
		}
		widths = append(widths, t.Shape[0])
	}
}

// Checkpoint is all that a resumed run needs to end with the bytes of an
// unbroken one: parameters, Adam's moments, the generator and the position.
type Checkpoint struct {
	dict pt.Dict
	Step int // steps done
}

// checkpointFormat is raised when a checkpoint's content changes.
const checkpointFormat = 1

// Checkpoint copies the run's state between two steps.
func (t *Trainer) Checkpoint() (*Checkpoint, error) {
	model, err := StateDict(t.Model)
	if err != nil {
		return nil, err
	}
	expAvg, expAvgSq, err := t.optimizer.State()
	if err != nil {
		return nil, fmt.Errorf("autoenc: checkpoint: %w", err)
	}
	rng, err := torch.RNGState()
	if err != nil {
		return nil, fmt.Errorf("autoenc: checkpoint: %w", err)
	}
	return &Checkpoint{Step: t.optimizer.Steps(), dict: pt.Dict{
		{Key: "format", Value: int64(checkpointFormat)},
		{Key: "model", Value: model},
		{Key: "optimizer", Value: pt.Dict{
			{Key: "step", Value: int64(t.optimizer.Steps())},
			{Key: "exp_avg", Value: moments(model, expAvg)},
			{Key: "exp_avg_sq", Value: moments(model, expAvgSq)},
		}},
		{Key: "rng_state", Value: pt.Tensor{Shape: []int{len(rng)}, Data: rng}},
		{Key: "epoch", Value: int64(t.epoch)},
		{Key: "batch", Value: int64(t.batch)},
		{Key: "epoch_seed", Value: t.seed},
	}}, nil
}

// moments names one of Adam's moments like the parameters it belongs to.
func moments(model pt.Dict, values [][]float32) pt.Dict {
	d := make(pt.Dict, len(model))
	for i, item := range model {
		d[i] = pt.Item{Key: item.Key,
			Value: pt.Tensor{Shape: item.Value.(pt.Tensor).Shape, Data: values[i]}}
	}
	return d
}

// WriteFile writes the checkpoint; Python's torch.load reads it too.
func (c *Checkpoint) WriteFile(path string) error { return pt.WriteFile(path, c.dict) }

// ReadCheckpoint reads what WriteFile wrote.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	v, err := pt.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return checkpointFrom(v, path)
}

// checkpointFrom makes a checkpoint of the values that path holds.
func checkpointFrom(v any, path string) (*Checkpoint, error) {
	d, ok := v.(pt.Dict)
	if !ok {
		return nil, fmt.Errorf("autoenc: %s: not a checkpoint: holds %T", path, v)
	}
	f := fields{d: d}
	if format := f.int("format"); f.err == nil && format != checkpointFormat {
		return nil, fmt.Errorf("autoenc: %s: checkpoint format %d is not %d: written by another "+
			"version of latent", path, format, checkpointFormat)
	}
	step := fields{d: f.dict("optimizer"), err: f.err}
	c := &Checkpoint{dict: d, Step: step.int("step")}
	if step.err != nil {
		return nil, fmt.Errorf("autoenc: %s: not a checkpoint: %w", path, step.err)
	}
	return c, nil
}

// Restore puts model, optimiser, generator and position back to where the
// checkpoint was taken. Call it before Run. A checkpoint that does not fit changes
// nothing.
func (t *Trainer) Restore(c *Checkpoint) error {
	f := fields{d: c.dict}
	model, optimizer, rng := f.dict("model"), f.dict("optimizer"), f.bytes("rng_state")
	p := position{epoch: f.int("epoch"), batch: f.int("batch"), seed: int64(f.int("epoch_seed"))}
	o := fields{d: optimizer, err: f.err}
	step := o.int("step")
	expAvg := t.momentsFrom(&o, "exp_avg")
	expAvgSq := t.momentsFrom(&o, "exp_avg_sq")
	if n := t.loader.batches(); o.err == nil &&
		(step < 0 || step/n != p.epoch || step%n != p.batch) {
		o.err = fmt.Errorf("step %d is not epoch %d, batch %d of %d", step, p.epoch, p.batch,
			t.loader.batches())
	}
	if o.err != nil {
		return fmt.Errorf("autoenc: restore: the checkpoint does not fit this run: %w", o.err)
	}
	before, err := torch.RNGState()
	if err = errors.Join(err, torch.SetRNGState(rng)); err != nil {
		return fmt.Errorf("autoenc: restore: %w", err)
	}
	if err := LoadStateDict(t.Model, model); err != nil {
		return errors.Join(err, torch.SetRNGState(before))
	}
	if err := t.optimizer.SetState(step, expAvg, expAvgSq); err != nil {
		return fmt.Errorf("autoenc: restore: %w", err)
	}
	t.position = p
	return nil
}

func (t *Trainer) momentsFrom(f *fields, key string) [][]float32 {
	d := fields{d: f.dict(key), err: f.err}
	var values [][]float32
	_ = torch.Do(func(*torch.Scope) {
		for _, p := range t.Model.Parameters() {
			v, _ := d.get(p.Name).(pt.Tensor)
			data, ok := v.Data.([]float32)
			if d.err == nil && (!ok || len(data) != p.Len()) {
				d.err = fmt.Errorf("%s of %s has a different shape", key, p.Name)
			}
			values = append(values, data)
		}
	})
	f.err = d.err
	return values
}

// fields reads typed values of a dict and keeps the first thing that was wrong.
type fields struct {
	d   pt.Dict
	err error
}

func (f *fields) get(key string) any {
	v, ok := f.d.Get(key)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("no %q", key)
	}
	return v
}

func (f *fields) int(key string) int {
	v, ok := f.get(key).(int64)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("%q is not an integer", key)
	}
	return int(v)
}

func (f *fields) dict(key string) pt.Dict {
	v, ok := f.get(key).(pt.Dict)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("%q is not a dict", key)
	}
	return v
}

func (f *fields) bytes(key string) []byte {
	v, _ := f.get(key).(pt.Tensor)
	b, ok := v.Data.([]uint8)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("%q is not a byte tensor", key)
	}
	return b
}
