package gateway

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/exporter"
	"sluice/internal/fault"
)

// Bounds of an export in time.
const (
	pageTime   = 30 * time.Second // for a client to take some records
	exportTime = 8 * time.Minute  // for all of them; less than a snapshot is kept
)

// RowsTrailer is the HTTP trailer that ends a whole export: its number of
// records. A transfer without it is not whole.
const RowsTrailer = "Sluice-Rows"

// ExportOptions configure the route of exports; Engine and Directory are
// required.
type ExportOptions struct {
	Engine    *engine.Engine
	Directory Authenticator
	Events    Events
}

// Exports serves GET /apps/{application}/export/{form}: the records as CSV or
// lines of JSON, while they are read. A transfer that does not come to its end
// breaks off: the connection is cut before the last chunk, and no trailer comes.
// It is safe for concurrent use.
type Exports struct {
	o       ExportOptions
	slots   slots
	handler http.Handler
}

// NewExports returns the route over what o names; it owns none of it.
func NewExports(o ExportOptions) (*Exports, error) {
	if o.Engine == nil || o.Directory == nil {
		return nil, fault.New(fault.Internal, "gateway.NewExports", "Engine and Directory are required")
	}
	x := &Exports{o: o}
	mux := http.NewServeMux()
	mux.HandleFunc("/apps/{application}/export/{form}", x.serve)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, graph.CodeNotFound, "there is nothing at this address").write(w, mediaJSON)
	})
	x.handler = Protect(mux, o.Events)
	return x, nil
}

// ServeHTTP serves one request. It panics with http.ErrAbortHandler to cut the
// connection of a transfer that must not look whole.
func (x *Exports) ServeHTTP(w http.ResponseWriter, r *http.Request) { x.handler.ServeHTTP(w, r) }

func (x *Exports) serve(w http.ResponseWriter, r *http.Request) {
	f := x.run(w, r)
	if f == nil {
		return
	}
	x.report(r, f.cause)
	f.write(w, mediaJSON)
}

func (x *Exports) report(r *http.Request, cause error) {
	if cause != nil && x.o.Events.Failed != nil {
		x.o.Events.Failed(r.Context(), r.PathValue("application"), cause)
	}
}

// run exports, or says why not.
func (x *Exports) run(w http.ResponseWriter, r *http.Request) *refusal {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		return refuse(http.StatusMethodNotAllowed, graph.CodeBadUserInput, "exports are asked for by GET")
	}
	if !r.ProtoAtLeast(1, 1) {
		return refuse(http.StatusHTTPVersionNotSupported, graph.CodeBadUserInput, "an export takes HTTP/1.1, which shows whether it is whole")
	}
	p, f := Authenticate(r.Context(), x.o.Directory, r)
	if f != nil {
		return f
	}
	o, err := exporter.ParseOptions(r.URL.Query())
	if err != nil {
		return refuseWith(err)
	}
	if !x.slots.take(p.Tenant) {
		return refuse(http.StatusTooManyRequests, graph.CodeLimitExceeded, "too many exports are running already; try again later")
	}
	defer x.slots.give(p.Tenant)
	s := &stream{w: w, control: http.NewResponseController(w), format: o.Format}
	_ = s.control.SetReadDeadline(time.Now().Add(exportTime + pageTime)) // a recorder in a test has none
	ctx, cancel := context.WithTimeout(r.Context(), exportTime)
	defer cancel()
	rows, err := exporter.Run(ctx, x.o.Engine, p, r.PathValue("application"), r.PathValue("form"), o, s.begin)
	_ = s.control.SetWriteDeadline(time.Now().Add(pageTime)) // for the end of it, which may have been long to find
	switch {
	case err == nil:
		w.Header().Set(RowsTrailer, strconv.Itoa(rows))
		return nil
	case !s.begun:
		return refuseWith(err)
	}
	if code, _ := graph.Explain(err); code == graph.CodeInternal {
		x.report(r, err)
	}
	panic(http.ErrAbortHandler)
}

// stream sends what is exported, each part within its time.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	format  exporter.Format
	begun   bool
}

// begin sends the headers. The name of the form is one of the definition: letters
// and digits.
func (s *stream) begin(form string) io.Writer {
	s.begun = true
	media := mediaCSV
	if s.format == exporter.NDJSON {
		media = mediaNDJSON
	}
	setHeaders(s.w, media)
	h := s.w.Header()
	h.Set("Content-Disposition", `attachment; filename="`+form+"."+string(s.format)+`"`)
	h.Add("Trailer", RowsTrailer)
	s.w.WriteHeader(http.StatusOK)
	return s
}

// Write sends a part.
func (s *stream) Write(b []byte) (int, error) {
	_ = s.control.SetWriteDeadline(time.Now().Add(pageTime)) // a recorder in a test has none
	n, err := s.w.Write(b)
	if err == nil {
		err = s.control.Flush()
	}
	return n, err
}
