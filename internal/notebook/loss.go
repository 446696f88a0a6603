package notebook

import (
	"fmt"

	"latent/autoenc"
)

// ExtraLoss says which contrastive loss is added to the reconstruction loss.
type ExtraLoss struct {
	Contrastive string `json:"contrastive"` // none, notebook, nt-xent or supcon
}

// new makes the loss, nil for none.
func (e ExtraLoss) new() (autoenc.ExtraLoss, error) {
	switch e.Contrastive {
	case "none":
		return nil, nil
	case "notebook", "nt-xent", "supcon":
		return nil, fmt.Errorf("contrastive loss %q is not built in yet: use none", e.Contrastive)
	}
	return nil, fmt.Errorf("unknown contrastive loss %q: want none, notebook, nt-xent or supcon", e.Contrastive)
}
