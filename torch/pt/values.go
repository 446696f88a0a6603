package pt

import (
	"fmt"
)

// Values on the machine's stack beside Tensor and Go's own.
type (
	tuple []any
	list  struct{ items []any }
	dict  struct {
		keys, values []any // a key is a string or an int64
		index        map[any]int
		ordered      bool // made by OrderedDict
	}
	global  struct{ module, name string } // a name that the machine knows, not its meaning
	storage struct {
		dt  *dtype // nil: untyped, bytes
		raw []byte
	}
)

func (g global) String() string { return g.module + "." + g.name }

// The functions that a file may ask for; dtypes and storage classes beside them.
var (
	orderedDict      = global{"collections", "OrderedDict"}
	rebuildTensorV2  = global{"torch._utils", "_rebuild_tensor_v2"}
	rebuildTensorV3  = global{"torch._utils", "_rebuild_tensor_v3"}
	rebuildParameter = global{"torch._utils", "_rebuild_parameter"}
	untypedStorage   = global{"torch.storage", "UntypedStorage"}
	torchSize        = global{"torch", "Size"}   // of a shape: read as the list of its sizes
	torchDevice      = global{"torch", "device"} // read as its name
)

func (d *dict) set(key, value any) error {
	switch key.(type) {
	case string, int64:
	default:
		return fmt.Errorf("a dict's key is a %s, not a string", kind(key))
	}
	if i, ok := d.index[key]; ok {
		d.values[i] = value
		return nil
	}
	if d.index == nil {
		d.index = map[any]int{}
	}
	d.index[key] = len(d.keys)
	d.keys = append(d.keys, key)
	d.values = append(d.values, value)
	return nil
}

// kind names a value's type in an error.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case tuple:
		return "tuple"
	case *list:
		return "list"
	case *dict:
		return "dict"
	case global:
		return "global"
	case storage:
		return "storage"
	case Tensor:
		return "tensor"
	}
	return fmt.Sprintf("%T", v)
}

// dtype returns the element type that g names, directly or as a storage class,
// or nil.
func (g global) dtype() *dtype {
	if g.module == "torch" {
		for i := range dtypes {
			if g.name == dtypes[i].name || g.name == dtypes[i].storage {
				return &dtypes[i]
			}
		}
	}
	return nil
}
