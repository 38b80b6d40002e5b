// Package storage keeps what tenants have: records with their indexes, documents
// (directory, definitions) and a change log. It is a portable type over a small
// driver: tenant scope, keys, indexes, unique values, limits, the change log and
// error kinds are written once, here; a driver (badgerstore, memstore) knows
// snapshots and commits of ordered bytes.
//
// # Tenants
//
// There is no read without a tenant. [Store.Tenant] gives the scope of one; every
// key that it touches begins with the tenant's 8 random bytes, and no key is
// built outside keys.go. The zero tenant is refused. [Store.System] is the scope
// of what belongs to no tenant.
//
// # Reading
//
//	sn, err := store.Tenant(id).Snapshot()
//	if err != nil { ... }
//	defer sn.Close()
//	c := sn.Index(form, byOwner, storage.Range{Eq: []record.Value{record.Ref(user)}, Desc: true})
//	defer c.Close()
//	for c.Next() {
//		use(c.ID(), c.Owner(), c.Version())
//	}
//	if err := c.Err(); err != nil { ... }
//
// A [Snapshot] shows one state, whatever is committed meanwhile. Opening it waits
// for nothing. Cursors are pulled; what they return is borrowed until the next
// call of Next, and what point reads return until the reader is closed. A walk
// that ended is complete only if Err is nil. A snapshot and its cursors belong to
// one goroutine. Closing a snapshot closes its cursors.
//
// # Indexes
//
// An [Index] is a row of a catalogue: keys over some fields, then the record's
// id. Keys order as [record.Value.Compare] does, null first. Each entry carries
// owner, version and ordinal of its record, so that most hits can be judged
// without reading the record. The index by owner is an index whose first part is
// the owner, nothing else. A [Range] names values of the leading parts, bounds of
// the next one and a direction. [IndexCursor.Position] is the rest of the key
// behind the named values: walks over the same index with different owners can be
// merged by comparing positions, and one can be resumed by it.
//
// A unique index has guards besides its entries: a key for each value that is
// held. Writers read the guard by point, which joins the read set; walks detect
// no phantoms. Records with a null part are not guarded.
//
// To add an index, write it as Building with all writers, call [Txn.FillIndex]
// for each record that was there, then let readers see it.
//
// # Writing
//
//	err := store.Tenant(id).Update(ctx, meta, func(tx *storage.Txn) error {
//		old, ok, err := tx.Record(form, recordID)
//		...
//		return tx.Update(form, old, next)
//	})
//
// A [Txn] collects writes over a snapshot and shows them to its own reads. Its
// point reads are its read set. The commit is refused if one of them was
// overwritten since; then fn runs again, on a fresh snapshot, up to
// Options.MaxAttempts times. So fn may run more than once and must keep nothing
// of the Txn. After two conflicts a transaction queues up with the others of its
// tenant that are unlucky, so that hot keys are served one after the other and
// not by luck. A transaction that wrote nothing is not committed: it read one
// snapshot.
//
// Every transaction has the tenant's epoch in its read set. One that changes the
// directory or a definition calls [Txn.BumpEpoch], so that no transaction commits
// under rights that it read before. Caches of directory and definitions are keyed
// by [Reader].Epoch; inside a Txn that has written documents that number is one
// of its own, so that uncommitted state is never found in a cache.
//
// # Change log
//
// Each change of a record or document is an entry with what was before and after,
// in the same commit. Sequences are dense per tenant: a gap is a loss. The driver
// stamps them at the commit, so that no transaction reads a counter. Under each
// number a record's change also stands in the history of its record, which
// [Reader].History walks without the rest of the log, and a document's in the
// history of its space. [Snapshot.ChangeAt] finds the number of a time, and
// [Snapshot.At] shows the state right behind a number. Secrets
// (password hashes, sessions, tokens) are written with [Txn.PutSecret] and leave
// no trace in the log.
//
// # Errors
//
// Errors that a caller branches on are faults: Limit for a transaction beyond
// MaxTxnBytes or MaxTxnWrites, a value beyond MaxValue, a key beyond MaxKey, or a
// snapshot that was open for too long, with nothing done; Conflict when all
// attempts met others, or for an id that exists; Unavailable when the store takes
// no commits. [ErrUncertain] is in the chain when nobody can say whether the
// commit is durable: the store then refuses further commits. [*UniqueError] says
// that a value is taken, and not by which record. All others are damage or our
// bugs.
package storage
