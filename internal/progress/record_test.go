package progress

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func readRecord(t *testing.T, path string) (r Record) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The file says where work stands, or why it failed, and goes when it is over.
func TestRecorder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status.json")
	quiet := New(io.Discard, Options{Quiet: true})
	r := NewRecorder(quiet, path, 0)
	r.Update(Status{Label: "train", Done: 3, Total: 9})
	if got := readRecord(t, path); got.Done != 3 || got.First != 3 || got.PID != os.Getpid() ||
		got.Error != "" {
		t.Errorf("the record is %+v", got)
	}
	r.Close(errors.New("the disk is full"))
	if got := readRecord(t, path); got.Done != 3 || got.Error != "the disk is full" {
		t.Errorf("the record of failed work is %+v", got)
	}
	r.Close(nil)
	if _, err := os.Stat(path); err == nil {
		t.Error("the file stays when the work is over")
	}
	// What is over before its time leaves no trace, and nobody else's file goes.
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = NewRecorder(quiet, path, time.Hour)
	r.Update(Status{Label: "tsne"})
	r.Close(nil)
	if b, err := os.ReadFile(path); err != nil || string(b) != "mine" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

// Where there is no room for another file, the old one's takes the news.
func TestOverwrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status.json")
	if err := os.WriteFile(path, []byte(`{"Label":"`+strings.Repeat("x", 200)+`"}`),
		0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"short", strings.Repeat("long ", 100)} {
		b, err := json.Marshal(Record{Error: text})
		if err == nil {
			err = overwrite(path, b)
		}
		if got := readRecord(t, path); err != nil || got.Error != text {
			t.Errorf("after overwriting: %+v, %v", got, err)
		}
	}
	if overwrite(path+".none", nil) == nil {
		t.Error("a file is made where there was none")
	}
}
