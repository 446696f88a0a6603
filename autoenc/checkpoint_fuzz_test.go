//go:build linux && cgo

package autoenc

import (
	"bytes"
	"context"
	"maps"
	"math"
	"slices"
	"testing"
	"unsafe"

	"latent/torch"
	"latent/torch/pt"
)

// FuzzCheckpoint restores a checkpoint of which script's bytes have changed some
// values: integers out of range, tensors of another type, shape or content, keys
// that are missing or too many. Whatever is refused leaves the trainer as it was;
// what is taken is there to the bit, and training goes on from it or says why not.
func FuzzCheckpoint(f *testing.F) {
	t, earlier, good := checkpointed(f)
	f.Add([]byte{})
	for action := range byte(actions) {
		for place := range byte(len(places(good.dict))) {
			f.Add([]byte{place, action, place * 7, action * 31})
		}
	}
	f.Add([]byte{33, 1, 6, 0, 31, 1, 6, 0}) // epoch and step far out
	f.Fuzz(func(tt *testing.T, script []byte) {
		if err := t.Restore(earlier); err != nil {
			tt.Fatal(err)
		}
		t.losses = nil
		before := stateOf(tt, t)
		d := copyOf(good.dict).(pt.Dict)
		for ; len(script) >= 4; script = script[4:] {
			d = mutate(d, [4]byte(script))
		}
		c, err := checkpointFrom(d, "checkpoint.pt")
		if err == nil {
			err = t.Restore(c)
		}
		if err != nil {
			if !maps.EqualFunc(stateOf(tt, t), before, bytes.Equal) {
				tt.Errorf("refused (%v), but something was restored", err)
			}
			return
		}
		if t.optimizer.Steps() != c.Step || t.epoch < 0 || t.batch < 0 || t.batch > 1 ||
			c.Step/2 != t.epoch || c.Step%2 != t.batch {
			tt.Errorf("restored to step %d, epoch %d, batch %d of 2", t.optimizer.Steps(), t.epoch,
				t.batch)
		}
		after := stateOf(tt, t)
		model, _ := d.Get("model")
		for _, item := range model.(pt.Dict) {
			if !bytes.Equal(after[item.Key], bits(item.Value.(pt.Tensor).Data.([]float32))) {
				tt.Errorf("%s is not the checkpoint's", item.Key)
			}
		}
		if err := t.Run(context.Background()); err == nil && c.Step < t.Steps() &&
			t.optimizer.Steps() != t.Steps() {
			tt.Errorf("stopped at step %d of %d", t.optimizer.Steps(), t.Steps())
		}
	})
}

// checkpointed is a trainer of 2 epochs of 2 batches, the last of one row, and its
// checkpoints after 2 and 3 steps.
func checkpointed(f *testing.F) (t *Trainer, earlier, good *Checkpoint) {
	f.Helper()
	m, err := New(1, 3)
	if err != nil {
		f.Fatal(err)
	}
	o := smallOptions(2)
	o.BatchSize = 2
	t, err = NewTrainer(m, FromPixels([]byte{1, 100, 255}, 3), nil, o)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(t.Close)
	ctx, cancel := context.WithCancel(context.Background())
	t.options.Progress = func(p Progress) {
		if p.Step == 3 {
			cancel()
		}
	}
	t.options.Save = func(c *Checkpoint) error { earlier, good = good, c; return nil }
	if err := t.Run(ctx); err == nil || earlier == nil || earlier.Step != 2 || good.Step != 3 {
		f.Fatal("no checkpoints of steps 2 and 3", err)
	}
	t.options.Progress, t.options.Save = nil, nil
	return t, earlier, good
}

// stateOf is all that Restore changes, in bytes.
func stateOf(t *testing.T, tr *Trainer) map[string][]byte {
	t.Helper()
	model, err := StateDict(tr.Model)
	if err != nil {
		t.Fatal(err)
	}
	expAvg, expAvgSq, err := tr.optimizer.State()
	if err != nil {
		t.Fatal(err)
	}
	rng, err := torch.RNGState()
	if err != nil {
		t.Fatal(err)
	}
	state := map[string][]byte{"rng": rng,
		"position": bits([]float32{float32(tr.optimizer.Steps()),
			float32(tr.epoch), float32(tr.batch), float32(tr.seed)})}
	for i, item := range model {
		state[item.Key] = bits(item.Value.(pt.Tensor).Data.([]float32))
		state["exp_avg "+item.Key], state["exp_avg_sq "+item.Key] = bits(expAvg[i]),
			bits(expAvgSq[i])
	}
	return state
}

