//go:build linux && cgo

package train

import (
	"fmt"
	"strings"

	"latent/autoenc"
	"latent/centroid"
	"latent/contrastive"
)

// ExtraLoss says which contrastive loss is added to the reconstruction loss, and
// with which options. With "none" the others have their zero value.
type ExtraLoss struct {
	// none, notebook, nt-xent, supcon or self-label
	Contrastive string                 `json:"contrastive"`
	Temperature float64                `json:"temperature"`
	Similarity  contrastive.Similarity `json:"similarity"` // cosine or euclidean
	Augment     bool                   `json:"augment"`
	Weight      float64                `json:"contrastive_weight"`
	Clusters    int                    `json:"clusters,omitempty"` // of self-label
}

// NewExtraLoss is the named loss with its defaults, where the name is known.
func NewExtraLoss(name string) ExtraLoss {
	o, _ := contrastive.Defaults(name) // new refuses an unknown name
	e := ExtraLoss{Contrastive: name, Temperature: o.Temperature, Similarity: o.Similarity,
		Augment: o.Augment, Weight: o.Weight}
	if name == selfLabel {
		e.Clusters = centroid.DefaultKMeansOptions().K
	}
	return e
}

// new makes the loss for rows of d, or of any data to see whether the options are right;
// nil for none.
func (e ExtraLoss) new(d *Data) (autoenc.ExtraLoss, error) {
	losses := strings.Join(contrastive.Names(), ", ")
	if e.Contrastive == "none" {
		if e != (ExtraLoss{Contrastive: "none"}) {
			return nil, fmt.Errorf("temperature, similarity, augmentation and weight are "+
				"a contrastive loss's: choose one of %s", losses)
		}
		return nil, nil
	}
	o, err := contrastive.Defaults(e.Contrastive)
	if err != nil {
		return nil, fmt.Errorf("unknown contrastive loss %q: want none, %s", e.Contrastive, losses)
	}
	switch {
	case e.Contrastive != selfLabel && e.Clusters != 0:
		return nil, fmt.Errorf("clusters are %s's: choose it with --contrastive", selfLabel)
	case e.Contrastive == selfLabel && e.Clusters < 2:
		return nil, &autoenc.OptionError{Field: "Clusters", Value: e.Clusters, Want: "at least 2"}
	case e.Contrastive == selfLabel && d != nil && e.Clusters > d.Train.N:
		return nil, fmt.Errorf("%d clusters for %d rows: want at most one cluster per row",
			e.Clusters, d.Train.N)
	}
	o.Temperature, o.Similarity = e.Temperature, e.Similarity
	o.Augment, o.Weight = e.Augment, e.Weight
	if d != nil && d.Form != nil {
		o.Classes = len(d.Classes)
		if f := d.Form; f.Rows > 0 {
			o.Image = contrastive.Image{Channels: max(1, f.Channels), Height: f.Rows,
				Width: f.Cols}
		} else {
			o.Corruption = contrastive.DefaultCorruption
		}
		if err := contrastive.CheckClasses(e.Contrastive, d.Train.Labels, o.Classes); err != nil {
			return nil,
				fmt.Errorf("%w (--contrastive nt-xent, self-label and none need no labels)", err)
		}
	} else if d != nil {
		if err := contrastive.Check(e.Contrastive, d.Train.Labels); err != nil {
			return nil, err
		}
	}
	return contrastive.New(e.Contrastive, o)
}
