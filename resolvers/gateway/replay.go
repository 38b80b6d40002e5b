package gateway

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strings"

	"sluice/engine"
	"sluice/graph"
	"sluice/resolvers/app"
)

const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotency-Replayed"
	keyExtension   = "idempotencyKey"
	maxReplayKey   = 255 // characters
)

// keyOfRequest returns the key that a request came with, by header or in its
// extensions; nil for none. Its content is not known before the document is.
func keyOfRequest(r *http.Request, q *request) (*engine.ReplayKey, *refusal) {
	var keys []string
	for _, v := range r.Header.Values(keyHeader) {
		keys = append(keys, unquoted(strings.TrimSpace(v)))
	}
	if raw, ok := q.Extensions[keyExtension]; ok {
		var key string
		if json.Unmarshal(raw, &key) != nil {
			key = ""
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	for _, k := range keys {
		if !validKey(k) || k != keys[0] {
			return nil, refuse(http.StatusBadRequest, graph.CodeBadUserInput,
				"%s: expected one key of 1 to %d visible characters of ASCII", keyHeader, maxReplayKey)
		}
	}
	return &engine.ReplayKey{Key: keys[0]}, nil
}

// unquoted takes the quotes off a key that is written as a string of structured
// fields, as the draft for the header has it.
func unquoted(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

func validKey(k string) bool {
	for i := range len(k) {
		if k[i] <= ' ' || k[i] > '~' || k[i] == '"' || k[i] == '\\' {
			return false
		}
	}
	return k != "" && len(k) <= maxReplayKey
}

// contentOf is equal for requests that say the same: text is the document, whether
// it was sent or named.
func contentOf(text string, q *request) (sum [sha256.Size]byte, err error) {
	vars := []byte("{}")
	if len(q.Variables) > 0 {
		if vars, err = json.Marshal(q.Variables); err != nil { // keys in order
			return sum, err
		}
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(text), []byte(q.id()), []byte(q.OperationName), vars} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum, nil
}

// replaying says what a mutation did before under the call's key, or has it kept
// what it does now.
func (c *call) replaying(op *engine.Op) (req app.Request, err error) {
	req = requestOf(op)
	c.replayed = false
	if c.key == nil {
		return req, nil
	}
	done, again, err := op.Replay(c.key)
	switch {
	case err != nil:
	case again:
		c.replayed, req.Replay = true, done
	default:
		req.Keep = func(outcomes []engine.Outcome) error { return op.Keep(c.key, outcomes) }
	}
	return req, err
}
