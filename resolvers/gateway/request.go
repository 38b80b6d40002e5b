package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/graph"
)

// request is the body of a GraphQL request.
type request struct {
	Query         *string                    `json:"query"`
	OperationName string                     `json:"operationName"`
	Variables     map[string]any             `json:"variables"`
	Extensions    map[string]json.RawMessage `json:"extensions"`
}

// refusal is an answer without data: an HTTP status and what to say.
type refusal struct {
	status int
	errors gqlerror.List
	cause  error // for the log only; nil where errors say everything
}

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status: status, errors: gqlerror.List{graph.Coded(code, format, args...)}}
}

// checkContentType admits JSON in UTF-8 and nothing that a form of another site
// could send.
func checkContentType(r *http.Request) *refusal {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || media != mediaJSON || charset != "" && charset != "utf-8" {
		return refuse(http.StatusUnsupportedMediaType, graph.CodeBadUserInput, "the body must be of type %s, in UTF-8", mediaJSON)
	}
	return nil
}

// readRequest reads a body of at most limit bytes. What is wrong with it is told
// without any of it.
func readRequest(w http.ResponseWriter, r *http.Request, limit int64) (*request, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, refuse(http.StatusRequestEntityTooLarge, graph.CodeLimitExceeded, "the body has more than %d bytes", limit)
	}
	var q request
	if err != nil || !q.read(body) {
		return nil, refuse(http.StatusBadRequest, graph.CodeBadUserInput,
			"the body must be a JSON object with query, and optionally operationName, variables and extensions")
	}
	return &q, nil
}

// read reports whether body is one request in UTF-8 and nothing else. The
// decoder would replace bytes that are not, and a write would store that.
func (q *request) read(body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(q) != nil || q.Query == nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

// bearer returns the token of a request, empty when there is none.
func bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
