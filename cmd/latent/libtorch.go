//go:build linux && cgo

package main

import (
	"fmt"

	"latent/torch"
)

// findLibtorch sets libtorch up and says what it is.
func findLibtorch(device string, threads int) (libtorch, error) {
	if err := torch.Init(threads); err != nil {
		return libtorch{}, err
	}
	t, err := torch.GetInfo()
	if err != nil {
		return libtorch{}, err
	}
	if device, err = torch.Device(device); err != nil {
		return libtorch{}, err
	}
	cuda := "not available"
	if t.CUDA {
		cuda = fmt.Sprintf("%d devices", t.CUDADevices)
	}
	return libtorch{
		json: map[string]any{"version": t.Version, "path": t.Path, "blas": t.BLAS,
			"cuda": t.CUDA, "cuda_devices": t.CUDADevices},
		rows: [][]string{{"libtorch", t.Version}, {"  path", t.Path}, {"  BLAS", t.BLAS},
			{"  CUDA", cuda}},
		device: device, threads: t.Threads,
	}, nil
}
