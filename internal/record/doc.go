// Package record holds what every floor of the house names: ids, field
// descriptors, values, encoded records, and the redacted record that a viewer
// gets.
//
// What belongs here are plain values without context, I/O or tags for one
// encoding of the outside. A [Record] is raw: it shows every stored cell. A
// [Redacted] shows only the cells that its viewer may read; every filter, sort,
// cursor, count and output reads through it. [Redact] is called by the engine
// alone, which a test in internal/arch holds.
package record
