package console

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Path is where the playground lives; it ends in a slash.
const Path = "/playground/"

//go:embed all:dist
var dist embed.FS

// Persona is one person that a demo lets everybody be. The token is sent to
// every browser that asks, so it must open nothing but made-up data.
type Persona struct {
	Name          string `json:"name"`
	Kind          string `json:"kind"`                    // for instance "Live user"
	Role          string `json:"role,omitempty"`          // empty for none
	PermissionSet string `json:"permissionSet,omitempty"` // empty for none
	Application   string `json:"application,omitempty"`   // the one to open, empty for the management API
	Description   string `json:"description,omitempty"`   // one line about what to look at
	Token         string `json:"token"`
}

// Options configure the playground. The zero Options serve it without personas.
type Options struct {
	// Personas returns who can be picked, in the order of the list. It is called
	// for every request of the list, concurrently. Nil outside of demo mode: the
	// list is then not found.
	Personas func() []Persona
}

// Handler serves the playground under Path, whole request paths expected, and
// redirects Path without its slash. It answers GET and HEAD, keeps no state and
// is safe for concurrent use.
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+strings.TrimSuffix(Path, "/"), http.RedirectHandler(Path, http.StatusPermanentRedirect))
	mux.HandleFunc("GET "+Path, serveFile)
	if o.Personas != nil {
		mux.HandleFunc("GET "+Path+"personas.json", func(w http.ResponseWriter, r *http.Request) {
			servePersonas(w, o.Personas())
		})
	}
	return secured(mux)
}

// policy lets the page run its own scripts and talk to its own host, nothing
// else: no inline script, no eval, no frames, no other address. Styles are
// inline because the editor writes them.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; " +
	"style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

func servePersonas(w http.ResponseWriter, people []Persona) {
	if people == nil {
		people = []Persona{}
	}
	body, err := json.Marshal(people)
	if err != nil { // strings always marshal
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(body)
}

var files = sync.OnceValue(load)

func serveFile(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, Path)
	if name == "" {
		name = "index.html"
	}
	f, ok := files()[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	f.serve(w, r)
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	packed := acceptsGzip(r.Header.Values("Accept-Encoding"))
	tag := f.tag(packed)
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", tag)
	h.Set("Cache-Control", f.caching)
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.mediaType)
	if packed {
		h.Set("Content-Encoding", "gzip")
		w.Write(f.packed)
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(f.packed))
	if err != nil { // load has read every file to its end
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	io.Copy(w, plain)
}
