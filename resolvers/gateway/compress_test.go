package gateway

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// answering writes a body of n bytes in three parts.
func answering(status, n int, headers ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(n))
		for i := 0; i+1 < len(headers); i += 2 {
			if headers[i+1] == "" {
				w.Header().Del(headers[i])
			} else {
				w.Header().Set(headers[i], headers[i+1])
			}
		}
		if status != 0 {
			w.WriteHeader(status)
			w.WriteHeader(http.StatusTeapot) // too late
		}
		for _, part := range []int{n / 3, n / 3, n - 2*(n/3)} {
			_, _ = io.WriteString(w, strings.Repeat("x", part))
		}
	})
}

func compressed(h http.Handler, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	Compress(h).ServeHTTP(w, r)
	return w
}

// TestCompression is what is compressed, for whom.
func TestCompression(t *testing.T) {
	for _, c := range []struct {
		name   string
		h      http.Handler
		accept string
		want   bool
	}{
		{"long", answering(200, 5000), "gzip, deflate, br", true},
		{"long, without a status", answering(0, 5000), "gzip", true},
		{"an error", answering(400, 5000), "gzip", true},
		{"at the bound", answering(200, leastCompressed), "gzip", true},
		{"below it", answering(200, leastCompressed-1), "gzip", false},
		{"nobody asked", answering(200, 5000), "", false},
		{"anything", answering(200, 5000), "*", true},
		{"anything but", answering(200, 5000), "*, gzip;q=0", false},
		{"wanted less", answering(200, 5000), "br, gzip;q=0.1", true},
		{"upper case", answering(200, 5000), "GZIP; q=1", true},
		{"faulty weight", answering(200, 5000), "gzip;q=x", false},
		{"other codings", answering(200, 5000), "br, zstd", false},
		{"encoded already", answering(200, 5000, "Content-Encoding", "br"), "gzip", false},
		{"no text", answering(200, 5000, "Content-Type", "image/png"), "gzip", false},
		{"no type", answering(200, 5000, "Content-Type", ""), "gzip", false},
		{"a schema", answering(200, 5000, "Content-Type", "application/graphql; charset=utf-8"), "gzip", true},
		{"a stream", answering(200, 5000, "Content-Length", ""), "gzip", false},
	} {
		w := compressed(c.h, "Accept-Encoding", c.accept)
		got := w.Header().Get("Content-Encoding") == "gzip"
		if got != c.want || w.Header().Get("Vary") != "Accept-Encoding" || w.Code == http.StatusTeapot {
			t.Errorf("%s: %d compressed %v, %v", c.name, w.Code, got, w.Header())
		}
		body := io.Reader(w.Body)
		if got {
			if n := w.Header().Get("Content-Length"); n != strconv.Itoa(w.Body.Len()) || w.Body.Len() > 500 {
				t.Errorf("%s: %s bytes told, %d sent", c.name, n, w.Body.Len())
			}
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if b, err := io.ReadAll(body); err != nil || strings.Trim(string(b), "x") != "" || len(b) < leastCompressed-1 {
			t.Errorf("%s: %d bytes, %v", c.name, len(b), err)
		}
	}
}

// TestCompressionLeavesStreamsAlone: a connection that is upgraded, or that
// events are sent on, keeps the writer that it came with.
func TestCompressionLeavesStreamsAlone(t *testing.T) {
	for name, value := range map[string]string{"Upgrade": "websocket", "Accept": "text/event-stream"} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if _, is := w.(*compressor); is {
				t.Errorf("%s: wrapped", name)
			}
		})
		compressed(h, "Accept-Encoding", "gzip", name, value)
	}
}

// TestCompressedLengthIsPadded: equal bodies have equal lengths, asked for as
// often as one likes, and other bodies of one length have several.
func TestCompressedLengthIsPadded(t *testing.T) {
	say := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			writeData(w, mediaJSON, []byte(`"`+text+strings.Repeat("y", 2000)+`"`), nil, nil)
		})
	}
	lengths, handler := map[int]bool{}, func(text string) http.Handler { return Compress(say(text)) }
	for i := range 64 {
		lengths[compressed(say(string(rune('A'+i%26))+string(rune('a'+i/26))), "Accept-Encoding", "gzip").Body.Len()] = true
	}
	if len(lengths) < 10 {
		t.Errorf("64 bodies have %d lengths", len(lengths))
	}
	h := handler("same")
	first := -1
	for range 5 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if first >= 0 && w.Body.Len() != first {
			t.Error("asking again averages the padding away")
		}
		first = w.Body.Len()
	}
}

// TestCompressedAnswersAreTheSame: what a viewer reads is the same with and
// without, a kept answer has one tag for both.
func TestCompressedAnswersAreTheSame(t *testing.T) {
	s := newShop(t)
	h := Compress(s.g)
	get := func(coding, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, sdlPath, nil)
		r.Header.Set("Authorization", "Bearer "+s.tokens["ann"])
		r.Header.Set("Accept-Encoding", coding)
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	plain, packed := get("identity", ""), get("gzip", "")
	z, err := gzip.NewReader(packed.Body)
	s.must(err)
	b, err := io.ReadAll(z)
	s.must(err)
	if string(b) != plain.Body.String() || plain.Header().Get("ETag") != packed.Header().Get("ETag") {
		t.Error("the compressed schema is another")
	}
	if w := get("gzip", plain.Header().Get("ETag")); w.Code != http.StatusNotModified || w.Header().Get("Content-Encoding") != "" {
		t.Error(w.Code, w.Header())
	}
}
