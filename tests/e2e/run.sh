#!/bin/bash
# Runs the end-to-end scenarios against $VALLUM_BIN (default: build/release/vallum).
#   tests/e2e/run.sh [--junit FILE] [SCENARIO...]     e.g. tests/e2e/run.sh browser stripping
# Environment: CHROMIUM_BIN (default /usr/bin/chromium), E2E_KEEP=1 keeps the scratch folders.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

junit=
if [ "${1:-}" = --junit ]; then
  junit=$2
  shift 2
fi
scenarios=(scenarios/*.test.mjs)
if [ $# -gt 0 ]; then scenarios=("${@/%/.test.mjs}") && scenarios=("${scenarios[@]/#/scenarios/}"); fi

# node_modules/.package-lock.json is written last by npm: newer than ours means up to date.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi
# The Node that the lockfile pins, as Debian's is too old for the parts.
node=node
for pinned in node_modules/node-linux-*/bin/node; do
  if [ -x "$pinned" ]; then node=$pinned; fi
done

reporters=(--test-reporter=spec --test-reporter-destination=stdout)
if [ -n "$junit" ]; then reporters+=(--test-reporter=junit "--test-reporter-destination=$junit"); fi
# One file at a time: two browsers on two cores would only make each other time out.
exec "$node" --test --test-concurrency=1 --test-timeout=300000 "${reporters[@]}" "${scenarios[@]}"
