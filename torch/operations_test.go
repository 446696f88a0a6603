package torch

// tableOperation is an operation of operations.table as the tests call it.
type tableOperation struct {
	torch, since string
	kinds        []string // of the arguments, as the table writes them
	call         func(s *Scope, arguments []any) []*Tensor
}

func tensor(a any) *Tensor {
	if a == nil {
		return nil
	}
	return a.(*Tensor)
}

func tensors(a any) []*Tensor   { return a.([]*Tensor) }
func integer(a any) int         { return a.(int) }
func integers(a any) []int      { return a.([]int) }
func float(a any) float64       { return a.(float64) }
func dtype(a any) DType         { return a.(DType) }
func reduction(a any) Reduction { return a.(Reduction) }
