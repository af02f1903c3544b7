#!/bin/bash
# clang-tidy with every check of .clang-tidy over every source file: slow, for the night.
#   scripts/tidy-all.sh [FILE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/install-deps.sh build test lint
[ -e build/dev/compile_commands.json ] || cmake --preset dev >/dev/null
files=("$@")
if [ ${#files[@]} -eq 0 ]; then mapfile -t files < <(git ls-files 'src/*.cc' 'tests/*.cc'); fi
printf '%s\n' "${files[@]}" | xargs -r -P "${JOBS:-$(nproc)}" -n1 scripts/tidy-file.sh
