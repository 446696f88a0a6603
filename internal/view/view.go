// Package view serves a folder to one browser on this machine while the folder grows: the
// losses as they fall, the map as it forms, reconstructions, and the report in the end. It
// reads files that others write, and writes none.
package view

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"

	"latent/internal/report"
)

//go:embed page
var files embed.FS

// Every is how often the folder is looked at.
const Every = 500 * time.Millisecond

// Server serves one folder. Only those who know the token in its URL are answered, and
// only under the address on which it listens.
type Server struct {
	folder   *folder
	token    string
	listener net.Listener
	page     []byte
	policy   string
}

// Listen opens a port of 127.0.0.1, any free one for 0, for path: a folder, a .html file, or
// a map, .npy or .csv, that may still be forming. Where there is nothing the error wraps
// fs.ErrNotExist.
func Listen(path string, port int) (*Server, error) {
	f, err := openFolder(path)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", fmt.Sprint(port)))
	if err != nil {
		return nil, fmt.Errorf("view: port %d: %w", port, err)
	}
	s := &Server{folder: f, token: rand.Text(), listener: l}
	if err := s.render(); err != nil {
		l.Close()
		return nil, err
	}
	return s, nil
}

// render makes the live page.
func (s *Server) render() error {
	t, err := template.ParseFS(files, "page/live.html")
	if err != nil {
		return fmt.Errorf("view: %w", err)
	}
	live, err := files.ReadFile("page/live.js")
	if err != nil {
		return fmt.Errorf("view: %w", err)
	}
	script := report.Asset("theme.js") + report.Asset("colours.js") + report.Asset("points.js") +
		string(live)
	sum := sha256.Sum256([]byte(script))
	s.policy = "default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src " +
		"'unsafe-inline'; script-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	var page strings.Builder
	err = t.Execute(&page,
		map[string]any{"Name": s.folder.name(), "CSS": template.CSS(report.Asset("page.css")),
			"Script": template.JS(script)})
	s.page = []byte(page.String())
	return err
}

// URL is where a browser finds the page.
func (s *Server) URL() string { return fmt.Sprintf("http://%s/%s/", s.listener.Addr(), s.token) }

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes: 1 << 16,
		BaseContext:    func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("view: %w", err)
	}
	return ctx.Err()
}

// ServeHTTP refuses whoever does not ask for this server by its address, comes from
// another site's page, wants to write, or lacks the token.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	switch {
	case r.Host != "127.0.0.1:"+port && r.Host != "localhost:"+port:
		http.Error(w, "wrong host", http.StatusForbidden)
	case origin != "" && origin != "http://"+r.Host, site == "cross-site" &&
		r.Header.Get("Sec-Fetch-Mode") != "navigate":
		http.Error(w, "foreign origin", http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "read only", http.StatusMethodNotAllowed)
	default:
		token, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1 {
			http.Error(w, "wrong token: use the address that latent view printed",
				http.StatusForbidden)
			return
		}
		s.answer(w, r, rest)
	}
}

// dataFile are names of scripts beside a report.
var dataFile = regexp.MustCompile(`^[a-z]+(-[0-9]+)?\.js$`)

// answer serves name, which is one of few: no path of a request reaches the disk but as
// the last part of a name that was found there.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, name string) {
	switch dir, base := path.Split(name); {
	case name == "" && s.folder.finished():
		http.Redirect(w, r, s.folder.reportName(), http.StatusFound)
	case name == "" || name == "live":
		w.Header().Set("Content-Security-Policy", s.policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(s.page)
	case name == "events":
		s.events(w, r)
	case name == s.folder.reportName():
		// The page has its own, stricter policy.
		w.Header().Set("Content-Security-Policy", "frame-ancestors 'none'")
		s.folder.serveReport(w, r)
	case dir == s.folder.dataName()+"/" && dataFile.MatchString(base):
		s.folder.serve(w, r, "text/javascript; charset=utf-8", s.folder.dataName(), base)
	case dir == "map/":
		s.folder.serveMap(w, base)
	case name == "labels":
		s.folder.serveLabels(w)
	case dir == "picture/":
		s.folder.servePicture(w, r, base)
	default:
		http.Error(w, "there is nothing here", http.StatusNotFound)
	}
}

// events sends the folder's state whenever it changes, whole each time: a page that lost
// the connection needs no history, and keeps none.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	var last string
	quiet := 0
	for {
		b, err := json.Marshal(s.folder.state())
		if err != nil {
			return
		}
		if text := string(b); text != last {
			last, quiet = text, 0
			_, err = fmt.Fprintf(w, "data: %s\n\n", b)
		} else if quiet++; quiet%20 == 0 {
			_, err = fmt.Fprint(w, ":\n\n") // is anybody there?
		}
		if err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
	}
}
