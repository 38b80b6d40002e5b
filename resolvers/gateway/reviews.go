package gateway

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// expectedHeader is the header of an access review that says how many rows a
// whole one has. RowsTrailer ends it.
const expectedHeader = "Sluice-Expected-Rows"

// Reviewer makes access reviews: the engine.
type Reviewer interface {
	AccessReview(ctx context.Context, p identity.Principal, application string, begin func(engine.ReviewHead) error, row func([]engine.ReviewRow) error) (int, error)
}

var _ Reviewer = (*engine.Engine)(nil)

// ReviewOptions configure the routes of access reviews; Reviewer and Directory are
// required.
type ReviewOptions struct {
	Reviewer  Reviewer
	Directory Authenticator
	Events    Events
}

// Reviews serves GET /apps/{application}/access-review.csv and .json: who can see
// what, while it is counted. A transfer that does not come to its end breaks off,
// as those of [Exports] do. It is safe for concurrent use.
type Reviews struct {
	o       ReviewOptions
	slots   slots
	handler http.Handler
}

// NewReviews returns the routes over what o names; it owns none of it.
func NewReviews(o ReviewOptions) (*Reviews, error) {
	if o.Reviewer == nil || o.Directory == nil {
		return nil, fault.New(fault.Internal, "gateway.NewReviews", "Reviewer and Directory are required")
	}
	x := &Reviews{o: o}
	mux := http.NewServeMux()
	mux.HandleFunc("/apps/{application}/access-review.csv", x.serve)
	mux.HandleFunc("/apps/{application}/access-review.json", x.serve)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, graph.CodeNotFound, "there is nothing at this address").write(w, mediaJSON)
	})
	x.handler = Protect(mux, o.Events)
	return x, nil
}

// ServeHTTP serves one request. It panics with http.ErrAbortHandler to cut the
// connection of a transfer that must not look whole.
func (x *Reviews) ServeHTTP(w http.ResponseWriter, r *http.Request) { x.handler.ServeHTTP(w, r) }

func (x *Reviews) serve(w http.ResponseWriter, r *http.Request) {
	f := x.run(w, r)
	if f == nil {
		return
	}
	x.report(r, f.cause)
	f.write(w, mediaJSON)
}

func (x *Reviews) report(r *http.Request, cause error) {
	if cause != nil && x.o.Events.Failed != nil {
		x.o.Events.Failed(r.Context(), r.PathValue("application"), cause)
	}
}

// run makes a review, or says why not.
func (x *Reviews) run(w http.ResponseWriter, r *http.Request) *refusal {
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		return refuse(http.StatusMethodNotAllowed, graph.CodeBadUserInput, "access reviews are asked for by GET")
	case !r.ProtoAtLeast(1, 1):
		return refuse(http.StatusHTTPVersionNotSupported, graph.CodeBadUserInput, "an access review takes HTTP/1.1, which shows whether it is whole")
	}
	p, f := Authenticate(r.Context(), x.o.Directory, r)
	if f != nil {
		return f
	}
	if r.URL.RawQuery != "" {
		return refuse(http.StatusBadRequest, graph.CodeBadUserInput, "an access review takes no parameters")
	}
	if !x.slots.take(p.Tenant) {
		return refuse(http.StatusTooManyRequests, graph.CodeLimitExceeded, "too many access reviews are running already; try again later")
	}
	defer x.slots.give(p.Tenant)
	t := &reviewTransfer{stream: stream{w: w, control: http.NewResponseController(w)}, table: reviewCSV{}}
	if strings.HasSuffix(r.URL.Path, ".json") {
		t.table = &reviewJSON{}
	}
	_ = t.stream.control.SetReadDeadline(time.Now().Add(exportTime + pageTime)) // a recorder in a test has none
	ctx, cancel := context.WithTimeout(r.Context(), exportTime)
	defer cancel()
	rows, err := x.o.Reviewer.AccessReview(ctx, p, r.PathValue("application"), t.begin, t.rows)
	if err == nil {
		err = t.send(t.table.end(nil, rows))
	}
	switch {
	case err == nil:
		w.Header().Set(RowsTrailer, strconv.Itoa(rows))
		return nil
	case !t.stream.begun:
		return refuseWith(err)
	}
	if code, _ := graph.Explain(err); code == graph.CodeInternal {
		x.report(r, err)
	}
	panic(http.ErrAbortHandler)
}

// reviewTable is a way to write a review down.
type reviewTable interface {
	media() (mime, extension string)
	begin(b []byte, h engine.ReviewHead) []byte
	row(b []byte, r *engine.ReviewRow) []byte
	end(b []byte, rows int) []byte
}

// reviewTransfer sends a review.
type reviewTransfer struct {
	stream stream
	table  reviewTable
	b      []byte
}

// begin sends the headers. The application's name is one of a definition: letters,
// digits and hyphens.
func (t *reviewTransfer) begin(h engine.ReviewHead) error {
	t.stream.begun = true
	mime, extension := t.table.media()
	setHeaders(t.stream.w, mime)
	header := t.stream.w.Header()
	header.Set("Content-Disposition", `attachment; filename="access-review-`+h.Application+"."+extension+`"`)
	header.Set(expectedHeader, strconv.Itoa(h.Rows))
	header.Set("Trailer", RowsTrailer)
	t.stream.w.WriteHeader(http.StatusOK)
	return t.send(t.table.begin(nil, h))
}

func (t *reviewTransfer) rows(of []engine.ReviewRow) error {
	t.b = t.b[:0]
	for i := range of {
		t.b = t.table.row(t.b, &of[i])
	}
	return t.send(t.b)
}

func (t *reviewTransfer) send(b []byte) error {
	if _, err := t.stream.Write(b); err != nil {
		return fault.Wrap(fault.Unavailable, "gateway.Reviews", err, "the receiver does not take the rows")
	}
	return nil
}
