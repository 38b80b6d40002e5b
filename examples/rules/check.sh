#!/bin/sh
# Rebuilds the example rules and compares decisions and fuel of the rebuilt
# modules with the committed ones on the case files. Bytes may differ: they
# depend on the version of the compiler. Then builds those in Go and Rust, which
# are not committed (a module of Go has 2 MB), and holds them to the same cases and
# to what C decides; Rust says NOT RUN where it cannot build for WebAssembly.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
./build.sh "$out"
SLUICE_RULES_REBUILT=$out go test -count=1 -v -run 'TestRebuilt|TestBuilt' .
