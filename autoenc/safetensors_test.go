//go:build linux && cgo

package autoenc

import (
	"path/filepath"
	"slices"
	"testing"

	"latent/torch"
	"latent/torch/pt"
)

// A state_dict is loaded from a safetensors file as from a .pt file, whatever the file is called.
func TestLoadSafetensors(t *testing.T) {
	m, err := New(6, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	d, err := StateDict(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := pt.WriteFile(path, d); err != nil {
		t.Fatal(err)
	}
	again, err := Load(path, 6)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	err = torch.Do(func(*torch.Scope) {
		for i, p := range again.Parameters() {
			if want := m.Parameters()[i]; !slices.Equal(p.Float32s(), want.Float32s()) ||
				p.Name != want.Name {
				t.Errorf("%s is not %s", p.Name, want.Name)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
