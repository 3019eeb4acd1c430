"""Many clients with a stream each, for a long time: every text is whole, nobody is lost, memory stays flat.

Each client opens a session, has a text said to it at a steady rate, compares it, closes the session and begins
again. So what a gateway keeps of a conversation goes with it, and memory that grows is memory that leaks.
"""

import json
import re
import time

from gateway import cpu_seconds, memory_kib

RATE = 30
# Seconds of one text.
TURN_S = 10
TOKENS = RATE * TURN_S
# Memory is looked at so often; the first looks, while everything begins, do not count.
LOOK_S = 2
WARM_S = 15
# What may be added after that: allocators settle.
GROWTH = 0.10
# How much longer than its tokens take a text may take.
LATE = 1.5
DELTA = b'"type":"message.delta"'
TEXT = re.compile(rb'"text":"((?:[^"\\\\]|\\\\.)*)"')


class Script:
    """One client's part."""

    def __init__(self, client):
        self.client = client
        self.session = None
        self.create = None
        self.parts = []
        self.turns = 0
        self.frames = 0
        self.calls = 0

    def call(self, method, **params):
        self.calls += 1
        self.client.send(json.dumps({"jsonrpc": "2.0", "id": self.calls, "method": method, "params": params}))
        return self.calls

    def begin(self):
        self.session, self.parts = None, []
        self.create = self.call("session.create", cols=80)

    def hear(self, message):
        """One message; pieces of text, which are nearly all, are not parsed."""
        if DELTA in message:
            self.frames += 1
            self.parts.append(TEXT.search(message).group(1))
            return
        said = json.loads(message)
        if "error" in said:
            raise RuntimeError(f"a call failed: {said['error']}")
        params = said.get("params") or {}
        if said.get("id") == self.create:
            self.session = said["result"]["session_id"]
            self.call("prompt.submit", session_id=self.session, text=f"RATE={RATE} TOKENS={TOKENS}")
        elif params.get("type") == "message.complete":
            self.complete(params["payload"])

    def complete(self, payload):
        text = json.loads(b'"' + b"".join(self.parts) + b'"')
        if payload["status"] != "complete" or text.strip() != payload["text"].strip() or len(text) < TOKENS:
            raise RuntimeError(f"a text is not whole: {len(text)} of {len(payload['text'])}, {payload['status']}")
        self.turns += 1
        self.call("session.close", session_id=self.session)
        self.begin()


def run(server, crowd, count, seconds, slack):
    """Raises RuntimeError when a promise is broken."""
    scripts = {}
    started = time.monotonic()
    for number, client in enumerate(crowd.join(server.port, count)):
        scripts[client] = Script(client)
        # Not all at the same moment: a second's worth of clients every second.
        at = started + TURN_S * number / count
        crowd.pump(max(0.001, at - time.monotonic()), lambda who, found: hear(scripts, who, found))
        scripts[client].begin()
    looks, used, began = [], cpu_seconds(server.pid), time.monotonic()
    while time.monotonic() < began + seconds:
        crowd.pump(LOOK_S, lambda who, found: hear(scripts, who, found))
        looks.append((time.monotonic() - began, memory_kib(server.pid)[0] / 1024))
        crowd.expect_nobody_lost()
    took = time.monotonic() - began
    report(scripts.values(), looks, took, (cpu_seconds(server.pid) - used) / took, slack)


def hear(scripts, client, messages):
    script = scripts[client]
    for message in messages:
        script.hear(message)


def report(scripts, looks, took, used, slack):
    turns, frames = sum(script.turns for script in scripts), sum(script.frames for script in scripts)
    settled = [rss for at, rss in looks if at >= min(WARM_S, took / 3)]
    third = max(1, len(settled) // 3)
    early, late = max(settled[:third]), max(settled[-third:])
    print(f"   {len(scripts)} streams of {RATE} a second for {took:.0f} s: {turns} whole texts, {frames} deltas, "
          f"{used:.1%} of a core; RSS at most {early:.1f} MiB early, {late:.1f} MiB late", flush=True)
    behind = [script for script in scripts if script.turns < int(took / (TURN_S * LATE * slack))]
    if behind:
        raise RuntimeError(f"{len(behind)} clients had fewer texts than they should have")
    if late > early * (1 + GROWTH) + 1:
        raise RuntimeError(f"memory grew from {early:.1f} MiB to {late:.1f} MiB")
