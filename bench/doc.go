// Package bench holds benchmarks of the whole server beside what it is built
// on, in one run: only the ratios mean something on a shared machine.
package bench
