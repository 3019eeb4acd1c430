#!/bin/sh
# Runs every test with real peers against a gateway and prints one line a part.
#   run.sh [BINARY]                default: target/release/tui-gateway
# PEERS: where the peers are or go (default target/peers). IDLE: seconds the UI is watched doing nothing
# (default 20; the full check takes 300). ORIGINAL=1: test the Python original instead, as a check of the
# tests themselves: its known defects then show as FAIL.
set -u

HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
BINARY=${1:-"$ROOT/target/release/tui-gateway"}
PEERS=${PEERS:-"$ROOT/target/peers"}
IDLE=${IDLE:-20}
LOGS=$(mktemp -d)
trap 'rm -rf "$LOGS"' EXIT

"$HERE/install.sh" "$PEERS" || exit 1
PYTHON="$PEERS/bin/python"
[ -x "$BINARY" ] || { echo "run: nothing to run at $BINARY; build it or name it" >&2; exit 1; }
if [ -n "${ORIGINAL:-}" ]; then
    LIMIT=600
    # The model it talks to is ours.
    set -- --peer-python "$PEERS" --model-binary "$BINARY"
else
    LIMIT=120
    set -- --binary "$BINARY"
fi

# -B below: no compiled files beside the sources.
# part NAME SECONDS COMMAND...: runs it within a time limit, shows its output only if it failed.
part() {
    name=$1 limit=$2
    shift 2
    began=$(date +%s)
    if timeout --kill-after=10 "$limit" "$@" >"$LOGS/$name" 2>&1; then
        verdict=ok
    else
        verdict=FAIL
        : >"$LOGS/failed"
        cat "$LOGS/$name"
    fi
    steps=$(grep -c '^ok ' "$LOGS/$name")
    echo "peers: $verdict $name ($steps steps ok, $(($(date +%s) - began)) s)"
}

# Screens that are watched, and what is only asked, do not disturb each other: most of it waits.
screens() {
    part ink $((120 + 2 * IDLE)) "$PYTHON" -B "$HERE/ink.py" --ui "$PEERS" --idle "$IDLE" "$@"
    [ -z "${ORIGINAL:-}" ] || return 0
    part work 120 "$PYTHON" -B "$HERE/ink_work.py" --ui "$PEERS" "$@"
    part sessions 180 "$PYTHON" -B "$HERE/ink_sessions.py" --ui "$PEERS" "$@"
    part commands 260 "$PYTHON" -B "$HERE/ink_commands.py" --quick --ui "$PEERS" "$@"
    part ink-acp 120 "$PYTHON" -B "$HERE/ink_acp.py" --peer-python "$PEERS" "$@"
    part front-ink 120 "$PYTHON" -B "$HERE/front_ink.py" --quick --peer-python "$PEERS" "$@"
}

questions() {
    part clients 120 "$PYTHON" -B "$HERE/clients.py" "$@"
    part access 120 "$PYTHON" -B "$HERE/access.py" "$@"
    # The original dies so often here that it needs minutes to come back.
    part mistyped "$LIMIT" "$PYTHON" -B "$HERE/mistyped.py" "$@"
    [ -z "${ORIGINAL:-}" ] || return 0
    part sidecar 180 "$PYTHON" -B "$HERE/sidecar.py" --dashboard "$PEERS" --rounds 2 "$@"
    part mcp 180 "$PYTHON" -B "$HERE/mcp.py" --cache "$PEERS/../peers-mcp" "$@"
    part acp 120 "$PYTHON" -B "$HERE/acp.py" "$@"
    part store 240 "$PYTHON" -B "$HERE/store.py" --quick "$@"
    part config 60 "$PYTHON" -B "$HERE/config.py" --rounds 60 "$@"
    part conformance 240 "$PYTHON" -B "$HERE/conformance.py" --peer-python "$PEERS" "$@"
    part complete 120 "$PYTHON" -B "$HERE/complete.py" --quick --peer-python "$PEERS" "$@"
    part references 120 "$PYTHON" -B "$HERE/references.py" --binary "$BINARY"
    part projects 240 "$PYTHON" -B "$HERE/projects.py" --quick "$@"
    part crash 180 "$PYTHON" -B "$HERE/crash.py" --quick "$@"
    part front-crash 90 "$PYTHON" -B "$HERE/front_crash.py" --quick "$@"
    part front-conformance 120 "$PYTHON" -B "$HERE/conformance.py" --front --peer-python "$PEERS" \
        --only session.history --only session.active_list --only approval.respond --only clarify.respond "$@"
}

# What burns, or looks at the clock, has the machine for itself. What is counted is exact; times are allowed many
# times what they are on a quiet machine.
alone() {
    # Both cores burning, and a client that does not read: our own, bounded to a few seconds each.
    part torture 180 "$PYTHON" -B "$HERE/torture.py" --seconds 8 "$@"
    # The original behind our front. What `hermes serve` makes of the same is reported by a full front.py.
    part front 120 "$PYTHON" -B "$HERE/front.py" --quick --sides front --slack 5 --peer-python "$PEERS" "$@"
    part front-cost 60 "$PYTHON" -B "$HERE/front_cost.py" --quick --slack 20 "$@"
    part limits 300 "$PYTHON" -B "$HERE/limits.py" --quick --slack 50 "$@"
    part many 300 "$PYTHON" -B "$HERE/many.py" --quick --slack 50 --cache "$PEERS/../peers-many" "$@"
}

screens "$@" &
SCREENS=$!
questions "$@"
wait "$SCREENS" || : >"$LOGS/failed"
[ -n "${ORIGINAL:-}" ] || alone "$@"
[ ! -e "$LOGS/failed" ]
