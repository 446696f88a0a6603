//go:build linux && cgo

package notebook

import (
	"io"

	"latent/internal/figure"
	"latent/internal/matrix"
)

// panel is the map of a space, one colour per class.
func (b *book) panel(s *space, title string) (figure.Panel, error) {
	y, err := matrix.ReadFile(b.mapPath(s))
	return figure.Panel{Title: title, XY: y.Data, Labels: b.labels()}, err
}

// scatter draws the maps of pixels and latents side by side (cell 6).
func (d *drawing) scatter(w io.Writer, format string) error {
	return figure.Panels(w, format, []figure.Panel{d.original, d.latent}, d.panelOptions())
}

// panelOptions name the classes where they are not digits.
func (d *drawing) panelOptions() figure.PanelOptions {
	o := figure.DefaultPanelOptions()
	if d.data.Name != "mnist" {
		o.Names = d.classes
	}
	return o
}
