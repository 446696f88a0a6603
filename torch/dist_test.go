//go:build linux && cgo

package torch_test

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"latent/internal/grouptest"
	"latent/torch"
)

func TestGroupFromEnv(t *testing.T) {
	info, err := torch.GetInfo()
	if err != nil {
		t.Fatal(err)
	}
	port, prefix := 29500, "/worker/attempt_3"
	if strings.HasPrefix(info.Version, "1.") {
		port, prefix = 29501, ""
	}
	all := map[string]string{"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "host",
		"MASTER_PORT": "29500"}
	for _, c := range []struct {
		name   string
		change map[string]string
		want   *torch.GroupOptions
		err    string
	}{
		{name: "alone",
			change: map[string]string{"RANK": "", "WORLD_SIZE": "", "MASTER_ADDR": "",
				"MASTER_PORT": ""}},
		{name: "plain",
			want: &torch.GroupOptions{Rank: 1, Size: 4, LocalSize: 1, Addr: "host", Port: 29500,
				Device: "cpu", Timeout: torch.DefaultGroupTimeout}},
		{name: "torchrun", change: map[string]string{"LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
			"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "3"},
			want: &torch.GroupOptions{Rank: 1, Size: 4, LocalRank: 1, LocalSize: 2, Addr: "host",
				Port:   port,
				Device: "cpu", Timeout: torch.DefaultGroupTimeout, Prefix: prefix}},
		{name: "no address", change: map[string]string{"MASTER_ADDR": ""}, err: "MASTER_ADDR"},
		{name: "no port", change: map[string]string{"MASTER_PORT": ""}, err: "MASTER_PORT"},
		{name: "no size", change: map[string]string{"WORLD_SIZE": ""}, err: "WORLD_SIZE"},
		{name: "size 0", change: map[string]string{"WORLD_SIZE": "0"}, err: "WORLD_SIZE"},
		{name: "rank beyond", change: map[string]string{"RANK": "4"},
			err: "rank must be from 0 to 3, got 4"},
		{name: "not a number", change: map[string]string{"RANK": "one"},
			err: "RANK must be an integer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"LOCAL_RANK", "LOCAL_WORLD_SIZE",
				"TORCHELASTIC_USE_AGENT_STORE", "TORCHELASTIC_RESTART_COUNT"} {
				t.Setenv(name, "")
			}
			for name, value := range all {
				t.Setenv(name, value)
			}
			for name, value := range c.change {
				t.Setenv(name, value)
			}
			got, err := torch.GroupFromEnv()
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) ||
					strings.Contains(err.Error(), "\n") {
					t.Fatalf("error %v, want one line with %q", err, c.err)
				}
				return
			}
			if err != nil || (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Fatalf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestGroupThreads(t *testing.T) {
	o := torch.GroupOptions{LocalRank: 3, LocalSize: 1 << 10}
	if n := o.Threads(); n != 1 {
		t.Errorf("Threads() = %d, want 1", n)
	}
}

// Gradients and values become means, rank 0's tensors and bytes reach all; then
// rank 2 dies, and the others are told in one line.
func TestGroup(t *testing.T) {
	if !grouptest.Child() {
		t.Parallel()
		for rank, p := range grouptest.Run(t, 3) {
			if want := []int{0, 0, 7}[rank]; p.Code != want {
				t.Errorf("rank %d: exit code %d, want %d\n%s", rank, p.Code, want, p.Output)
			}
		}
		return
	}
	g := grouptest.Join(t, func(o *torch.GroupOptions) { o.Timeout = time.Minute })
	rank := float32(g.Rank)
	err := torch.Do(func(s *torch.Scope) {
		a := s.Float32s([]float32{1, 2, 3, 4, 5, 6}, 2, 3).RequiresGrad(true)
		b := s.Float32s([]float32{7}, 1).RequiresGrad(true)
		for range 2 { // the second time with the buffer of the first
			// d/da sum(a * (rank + 1)) = rank + 1; d/db = rank.
			loss := a.Scale(float64(rank)+1, 0).Sum().Add(b.Scale(float64(rank), 0).Sum())
			loss.Backward()
			values := s.Float32s([]float32{rank, 10 * rank}, 2)
			g.AverageGradients([]torch.Parameter{{Name: "a", Tensor: a}, {Name: "b", Tensor: b}},
				values)
			if got := values.Float32s(); !slices.Equal(got, []float32{1, 10}) {
				t.Errorf("values %v, want [1 10]", got)
			}
		}
		// The first pass left the means 2 and 1; the second adds rank + 1 and rank.
		if got := a.Grad(s).Float32s(); !slices.Equal(got, []float32{4, 4, 4, 4, 4, 4}) {
			t.Errorf("gradient of a %v, want 4", got)
		}
		if got := b.Grad(s).Float32s(); !slices.Equal(got, []float32{2}) {
			t.Errorf("gradient of b %v, want 2", got)
		}
		x := s.Float32s([]float32{rank, rank + 1, rank + 2, rank + 3}, 2, 2)
		g.Broadcast(x.T()) // not contiguous
		if got := x.Float32s(); !slices.Equal(got, []float32{0, 1, 2, 3}) {
			t.Errorf("broadcast gave %v", got)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"from rank 0", ""} {
		data := []byte(text)
		if g.Rank != 0 {
			data = []byte("mine")
		}
		if got, err := g.BroadcastBytes(data); err != nil || string(got) != text {
			t.Errorf("BroadcastBytes = %q, %v, want %q", got, err, text)
		}
	}
	if said, err := g.Exchange(fmt.Sprint("I am ", g.Rank)); err != nil ||
		!slices.Equal(said, []string{"I am 0", "I am 1", "I am 2"}) {
		t.Errorf("Exchange gave %q, %v", said, err)
	}
	if err := g.Barrier(); err != nil {
		t.Error(err)
	}
	if g.Rank == 2 && !t.Failed() {
		os.Exit(7)
	}
	checkLost(t, g.Barrier(), "rank 2", "1m0s")
	g.Close()
	g.Close()
}

// A process that hangs ends the others with one line.
func TestGroupTimesOut(t *testing.T) {
	if !grouptest.Child() {
		t.Parallel()
		for rank, p := range grouptest.Run(t, 2) {
			if p.Code != 0 {
				t.Errorf("rank %d: exit code %d\n%s", rank, p.Code, p.Output)
			}
		}
		return
	}
	g := grouptest.Join(t, func(o *torch.GroupOptions) { o.Timeout = 3 * time.Second })
	if g.Rank == 1 {
		grouptest.Await("timeout")
		return
	}
	checkLost(t, g.Barrier(), "rank 1", "3s")
	grouptest.Signal(t, "timeout")
}

func checkLost(t *testing.T, err error, who, timeout string) {
	t.Helper()
	if err == nil ||
		!strings.Contains(err.Error(), " lost "+who+", or waited "+timeout+" for it: ") ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

// Nobody else comes.
func TestJoinGroupTimesOut(t *testing.T) {
	if err := torch.Supports("cpu"); err != nil {
		t.Skip(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	for rank := range 2 { // one serves, one has nobody to connect to
		_, err = torch.JoinGroup(torch.GroupOptions{Rank: rank, Size: 2, Addr: "127.0.0.1",
			Port:   port,
			Device: "cpu", Timeout: 300 * time.Millisecond})
		if err == nil || strings.Contains(err.Error(), "\n") ||
			!strings.Contains(err.Error(), "of 2 did not find the others at 127.0.0.1:") {
			t.Errorf("rank %d: %v", rank, err)
		}
		if rank == 0 && !strings.Contains(err.Error(), "waited 300ms for rank 1") {
			t.Errorf("rank 0 does not say who is missing: %v", err)
		}
		t.Log(err)
	}
}

// Processes that would compute on different devices are told so, before they connect
// and wait for each other.
func TestGroupOfTwoDevices(t *testing.T) {
	if !grouptest.Child() {
		t.Parallel()
		for rank, p := range grouptest.Run(t, 2) {
			if p.Code != 0 {
				t.Errorf("rank %d: exit code %d\n%s", rank, p.Code, p.Output)
			}
		}
		return
	}
	g := grouptest.Join(t, func(o *torch.GroupOptions) { o.Device = "" })
	if err := g.Barrier(); err == nil || !strings.Contains(err.Error(), "not connected") {
		t.Errorf("a group that is not connected: %v", err)
	}
	kind := []string{"cpu", "meta"}[g.Rank]
	err := g.Connect(kind)
	if err == nil ||
		!strings.Contains(err.Error(), fmt.Sprintf("rank %d computes on %s, rank", g.Rank, kind)) {
		t.Errorf("rank %d: %v", g.Rank, err)
	}
}

func TestGroupOfAnotherDevice(t *testing.T) {
	_, err := torch.JoinGroup(torch.GroupOptions{Size: 1, Addr: "127.0.0.1", Port: 1,
		Device: "cuda:0", Timeout: time.Second})
	if torch.Supports("cuda:0") != nil && (err == nil || !strings.Contains(err.Error(), "NCCL")) {
		t.Errorf("error %v", err)
	}
}
