#!/usr/bin/env bash
# Installs the audit suite from its lock file and runs it against the demo.
set -euo pipefail
cd "$(dirname "$0")"

for attempt in 1 2 3; do
  npm ci --no-audit --no-fund --loglevel=error && break
  [ "$attempt" = 3 ] && { echo "audit: npm ci failed three times" >&2; exit 1; }
  sleep $((attempt * 5))
done
node run.mjs
