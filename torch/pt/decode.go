package pt

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"
)

const (
	// maxPickle bounds data.pkl, which holds names and shapes but no tensor data.
	maxPickle = 4 << 20

	// maxGrowth bounds what all tensors together may take as a multiple of the
	// file's size, since many views may share one storage.
	maxGrowth = 16
)

// decode reads a file of size bytes; see Decode.
func decode(r io.ReaderAt, size int64) (any, error) {
	if size <= 0 {
		return nil, errors.New("the file is empty")
	}
	if err := checkMagic(r, size); err != nil {
		return nil, err
	}
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("not a whole .pt file: %w", err)
	}
	files, root, err := index(zr, size)
	if err != nil {
		return nil, err
	}
	if f := files[root+"byteorder"]; f != nil {
		order, err := read(f)
		if err != nil {
			return nil, err
		}
		if string(order) != "little" {
			return nil, fmt.Errorf("byte order is %.20q; only little-endian files are read", order)
		}
	}
	f := files[root+"data.pkl"]
	if f.UncompressedSize64 > maxPickle {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are read", f.Name, f.UncompressedSize64,
			maxPickle)
	}
	pickle, err := read(f)
	if err != nil {
		return nil, err
	}
	storages := map[string][]byte{}
	load := func(key string) ([]byte, error) {
		if raw, ok := storages[key]; ok {
			return raw, nil
		}
		f := files[root+"data/"+key]
		if f == nil {
			return nil, fmt.Errorf("the file has no storage %.40q", key)
		}
		raw, err := read(f)
		if err != nil {
			return nil, err
		}
		storages[key] = raw
		return raw, nil
	}
	return unpickle(pickle, load, maxGrowth*size)
}

// checkMagic refuses files that are known not to be zip files, by what they are.
func checkMagic(r io.ReaderAt, size int64) error {
	head := make([]byte, min(size, 16))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil
	case bytes.HasPrefix(head, []byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")):
		return errors.New("the format of torch.save before PyTorch 1.6; load it in Python and " +
			"torch.save it again with PyTorch 1.6 or later")
	case head[0] == 0x80:
		return errors.New("a bare Python pickle, not a .pt file; save it with torch.save")
	}
	return errors.New("not a .pt file: it is no zip file")
}

// index lists the entries by name, and finds the folder, with its slash, that
// holds data.pkl. It refuses whatever torch.save does not write.
func index(zr *zip.Reader, size int64) (files map[string]*zip.File, root string, err error) {
	for _, f := range zr.File {
		if strings.HasSuffix(f.Name, "/constants.pkl") {
			return nil, "", errors.New("a TorchScript archive; torch.save the model's " +
				"state_dict() instead")
		}
	}
	files = make(map[string]*zip.File, len(zr.File))
	left := uint64(size)
	for _, f := range zr.File {
		switch {
		case !fs.ValidPath(strings.TrimSuffix(f.Name, "/")) ||
			strings.ContainsAny(f.Name, "\\\x00"):
			return nil, "", fmt.Errorf("entry %.60q: not a plain relative path", f.Name)
		case files[f.Name] != nil:
			return nil, "", fmt.Errorf("entry %.60q occurs twice", f.Name)
		case f.Method != zip.Store:
			return nil, "", fmt.Errorf("entry %.60q is compressed; torch.save does not compress",
				f.Name)
		case f.Flags&1 != 0:
			return nil, "", fmt.Errorf("entry %.60q is encrypted", f.Name)
		case f.CompressedSize64 != f.UncompressedSize64:
			return nil, "", fmt.Errorf("entry %.60q has two different sizes", f.Name)
		case f.UncompressedSize64 > left:
			return nil, "", fmt.Errorf("entry %.60q: the entries are larger than the file", f.Name)
		}
		left -= f.UncompressedSize64
		files[f.Name] = f
		if dir, ok := strings.CutSuffix(f.Name, "data.pkl"); ok && strings.Count(dir, "/") == 1 &&
			strings.HasSuffix(dir, "/") {
			if root != "" {
				return nil, "", fmt.Errorf("both %.40q and %.40q hold a data.pkl", root, dir)
			}
			root = dir
		}
	}
	if root == "" {
		return nil, "", errors.New("a zip file without data.pkl, not a .pt file")
	}
	return files, root, nil
}

// read returns the content of an entry that index let through, its checksum
// verified.
func read(f *zip.File) ([]byte, error) {
	r, err := f.OpenRaw()
	if err != nil {
		return nil, fmt.Errorf("%.60q: %w", f.Name, err)
	}
	data := make([]byte, f.UncompressedSize64)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("%.60q: the file is cut off: %w", f.Name, err)
	}
	if crc32.ChecksumIEEE(data) != f.CRC32 {
		return nil, fmt.Errorf("%.60q: the checksum does not fit, the file is corrupt", f.Name)
	}
	return data, nil
}
