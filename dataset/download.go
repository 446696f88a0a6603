package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"latent/internal/atomicfile"
)

// partExt ends the name of a download that is not complete.
const partExt = ".gz.part"

// errLocal marks an error of this machine, which no other mirror mends.
var errLocal = errors.New("cannot keep the download")

// downloader downloads single files over HTTP.
type downloader struct {
	client   *http.Client
	stall    time.Duration
	progress func(Progress)
}

func newDownloader(o FetchOptions) *downloader {
	d := &downloader{client: o.Client, stall: o.StallTimeout, progress: o.Progress}
	if d.client == nil {
		d.client = &http.Client{Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: o.ConnectTimeout}).DialContext,
			TLSHandshakeTimeout:   o.ConnectTimeout,
			ResponseHeaderTimeout: o.ConnectTimeout,
			DisableKeepAlives:     true,
			ForceAttemptHTTP2:     true,
		}}
	}
	if d.progress == nil {
		d.progress = func(Progress) {}
	}
	return d
}

// download brings the .gz of f from address to path. The bytes go to path.part
// and on from its end if there is one, whichever mirror wrote it: the
// checksum decides in the end, and if it fails after a resumed download the
// file is loaded once more from its start. A file that is wrong is removed,
// one that broke off is kept for the next try.
func (d *downloader) download(ctx context.Context, f *fileSpec,
	address, path string) (File, error) {
	part, err := openPart(path + ".part")
	if err != nil {
		return File{}, fmt.Errorf("%w: %w", errLocal, err)
	}
	defer part.Close()
	for {
		start, err := part.Seek(0, io.SeekEnd)
		if err == nil && start > f.size {
			start, err = 0, part.Truncate(0)
		}
		if err != nil {
			return File{}, fmt.Errorf("%w: %w", errLocal, err)
		}
		resumed := start > 0
		if start < f.size {
			if resumed, err = d.transfer(ctx, f, address, part, start); err != nil {
				removeEmpty(part)
				return File{}, err
			}
		}
		raw := make([]byte, f.size)
		if _, err := part.ReadAt(raw, 0); err != nil {
			return File{}, fmt.Errorf("%w: %w", errLocal, err)
		}
		file, err := f.place(raw, path)
		switch {
		case err == nil:
			return file, nil // Fetch removes the part
		case !errors.Is(err, errContent):
			return File{}, fmt.Errorf("%w: %w", errLocal, err)
		case !resumed:
			_ = os.Remove(part.Name())
			return File{}, err
		}
		if err := part.Truncate(0); err != nil {
			return File{}, fmt.Errorf("%w: %w", errLocal, err)
		}
	}
}

// transfer requests address from byte start on and writes what comes to the end
// of part, which it empties first if the server sends the file from its
// start. It reports whether the download went on from start.
func (d *downloader) transfer(ctx context.Context, f *fileSpec, address string, part *os.File,
	start int64) (resumed bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, err
	}
	request.Header.Set("Accept-Encoding", "identity") // else the client would unpack the .gz
	if start > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", start))
	}
	response, err := d.client.Do(request)
	if err != nil {
		var named *url.Error // names the address, as the caller does
		if errors.As(err, &named) {
			err = named.Err
		}
		return false, err
	}
	defer response.Body.Close()
	rest := fmt.Sprintf("bytes %d-%d/%d", start, f.size-1, f.size)
	switch {
	case start > 0 && response.StatusCode == http.StatusPartialContent &&
		response.Header.Get("Content-Range") == rest:
	case start > 0 &&
		(response.StatusCode == http.StatusPartialContent ||
			response.StatusCode == http.StatusRequestedRangeNotSatisfiable):
		return d.transfer(ctx, f, address, part, 0) // what we hold is no part of what it has
	case response.StatusCode == http.StatusOK:
		if n := response.ContentLength; n >= 0 && n != f.size {
			return false, fmt.Errorf("%w: %d bytes, expected %d", errContent, n, f.size)
		}
		start = 0
		if err := part.Truncate(0); err != nil {
			return false, fmt.Errorf("%w: %w", errLocal, err)
		}
	default:
		return false, fmt.Errorf("server answers %s", response.Status)
	}
	if _, err := part.Seek(start, io.SeekStart); err != nil {
		return false, fmt.Errorf("%w: %w", errLocal, err)
	}

	stalled := fmt.Errorf("no byte for %v", d.stall)
	timer := time.AfterFunc(d.stall, func() { cancel(stalled) })
	defer timer.Stop()
	buf := make([]byte, 1<<16)
	report := func(done int64) {
		d.progress(Progress{File: f.name + ".gz", Source: address, Done: done, Total: f.size})
	}
	report(start)
	for done := start; ; {
		n, err := response.Body.Read(buf)
		timer.Reset(d.stall)
		if done += int64(n); done > f.size {
			_ = part.Truncate(0)
			return false, fmt.Errorf("%w: more than %d bytes", errContent, f.size)
		}
		if _, err := part.Write(buf[:n]); err != nil {
			return false, fmt.Errorf("%w: %w", errLocal, err)
		}
		report(done)
		switch {
		case err == io.EOF && done == f.size:
			return start > 0, nil
		case err == io.EOF:
			return false, fmt.Errorf("ends after %d of %d bytes", done, f.size)
		case context.Cause(ctx) == stalled:
			return false, stalled
		case err != nil:
			return false, err
		}
	}
}

// openPart opens the file that holds a download, or what there is of it, and
// locks it against other processes.
func openPart(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, err
		}
		if errors.Is(atomicfile.TryLock(f), atomicfile.ErrLocked) {
			f.Close()
			return nil, fmt.Errorf("%s: another process is downloading it; wait until it finishes",
				path)
		}
		// The process that held the lock may have removed the file.
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if now, err := os.Stat(path); err == nil && os.SameFile(mine, now) {
			return f, nil
		}
		f.Close()
	}
}

// removeEmpty removes a part that has no bytes to go on from.
func removeEmpty(part *os.File) {
	if info, err := part.Stat(); err == nil && info.Size() == 0 {
		_ = os.Remove(part.Name())
	}
}