// bits are the bytes of x, which they share.
func bits(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

// copyOf copies a value of a .pt file.
func copyOf(v any) any {
	switch v := v.(type) {
	case pt.Dict:
		d := slices.Clone(v)
		for i := range d {
			d[i].Value = copyOf(d[i].Value)
		}
		return d
	case pt.Tensor:
		switch data := v.Data.(type) {
		case []float32:
			v.Data = slices.Clone(data)
		case []uint8:
			v.Data = slices.Clone(data)
		}
		return v
	}
	return v
}

// places lists the entries of a dict and of the dicts below it.
func places(d pt.Dict) []*pt.Item {
	var list []*pt.Item
	for i := range d {
		list = append(list, &d[i])
		if below, ok := d[i].Value.(pt.Dict); ok {
			list = append(list, places(below)...)
		}
	}
	return list
}

// actions is the number of things that mutate can do.
const actions = 12

// mutate does one thing to one place of d.
func mutate(d pt.Dict, op [4]byte) pt.Dict {
	list := places(d)
	if len(list) == 0 {
		return d
	}
	at := list[int(op[0])%len(list)]
	tensor, isTensor := at.Value.(pt.Tensor)
	values, isFloats := tensor.Data.([]float32)
	raw, isBytes := tensor.Data.([]uint8)
	n := 1
	for _, size := range tensor.Shape {
		n *= size
	}
	switch op[1] % actions {
	case 0: // gone
		at.Key += "?"
	case 1:
		at.Value = []int64{-1, 0, 1, 2, 4, math.MinInt64, math.MaxInt64, 1 << 62, 1 << 31,
			int64(op[3])}[op[2]%10]
	case 2:
		at.Value = []any{"", nil, []any{}, 1.5, true, pt.Dict{},
			pt.Tensor{Shape: []int{0}, Data: []float32{}}}[op[2]%7]
	case 3: // another value from elsewhere
		at.Value = copyOf(list[int(op[2])%len(list)].Value)
	case 4: // the shape, not the content
		if isTensor {
			at.Value = pt.Tensor{Shape: []int{n}, Data: tensor.Data}
		}
	case 5: // the content, and the shape with it
		if isFloats {
			short := values[:len(values)*int(op[2])/256]
			at.Value = pt.Tensor{Shape: []int{len(short)}, Data: short}
		} else if isBytes {
			short := raw[:len(raw)*int(op[2])/256]
			at.Value = pt.Tensor{Shape: []int{len(short)}, Data: short}
		}
	case 6: // another type
		if isTensor {
			at.Value = pt.Tensor{Shape: tensor.Shape,
				Data: []any{make([]float64, n), make([]int64, n), make([]int32, n),
					make([]uint8, n), make([]bool, n), make([]float32, n)}[op[2]%6]}
		}
	case 7, 8: // bits
		if isFloats && len(values) > 0 {
			i := (int(op[2])<<8 + int(op[3])) % len(values)
			values[i] = math.Float32frombits(math.Float32bits(values[i]) ^ 1<<(op[3]%32))
		} else if isBytes && len(raw) > 0 {
			raw[(int(op[2])<<8+int(op[3]))%len(raw)] ^= 1 << (op[3] % 8)
		}
	case 9: // no number, or one too large
		if isFloats && len(values) > 0 {
			values[int(op[2])%len(values)] = []float32{float32(math.NaN()), float32(math.Inf(-1)),
				math.MaxFloat32}[op[3]%3]
		}
	case 10: // one too many
		if below, ok := at.Value.(pt.Dict); ok {
			at.Value = append(slices.Clone(below), pt.Item{Key: "more", Value: int64(op[2])})
		}
	case 11: // another number nearby
		if v, ok := at.Value.(int64); ok {
			at.Value = v + int64(int8(op[2]))
		}
	}
	return d
}
