#!/bin/sh
# The way of a new user through README.md and docs/: install as a user service, invite, first message, webhook, upgrade,
# uninstall. Everything happens in a temporary folder. Where there is no systemd user manager (containers, CI) the unit is
# shown by --dry-run and its ExecStart line is started by hand, which is said so. About 30 s.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
work=$(mktemp -d)
daemons=
finish() {
  code=$?
  for pid in $daemons; do kill "$pid" 2>/dev/null || true; done
  [ "$code" -eq 0 ] || for log in "$work"/*.log; do echo "--- $log"; tail -n 20 "$log"; done
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM
unset P2PMSG_HOME STATE_DIRECTORY NOTIFY_SOCKET P2PMSG_TOKEN

# A user of their own: nothing outside of $work is read or written.
HOME=$work/user
XDG_CONFIG_HOME=$HOME/.config
XDG_DATA_HOME=$HOME/.local/share
# What a user would not set: ports that nobody else has, and no neighbours.
export HOME XDG_CONFIG_HOME XDG_DATA_HOME P2PMSG_API=127.0.0.1:0 P2PMSG_LISTEN=/ip4/127.0.0.1/tcp/0 P2PMSG_MDNS=false
export P2PMSG_LOG_LEVEL=warn
PATH=$root/bin:$PATH
export PATH
mkdir -p "$XDG_CONFIG_HOME" "$XDG_DATA_HOME"
unit=$XDG_CONFIG_HOME/systemd/user/p2pmsgd.service

say() { printf '\n== %s\n' "$*"; }
# start NAME COMMAND…: in the background until it says that it is ready; its pid is in $started.
start() {
  log=$work/$1.log
  shift
  # Before the other process does it: the ready line of an earlier start must not be seen.
  : >"$log"
  "$@" >"$log" 2>&1 &
  started=$!
  daemons="$daemons $started"
  tries=0
  until grep -q '^ready ' "$log"; do
    tries=$((tries + 1))
    kill -0 "$started" && [ "$tries" -lt 600 ]
    sleep 0.1
  done
}
stop() {
  kill -TERM "$1"
  wait "$1"
}
# has TEXT: the input has it, and is shown.
has() {
  input=$(cat)
  printf '%s\n' "$input"
  case $input in *"$1"*) ;; *) echo "missing: $1"; return 1 ;; esac
}

say 'install as a service of the user'
p2pmsgd service install --user --dry-run >"$work/dry-run"
grep -E '^(would|ExecStart=|Type=|WatchdogSec=)' "$work/dry-run"
exec_start=$(sed -n 's/^ExecStart=//p' "$work/dry-run")
echo 'NOTE: no systemd user manager is used here: this was a dry run, and the ExecStart line is started by hand.'
# What the install would have written, so that the uninstall finds it.
mkdir -p "$(dirname "$unit")"
sed -n '/^# Written by/,/^WantedBy=/p' "$work/dry-run" >"$unit"
if command -v systemd-analyze >/dev/null; then
  XDG_RUNTIME_DIR=$work systemd-analyze verify --user --man=no "$unit" && echo 'systemd-analyze: the unit is good'
fi
start mine sh -c "exec $exec_start --name Alice"
mine=$started
p2pmsg status | has 'Alice'
p2pmsg doctor >"$work/doctor" || true
head -n 3 "$work/doctor"

say 'invite a friend, and the first message'
start friend p2pmsgd serve --home "$work/friend" --name Bob
friend=$started
from=$(date +%s)
link=$(p2pmsg invite --no-qr --note 'for Bob')
p2pmsg --home "$work/friend" add "$link"
p2pmsg --home "$work/friend" send Alice 'hello Alice' --wait 60
p2pmsg read Bob | has 'hello Alice'
p2pmsg send Bob 'hello Bob' --wait 60
echo "first messages after $(($(date +%s) - from)) s"

say 'a webhook'
# A receiver that writes down what it gets.
start receiver "$root/bin/node" -e '
  const { createServer } = require("node:http");
  const { appendFileSync } = require("node:fs");
  createServer((request, reply) => {
    request.on("data", bytes => appendFileSync(process.argv[1], bytes)).on("end", () => reply.writeHead(204).end());
  }).listen(0, "127.0.0.1", function () { console.log("ready " + this.address().port); });
' "$work/received"
port=$(sed -n 's/^ready //p' "$work/receiver.log")
p2pmsg webhook add "http://127.0.0.1:$port/" --types message.received --allow-private >/dev/null
p2pmsg --home "$work/friend" send Alice 'hello webhook' --wait 60
tries=0
until grep -q 'hello webhook' "$work/received" 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 600 ]
  sleep 0.1
done
echo 'the receiver got it'
p2pmsg webhook list
stop "$started" || true

say 'upgrade'
stop "$mine"
# What an earlier version left behind, opened by this one.
mkdir -m 700 "$work/earlier"
fixture=$root/daemon/store/fixtures/schema-1
cp "$fixture/identity.key" "$work/earlier/"
gzip -dc "$fixture/p2pmsg.db.gz" >"$work/earlier/p2pmsg.db"
start earlier p2pmsgd serve --home "$work/earlier"
p2pmsg --home "$work/earlier" read Bob | has 'hello from an earlier version'
ls "$work/earlier/backups" 2>/dev/null || echo 'the schema is the same: no copy was needed'
stop "$started"
# The own home once more, by the unit as an upgrade writes it.
p2pmsgd service install --user --dry-run | grep -F "ExecStart=$exec_start"
start mine sh -c "exec $exec_start"
mine=$started
p2pmsg read Bob | has 'hello Bob'

say 'uninstall'
p2pmsgd service uninstall --user --dry-run | has "would remove $unit"
echo 'NOTE: without a systemd user manager the daemon is stopped and the unit removed by hand.'
stop "$mine"
rm "$unit"
p2pmsgd identity export "$work/alice.json" </dev/null 2>/dev/null || echo 'identity export asks for a passphrase at a terminal'
[ -f "$XDG_DATA_HOME/p2pmsg/identity.key" ] && echo "the data stays in $(p2pmsgd paths | sed -n 's/^home  *//p')"
stop "$friend"
daemons=
say 'the journey is complete'
