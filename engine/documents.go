package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"sluice/internal/directory"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/storage"
)

// Bounds of the registered documents of an application.
const (
	MaxDocuments    = 2000
	MaxDocumentID   = 200      // bytes
	MaxDocumentText = 64 << 10 // bytes
	// What one PutDocuments takes: less than what one transaction does.
	MaxDocumentPush = 1000
	maxDocumentPush = 2_000_000 // bytes of the texts
)

// HashPrefix begins the id that every registered document has beside its own:
// the prefix and the SHA-256 of its text in lower-case hex.
const HashPrefix = "sha256:"

const opDocuments = "engine.Documents"

// Document is a registered document of an application, without its text.
type Document struct {
	ID       string
	Hash     string // SHA-256 of the text, in hex
	Size     int    // bytes of the text
	Uploaded time.Time
}

// NewDocument is a document to register.
type NewDocument struct{ ID, Text string }

// documentDoc is what is stored under an id. The text is stored once, under its
// hash, however many ids it has.
type documentDoc struct {
	Hash     string    `json:"hash"`
	Size     int       `json:"size"`
	Uploaded time.Time `json:"uploaded"`
}

func documentPrefix(application string) string { return "i/" + application + "/" }

func documentKey(application, id string) string { return documentPrefix(application) + id }

func documentTextKey(application, hash string) string { return "t/" + application + "/" + hash }

