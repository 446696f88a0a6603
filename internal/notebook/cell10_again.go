//go:build linux && cgo

package notebook

import (
	"io"

	"latent/internal/figure"
)

// Cell 10 encodes, embeds and classifies again, with the contrastive model: the
// stages of cells 5 and 7 do it for every space.

// contrastiveScatter draws the map of the contrastive latents (cell 10).
func (d *drawing) contrastiveScatter(w io.Writer, format string) error {
	o := d.panelOptions()
	o.LegendRows = 2
	return figure.Panels(w, format, []figure.Panel{d.contrastive}, o)
}
