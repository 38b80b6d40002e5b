package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"sluice/engine"
	"sluice/graph"
)

// request is the body of a GraphQL request.
type request struct {
	Query         *string                    `json:"query"`
	DocumentID    *string                    `json:"documentId"`
	OperationName string                     `json:"operationName"`
	Variables     map[string]any             `json:"variables"`
	Extensions    map[string]json.RawMessage `json:"extensions"`

	hash string // of extensions.persistedQuery, empty for none
	get  bool   // sent by GET
	page bool   // the address names the page
}

// id is the id of the registered document that is asked for, empty for none.
func (q *request) id() string {
	switch {
	case q.DocumentID != nil:
		return *q.DocumentID
	case q.hash != "":
		return engine.HashPrefix + q.hash
	}
	return ""
}

const howToAsk = "the body must be a JSON object with query or documentId, and optionally operationName, variables and extensions"

// check reports a request that asks for no document or for two.
func (q *request) check() *refusal {
	if q.get && q.Query != nil {
		return refuse(http.StatusBadRequest, graph.CodeBadUserInput, "GET runs registered documents: send documentId instead of query")
	}
	if q.DocumentID != nil {
		if q.Query != nil || q.hash != "" {
			return refuse(http.StatusBadRequest, graph.CodeBadUserInput, "documentId: send no other document beside it")
		}
		return nil
	}
	switch {
	case q.hash != "" && q.Query != nil && engine.DocumentHash(*q.Query) != q.hash:
		return refuse(http.StatusBadRequest, graph.CodeBadUserInput, "extensions.persistedQuery: sha256Hash is not that of query")
	case q.hash == "" && q.get:
		return refuse(http.StatusBadRequest, graph.CodeBadUserInput, "GET runs registered documents: documentId is required")
	case q.hash == "" && q.Query == nil:
		return refuse(http.StatusBadRequest, graph.CodeBadUserInput, howToAsk)
	}
	return nil
}

// ofPage makes the request one for a page.
func (q *request) ofPage(name string) *refusal {
	if q.Query != nil || q.DocumentID != nil || q.hash != "" || q.OperationName != "" {
		return refuse(http.StatusBadRequest, graph.CodeBadUserInput, "a page has its own document: only variables and extensions are sent")
	}
	id := pagePrefix + name
	q.DocumentID, q.page = &id, true
	return nil
}

// persistedQuery is Apollo's way to ask for a document by its hash.
type persistedQuery struct {
	Version    int    `json:"version"`
	SHA256Hash string `json:"sha256Hash"`
}

// readHash reads extensions.persistedQuery and reports whether it can be read.
func (q *request) readHash() bool {
	raw, ok := q.Extensions["persistedQuery"]
	if !ok || string(raw) == "null" {
		return true
	}
	var p persistedQuery
	if json.Unmarshal(raw, &p) != nil || p.Version != 1 || len(p.SHA256Hash) != 64 {
		return false
	}
	q.hash = p.SHA256Hash
	return true
}

// readQuery reads a request from the query of an address.
func readQuery(r *http.Request) (*request, *refusal) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := request{get: true}
	for name, all := range values {
		if err == nil {
			err = q.readParameter(name, all)
		}
	}
	if err != nil || !q.readHash() {
		return nil, refuse(http.StatusBadRequest, graph.CodeBadUserInput,
			"the address takes documentId, operationName, variables and extensions, each once, the last two as JSON objects")
	}
	return &q, nil
}

var errParameter = errors.New("no parameter of a request")

func (q *request) readParameter(name string, all []string) error {
	if len(all) != 1 || !utf8.ValidString(all[0]) {
		return errParameter
	}
	switch name {
	case "query": // refused by check, in words of its own
		q.Query = &all[0]
	case "documentId":
		q.DocumentID = &all[0]
	case "operationName":
		q.OperationName = all[0]
	case "variables":
		return readJSON([]byte(all[0]), &q.Variables)
	case "extensions":
		return readJSON([]byte(all[0]), &q.Extensions)
	default:
		return errParameter
	}
	return nil
}

// readJSON reads exactly one value.
func readJSON(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errParameter
	}
	return nil
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
		return nil, refuse(http.StatusBadRequest, graph.CodeBadUserInput, howToAsk)
	}
	if !q.readHash() {
		return nil, refuse(http.StatusBadRequest, graph.CodeBadUserInput,
			"extensions.persistedQuery: expected version 1 and sha256Hash in 64 hexadecimal digits")
	}
	return &q, nil
}

// read reports whether body is one request in UTF-8 and nothing else. The
// decoder would replace bytes that are not, and a write would store that.
func (q *request) read(body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) && readJSON(body, q) == nil
}

// bearer returns the token of a request, empty when there is none.
func bearer(r *http.Request) string {
	return bearerOf(r.Header.Get("Authorization"))
}

// bearerOf returns the token of an Authorization header.
func bearerOf(header string) string {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
