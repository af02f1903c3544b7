#!/bin/bash
# clang-tidy over one file, as tidy-all.sh and tidy-changed.sh run it.
#   scripts/tidy-file.sh FILE [CHECKS]     CHECKS are added to those of .clang-tidy
set -euo pipefail
file=$1
checks=${2:-}
extra=()
case $file in
  # The entry point is outside the namespace it tests.
  *_fuzz.cc) checks=$checks,-google-build-using-namespace ;;
  # A fixture's members are protected, what a test helper shows is for its test to look at, a test is as long as what
  # it tells, it has its process for itself, and it is not in a hurry.
  *_test.cc | *_bench.cc | tests/*)
    checks=$checks,-misc-non-private-member-variables-in-classes,-readability-function-size
    checks=$checks,-readability-function-cognitive-complexity,-concurrency-mt-unsafe,-performance-*
    checks=$checks,-bugprone-suspicious-missing-comma,-bugprone-unused-return-value
    # gtest declares some of protobuf's names in a namespace of its own.
    checks=$checks,-bugprone-forward-declaration-namespace
    # The libraries they link against allow no global object; the frameworks of tests and benches are made of them.
    extra=(--extra-arg=-Wno-global-constructors)
    ;;
esac
exec clang-tidy-19 -p build/dev --quiet --checks="${checks#,}" "${extra[@]}" "$file"
