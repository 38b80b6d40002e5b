#!/usr/bin/env bash
# Installs the clients from their lock file and runs them against the demo.
set -euo pipefail
cd "$(dirname "$0")"

for attempt in 1 2 3; do
  npm ci --no-audit --no-fund --loglevel=error && break
  [ "$attempt" = 3 ] && { echo "clients: npm ci failed three times" >&2; exit 1; }
  sleep $((attempt * 5))
done
node run.mjs
