package engine

import (
	"fmt"

	"sluice/internal/fault"
	"sluice/storage"
)

// A stored definition may be longer than one document. What does not fit goes on
// in documents of its own, which a full one before them announces. Its checksum
// holds them together.
const (
	partSize = storage.MaxValue
	// maxParts keeps a version and its copy in the change log within one
	// transaction.
	maxParts = 3
)

func partKey(key string, i int) string {
	if i == 0 {
		return key
	}
	return fmt.Sprintf("%s/%d", key, i)
}

// putParts stores a definition under a key that held none.
func putParts(txn *storage.Txn, key string, doc []byte) error {
	if len(doc) > maxParts*partSize {
		return fault.New(fault.Limit, "engine.Apply", "the definition is %d bytes when stored, at most %d are allowed", len(doc), maxParts*partSize)
	}
	for i := 0; i == 0 || len(doc) > 0; i++ {
		n := min(len(doc), partSize)
		if err := txn.PutDoc(spaceDefinition, partKey(key, i), doc[:n]); err != nil {
			return err
		}
		doc = doc[n:]
	}
	return nil
}

// readParts reads what putParts stored. A part that is missing is for the
// checksum to find.
func readParts(r storage.Reader, key string) ([]byte, bool, error) {
	doc, ok, err := r.Doc(spaceDefinition, key)
	if err != nil || !ok {
		return nil, false, err
	}
	for i, last := 1, len(doc); last >= partSize && i < maxParts; i++ {
		part, ok, err := r.Doc(spaceDefinition, partKey(key, i))
		if err != nil {
			return nil, false, err
		}
		if !ok {
			break
		}
		doc, last = append(doc[:len(doc):len(doc)], part...), len(part)
	}
	return doc, true, nil
}
