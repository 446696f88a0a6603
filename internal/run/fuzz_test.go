package run

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"version":1,"seed":1,"lr":0.1,"dataset":"mnist","loss":{"Tau":1}}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"version":1,"Seed":null,"loss":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c config
		if err := decodeConfig(b, &c); err != nil {
			return
		}
		if err := Compare(c, c); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzMetrics(f *testing.F) {
	f.Add(
		[]byte(
			`{"dataset":"mnist","epochs":20,"seed":0,"accuracy":{"original":{"train":0.8,"test":0.9}},"tsne":{"x":{"kl":1}},"seconds":{"total":1}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again Metrics
		if decodeMetrics(b, &m) != nil {
			return
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if err := decodeMetrics(b, &again); err != nil {
			t.Fatal(err)
		}
		if b2, err := json.Marshal(again); err != nil || !bytes.Equal(b, b2) {
			t.Errorf("%s became %s (%v)", b, b2, err)
		}
	})
}

func FuzzLosses(f *testing.F) {
	var l Losses
	for _, r := range rows() {
		if err := l.Append(r); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(append([]byte(lossesHeader+"\n"), l.text...))
	f.Add([]byte(lossesHeader + "\n1,1,0x1p-2,-0,1_0\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := parseLosses(b)
		if err != nil {
			return
		}
		l := Losses{text: []byte(lossesHeader + "\n")}
		for _, r := range rows {
			if err := l.Append(r); err != nil {
				t.Fatal(err)
			}
		}
		again, err := parseLosses(l.text)
		if err != nil || len(again) != len(rows) || len(rows) > 0 &&
			!reflect.DeepEqual(again, rows) {
			t.Errorf("%v, %v from %q", again, err, l.text)
		}
	})
}
