#!/bin/sh
# Rebuilds the example rules and compares decisions and fuel of the rebuilt
# modules with the committed ones on the case files. Bytes may differ: they
# depend on the version of the compiler.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
./build.sh "$out"
SLUICE_RULES_REBUILT=$out go test -count=1 -run 'TestRebuilt' .
