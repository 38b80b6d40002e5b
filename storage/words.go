package storage

import (
	"bytes"

	"sluice/internal/record"
	"sluice/internal/words"
)

// MaxWords is how many distinct words of a text an index of words holds. A longer
// text has one entry that stands for any word: writes are never refused for their
// length, and whoever searches reads such a record to know.
const MaxWords = 400

// AnyWord is the term of that entry. It is no word.
const AnyWord = ""

// terms returns the terms of a record in an index of words, in byte order.
func terms(ix *Index, r record.Record) [][]byte {
	if r.IsZero() {
		return nil
	}
	all, ok := words.Terms(r.Get(&ix.Parts[0]).Text(), MaxWords)
	if !ok {
		return [][]byte{[]byte(AnyWord)}
	}
	return all
}

// replaceWords moves the entries of a record in an index of words from old to
// next; either may be zero. What both have is left as it is.
func (w *writer) replaceWords(f *Form, ix *Index, old, next record.Record) error {
	if len(ix.Parts) != 1 {
		return w.fail(errWords)
	}
	stays := !old.IsZero() && !next.IsZero() && old.Owner() == next.Owner()
	if stays && bytes.Equal(old.Get(&ix.Parts[0]).Text(), next.Get(&ix.Parts[0]).Text()) {
		return nil
	}
	from, to := terms(ix, old), terms(ix, next)
	for len(from) > 0 || len(to) > 0 {
		switch c := compareTerms(from, to); {
		case c < 0:
			if err := w.put(w.v.scope.word(f.Number, ix, from[0], old.ID()), nil); err != nil {
				return err
			}
			from = from[1:]
		case c == 0 && stays:
			from, to = from[1:], to[1:]
		default:
			if err := w.put(w.v.scope.word(f.Number, ix, to[0], next.ID()), appendEntryAt(nil, next, 0)); err != nil {
				return err
			}
			if to = to[1:]; c == 0 {
				from = from[1:]
			}
		}
	}
	return nil
}

// compareTerms compares the first of two lists; the end of one is behind all.
func compareTerms(a, b [][]byte) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return bytes.Compare(a[0], b[0])
}
