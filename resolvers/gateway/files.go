package gateway

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// Bounds of a transfer in time.
const (
	uploadTime   = 5 * time.Minute
	downloadTime = 30 * time.Minute
	chunkTime    = 60 * time.Second // for a client to take a part
)

// FileOptions configure the routes of files; Engine and Directory are required.
type FileOptions struct {
	Engine    *engine.Engine
	Directory Authenticator
	Events    Events
}

// Files serves the content of files: POST /apps/{application}/files/{form}/{field}
// takes one, GET …/files/{form}/{record}/{field}/{file} gives one. It is safe for
// concurrent use.
type Files struct {
	o       FileOptions
	slots   slots
	handler http.Handler
}

// NewFiles returns the routes over what o names; it owns none of it.
func NewFiles(o FileOptions) (*Files, error) {
	if o.Engine == nil || o.Directory == nil {
		return nil, fault.New(fault.Internal, "gateway.NewFiles", "Engine and Directory are required")
	}
	x := &Files{o: o}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apps/{application}/files/{form}/{field}", x.signedIn(x.upload))
	mux.HandleFunc("GET /apps/{application}/files/{form}/{record}/{field}/{file}", x.signedIn(x.download))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, graph.CodeNotFound, "there is nothing at this address").write(w, mediaJSON)
	})
	x.handler = Protect(mux, o.Events)
	return x, nil
}

// ServeHTTP serves one request. It panics with http.ErrAbortHandler to cut the
// connection of a transfer that must not look whole.
func (x *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) { x.handler.ServeHTTP(w, r) }

func (x *Files) signedIn(serve func(http.ResponseWriter, *http.Request, identity.Principal) *refusal) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, f := Authenticate(r.Context(), x.o.Directory, r)
		if f == nil {
			f = serve(w, r, p)
		}
		if f == nil {
			return
		}
		if f.cause != nil && x.o.Events.Failed != nil {
			x.o.Events.Failed(r.Context(), r.PathValue("application"), f.cause)
		}
		f.write(w, mediaJSON)
	}
}

// upload takes the raw content of a file: its type from the header, its name
// from the query.
func (x *Files) upload(w http.ResponseWriter, r *http.Request, p identity.Principal) *refusal {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(q) != 1 || len(q["name"]) != 1 {
		return refuse(http.StatusBadRequest, graph.CodeBadUserInput, "name: expected the name of the file as the only parameter of the address")
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return refuse(http.StatusUnsupportedMediaType, graph.CodeBadUserInput, "the header Content-Type must name the type of the file")
	}
	if !x.slots.take(p.Tenant) {
		return refuse(http.StatusTooManyRequests, graph.CodeLimitExceeded, "too many uploads are running already; try again later")
	}
	defer x.slots.give(p.Tenant)
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(uploadTime)) // a recorder in a test has none
	_ = control.SetWriteDeadline(time.Now().Add(uploadTime + chunkTime))
	ctx, cancel := context.WithTimeout(r.Context(), uploadTime)
	defer cancel()
	body := &source{r: r.Body}
	a, err := x.o.Engine.Upload(ctx, p, r.PathValue("application"), r.PathValue("form"), r.PathValue("field"),
		engine.FileMeta{Name: q.Get("name"), ContentType: media}, body)
	switch {
	case err != nil && body.err != nil:
		f := refuse(http.StatusBadRequest, graph.CodeBadUserInput, "the file was cut off")
		f.cause = body.err
		return f
	case err != nil && fault.KindOf(err) == fault.Limit && body.read:
		f := refuseWith(err)
		f.status = http.StatusRequestEntityTooLarge
		return f
	case err != nil:
		return refuseWith(err)
	}
	return created(w, a)
}

// source tells a body that failed from a server that did.
type source struct {
	r    io.Reader
	read bool
	err  error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.read = true
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func created(w http.ResponseWriter, a record.Attachment) *refusal {
	b, err := json.Marshal(struct {
		ID          record.ID `json:"id"`
		Name        string    `json:"name"`
		ContentType string    `json:"contentType"`
		Size        int64     `json:"size"`
		SHA256      string    `json:"sha256"`
	}{a.ID, a.Name, a.ContentType, a.Size, hex.EncodeToString(a.Hash[:])})
	if err != nil {
		return refuseWith(fault.Wrap(fault.Internal, "gateway.upload", err, "answer"))
	}
	setHeaders(w, mediaJSON)
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(b) // a client that went away is not told
	return nil
}

// download gives the content, whole or in ranges. Whatever its author made of
// it, a browser neither guesses its type nor runs anything of it.
func (x *Files) download(w http.ResponseWriter, r *http.Request, p identity.Principal) *refusal {
	at := engine.FileAt{Application: r.PathValue("application"), Form: r.PathValue("form"), Field: r.PathValue("field")}
	var bad, worse error
	at.Record, bad = record.ParseID(r.PathValue("record"))
	at.File, worse = record.ParseID(r.PathValue("file"))
	if bad != nil || worse != nil {
		at.Record, at.File = record.ID{}, record.ID{} // an application that is not there is said first
	}
	ctx, cancel := context.WithTimeout(r.Context(), downloadTime)
	defer cancel()
	a, err := x.o.Engine.OpenFile(ctx, p, at)
	if err != nil {
		return refuseWith(err)
	}
	h := w.Header()
	setHeaders(w, mediaJSON)
	h.Set("Content-Type", a.ContentType)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Authorization")
	h.Set("ETag", `"`+hex.EncodeToString(a.Hash[:])+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	disposition := "attachment"
	if slices.Contains(engine.ImageTypes, a.ContentType) {
		disposition = "inline"
	}
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": a.Name}))
	c := &content{files: x, w: w, r: r.WithContext(ctx), p: p, at: at, size: a.Size}
	http.ServeContent(w, r, "", time.Time{}, c)
	if c.failed {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// content reads a file part by part, each with the rights of that moment.
type content struct {
	files  *Files
	w      http.ResponseWriter
	r      *http.Request
	p      identity.Principal
	at     engine.FileAt
	size   int64
	offset int64
	part   []byte
	from   int64 // where part begins
	failed bool
}

// Seek is that of an io.Seeker.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.offset
	case io.SeekEnd:
		offset += c.size
	}
	if offset < 0 {
		return 0, fault.New(fault.Internal, "gateway.content", "an offset before the file")
	}
	c.offset = offset
	return offset, nil
}

// Read is that of an io.Reader. After an error the connection is cut: what was
// sent is not the file.
func (c *content) Read(b []byte) (int, error) {
	if c.offset >= c.size {
		return 0, io.EOF
	}
	if at := c.offset - c.from; at < 0 || at >= int64(len(c.part)) {
		_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(chunkTime)) // a recorder in a test has none
		part, from, err := c.files.o.Engine.FileChunk(c.r.Context(), c.p, c.at, c.offset)
		if err != nil {
			c.failed = true
			if code, _ := graph.Explain(err); code == graph.CodeInternal && c.files.o.Events.Failed != nil {
				c.files.o.Events.Failed(c.r.Context(), c.at.Application, err)
			}
			return 0, err
		}
		c.part, c.from = part, from
	}
	n := copy(b, c.part[c.offset-c.from:])
	c.offset += int64(n)
	return n, nil
}
