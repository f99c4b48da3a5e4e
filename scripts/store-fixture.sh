#!/bin/sh
# Makes daemon/store/fixtures/schema-N/: a small home as this version writes it, for the test that later versions open.
# Run once for each tag that changed the schema, and commit the result; one that is there already is not replaced.
# Two daemons on loopback, one contact, messages in both directions. The keys in it are good for nothing else.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
work=$(mktemp -d)
pids=
# shellcheck disable=SC2086
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT

serve() {
  "$root/bin/p2pmsgd" serve --home "$work/$1" --name "$2" --api 127.0.0.1:0 --listen /ip4/127.0.0.1/tcp/0 \
    --no-mdns --no-upnp --log-level warn >"$work/$1.log" 2>&1 &
  pids="$pids $!"
  until grep -qs '^ready ' "$work/$1.log"; do
    kill -0 $! || { cat "$work/$1.log"; exit 1; }
    sleep 0.2
  done
}
cli() { home=$1; shift; "$root/bin/p2pmsg" --quiet --timeout 60 --home "$work/$home" "$@"; }

serve alice Alice
serve bob Bob
cli bob add "$(cli alice invite --no-qr --note 'for Bob')"
cli bob send Alice 'hello from an earlier version' --wait 60
cli alice send Bob 'hello back, 漢字' --wait 60
cli bob lobby 'in the lobby' >/dev/null
cli alice read Bob >/dev/null
for pid in $pids; do kill -TERM "$pid"; wait "$pid"; done
pids=

schema=$("$root/bin/node" -e '
  const Database = require("better-sqlite3");
  const db = new Database(process.argv[1], { fileMustExist: true });
  // One-time keys are random and do not shrink; a home whose peers have used most of them up is small.
  db.exec("DELETE FROM prekey_pairs WHERE id > (SELECT min(id) + 4 FROM prekey_pairs)");
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.exec("VACUUM");
  console.log(db.pragma("user_version", { simple: true }));
' "$work/alice/p2pmsg.db")
fixture=$root/daemon/store/fixtures/schema-$schema
[ ! -e "$fixture" ] || { echo "$fixture is there already" >&2; exit 1; }
mkdir -p "$fixture"
gzip -9 -n -c "$work/alice/p2pmsg.db" >"$fixture/p2pmsg.db.gz"
cp "$work/alice/identity.key" "$fixture/identity.key"
du -b "$fixture"/*
