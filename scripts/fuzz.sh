#!/bin/bash
# Runs the libFuzzer targets, each for some seconds, over the committed corpus.
#   scripts/fuzz.sh [-s SECONDS] [TARGET...]     default: 60 seconds, every *_fuzz.cc under src/
# What is found goes to build/fuzz/corpus/TARGET (new coverage) and build/fuzz/crashes (inputs that
# fail: reduce one, add it to tests/corpus/TARGET, then fix the code). Exits 1 when a target failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=60
if [ "${1:-}" = -s ]; then
  seconds=$2
  shift 2
fi
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(find src -name '*_fuzz.cc' -printf '%f\n' | sed 's/\.cc$//' | sort)
fi

scripts/install-deps.sh build test
cmake --preset fuzz
cmake --build build/fuzz -j "$(nproc)" --target "${targets[@]}"

mkdir -p build/fuzz/crashes
failed=()
for target in "${targets[@]}"; do
  corpus=${target%_fuzz}
  program=$(find build/fuzz/src -type f -name "$target" -perm -u+x | head -n1)
  mkdir -p "build/fuzz/corpus/$corpus" "tests/corpus/$corpus"
  printf '\n== %s, %s s ==\n' "$target" "$seconds"
  "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/crashes/$target-" \
    "build/fuzz/corpus/$corpus" "tests/corpus/$corpus" || failed+=("$target")
done
if [ ${#failed[@]} -gt 0 ]; then
  printf 'fuzz: failed: %s (inputs in build/fuzz/crashes)\n' "${failed[*]}" >&2
  exit 1
fi
