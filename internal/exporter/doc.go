// Package exporter turns the records that somebody may export into CSV or lines
// of JSON, in one pass and in bounded memory. Which records and cells there are
// is the engine's decision; what belongs here is columns and formats.
package exporter
