package main

import (
	"os"
	"testing"

	"sluice/rules/sandbox"
)

// servedDir names, in the environment, the data directory that a test's own server is
// to serve.
const servedDir = "SLUICE_TEST_SERVED"

// TestMain lets the test binary be the child process that compiles modules, as
// main does, and a server that a test may kill.
func TestMain(m *testing.M) {
	if code, child := sandbox.Child(os.Args[1:]); child {
		os.Exit(code)
	}
	if dir := os.Getenv(servedDir); dir != "" {
		os.Args = []string{"sluice", "serve", "-data", dir, "-addr", "127.0.0.1:0"}
		main()
	}
	os.Exit(m.Run())
}
