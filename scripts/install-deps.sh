#!/bin/bash
# Installs the Debian 12 packages of the named groups of scripts/packages.txt (default: build).
#   scripts/install-deps.sh build test lint
# Does nothing, and needs no network, when all of them are there already.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export DEBIAN_FRONTEND=noninteractive

say() { printf 'install-deps: %s\n' "$*" >&2; }

command -v dpkg-query >/dev/null || {
  say "this machine has no dpkg: install the packages of scripts/packages.txt by other means"
  exit 1
}

groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(build)

wanted=()
for group in "${groups[@]}"; do
  mapfile -t of_group < <(awk -v group="$group" '$1 == group { print $2 }' "$here/packages.txt")
  [ ${#of_group[@]} -gt 0 ] || {
    say "scripts/packages.txt has no group '$group'"
    exit 2
  }
  wanted+=("${of_group[@]}")
done
# oidc-provider and playwright-core come from npm. Where Node came from elsewhere, Debian's npm would
# conflict with it; the Node that runs the tests is pinned in tests/e2e/package-lock.json.
if [[ " ${groups[*]} " == *" test "* || " ${groups[*]} " == *" bench "* ]] && ! command -v npm >/dev/null; then
  wanted+=(nodejs npm)
fi

missing=()
for package in $(printf '%s\n' "${wanted[@]}" | sort -u); do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    say "not root and no sudo; as root, run: apt-get install --no-install-recommends ${missing[*]}"
    exit 1
  }
  as_root=(sudo --preserve-env=DEBIAN_FRONTEND)
fi

say "installing ${missing[*]}"
apt_options=(-y -q --no-install-recommends -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
# The package index may be absent (a fresh image) or stale; a repository that does not answer is only
# a problem when a package is then not found.
"${as_root[@]}" apt-get update -q || say "apt-get update failed; trying with the index that is there"
"${as_root[@]}" apt-get install "${apt_options[@]}" "${missing[@]}" || {
  say "could not install ${missing[*]}"
  exit 1
}
