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
