#!/bin/bash
# Installs what the tests need, builds, runs every test and ends with one line: N passed, N failed.
#   scripts/test.sh                  all parts
#   scripts/test.sh lint unit e2e    only these
# Environment: JOBS (default: number of cores).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
jobs=${JOBS:-$(nproc)}
results=build/test-results
rm -rf "$results"
mkdir -p "$results"

say() { printf '\n== %s ==\n' "$*"; }
# record NAME STATUS: one check of the summary that is not a test program.
record() { printf '%s\t%s\n' "$1" "$2" >>"$results/checks.tsv"; }
# check NAME COMMAND...: runs it and records whether it succeeded.
check() {
  local name=$1
  shift
  say "$name"
  if "$@"; then record "$name" passed; else record "$name" failed; fi
}

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(lint unit e2e)
for part in "${parts[@]}"; do
  case $part in
    lint | unit | e2e) ;;
    *)
      echo "test.sh: unknown part '$part' (lint, unit, e2e)" >&2
      exit 2
      ;;
  esac
done
has() { [[ " ${parts[*]} " == *" $1 "* ]]; }

format_check() {
  find src tests bench -name node_modules -prune -o \( -name '*.cc' -o -name '*.h' \) -print0 |
    xargs -0 clang-format-19 --dry-run -Werror
}

lint() {
  check "format" format_check
  local tool
  for tool in tools/lint/lint.py tools/lint/lint_test.py tools/lint/threats.py; do
    [ ! -e "$tool" ] || check "$tool" python3 "$tool"
  done
}

# All tests run under ASan and UBSan: compiling them a second time without would cost minutes and find
# nothing that this run does not.
unit() {
  check "configure asan" cmake --preset asan
  check "build asan" cmake --build build/asan -j "$jobs"
  say "unit, integration and simulation tests (ASan, UBSan)"
  mkdir -p "$results/gtest"
  GTEST_OUTPUT="xml:$PWD/$results/gtest/" GTEST_BRIEF=1 ctest --test-dir build/asan -j "$jobs" \
    --output-on-failure --no-tests=error --output-junit "$PWD/$results/ctest.xml" || true
  [ -e "$results/ctest.xml" ] || record "ctest" failed
}

e2e() {
  check "configure release" cmake --preset release -DVALLUM_TESTS=ON
  check "build release" cmake --build build/release -j "$jobs" --target vallum allocation_test
  # A sanitizer brings an allocator of its own, so this one means something only here.
  check "a warm request allocates nothing" build/release/tests/allocation/allocation_test
  if [ -e tests/e2e/run.sh ]; then
    say "end to end (build/release/vallum, oidc-provider, Chromium)"
    tests/e2e/run.sh --junit "$PWD/$results/e2e.xml" || true
    [ -e "$results/e2e.xml" ] || record "e2e" failed
  fi
}

groups=(build test)
if has lint; then groups+=(lint); fi
scripts/install-deps.sh "${groups[@]}" || {
  echo "0 passed, 1 failed"
  exit 1
}
if has lint; then lint; fi
if has unit; then unit; fi
if has e2e; then e2e; fi

python3 scripts/summary.py "$results"
