//go:build linux && cgo

package train

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every option is a field of Config by its name, and its flag the field's key in
// config.json; what else is in there, no user sets.
func TestOptionsAreConfigs(t *testing.T) {
	c := DefaultConfig()
	c.OwnData = OwnData{"x", "l", "c", "t", "tl", 0.5, "none", "1x1"}
	c.EncoderWidths, c.DecoderWidths = "1", "1"
	// left out otherwise, so that older records stay valid
	c.Plain, c.Processes, c.Clusters = true, 2, 3
	var keys map[string]any
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	value := reflect.ValueOf(&c).Elem()
	for _, o := range c.Options() {
		field := value.FieldByName(o.Field)
		if !field.IsValid() || field.Addr().Pointer() != reflect.ValueOf(o.Value).Pointer() {
			t.Errorf("--%s is not Config.%s", o.Flag, o.Field)
		}
		key := strings.ReplaceAll(o.Flag, "-", "_")
		if _, ok := keys[key]; !ok {
			t.Errorf("config.json has no %s", key)
		}
		delete(keys, key)
		if o.Usage == "" || o.Usage != strings.TrimSpace(o.Usage) {
			t.Errorf("--%s: help %q", o.Flag, o.Usage)
		}
	}
	for key := range keys {
		if !slices.Contains([]string{"latent", "go", "libtorch", "processes"}, key) {
			t.Errorf("no option describes %s", key)
		}
	}
}

func TestOptionSet(t *testing.T) {
	c := DefaultConfig()
	c.Shuffle, c.Seed = false, 0
	var said []string
	for _, o := range c.Options() {
		if o.Set() {
			said = append(said, o.Name()+" "+o.Text())
		}
	}
	text := strings.Join(said, ", ")
	for _, want := range []string{"batch size 1024", "learning rate 0.001", "shuffle false",
		"seed 0", "contrastive none"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	for _, absent := range []string{"init", "limit", "temperature", "augment", "weight 0,"} {
		if strings.Contains(text, absent) {
			t.Errorf("%q says %s", text, absent)
		}
	}
}
