package gateway

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

const (
	// leastCompressed is the length in bytes from which an answer is compressed.
	leastCompressed = 1 << 10
	// mostPadding bounds what is added to the length of a compressed answer.
	mostPadding = 64
)

// Compress wraps a handler: answers of text whose length is told beforehand are
// sent as gzip to clients that take it. Their length tells less of what they
// hold than it would by itself: padding that depends on the content and on a key
// of this process is added, so that asking again does not average it away. What
// is streamed, or upgrades the connection, passes untouched.
func Compress(h http.Handler) http.Handler {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" || strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Accept-Encoding")
		if !takesGzip(r) {
			h.ServeHTTP(w, r)
			return
		}
		c := &compressor{ResponseWriter: w, key: key}
		h.ServeHTTP(c, r)
		c.finish()
	})
}

// takesGzip reads Accept-Encoding: the range that names gzip decides, else the
// wildcard.
func takesGzip(r *http.Request) bool {
	named, star := -1.0, 0.0
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(strings.ToLower(part), ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			var err error
			if weight, err = strconv.ParseFloat(q, 64); err != nil || !(weight >= 0 && weight <= 1) {
				continue
			}
		}
		switch strings.TrimSpace(coding) {
		case "gzip", "x-gzip":
			named = max(named, weight)
		case "*":
			star = weight
		}
	}
	return named > 0 || named < 0 && star > 0
}

// compressor holds back a body that is worth it until it is whole.
type compressor struct {
	http.ResponseWriter
	key    []byte
	status int
	body   *bytes.Buffer // nil where the answer passes
}

// Unwrap is for http.ResponseController.
func (c *compressor) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader decides about the body that follows.
func (c *compressor) WriteHeader(status int) {
	if c.status != 0 {
		return
	}
	c.status = status
	h := c.Header()
	length, err := strconv.Atoi(h.Get("Content-Length"))
	if err != nil || length < leastCompressed || h.Get("Content-Encoding") != "" || !isText(h.Get("Content-Type")) {
		c.ResponseWriter.WriteHeader(status)
		return
	}
	c.body = bytes.NewBuffer(make([]byte, 0, length))
}

func isText(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	switch media {
	case mediaJSON, mediaGraphQL, "application/graphql":
		return true
	}
	return strings.HasPrefix(media, "text/")
}

// Write sends or holds back a part of the body.
func (c *compressor) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.WriteHeader(http.StatusOK)
	}
	if c.body != nil {
		return c.body.Write(b)
	}
	return c.ResponseWriter.Write(b)
}

var writers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one that there is
	return z
}}

// finish sends what was held back.
func (c *compressor) finish() {
	if c.body == nil {
		return
	}
	var out bytes.Buffer
	z := writers.Get().(*gzip.Writer)
	z.Reset(&out)
	z.Comment = c.padding()
	_, _ = z.Write(c.body.Bytes()) // to memory
	_ = z.Close()
	writers.Put(z)
	h := c.Header()
	h.Set("Content-Encoding", "gzip")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	c.ResponseWriter.WriteHeader(c.status)
	_, _ = c.ResponseWriter.Write(out.Bytes()) // a client that went away is not told
}

// padding is a comment of the gzip header, which clients skip.
func (c *compressor) padding() string {
	h := hmac.New(sha256.New, c.key)
	h.Write(c.body.Bytes())
	return strings.Repeat(".", 1+int(h.Sum(nil)[0])%mostPadding)
}
