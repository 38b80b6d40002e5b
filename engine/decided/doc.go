// Package decided keeps what custom rules answered, so that a list asks a rule
// about a record once, whoever of those with equal attributes reads it.
//
// A rule is a pure function (H2): its answer depends on the module, on the
// attributes of the viewer that it declares, and on the record's cells that it
// declares. A [Form] therefore names the definition that says what the cells are,
// an [Asked] the module and the attributes, and a [Record] one committed state of
// one record: its ordinal, which no other record of the form ever gets, and its
// version, which each change raises. An answer is found under exactly these and
// never ages.
//
// The answers of an Asked are bitmaps over ordinals, one for each answer that
// occurs, beside the versions of the form, which all Askeds share. When a newer
// version of a record is seen, its ordinal is taken out of every bitmap: each
// catches up when it is used next. What is asked of an older version finds
// nothing, and what it answers is not kept.
//
// The caller keeps states of records that are not committed out of the cache, as
// a transaction that fails gives their versions back, and verdicts with a fault.
//
//	s := cache.Open(decided.Form{...}, decided.Asked{...})
//	if v, ok := s.Get(decided.Record{Ordinal: 7, Version: 2}); ok { ... }
package decided
