#!/bin/bash
# Which lines of a folder its tests run.
#   scripts/coverage.sh FOLDER [TEST...]     FOLDER below src/; default: the folder's own test program
# Prints the figures of each file and of the folder, then the lines that no test ran.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ $# -eq 0 ]; then
  echo "usage: scripts/coverage.sh FOLDER [TEST...], such as scripts/coverage.sh policy" >&2
  exit 2
fi
folder=$1
shift
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=("${folder//\//_}_test")

scripts/install-deps.sh build test
cmake --preset coverage >/dev/null
cmake --build build/coverage -j "$(nproc)" --target "${tests[@]}"

profiles=build/coverage/profiles
rm -rf "$profiles"
mkdir -p "$profiles"
objects=()
for test in "${tests[@]}"; do
  program=$(find build/coverage -type f -name "$test" -perm -u+x | head -n1)
  LLVM_PROFILE_FILE="$profiles/$test.profraw" "$program" >"$profiles/$test.log" ||
    { tail -n 30 "$profiles/$test.log" >&2; exit 1; }
  objects+=(-object "$program")
done
llvm-profdata-19 merge -sparse "$profiles"/*.profraw -o "$profiles/all.profdata"

common=("${objects[@]:1}" -instr-profile "$profiles/all.profdata"
  -ignore-filename-regex='_(test|fuzz|bench)\.cc$')
llvm-cov-19 report "${common[@]}" -show-region-summary=false -show-branch-summary=false "src/$folder"
llvm-cov-19 export "${common[@]}" -format=lcov "src/$folder" |
  awk -F '[:,]' '/^SF:/ {file = $2} /^DA:/ && $3 == 0 {print "not run: " file ":" $2}' |
  sed "s|$PWD/||"
