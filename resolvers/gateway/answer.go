package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/graph"
	"sluice/internal/fault"
)

// statusOf is the HTTP status of an error that kept an operation from being
// started at all.
func statusOf(err error) int {
	switch code, _ := graph.Explain(err); code {
	case graph.CodeUnauthenticated:
		return http.StatusUnauthorized
	case graph.CodeForbidden:
		return http.StatusForbidden
	case graph.CodeNotFound:
		return http.StatusNotFound
	case graph.CodeBadUserInput:
		return http.StatusBadRequest
	case graph.CodeConflict, graph.CodeReset:
		return http.StatusConflict
	case graph.CodeLimitExceeded:
		return http.StatusTooManyRequests
	case graph.CodeUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// refuseWith turns an error that kept an operation from being started into a
// refusal.
func refuseWith(err error) *refusal {
	f := &refusal{status: statusOf(err), errors: gqlerror.List{graph.Present(err)}}
	if f.status >= http.StatusInternalServerError {
		f.cause = err
	}
	return f
}

// refuseOperation is the refusal of an operation that the gateway understood but
// will not run: 400 in the newer media type, 200 in the older, as the
// specification of GraphQL over HTTP has it.
func refuseOperation(media string, errs ...*gqlerror.Error) *refusal {
	status := http.StatusOK
	if media == mediaGraphQL {
		status = http.StatusBadRequest
	}
	return &refusal{status: status, errors: graph.Invalid(errs)}
}

// setHeaders are those of every answer.
func setHeaders(w http.ResponseWriter, media string) {
	h := w.Header()
	h.Set("Content-Type", media+"; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// write sends a refusal.
func (f *refusal) write(w http.ResponseWriter, media string) {
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="sluice"`)
	}
	b, err := json.Marshal(struct {
		Errors gqlerror.List `json:"errors"`
	}{f.errors})
	if err != nil { // errors are made of texts and numbers
		b = []byte(`{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL"}}]}`)
	}
	setHeaders(w, media)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(f.status)
	_, _ = w.Write(b) // a client that went away is not told
}

// writeData sends data, which is JSON already, and errors. They are written as
// they are: nothing encodes data a second time. seen marks an answer that was given
// as another person; nil for none.
func writeData(w http.ResponseWriter, media string, data []byte, errs gqlerror.List, seen *mark) {
	head := []byte(`{"data":`)
	if len(errs) > 0 {
		list, err := json.Marshal(errs)
		if err != nil {
			refuseWith(fault.Wrap(fault.Internal, "gateway", err, "errors")).write(w, media)
			return
		}
		head = append(append([]byte(`{"errors":`), list...), `,"data":`...)
	}
	tail, err := seen.extensions()
	if err != nil {
		refuseWith(fault.Wrap(fault.Internal, "gateway", err, "extensions")).write(w, media)
		return
	}
	tail = append(tail, '}')
	setHeaders(w, media)
	w.Header().Set("Content-Length", strconv.Itoa(len(head)+len(data)+len(tail)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(head)
	_, _ = w.Write(data)
	_, _ = w.Write(tail)
}
