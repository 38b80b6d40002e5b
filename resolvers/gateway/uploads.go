package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"sluice/graph"
	"sluice/internal/fault"
	"sluice/internal/identity"
)

// Bounds of uploads, in bytes: what storage takes in one transaction, and in one
// value.
const (
	MaxModule     = 3584 << 10
	MaxDefinition = 512 << 10
)

// putModule takes the raw bytes of a rule module and answers with its hash.
func (m *Management) putModule(w http.ResponseWriter, r *http.Request) {
	m.upload(w, r, MaxModule, []string{"application/wasm", "application/octet-stream"}, func(ctx context.Context, p identity.Principal, body []byte) (int, any, error) {
		got, err := m.o.Definitions.UploadModule(ctx, p, r.PathValue("application"), r.PathValue("name"), body)
		return http.StatusOK, struct {
			Hash     string    `json:"hash"`
			Name     string    `json:"name"`
			Size     int       `json:"size"`
			Uploaded time.Time `json:"uploaded"`
		}{got.Hash, got.Name, got.Size, got.Uploaded.UTC()}, err
	})
}

// upload authenticates, then reads the body, then hands it to take.
func (m *Management) upload(w http.ResponseWriter, r *http.Request, limit int64, types []string, take func(context.Context, identity.Principal, []byte) (int, any, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), m.o.Timeout)
	defer cancel()
	p, f := Authenticate(ctx, m.o.Directory, r)
	if f != nil {
		f.write(w, mediaJSON)
		return
	}
	body, f := readUpload(w, r, limit, types)
	if f != nil {
		f.write(w, mediaJSON)
		return
	}
	status, out, err := take(ctx, p, body)
	if err != nil {
		if code, _ := graph.Explain(err); code == graph.CodeInternal || code == graph.CodeUnavailable {
			m.failed(ctx, err)
		}
		refuseWith(err).write(w, mediaJSON)
		return
	}
	b, err := json.Marshal(out)
	if err != nil {
		refuseWith(fault.Wrap(fault.Internal, "gateway.upload", err, "answer")).write(w, mediaJSON)
		return
	}
	setHeaders(w, mediaJSON)
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that went away is not told
}

func readUpload(w http.ResponseWriter, r *http.Request, limit int64, types []string) ([]byte, *refusal) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(types, media) {
		return nil, refuse(http.StatusUnsupportedMediaType, graph.CodeBadUserInput, "the body must be of type %s", types[0])
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, refuse(http.StatusRequestEntityTooLarge, graph.CodeLimitExceeded, "the body has more than %d bytes", limit)
	}
	if err != nil || len(body) == 0 {
		return nil, refuse(http.StatusBadRequest, graph.CodeBadUserInput, "the body is empty or was cut off")
	}
	return body, nil
}
