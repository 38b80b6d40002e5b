package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"time"

	"sluice/engine"
	"sluice/graph"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/importer"
)

// MaxImport bounds the file of an import, in bytes.
const MaxImport = 64 << 20

const (
	mediaCSV    = "text/csv"
	mediaNDJSON = "application/x-ndjson"
	maxImports  = 8               // at a time
	maxTenant   = 2               // of one organization
	bodyTime    = 5 * time.Minute // for the file to arrive
	lineTime    = 30 * time.Second
)

// ImportOptions configure the routes of imports; Importer, Engine and Directory
// are required.
type ImportOptions struct {
	Importer  *importer.Importer
	Engine    *engine.Engine
	Directory Authenticator
	MaxFile   int64 // default MaxImport
	Events    Events
}

// Imports serves /apps/{application}/imports: POST …/{form} with a CSV file, POST
// …/{job}/resume with the same file, POST …/{job}/undo, GET of one or all. An
// import and an undo answer lines of JSON: progress, and how it ended last. It
// is safe for concurrent use.
type Imports struct {
	o       ImportOptions
	slots   slots
	handler http.Handler
}

// NewImports returns the routes over what o names; it owns none of it.
func NewImports(o ImportOptions) (*Imports, error) {
	if o.Importer == nil || o.Engine == nil || o.Directory == nil {
		return nil, fault.New(fault.Internal, "gateway.NewImports", "Importer, Engine and Directory are required")
	}
	if o.MaxFile == 0 {
		o.MaxFile = MaxImport
	}
	m := &Imports{o: o}
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*importRequest) *refusal{
		"POST /apps/{application}/imports/{form}":       m.begin,
		"POST /apps/{application}/imports/{job}/resume": m.resume,
		"POST /apps/{application}/imports/{job}/undo":   m.undo,
		"GET /apps/{application}/imports/{job}":         m.one,
		"GET /apps/{application}/imports":               m.all,
	} {
		mux.HandleFunc(pattern, m.signedIn(serve))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, graph.CodeNotFound, "there is nothing at this address").write(w, mediaJSON)
	})
	m.handler = Protect(mux, o.Events)
	return m, nil
}

// ServeHTTP serves one request.
func (m *Imports) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.handler.ServeHTTP(w, r) }

// importRequest is a request of somebody who is signed in.
type importRequest struct {
	*http.Request
	w           http.ResponseWriter
	principal   identity.Principal
	application string
}

func (m *Imports) signedIn(serve func(*importRequest) *refusal) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, f := Authenticate(r.Context(), m.o.Directory, r)
		if f == nil {
			f = serve(&importRequest{Request: r, w: w, principal: p, application: r.PathValue("application")})
		}
		if f == nil {
			return
		}
		m.report(r, f.cause)
		f.write(w, mediaJSON)
	}
}

func (m *Imports) report(r *http.Request, cause error) {
	if cause != nil && m.o.Events.Failed != nil {
		m.o.Events.Failed(r.Context(), r.PathValue("application"), cause)
	}
}

func (m *Imports) begin(q *importRequest) *refusal {
	form := q.PathValue("form")
	o, err := importer.ParseOptions(q.URL.Query())
	if err != nil {
		return refuseWith(err)
	}
	if err := m.o.Importer.May(q.Context(), q.principal, q.application, form); err != nil {
		return refuseWith(err)
	}
	return m.withFile(q, func(ctx context.Context, file io.ReadSeeker, l *lines) (*importer.Result, error) {
		return m.o.Importer.Run(ctx, q.principal, q.application, form, o, file, l.progress)
	})
}

func (m *Imports) resume(q *importRequest) *refusal {
	if _, err := m.o.Engine.Import(q.Context(), q.principal, q.application, q.PathValue("job")); err != nil {
		return refuseWith(err)
	}
	return m.withFile(q, func(ctx context.Context, file io.ReadSeeker, l *lines) (*importer.Result, error) {
		return m.o.Importer.Resume(ctx, q.principal, q.application, q.PathValue("job"), file, l.progress)
	})
}

