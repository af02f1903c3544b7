#!/bin/bash
# clang-tidy over the files that differ from a base (default: main), without the static analyzer,
# which costs most of the time: for before a commit. A changed header is checked through its .cc.
#   scripts/tidy-changed.sh [BASE]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
base=${1:-main}
scripts/install-deps.sh build test lint
[ -e build/dev/compile_commands.json ] || cmake --preset dev >/dev/null
{
  git diff --name-only --diff-filter=d "$(git merge-base "$base" HEAD)" -- 'src/*.cc' 'src/*.h' 'tests/*.cc' 'tests/*.h'
  git ls-files --others --exclude-standard -- 'src/*.cc' 'src/*.h'
} | sed 's/\.h$/.cc/' | sort -u | while read -r file; do
  if [ -e "$file" ]; then printf '%s\n' "$file"; fi
done | xargs -r -P "${JOBS:-$(nproc)}" -I{} scripts/tidy-file.sh {} '-clang-analyzer-*'
