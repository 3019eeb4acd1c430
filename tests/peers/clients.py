#!/usr/bin/env python3
"""Real WebSocket clients converse with the gateway: the Python `websockets` package here, and node's own
in `client.mjs`. Needs an interpreter that has `websockets` (install.sh makes one).
"""

import argparse
import functools
import itertools
import json
import subprocess
import sys
import threading
import time

from websockets.sync.client import connect

from gateway import HERE, FakeModel, Home, Server, Which, add_arguments

DEADLINE_S = 30
# How soon an interrupt must end the turn.
AT_ONCE_S = 3
NODE_DEADLINE_S = 60


class Talk:
    """JSON-RPC on a `websockets` connection."""

    def __init__(self, url, **options):
        # The default limit is 1 MiB; a long answer arrives as one message.complete.
        self.ws = connect(url, max_size=None, open_timeout=DEADLINE_S, proxy=None, **options)
        self.ids = itertools.count(1)
        self.kept = []
        first = self.next()
        expect(first["params"]["type"] == "gateway.ready", f"the first message is {first}")
        expect(first["params"]["payload"]["skin"]["colors"], "a skin without colours")

    def next(self, deadline_s=DEADLINE_S):
        return self.kept.pop(0) if self.kept else json.loads(self.ws.recv(deadline_s))

    def call(self, method, **params):
        """The result; what else came meanwhile is kept in order."""
        call = f"p{next(self.ids)}"
        self.ws.send(json.dumps({"jsonrpc": "2.0", "id": call, "method": method, "params": params}))
        kept = []
        while True:
            message = self.next()
            if message.get("id") == call:
                self.kept = kept + self.kept
                expect("result" in message, f"{method}: {message}")
                return message["result"]
            kept.append(message)

    def until(self, kind, session):
        """All events of the session up to the first of type `kind`, as (type, payload)."""
        seen, end = [], time.monotonic() + DEADLINE_S
        while not seen or seen[-1][0] != kind:
            expect(time.monotonic() < end, f"no {kind}; seen {[k for k, _ in seen][-9:]}")
            params = self.next()["params"]
            if params.get("session_id") == session:
                expect(params["type"] != "error", f"error event: {params}")
                seen.append((params["type"], params.get("payload") or {}))
        return seen


def expect(condition, why):
    if not condition:
        raise AssertionError(why)


def joined(seen):
    return "".join(payload["text"] for kind, payload in seen if kind == "message.delta")


def one_turn(talk, session, text):
    """A prompt from submit to session.info; the answer's text."""
    expect(talk.call("prompt.submit", session_id=session, text=text)["status"] == "streaming", "not streaming")
    seen = talk.until("message.complete", session)
    kinds = [kind for kind, _ in seen]
    expect(kinds.count("message.start") == 1, f"message.start {kinds.count('message.start')} times")
    expect(kinds.index("message.start") < kinds.index("message.delta"), "a delta before message.start")
    done = seen[-1][1]
    expect(done["status"] == "complete", f"ended as {done['status']}")
    expect(joined(seen).strip() == done["text"].strip(), f"deltas {joined(seen)!r} but text {done['text']!r}")
    expect(done["usage"].get("total", 0) >= 0, "no usage")
    talk.until("session.info", session)
    return done["text"]


def conversation(url):
    with (talk := Talk(url)).ws:
        session = talk.call("session.create", cols=80)["session_id"]
        expect(one_turn(talk, session, "SAY:one two three").strip() == "one two three", "another answer")
        expect(len(one_turn(talk, session, "TOKENS=2000")) > 2000, "a short answer")
        history = talk.call("session.history", session_id=session)["messages"]
        expect([m["role"] for m in history] == ["user", "assistant"] * 2, f"history {history}")


def interrupt(url):
    with (talk := Talk(url)).ws:
        session = talk.call("session.create", cols=80)["session_id"]
        talk.call("prompt.submit", session_id=session, text="TOKENS=5000 RATE=50")
        talk.until("message.delta", session)
        began = time.monotonic()
        expect(talk.call("session.interrupt", session_id=session)["status"] == "interrupted", "not interrupted")
        done = talk.until("message.complete", session)[-1][1]
        expect(done["status"] == "interrupted", f"ended as {done['status']}")
        expect(time.monotonic() - began < AT_ONCE_S, f"took {time.monotonic() - began:.1f} s")


def two_clients(url):
    """Two clients stream at once: each gets its own session's events and no other's."""
    failures = []

    def client(name):
        try:
            with (talk := Talk(url)).ws:
                session = talk.call("session.create", cols=80)["session_id"]
                for turn in range(3):
                    said = f"{name} number {turn}"
                    expect(one_turn(talk, session, f"SAY:{said}").strip() == said, "another client's answer")
                strange = {m["params"]["session_id"] for m in talk.kept if m["params"].get("session_id")} - {session}
                expect(not strange, f"events of {strange}")
        except Exception as why:  # Told by the thread that joins.
            failures.append(f"{name}: {why!r}")

    threads = [threading.Thread(target=client, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * DEADLINE_S)
    expect(not failures, "; ".join(failures))


def pings(url):
    """A keep-alive far stricter than anybody's, during a turn and after it."""
    with (talk := Talk(url, ping_interval=0.1, ping_timeout=2)).ws:
        expect(talk.ws.ping(b"\x00payload").wait(DEADLINE_S), "no pong")
        session = talk.call("session.create", cols=80)["session_id"]
        one_turn(talk, session, "TOKENS=100 RATE=100")
        expect(talk.ws.latency > 0, "no pong was counted")
        expect("sessions" in talk.call("session.active_list"), "no sessions")


def compression(url):
    """Offering permessage-deflate and being declined must both work, and not offering it."""
    for offer in ("deflate", None):
        with (talk := Talk(url, compression=offer)).ws:
            session = talk.call("session.create", cols=80)["session_id"]
            expect(one_turn(talk, session, "SAY:squeezed").strip() == "squeezed", "another answer")
            agreed = talk.ws.response.headers.get("Sec-WebSocket-Extensions")
            expect(offer or not agreed, f"{agreed} was not offered")


def closing(url):
    """The server answers a close with a close."""
    talk = Talk(url)
    talk.ws.close(1000, "bye")
    expect(talk.ws.close_code == 1000, f"closed with {talk.ws.close_code}")


def node(url, clean_close):
    done = subprocess.run(["node", "--experimental-websocket", str(HERE / "client.mjs"), url],
                          capture_output=True, text=True, timeout=NODE_DEADLINE_S)
    expect(done.returncode == 0, done.stdout + done.stderr)
    expect("close 1000" in done.stdout or not clean_close, done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    options = parser.parse_args()
    which = Which(options.binary, options.peer_python, model_binary=options.model_binary)
    good = True
    with Home() as apart, FakeModel(apart, which.model_binary) as model, \
            Home(None if which.ours else model.port) as home, Server(which, home) as server:
        steps = [conversation, interrupt, two_clients, pings, compression, closing]
        steps.append(functools.partial(node, clean_close=which.ours))
        for step in steps:
            name = getattr(step, "__name__", "node")
            began = time.monotonic()
            try:
                step(server.url)
                print(f"ok {which.name} {name} ({time.monotonic() - began:.1f} s)", flush=True)
            except Exception as why:  # Whatever it is, it is this step's failure, and the next one still counts.
                good = False
                print(f"FAIL {which.name} {name}: {type(why).__name__}: {why}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
