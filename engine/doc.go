// Package engine is the only door to records: it lists, reads and writes them
// under the view of a signed-in person, in one snapshot per operation.
//
// An operation is an [Op]. [Engine.Read] opens one on a snapshot,
// [Engine.Write] runs one in a transaction. Either resolves, in that same
// snapshot, the credential, the directory, the active definition and the view;
// nothing of an older state takes part in a decision.
//
// Every record passes three gates in this order: the view's reach decides
// whether the record exists for the viewer (true values, as policy reads them);
// the masks are settled and the record is cut to a [record.Redacted]; filters,
// order keys, cursors and outputs then read the redacted record only. Index
// entries and scans are a superset that the gates cut down: no access path is
// trusted to decide.
package engine