// DocumentHash returns the SHA-256 of a document's text in lower-case hex.
func DocumentHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// ValidDocumentID reports whether a document can be registered under an id: 1 to
// MaxDocumentID printable ASCII characters other than the space. What begins with
// "page:" or HashPrefix means something else.
func ValidDocumentID(id string) bool {
	if id == "" || len(id) > MaxDocumentID || strings.HasPrefix(id, "page:") || strings.HasPrefix(id, HashPrefix) {
		return false
	}
	return strings.IndexFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// Registered returns the text of a registered document of the operation's
// application, by its id, by HashPrefix and the hash of its text, or by the hash
// alone; false where there is none.
func (op *Op) Registered(id string) (string, bool, error) {
	hash, byHash := strings.CutPrefix(id, HashPrefix)
	if !byHash {
		if !ValidDocumentID(id) {
			return "", false, nil
		}
		d, ok, err := readDocument(op.r, op.app.def.Name, id)
		if err != nil {
			return "", false, err
		}
		if ok {
			hash = d.Hash
		}
	}
	if !validHash(hash) {
		return "", false, nil
	}
	b, ok, err := op.r.Doc(spaceDocument, documentTextKey(op.app.def.Name, hash))
	return string(b), ok && err == nil, err
}

func readDocument(r storage.Reader, application, id string) (d documentDoc, ok bool, err error) {
	b, ok, err := r.Doc(spaceDocument, documentKey(application, id))
	if err != nil || !ok {
		return d, false, err
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return d, false, fault.Wrap(fault.Unavailable, opDocuments, err, "a registered document is damaged")
	}
	return d, true, nil
}

// PutDocuments registers documents, all of them or none, and returns how many
// were not there before; for admins and the application's developers. Whether
// the texts are GraphQL is the caller's to know. Invalid for an id that is none,
// Conflict for one that stands for another text, Limit where there are too many
// or too large ones.
func (e *Engine) PutDocuments(ctx context.Context, p identity.Principal, application string, docs []NewDocument) (added int, err error) {
	if err := checkNewDocuments(docs); err != nil {
		return 0, err
	}
	err = e.change(ctx, p, "putDocuments", func(txn *storage.Txn, people *directory.People) error {
		added = 0
		if _, err := e.definable(txn, people, p, application); err != nil {
			return err
		}
		have, err := listDocuments(txn, application)
		if err != nil {
			return err
		}
		w := documentWriter{txn: txn, application: application, have: map[string]string{}, texts: map[string]bool{}, now: e.o.Now().UTC().Truncate(time.Millisecond)}
		for _, d := range have {
			w.have[d.ID], w.texts[d.Hash] = d.Hash, true
		}
		if err := w.alone(); err != nil {
			return err
		}
		for _, d := range docs {
			if err := w.put(d); err != nil {
				return err
			}
		}
		added = len(w.have) - len(have)
		if len(w.have) > MaxDocuments {
			return fault.New(fault.Limit, opDocuments, "application %s can keep %d registered documents; remove some first", application, MaxDocuments)
		}
		return nil
	})
	return added, err
}

func checkNewDocuments(docs []NewDocument) error {
	size := 0
	for _, d := range docs {
		size += len(d.Text)
		switch {
		case !ValidDocumentID(d.ID):
			return fault.New(fault.Invalid, opDocuments,
				"id: expected 1 to %d printable ASCII characters without spaces, that do not begin with page: or %s", MaxDocumentID, HashPrefix)
		case d.Text == "" || len(d.Text) > MaxDocumentText:
			return fault.New(fault.Limit, opDocuments, "a document has 1 to %d bytes", MaxDocumentText)
		}
	}
	if len(docs) > MaxDocumentPush || size > maxDocumentPush {
		return fault.New(fault.Limit, opDocuments, "at most %d documents with %d bytes together at once", MaxDocumentPush, maxDocumentPush)
	}
	return nil
}

// documentWriter registers documents beside those that are there: hashes by id,
// and the hashes whose text is stored.
type documentWriter struct {
	txn         *storage.Txn
	application string
	have        map[string]string
	texts       map[string]bool
	now         time.Time
}

// alone makes two changes of an application's documents at the same time meet a
// conflict: what they walked is in no read set.
func (w *documentWriter) alone() error {
	return w.txn.PutSecret(spaceDocument, "n/"+w.application, strconv.AppendInt(nil, w.now.UnixMilli(), 10))
}

func (w *documentWriter) put(d NewDocument) error {
	hash := DocumentHash(d.Text)
	if is, ok := w.have[d.ID]; ok {
		if is != hash {
			return fault.New(fault.Conflict, opDocuments, "the id %q stands for another document; remove that one first, or give the new one another id", d.ID)
		}
		return nil
	}
	b, err := json.Marshal(documentDoc{Hash: hash, Size: len(d.Text), Uploaded: w.now})
	if err != nil {
		return err
	}
	if err := w.txn.PutDoc(spaceDocument, documentKey(w.application, d.ID), b); err != nil {
		return err
	}
	w.have[d.ID] = hash
	if w.texts[hash] {
		return nil
	}
	w.texts[hash] = true
	// The text is named by its hash in the logged document.
	return w.txn.PutSecret(spaceDocument, documentTextKey(w.application, hash), []byte(d.Text))
}

// Documents lists the registered documents of an application, ascending by id;
// for admins and the application's developers.
func (e *Engine) Documents(_ context.Context, p identity.Principal, application string) (out []Document, err error) {
	err = e.manage(p, func(r storage.Reader, people *directory.People) error {
		if _, err := e.definable(r, people, p, application); err != nil {
			return err
		}
		out, err = listDocuments(r, application)
		return err
	})
	return out, err
}

func listDocuments(r storage.Reader, application string) ([]Document, error) {
	prefix := documentPrefix(application)
	c := r.Docs(spaceDocument, prefix)
	defer c.Close()
	var out []Document
	for c.Next() {
		var d documentDoc
		if err := json.Unmarshal(c.Value(), &d); err != nil {
			return nil, fault.Wrap(fault.Unavailable, opDocuments, err, "a registered document is damaged")
		}
		out = append(out, Document{ID: strings.TrimPrefix(c.Key(), prefix), Hash: d.Hash, Size: d.Size, Uploaded: d.Uploaded})
	}
	return out, c.Err()
}

// RemoveDocument takes a registered document back; for admins and the
// application's developers. NotFound where there is none of that id. Its hash
// stands for the text as long as another id does.
func (e *Engine) RemoveDocument(ctx context.Context, p identity.Principal, application, id string) error {
	return e.change(ctx, p, "removeDocument", func(txn *storage.Txn, people *directory.People) error {
		if _, err := e.definable(txn, people, p, application); err != nil {
			return err
		}
		have, err := listDocuments(txn, application)
		if err != nil {
			return err
		}
		if err := (&documentWriter{txn: txn, application: application, now: e.o.Now()}).alone(); err != nil {
			return err
		}
		hash, uses := "", map[string]int{}
		for _, d := range have {
			uses[d.Hash]++
			if d.ID == id {
				hash = d.Hash
			}
		}
		if hash == "" {
			return fault.New(fault.NotFound, opDocuments, "id: application %s has no registered document of this id", application)
		}
		if err := txn.PutDoc(spaceDocument, documentKey(application, id), nil); err != nil || uses[hash] > 1 {
			return err
		}
		return txn.PutSecret(spaceDocument, documentTextKey(application, hash), nil)
	})
}
