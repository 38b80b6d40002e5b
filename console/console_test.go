package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, h http.Handler, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) []byte {
	t.Helper()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func gunzip(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestEmbeddedFilesAreTheListedOnes(t *testing.T) {
	list, err := os.ReadFile("SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	left := files()
	seen := map[string]bool{}
	for line := range strings.Lines(string(list)) {
		want, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			t.Fatalf("line %q", line)
		}
		f := left[name]
		if f == nil {
			t.Errorf("%s is listed but not embedded", name)
			continue
		}
		seen[name] = true
		if sum := sha256.Sum256(gunzip(t, f.packed)); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is not the listed file", name)
		}
	}
	for name := range left {
		if !seen[name] {
			t.Errorf("%s is embedded but not listed", name)
		}
	}
}

func TestPage(t *testing.T) {
	h := Handler(Options{})
	res := get(t, h, "/playground/")
	page := string(body(t, res))
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("status %d, type %q", res.StatusCode, res.Header.Get("Content-Type"))
	}
	if got := res.Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("the page is cached: %q", got)
	}
	if regexp.MustCompile(`(src|href)="(https?:)?//`).MatchString(page) {
		t.Error("the page names another host")
	}
	if regexp.MustCompile(`<script(>| [^>]*[^>]>[^<])`).MatchString(page) {
		t.Error("the page holds an inline script, which its own policy forbids")
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="\./([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if res := get(t, h, "/playground/"+m[1]); res.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", m[1], res.StatusCode)
		}
	}
}

func TestEveryFile(t *testing.T) {
	h := Handler(Options{})
	for name, f := range files() {
		plain := get(t, h, "/playground/"+name)
		packed := get(t, h, "/playground/"+name, "Accept-Encoding", "br, gzip")
		if e := plain.Header.Get("Content-Encoding"); e != "" {
			t.Errorf("%s: coding %q for a client that asked for none", name, e)
		}
		if e := packed.Header.Get("Content-Encoding"); e != "gzip" {
			t.Errorf("%s: coding %q, want gzip", name, e)
		}
		if !bytes.Equal(body(t, plain), gunzip(t, body(t, packed))) {
			t.Errorf("%s: the two forms differ", name)
		}
		if plain.Header.Get("ETag") == packed.Header.Get("ETag") {
			t.Errorf("%s: two forms share an entity tag", name)
		}
		for _, res := range []*http.Response{plain, packed} {
			if res.Header.Get("Vary") != "Accept-Encoding" || res.Header.Get("Content-Type") != f.mediaType {
				t.Errorf("%s: headers %v", name, res.Header)
			}
		}
		immutable := strings.Contains(plain.Header.Get("Cache-Control"), "immutable")
		if immutable != strings.HasPrefix(name, "assets/") {
			t.Errorf("%s: Cache-Control %q", name, plain.Header.Get("Cache-Control"))
		}
	}
}

func TestSecurityHeadersOnEveryAnswer(t *testing.T) {
	h := Handler(Options{})
	for _, path := range []string{"/playground", "/playground/", "/playground/absent.js", "/playground/personas.json", "/elsewhere"} {
		res := get(t, h, path)
		csp := res.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe-eval") ||
			strings.Contains(csp, "script-src 'self' 'unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", path, res.Header)
		}
	}
}

func TestNotModified(t *testing.T) {
	h := Handler(Options{})
	first := get(t, h, "/playground/", "Accept-Encoding", "gzip")
	tag := first.Header.Get("ETag")
	for _, tc := range []struct {
		name, header string
		want         int
	}{
		{"same", tag, http.StatusNotModified},
		{"weak", "W/" + tag, http.StatusNotModified},
		{"among others", `"x", ` + tag, http.StatusNotModified},
		{"any", "*", http.StatusNotModified},
		{"other", `"x"`, http.StatusOK},
		{"other form", strings.Replace(tag, "-gzip", "", 1), http.StatusOK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := get(t, h, "/playground/", "Accept-Encoding", "gzip", "If-None-Match", tc.header)
			if res.StatusCode != tc.want {
				t.Fatalf("status %d, want %d", res.StatusCode, tc.want)
			}
			if tc.want == http.StatusNotModified && (len(body(t, res)) > 0 || res.Header.Get("ETag") != tag) {
				t.Error("a 304 carries the tag and no body")
			}
		})
	}
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false,
		"*": true, "*;q=0": false, "identity": false, "gzip;q=0, *": false, "deflate": false, "gzip;q=x": false,
		"gzipped": false, "x-gzip": true,
	} {
		if got := acceptsGzip([]string{header}); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestPaths(t *testing.T) {
	h := Handler(Options{})
	for path, want := range map[string]int{
		"/playground":                     http.StatusPermanentRedirect,
		"/playground/index.html":          http.StatusOK,
		"/playground/nothing":             http.StatusNotFound,
		"/playground/assets/":             http.StatusNotFound,
		"/playground/index.html.gz":       http.StatusNotFound,
		"/playground/%2e%2e/console.go":   http.StatusNotFound,
		"/playground/personas.json":       http.StatusNotFound,
		"/playground/assets/..%2findex.x": http.StatusNotFound,
		"/graphql":                        http.StatusNotFound,
	} {
		if res := get(t, h, path); res.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, res.StatusCode, want)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/playground/", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", w.Code)
	}
}

func TestPersonas(t *testing.T) {
	var people []Persona
	h := Handler(Options{Personas: func() []Persona { return people }})
	res := get(t, h, "/playground/personas.json")
	if got := string(body(t, res)); res.StatusCode != http.StatusOK || got != "[]" {
		t.Fatalf("status %d, %q; want an empty list", res.StatusCode, got)
	}
	people = []Persona{{Name: "Asha", Kind: "Live user", Role: "Sales Rep", PermissionSet: "Standard", Application: "sales", Token: "t"}}
	res = get(t, h, "/playground/personas.json")
	var got []Persona
	if err := json.Unmarshal(body(t, res), &got); err != nil || len(got) != 1 || got[0] != people[0] {
		t.Errorf("%v, %v", got, err)
	}
	if res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("tokens may be kept or read by others: %v", res.Header)
	}
}
