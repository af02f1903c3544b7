#!/bin/bash
# Measures Vallum beside nginx and HAProxy: builds what it needs, then runs bench/run.py with the
# arguments given. Environment: VALLUM_BIN (default: build/release/vallum, built first), PROXY_CORE (0),
# LOAD_CORE (1), BENCH_RUN (scratch folder, default in memory when there is room).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH=$PATH:/usr/sbin

scripts/install-deps.sh build bench >&2
if [ -z "${VALLUM_BIN:-}" ]; then
  cmake --preset release >&2
  cmake --build build/release --target vallum >&2
  VALLUM_BIN=$PWD/build/release/vallum
fi
export VALLUM_BIN
export BENCH_TOOLS=$PWD/build/bench
mkdir -p "$BENCH_TOOLS"
compile=(clang++-19 -std=c++23 -O2 -Wall -Wextra)
"${compile[@]}" -o "$BENCH_TOOLS/origin" bench/origin.cc
"${compile[@]}" -o "$BENCH_TOOLS/load" bench/load.cc bench/process_tree.cc -lssl -lcrypto

if [ -z "${BENCH_RUN:-}" ]; then
  # Log lines of some seconds are hundreds of megabytes: in memory, no disk disturbs the rounds.
  BENCH_RUN=$BENCH_TOOLS/run
  free_kb=$(df --output=avail /dev/shm 2>/dev/null | tail -n1 || echo 0)
  if [ "${free_kb:-0}" -gt 2000000 ]; then BENCH_RUN=/dev/shm/vallum-bench; fi
fi
export BENCH_RUN
mkdir -p "$BENCH_RUN"
ulimit -n "$(ulimit -Hn)"
exec python3 bench/run.py "$@"
