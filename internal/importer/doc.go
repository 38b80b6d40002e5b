// Package importer turns a CSV file into records of a form. It reads columns by
// a plan that is made before any row, checks every row by adding it in a
// transaction that is given up, and adds the rows in chunks under a job of the
// engine. Rights, constraints and what exists for whom are the engine's: the
// package creates records as a mutation does and in no other way.
package importer
