package main

import (
	"os"
	"syscall"

	"latent/torch"
)

// restartForBLAS starts this program again in its place when OpenBLAS has taken
// the CPU for an older one; where that cannot be done it goes on, slower.
func restartForBLAS() {
	core := torch.BLASCore()
	exe, err := os.Executable()
	if core == "" || err != nil {
		return
	}
	_ = syscall.Exec(exe, os.Args, append(os.Environ(), "OPENBLAS_CORETYPE="+core))
}
