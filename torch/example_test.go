//go:build linux && cgo

package torch_test

import (
	"errors"
	"fmt"
	"log"

	"latent/torch"
)

// The value and the gradient of a loss.
func Example() {
	err := torch.Do(func(s *torch.Scope) {
		x := s.Float32s([]float32{3, 6, 9}, 3).RequiresGrad(true)
		zero := s.Float32s(make([]float32, 3), 3)
		loss := torch.MSELoss(x, zero) // (9 + 36 + 81) / 3
		loss.Backward()
		fmt.Println(loss.Item(), x.Grad(s).Float32s()) // 2 x / 3
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 42 [2 4 6]
}

// What libtorch refuses comes out of Do as an error, which names the operation.
func ExampleDo() {
	err := torch.Do(func(s *torch.Scope) {
		a, b := s.Float32s(make([]float32, 6), 2, 3), s.Float32s(make([]float32, 8), 2, 4)
		a.MatMul(b)
		fmt.Println("not reached")
	})
	var refused *torch.Error
	fmt.Println(errors.As(err, &refused), refused.Op)
	// Output: true matmul
}

// A tensor that outlives its scope.
func ExampleScope_Keep() {
	var mean *torch.Tensor
	if err := torch.NoGrad(func(s *torch.Scope) {
		mean = s.Keep(s.Float32s([]float32{1, 2, 3, 6}, 2, 2).Mean())
	}); err != nil {
		log.Fatal(err)
	}
	defer mean.Close()
	fmt.Println(mean.Item())
	// Output: 3
}

// A network learns exclusive or.
func ExampleNewSequential() {
	if err := torch.ManualSeed(1); err != nil {
		log.Fatal(err)
	}
	var model *torch.Sequential
	err := torch.Do(func(*torch.Scope) {
		model = torch.NewSequential(torch.Linear(2, 8), torch.Tanh(), torch.Linear(8, 1))
	})
	if err != nil {
		log.Fatal(err)
	}
	optimizer := torch.NewAdamW(torch.Parameters(model), 0.05)
	defer optimizer.Close()
	for range 200 {
		err := torch.Do(func(s *torch.Scope) {
			x := s.Float32s([]float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2)
			y := s.Float32s([]float32{0, 1, 1, 0}, 4, 1)
			loss := torch.BCEWithLogitsLoss(model.Forward(x), y)
			optimizer.ZeroGrad()
			loss.Backward()
			optimizer.Step()
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	err = torch.NoGrad(func(s *torch.Scope) {
		x := s.Float32s([]float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2)
		fmt.Println(model.Forward(x).Sigmoid().Round().Float32s())
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: [0 1 1 0]
}

// A struct is a module: its fields give the names of the state_dict.
func ExampleModule() {
	type head struct{ Projection, OutputLayer torch.Module }
	err := torch.Do(func(*torch.Scope) {
		h := &head{torch.Linear(4, 3), torch.Linear(3, 2)}
		for _, p := range torch.Parameters(h) {
			fmt.Println(p.Name, p.Shape())
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// projection.weight [3 4]
	// projection.bias [3]
	// output_layer.weight [2 3]
	// output_layer.bias [2]
}
