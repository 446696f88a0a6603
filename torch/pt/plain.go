package pt

import (
	"errors"
	"fmt"
	"strconv"
)

// plain turns a machine value into the package's types. A pickle may refer to one
// container from many places, so that a short pickle stands for an endless tree:
// nodes counts down what may still be made, from the length of the pickle, which
// no tree without such sharing exceeds.
func plain(v any, depth int, nodes *int) (any, error) {
	size := 0
	switch v := v.(type) {
	case tuple:
		size = len(v)
	case *list:
		size = len(v.items)
	case *dict:
		size = len(v.keys)
	}
	if *nodes -= size; *nodes < 0 {
		return nil, errors.New("one container is referred to too many times")
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	all := func(items []any) (any, error) {
		out := make([]any, len(items))
		for i, e := range items {
			var err error
			if out[i], err = plain(e, depth+1, nodes); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	switch v := v.(type) {
	case tuple:
		return all(v)
	case *list:
		return all(v.items)
	case *dict:
		out := make(Dict, len(v.keys))
		for i, k := range v.keys {
			switch k := k.(type) {
			case string:
				out[i].Key = k
			case int64:
				out[i].Key = strconv.FormatInt(k, 10)
				if _, twice := v.index[out[i].Key]; twice {
					return nil, fmt.Errorf("a dict has both %d and %q as keys", k, out[i].Key)
				}
			}
			var err error
			if out[i].Value, err = plain(v.values[i], depth+1, nodes); err != nil {
				return nil, err
			}
		}
		return out, nil
	case global:
		return nil, fmt.Errorf("%v is a value in this file; only tensors and plain containers "+
			"are read", v)
	case storage:
		return nil, errors.New("a storage without a tensor is a value in this file; only " +
			"tensors and plain containers are read")
	}
	return v, nil
}
