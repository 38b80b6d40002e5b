package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// writeCached answers a GET with data that the client may keep and must ask
// about each time: rights and records may have changed. The ETag is that of the
// answer, so what was computed is compared and nothing that the client would not
// have been sent.
func writeCached(w http.ResponseWriter, r *http.Request, media string, data []byte) {
	body := append(append([]byte(`{"data":`), data...), '}')
	writeTagged(w, r, media+"; charset=utf-8", tagOf(media, body), body)
}

// tagOf is a weak entity tag: the same for each encoding of one content.
func tagOf(media string, body []byte) string {
	h := sha256.New()
	h.Write([]byte(media))
	h.Write([]byte{0})
	h.Write(body)
	return `W/"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18]) + `"`
}

// writeTagged answers a GET with a body, or with 304 when the client has it.
func writeTagged(w http.ResponseWriter, r *http.Request, contentType, tag string, body []byte) {
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", "Accept")
	h.Add("Vary", "Authorization")
	h.Add("Vary", ViewAsHeader)
	h.Set("ETag", tag)
	h.Set("X-Content-Type-Options", "nosniff")
	if knows(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // a client that went away is not told
}

// knows reports whether the client has what the tag stands for, by the weak
// comparison that If-None-Match asks for.
func knows(r *http.Request, tag string) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// writeUnkept answers a GET with a body that nobody keeps.
func writeUnkept(w http.ResponseWriter, contentType string, body []byte) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // a client that went away is not told
}
