#!/bin/sh
# A fresh clone of HEAD must install and pass tests with the Node and npm of the machine (Node 20 or newer), with the
# npm that is installed and with npm 10.8, and no install script may run.
#   scripts/fresh-clone.sh          a few tests per npm
#   scripts/fresh-clone.sh --full   the whole of npm test
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$root/scripts/no-compilers.sh"
forbid_compilers "$work/forbidden"
PATH="$work/forbidden:$PATH"
export PATH

try() { # folder, then the command that is npm
  folder=$work/$1
  shift
  echo "== $* ($("$@" --version)) on Node $(node --version)"
  # The tests of the last one look whether python3 is there.
  rm -f "$work/forbidden/called"
  git clone --quiet "$root" "$folder"
  cd "$folder"
  "$@" ci --no-audit --no-fund --prefer-offline >"$work/npm.log" 2>&1 || { cat "$work/npm.log"; exit 1; }
  refuse_compiled "$work/forbidden"
  [ -z "$(git status --porcelain)" ] || { git status --short; echo "npm ci changed the checkout" >&2; exit 1; }
  bin/p2pmsgd --version
  if [ "$full" = yes ]; then "$@" test; else "$@" test -- daemon/config.test.ts daemon/programs; fi
}

full=no
[ "${1:-}" = --full ] && full=yes
try npm-installed npm
try npm-10.8 npx --yes npm@10.8
