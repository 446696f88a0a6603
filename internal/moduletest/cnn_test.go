//go:build linux && cgo

package moduletest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// checkCNN builds testdata/cnn's network in PyTorch, loads what it saved and compares the outputs.
const checkCNN = `
import sys
try:
    import torch
except ImportError:
    sys.exit(77)
from torch import nn

class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8)
    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(1), Block(8)])
        self.drop = nn.Dropout(0.1)
        self.head = nn.Sequential(nn.Linear(200, 16), nn.GELU(), nn.Linear(16, 4))
    def forward(self, x):
        for b in self.blocks:
            x = b(x)
        return self.head(torch.flatten(self.drop(nn.functional.max_pool2d(x, 2)), 1))

folder = sys.argv[1]
states = [torch.load(folder + "/model.pt", weights_only=True)]
try:
    import safetensors.torch
    states.append(safetensors.torch.load_file(folder + "/model.safetensors"))
except ImportError:
    pass
io = torch.load(folder + "/io.pt", weights_only=True)
for state in states:
    net = Net()
    net.load_state_dict(state)
    net.eval()
    difference = (net(io["x"]) - io["y"]).abs().max().item()
    assert difference < 1e-5, difference
print("same outputs from", len(states), "files")
`

// pythonAgrees fails unless PyTorch computes from the files in dir what the program did.
func pythonAgrees(t *testing.T, dir string) {
	t.Helper()
	for _, python := range []string{os.Getenv("LATENT_PYTHON"), "python3", "/usr/bin/python3"} {
		if python == "" {
			continue
		}
		out, err := exec.Command(python, "-c", checkCNN, dir).CombinedOutput()
		if exit := (*exec.ExitError)(nil); errors.Is(err, exec.ErrNotFound) ||
			errors.As(err, &exit) && exit.ExitCode() == 77 {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", python, err, out)
		}
		t.Logf("%s: %s", python, out)
		return
	}
	t.Skip("no Python with torch here")
}

// A second module builds a convolutional network, trains it, saves it, and PyTorch computes the
// same from the files.
func TestCNNModule(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("go", "run", ".", dir)
	cmd.Dir = "testdata/cnn"
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "trained: true\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	pythonAgrees(t, dir)
}
