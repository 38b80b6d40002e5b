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
	"sluice/internal/record"
)

// SameTrailer is the HTTP trailer of the rows of a difference that says whether
// they are those that were compared: true, or false where records were changed
// since.
const SameTrailer = "Sluice-Same"

// Rows is what the route of differences asks of the engine.
type Rows interface {
	ComparisonRows(ctx context.Context, p identity.Principal, application, id string, each func(*engine.ComparisonRow) error) (rows int, same bool, err error)
}

// DifferenceOptions configure the route of differences; Rows and Directory are
// required.
type DifferenceOptions struct {
	Rows      Rows
	Directory Authenticator
	Events    Events
}

// DifferenceRows serves GET /apps/{application}/access-differences/{id}.csv: who
// gains and loses what on which record, computed anew while it is sent. A transfer
// that does not come to its end breaks off, as an export does. It is safe for
// concurrent use.
type DifferenceRows struct {
	o       DifferenceOptions
	slots   slots
	handler http.Handler
}

// NewDifferenceRows returns the route over what o names; it owns none of it.
func NewDifferenceRows(o DifferenceOptions) (*DifferenceRows, error) {
	if o.Rows == nil || o.Directory == nil {
		return nil, fault.New(fault.Internal, "gateway.NewDifferenceRows", "Rows and Directory are required")
	}
	d := &DifferenceRows{o: o}
	mux := http.NewServeMux()
	mux.HandleFunc("/apps/{application}/access-differences/{file}", d.serve)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, graph.CodeNotFound, "there is nothing at this address").write(w, mediaJSON)
	})
	d.handler = Protect(mux, o.Events)
	return d, nil
}

// ServeHTTP serves one request. It panics with http.ErrAbortHandler to cut the
// connection of a transfer that must not look whole.
func (d *DifferenceRows) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.handler.ServeHTTP(w, r)
}

func (d *DifferenceRows) serve(w http.ResponseWriter, r *http.Request) {
	f := d.run(w, r)
	if f == nil {
		return
	}
	d.report(r, f.cause)
	f.write(w, mediaJSON)
}

func (d *DifferenceRows) report(r *http.Request, cause error) {
	if cause != nil && d.o.Events.Failed != nil {
		d.o.Events.Failed(r.Context(), r.PathValue("application"), cause)
	}
}

// run sends the rows, or says why not.
func (d *DifferenceRows) run(w http.ResponseWriter, r *http.Request) *refusal {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		return refuse(http.StatusMethodNotAllowed, graph.CodeBadUserInput, "differences are asked for by GET")
	}
	if !r.ProtoAtLeast(1, 1) {
		return refuse(http.StatusHTTPVersionNotSupported, graph.CodeBadUserInput, "a difference takes HTTP/1.1, which shows whether it is whole")
	}
	p, f := Authenticate(r.Context(), d.o.Directory, r)
	if f != nil {
		return f
	}
	id, ok := strings.CutSuffix(r.PathValue("file"), ".csv")
	if !ok {
		return refuse(http.StatusNotFound, graph.CodeNotFound, "there is nothing at this address")
	}
	if !d.slots.take(p.Tenant) {
		return refuse(http.StatusTooManyRequests, graph.CodeLimitExceeded, "too many differences are being sent already; try again later")
	}
	defer d.slots.give(p.Tenant)
	t := &table{s: &stream{w: w, control: http.NewResponseController(w), format: "csv"}, name: id}
	_ = t.s.control.SetReadDeadline(time.Now().Add(exportTime + pageTime)) // a recorder in a test has none
	_ = t.s.control.SetWriteDeadline(time.Now().Add(exportTime + pageTime))
	ctx, cancel := context.WithTimeout(r.Context(), exportTime)
	defer cancel()
	rows, same, err := d.o.Rows.ComparisonRows(ctx, p, r.PathValue("application"), id, t.row)
	if err == nil {
		err = t.end()
	}
	_ = t.s.control.SetWriteDeadline(time.Now().Add(pageTime)) // for the end of it, which may have been long to find
	switch {
	case err == nil:
		w.Header().Set(RowsTrailer, strconv.Itoa(rows))
		w.Header().Set(SameTrailer, strconv.FormatBool(same))
		return nil
	case !t.s.begun:
		return refuseWith(err)
	}
	if code, _ := graph.Explain(err); code == graph.CodeInternal {
		d.report(r, err)
	}
	panic(http.ErrAbortHandler)
}

// table writes rows as CSV. Names of forms, fields and actions are words; names of
// people are texts that a spreadsheet must not take for formulas.
type table struct {
	s    *stream
	name string
	b    []byte
}

const (
	tableHeader = "form,record,person,name,gained,lost,read_gained,read_lost,write_gained,write_lost\r\n"
	tableBlock  = 32 << 10
)

func (t *table) row(r *engine.ComparisonRow) error {
	b := append(t.b, r.Form...)
	for _, id := range []record.ID{r.Record, r.Person} {
		b = append(append(b, ','), id.String()...)
	}
	b = appendCell(append(b, ','), record.Guard(r.Name, ""))
	for _, list := range [][]string{r.Gained, r.Lost, r.ReadGained, r.ReadLost, r.WriteGained, r.WriteLost} {
		b = append(append(b, ','), strings.Join(list, " ")...)
	}
	if t.b = append(b, "\r\n"...); len(t.b) < tableBlock {
		return nil
	}
	return t.flush()
}

func (t *table) flush() error {
	if !t.s.begun {
		t.s.w.Header().Add("Trailer", SameTrailer)
		t.s.begin(t.name)
		t.b = append([]byte(tableHeader), t.b...)
	}
	_, err := t.s.Write(t.b)
	t.b = t.b[:0]
	if err != nil {
		err = fault.Wrap(fault.Unavailable, "gateway.differences", err, "the receiver does not take the rows")
	}
	return err
}

// end sends what is left, at least the header.
func (t *table) end() error {
	if t.s.begun && len(t.b) == 0 {
		return nil
	}
	return t.flush()
}
