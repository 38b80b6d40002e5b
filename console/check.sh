#!/usr/bin/env bash
# Rebuilds the playground from its lock file and compares it with what is
# committed; runs the unit tests of its scripts.
set -euo pipefail
cd "$(dirname "$0")"

for attempt in 1 2 3; do
  npm ci --no-audit --no-fund --loglevel=error && break
  [ "$attempt" = 3 ] && { echo "console: npm ci failed three times" >&2; exit 1; }
  sleep $((attempt * 5))
done
if grep -nE '"resolved": "https?://' package-lock.json | grep -v 'https://registry.npmjs.org/'; then
  echo "console: package-lock.json names a registry that is not the public one" >&2
  exit 1
fi
node --test src/
npx --no-install vite build --logLevel warn
node pack.mjs --check
echo "console: the committed playground is what its sources build"