// withFile receives the file whole, in the system's directory of temporary
// files, and runs what reads it.
func (m *Imports) withFile(q *importRequest, run func(context.Context, io.ReadSeeker, *lines) (*importer.Result, error)) *refusal {
	media, _, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	if err != nil || media != mediaCSV {
		return refuse(http.StatusUnsupportedMediaType, graph.CodeBadUserInput, "the body must be of type %s", mediaCSV)
	}
	l := &lines{q: q, control: http.NewResponseController(q.w)}
	var result *importer.Result
	if f := m.inSlot(q, func(file io.ReadSeeker) { result, err = run(q.Context(), file, l) }); f != nil {
		return f
	}
	if err != nil && !l.begun {
		return refuseWith(err)
	}
	m.end(l, result, err)
	return nil
}

// inSlot receives the file and runs what reads it while it holds one of the
// places for imports. The place is free when it returns: a client that has read
// the last line may begin its next import at once.
func (m *Imports) inSlot(q *importRequest, run func(io.ReadSeeker)) *refusal {
	if !m.slots.take(q.principal.Tenant) {
		return refuse(http.StatusTooManyRequests, graph.CodeLimitExceeded, "too many imports are running already; try again later")
	}
	defer m.slots.give(q.principal.Tenant)
	file, f := m.receive(q)
	if f != nil {
		return f
	}
	defer file.Close()
	run(file)
	return nil
}

// receive spools the body into a file that has no name any more when it returns.
func (m *Imports) receive(q *importRequest) (*os.File, *refusal) {
	_ = http.NewResponseController(q.w).SetReadDeadline(time.Now().Add(bodyTime)) // a recorder in a test has none
	file, err := os.CreateTemp("", "sluice-import-*")
	if err != nil {
		return nil, refuseWith(fault.Wrap(fault.Unavailable, "gateway.imports", err, "the server has no room for the file"))
	}
	err = os.Remove(file.Name())
	if err == nil {
		_, err = io.Copy(file, http.MaxBytesReader(q.w, q.Body, m.o.MaxFile))
	}
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, refuse(http.StatusRequestEntityTooLarge, graph.CodeLimitExceeded, "the file has more than %d bytes; split it", m.o.MaxFile)
	}
	f := refuse(http.StatusBadRequest, graph.CodeBadUserInput, "the file was cut off")
	f.cause = err
	return nil, f
}

func (m *Imports) undo(q *importRequest) *refusal {
	l := &lines{q: q, control: http.NewResponseController(q.w)}
	job, err := m.o.Engine.UndoImport(q.Context(), q.principal, q.application, q.PathValue("job"), func(job engine.ImportJob) {
		l.send(importLine{Progress: &importer.Progress{Rows: job.Removed + job.Left, Of: job.Done}})
	})
	if err != nil && !l.begun {
		return refuseWith(err)
	}
	m.end(l, &importer.Result{Job: &job, Rows: job.Rows}, err)
	return nil
}

func (m *Imports) one(q *importRequest) *refusal {
	job, err := m.o.Engine.Import(q.Context(), q.principal, q.application, q.PathValue("job"))
	if err != nil {
		return refuseWith(err)
	}
	return q.answer(jobOf(&job))
}

func (m *Imports) all(q *importRequest) *refusal {
	jobs, err := m.o.Engine.Imports(q.Context(), q.principal, q.application)
	if err != nil {
		return refuseWith(err)
	}
	out := make([]*importJob, len(jobs))
	for i := range jobs {
		out[i] = jobOf(&jobs[i])
	}
	return q.answer(map[string]any{"imports": out})
}

func (q *importRequest) answer(v any) *refusal {
	b, err := json.Marshal(v)
	if err != nil {
		return refuseWith(fault.Wrap(fault.Internal, "gateway.imports", err, "answer"))
	}
	setHeaders(q.w, mediaJSON)
	_, _ = q.w.Write(b) // a client that went away is not told
	return nil
}
