package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/cpu"

	"latent/internal/run"
	"latent/internal/train"
	"latent/torch"
)

func infoCommand() *cli.Command {
	return &cli.Command{
		Name:   "info",
		Usage:  "print versions, libtorch, device and CPU features, for a bug report",
		Flags:  append(deviceFlags(), jsonFlag()),
		Action: info,
	}
}

func info(c *cli.Context) error {
	n, err := threads(c)
	if err != nil {
		return err
	}
	if err := train.CheckDevice(c.String("device")); err != nil {
		return usageError{err}
	}
	if err := torch.Init(n); err != nil {
		return err
	}
	t, err := torch.GetInfo()
	if err != nil {
		return err
	}
	device, err := torch.Device(c.String("device"))
	if err != nil {
		return err
	}
	cuda := "not available"
	if t.CUDA {
		cuda = fmt.Sprintf("%d devices", t.CUDADevices)
	}
	if c.Bool("json") {
		return printJSON(c, map[string]any{
			"version": run.ProgramVersion, "commit": commit(), "go": runtime.Version(), "platform": platform(),
			"libtorch": map[string]any{"version": t.Version, "path": t.Path, "blas": t.BLAS, "cuda": t.CUDA, "cuda_devices": t.CUDADevices},
			"device":   device, "threads": t.Threads, "cores": runtime.NumCPU(), "cpu_features": cpuFeatures(),
		})
	}
	return table(c.App.Writer, [][]string{
		{"latent", strings.TrimSpace(run.ProgramVersion + " " + commit())},
		{"Go", runtime.Version() + " " + platform()},
		{"libtorch", t.Version},
		{"  path", t.Path},
		{"  BLAS", t.BLAS},
		{"  CUDA", cuda},
		{"device", device},
		{"threads", fmt.Sprintf("%d of %d cores", t.Threads, runtime.NumCPU())},
		{"CPU features", strings.Join(cpuFeatures(), " ")},
	})
}

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// commit is the source's revision, as far as the Go command recorded it.
func commit() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision, changed := "", ""
	for _, s := range b.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	return revision + changed
}

// cpuFeatures lists what fast kernels choose by.
func cpuFeatures() []string {
	features := []string{}
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"AVX", cpu.X86.HasAVX}, {"AVX2", cpu.X86.HasAVX2}, {"FMA", cpu.X86.HasFMA}, {"AVX512F", cpu.X86.HasAVX512F},
		{"AVX512BF16", cpu.X86.HasAVX512BF16}, {"AMX-BF16", cpu.X86.HasAMXBF16},
		{"NEON", cpu.ARM64.HasASIMD}, {"SVE", cpu.ARM64.HasSVE},
	} {
		if f.has {
			features = append(features, f.name)
		}
	}
	return features
}
