// Package command is what the binary can be told to do. Serve and demo open a
// data directory; every other command is an HTTP client of a running server, so
// that no lock is in its way.
package command
