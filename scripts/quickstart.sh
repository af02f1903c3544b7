#!/bin/bash
# From a checkout on a fresh Debian 12 machine to a running Vallum: installs what the build needs,
# builds, and starts `vallum dev`. Arguments go to `vallum dev` (try: --help, --config FILE).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'quickstart: %s\n' "$*" >&2; }

# Standard output belongs to `vallum dev`, which prints the application's URL there.
scripts/install-deps.sh build >&2
say "building build/release/vallum (some minutes the first time)"
cmake --preset release >&2
cmake --build build/release --target vallum >&2
exec build/release/vallum dev "$@"
