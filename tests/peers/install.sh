#!/bin/sh
# Installs the real peers the tests talk to: the Python original with its Ink terminal UI, and the
# Python `websockets` client. Usage: install.sh [FOLDER]   (default: target/peers)
# Does nothing when the folder already holds this list. Downloading packages is its only network use.
set -eu

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
DIR=${1:-"$ROOT/target/peers"}
# The versions the protocol tables were observed with.
PACKAGES="hermes-agent[web,mcp,acp]==0.18.0 websockets==15.0.1"
# An install that stops half-way leaves no marker and is done again from scratch.
MARK="$DIR/.installed"

say() { echo "install: $*" >&2; }

need() { # need COMMAND: stop unless it is there
    command -v "$1" >/dev/null 2>&1 || { say "$1 is missing; install it and run this again"; exit 1; }
}

need python3
need node
# The Ink UI needs a WebSocket client inside node, which came with version 20.
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' \
    || { say "node 20 or later is needed"; exit 1; }
if ! command -v tmux >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq >/dev/null && apt-get install -y -qq tmux >/dev/null
    fi
    need tmux
fi

[ -f "$MARK" ] && [ "$(cat "$MARK")" = "$PACKAGES" ] && exit 0

say "installing into $DIR"
rm -rf "$DIR"
python3 -m venv "$DIR"
# Unset: a Python without its .pyc files starts slower than its users see, which would flatter us.
unset PYTHONDONTWRITEBYTECODE
# shellcheck disable=SC2086  # a list on purpose
"$DIR/bin/python" -m pip install --quiet --disable-pip-version-check $PACKAGES
"$DIR/bin/python" -m compileall -q "$DIR"/lib/python3.*/site-packages >/dev/null 2>&1 || true
printf '%s' "$PACKAGES" >"$MARK"
