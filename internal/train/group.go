//go:build linux && cgo

package train

import (
	"encoding/json"
	"fmt"
	"time"

	"latent/torch"
)

// decision is what the processes of a group tell each other before they connect. Rank
// 0 keeps the run folder, so that its Config is everybody's.
type decision struct {
	Config Config
	Error  string // why this process cannot take part
}

// failedTimeout is how long a process that cannot take part waits for the others, so
// that they end at once and say why.
const failedTimeout = 10 * time.Second

// join makes this process one of a group, on rank 0's config, and on its own device,
// data folder and share of the cores. failed is why this process cannot take part: it
// ends all.
func (j *job) join(o torch.GroupOptions, failed error) error {
	mine := decision{Config: j.Config}
	if failed != nil {
		mine.Error = failed.Error()
		o.Timeout = min(o.Timeout, failedTimeout)
	}
	text, err := json.Marshal(mine)
	if err != nil {
		return err
	}
	o.Device = "" // rank 0's config says it
	var all []string
	if j.group, err = torch.JoinGroup(o); err == nil {
		all, err = j.group.Exchange(string(text))
	}
	if failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	for rank, text := range all {
		var other decision
		if err := json.Unmarshal([]byte(text), &other); err != nil {
			return fmt.Errorf("rank %d runs another latent: %w", rank, err)
		}
		switch {
		case other.Error != "":
			return fmt.Errorf("rank %d failed: %s", rank, other.Error)
		case other.Config.Latent != mine.Config.Latent ||
			other.Config.Libtorch != mine.Config.Libtorch:
			return fmt.Errorf("rank %d runs latent %s on libtorch %s, rank %d latent %s on "+
				"libtorch %s",
				j.group.Rank, mine.Config.Latent, mine.Config.Libtorch,
				rank, other.Config.Latent, other.Config.Libtorch)
		case rank == 0:
			other.Config.Data, other.Config.Threads = j.Data, j.Threads
			j.Config = other.Config
		}
	}
	return nil
}

// connect makes the group compute, once every process has the data: fetching it may
// take longer than the others would wait.
func (j *job) connect(o torch.GroupOptions) error {
	_, local, err := o.LocalDevice(j.Device)
	if err != nil {
		return err
	}
	j.device = local
	return j.group.Connect(local)
}
