// Package badgerstore keeps a store in a directory, on Badger.
//
// Badger runs in managed mode: a timestamp of Badger is the number of one of our
// batches, dense from 1. One goroutine, the committer, takes what is queued,
// validates each member's read set against recent commits and against the
// members before it, writes all of it in one synced Badger transaction, appends
// the batch to the ledger, syncs the ledger, publishes the number to new
// snapshots, and then answers. Opening a snapshot waits for nothing.
//
// The ledger (file LEDGER, see ledger.go) is what we promised, kept apart from
// Badger, because Badger opens without an error after losing the end of its
// write-ahead file. Each batch also leaves a marker in Badger, in its own
// transaction: the number and a hash that chains all batches. Open compares: a
// store whose data are behind the ledger, have a gap, or carry another chain is
// refused, with the number of commits that are missing.
//
// A directory belongs to one process at a time. Local file systems of Linux
// only. Backups are not made with Badger's own tool: it does not read one
// snapshot.
package badgerstore
