// Package dataset reads, verifies and fetches the three image sets MNIST,
// Fashion-MNIST and KMNIST: 60,000 images to train and 10,000 to test, 28x28
// grey, ten classes each, in torchvision's folder layout
// (DIR/MNIST/raw/train-images-idx3-ubyte, unpacked or .gz).
//
// [Fetch] downloads what is missing and verifies the SHA-256 of every file; [Open]
// reads a set from disk. [ReadIDX] reads any IDX file of bytes.
package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"latent/internal/atomicfile"
)

// Dataset is a data set in memory.
type Dataset struct {
	Name        string   // as Names lists it; the path of a user's own data
	Classes     []string // name of each class
	Train, Test *Split
}

// Open reads the data set name (see Names) below the folder dir and verifies
// every file by its checksum. Where both an unpacked file and its .gz are
// there, the unpacked one is read. It fetches nothing: a missing file is an
// error that wraps fs.ErrNotExist. KMNIST's unpacked files have no published
// checksum; of those only the sizes and labels are verified.
func Open(dir, name string) (*Dataset, error) {
	s, err := find(name)
	if err != nil {
		return nil, fmt.Errorf("dataset: open: %w", err)
	}
	d, err := s.open(dir)
	if err != nil {
		return nil, fmt.Errorf("dataset: open %s: %w", name, err)
	}
	return d, nil
}

func (s *set) open(dir string) (*Dataset, error) {
	var arrays [4]*IDX
	var errs [4]error
	var wg sync.WaitGroup
	for i := range s.files {
		wg.Go(func() {
			path, err := s.locate(dir, &s.files[i])
			if err == nil {
				arrays[i], _, err = s.files[i].load(path, true)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return &Dataset{Name: s.name, Classes: s.classNames(), Train: split(arrays[0], arrays[1]),
		Test: split(arrays[2], arrays[3])}, nil
}

// split puts together what load has found to fit.
func split(images, classes *IDX) *Split {
	return &Split{
		Images: images.Data, Labels: labels(classes.Data),
		N: images.Dims[0], Rows: images.Dims[1], Cols: images.Dims[2],
	}
}

// raw is the folder of the set's files below dir.
func (s *set) raw(dir string) string { return filepath.Join(dir, s.folder, "raw") }

// locate finds the unpacked file or else its .gz.
func (s *set) locate(dir string, f *fileSpec) (string, error) {
	plain := filepath.Join(s.raw(dir), f.name)
	for _, path := range []string{plain, plain + ".gz"} {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return "", err
		}
	}
	return "", fmt.Errorf("neither %s nor its .gz is there, download the data set first (latent "+
		"data): %w", plain, fs.ErrNotExist)
}

// load reads and verifies the file at path. The array is returned if content
// is set; a .gz whose own checksum is right is otherwise not unpacked.
func (f *fileSpec) load(path string, content bool) (*IDX, File, error) {
	b, err := f.readRaw(path)
	if err == nil {
		var x *IDX
		var file File
		if x, file, err = f.check(b, content); err == nil {
			file.Path = path
			return x, file, nil
		}
	}
	return nil, File{}, fmt.Errorf("%s: %w", path, err)
}

// readRaw reads the whole file, unless it is larger than any right one.
func (f *fileSpec) readRaw(path string) ([]byte, error) {
	r, size, err := atomicfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if most := f.unpackedSize() + 1<<20; size > most {
		return nil, fmt.Errorf("%d bytes, more than its maximum of %d; %s", size, most, remedy)
	}
	return io.ReadAll(r)
}

// remedy ends the error about a file that is not the right one.
const remedy = "remove the file and fetch it again"

// check verifies the bytes of a file. A .gz is right if it is the published
// one, or if it holds the same content packed otherwise, as Debian's does.
func (f *fileSpec) check(raw []byte, content bool) (*IDX, File, error) {
	file := File{Count: f.dims[0], Bytes: int64(len(raw)), SHA256: sha256Hex(raw), Verified: true}
	if isGzip(raw) {
		published := file.SHA256 == f.sha256
		if published && !content {
			return nil, file, nil
		}
		if !published && f.content == "" {
			return nil, File{}, mismatch(file.SHA256, f.sha256)
		}
		x, err := f.decode(raw)
		if err != nil {
			return nil, File{}, err
		}
		if !published {
			if sum := f.contentSum(x); sum != f.content {
				return nil, File{}, mismatch(sum+" unpacked", f.content)
			}
		}
		return x, file, nil
	}
	x, err := f.decode(raw)
	if err != nil {
		return nil, File{}, err
	}
	if file.Verified = f.content != ""; file.Verified && file.SHA256 != f.content {
		return nil, File{}, mismatch(file.SHA256, f.content)
	}
	return x, file, nil
}

func mismatch(found, want string) error {
	return fmt.Errorf("%w: SHA-256 is %s, expected %s; %s", ErrChecksum, found, want, remedy)
}

// decode unpacks a file and checks its sizes and labels.
func (f *fileSpec) decode(raw []byte) (*IDX, error) {
	x, err := decodeIDX(bytes.NewReader(raw), int64(len(raw)), max(f.unpackedSize(), 1<<26))
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, remedy)
	}
	if !slices.Equal(x.Dims, f.dims) {
		return nil, fmt.Errorf("%s, expected %s; %s", shape(x.Dims), shape(f.dims), remedy)
	}
	if len(x.Dims) == 1 {
		for i, v := range x.Data {
			if v >= classes {
				return nil, fmt.Errorf("label %d is %d, expected 0 to %d; %s", i, v, classes-1,
					remedy)
			}
		}
	}
	return x, nil
}
