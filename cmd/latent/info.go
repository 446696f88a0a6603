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
	t, err := findLibtorch(c.String("device"), n)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c, map[string]any{
			"version": run.ProgramVersion, "commit": commit(), "go": runtime.Version(),
			"platform": platform(),
			"libtorch": t.json, "device": t.device, "threads": t.threads,
			"cores":        runtime.NumCPU(),
			"cpu_features": cpuFeatures(),
		})
	}
	rows := [][]string{
		{"latent", strings.TrimSpace(run.ProgramVersion + " " + commit())},
		{"Go", runtime.Version() + " " + platform()},
	}
	rows = append(rows, t.rows...)
	return table(c.App.Writer, append(rows, [][]string{
		{"device", t.device},
		{"threads", fmt.Sprintf("%d of %d cores", t.threads, runtime.NumCPU())},
		{"CPU features", strings.Join(cpuFeatures(), " ")},
	}...))
}

// libtorch is what info tells of the libtorch in this process.
type libtorch struct {
	json    any        // nil without one
	rows    [][]string // of info's table
	device  string     // behind --device auto
	threads int
}

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// builtFrom is the source's revision where make dist recorded it.
var builtFrom string

// commit is the source's revision, as far as make dist or the Go command recorded it.
func commit() string {
	if builtFrom != "" {
		return builtFrom
	}
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
		{"AVX", cpu.X86.HasAVX}, {"AVX2", cpu.X86.HasAVX2}, {"FMA", cpu.X86.HasFMA}, {"AVX512F",
			cpu.X86.HasAVX512F},
		{"AVX512BF16", cpu.X86.HasAVX512BF16}, {"AMX-BF16", cpu.X86.HasAMXBF16},
		{"NEON", cpu.ARM64.HasASIMD}, {"SVE", cpu.ARM64.HasSVE},
	} {
		if f.has {
			features = append(features, f.name)
		}
	}
	return features
}
