#!/bin/sh
# Builds the example rules from both languages.
#
#   ./build.sh [OUT]     OUT is the folder to build into, this one by default
#
# Needs clang with wasm-ld (Debian: clang lld) and npm; the AssemblyScript
# compiler is pinned in package-lock.json.
set -eu
cd "$(dirname "$0")"
out=${1:-.}
[ -x node_modules/.bin/asc ] || npm ci --no-audit --no-fund
for rule in same-team-open-orders phone-outside-region planned-team-orders; do
  mkdir -p "$out/$rule"
  clang --target=wasm32 -O2 -Wall -Wextra -Werror -nostdlib -ffreestanding -fvisibility=hidden \
    -I../../sdk/c -Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=8192 \
    -o "$out/$rule/$rule.c.wasm" "$rule/rule.c"
  node_modules/.bin/asc "$rule/rule.ts" -o "$out/$rule/$rule.as.wasm" -O3 --runtime stub --noAssert
  chmod 644 "$out/$rule"/*.wasm
done
