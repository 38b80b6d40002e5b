package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// file is one built file, compressed as it is embedded.
type file struct {
	packed    []byte
	sum       string // of packed
	mediaType string
	caching   string
}

// tag returns the entity tag of the compressed or the plain form: they are two
// representations.
func (f *file) tag(packed bool) string {
	if packed {
		return `"` + f.sum + `-gzip"`
	}
	return `"` + f.sum + `"`
}

var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	".ttf":  "font/ttf",
	".md":   "text/plain; charset=utf-8",
}

// hashed is the name of a file whose content its name tells.
var hashed = regexp.MustCompile(`^assets/.+-[A-Za-z0-9_-]{8}\.[a-z]+$`)

// load reads the embedded files. It panics on files that cannot be served: that
// is a broken build, and the tests load them.
func load() map[string]*file {
	all := map[string]*file{}
	err := fs.WalkDir(dist, "dist", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, packed := strings.CutSuffix(strings.TrimPrefix(p, "dist/"), ".gz")
		kind, known := mediaTypes[path.Ext(name)]
		if !packed || !known {
			return fmt.Errorf("%s is not a compressed file of a known type", p)
		}
		body, err := dist.ReadFile(p)
		if err != nil {
			return err
		}
		if _, err := gzip.NewReader(bytes.NewReader(body)); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		sum := sha256.Sum256(body)
		all[name] = &file{packed: body, sum: hex.EncodeToString(sum[:12]), mediaType: kind, caching: caching(name)}
		return nil
	})
	if err != nil {
		panic("console: " + err.Error())
	}
	return all
}

func caching(name string) string {
	if hashed.MatchString(name) {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

// acceptsGzip reads Accept-Encoding: gzip or, where gzip is not named, the
// wildcard, unless its weight is zero.
func acceptsGzip(headers []string) bool {
	wildcard := false
	for _, item := range strings.Split(strings.Join(headers, ","), ",") {
		coding, params, _ := strings.Cut(item, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return weighs(params)
		case "*":
			wildcard = weighs(params)
		}
	}
	return wildcard
}

func weighs(params string) bool {
	name, value, found := strings.Cut(strings.TrimSpace(params), "=")
	if !found || strings.TrimSpace(strings.ToLower(name)) != "q" {
		return true
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && q > 0
}

// matches reports whether If-None-Match names the tag; comparison is weak, as
// the header asks for.
func matches(headers []string, tag string) bool {
	for _, item := range strings.Split(strings.Join(headers, ","), ",") {
		item = strings.TrimSpace(item)
		if item == "*" || strings.TrimPrefix(item, "W/") == tag {
			return true
		}
	}
	return false
}
