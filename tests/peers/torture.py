#!/usr/bin/env python3
"""What must not happen: both cores burn, and clients are lost; one client stops reading, and others wait.

`burn`: sessions think as hard as they can on every core while ten clients hold connections and one calls
at a steady pace. `stall`: a client asks for a million tokens and does not read; the gateway's memory stays
bounded, others notice nothing, and when it reads again it is owed everything: the whole text and every
other message.
"""

import argparse
import json
import select
import socket
import sys
import time
import urllib.request

from gateway import FakeModel, Home, Server, Which, add_arguments, memory_kib
from pace import Paced, share
from wire import Client, Closed, Late, WebSocket, connect

HOLDERS = 10
CALL_RATE = 50
# Twice the cores: each burning session competes with the loop and with another one.
BURNERS = 4
ENDS_S = 10
SAMPLE_S = 0.1
# A client's own calls while it does not read; their answers may not be lost.
OWED_CALLS = 20
SMALL_BUFFER = 4096
LARGE_BUFFER = 4 << 20


class Failed(Exception):
    """A promise was not kept."""


def expect(condition, why):
    if not condition:
        raise Failed(why)


def tell(label, latencies, late):
    print(f"   {label}: {len(latencies)} calls, p50 {share(latencies, 0.5):.2f} ms, "
          f"p99 {share(latencies, 0.99):.2f} ms, max {latencies[-1]:.2f} ms "
          f"(the caller's own lateness: p99 {share(late, 0.99):.2f} ms)", flush=True)


def pump(clients, seconds):
    """Reads from every client for so long, which answers pings; what came is left in `waiting`."""
    end = time.monotonic() + seconds
    by_socket = {client.link.sock: client for client in clients}
    while (left := end - time.monotonic()) > 0:
        for sock in select.select(list(by_socket), [], [], left)[0]:
            client = by_socket[sock]
            client.link.fill(time.monotonic() + 1)
            client.waiting += [json.loads(raw) for raw in client.link.messages()]
            expect(client.link.close_code is None, f"a connection was closed with {client.link.close_code}")


def burn(which, server, options):
    holders = [connect(server) for _ in range(HOLDERS)]
    busy = connect(server)
    # The original has no agent that only burns; there, relaying a flood does it.
    text = f"BURN={int(options.seconds * 1000)}" if which.ours else "TOKENS=100000"
    sessions = [busy.result("session.create", cols=80)["session_id"] for _ in range(BURNERS)]
    paced = Paced(server.port, CALL_RATE, options.seconds)
    for session in sessions:
        busy.start("prompt.submit", session_id=session, text=text)
    paced.go()
    try:
        pump([*holders, busy], options.seconds)
        latencies, late = paced.result()
    finally:
        paced.end()
    tell("calls beside burning agents", latencies, late)
    for session in sessions:
        busy.start("session.interrupt", session_id=session)
    ended = {}
    give_up = time.monotonic() + ENDS_S
    while len(ended) < len(sessions):
        expect(time.monotonic() < give_up, f"{len(sessions) - len(ended)} turns did not end")
        message = busy.next(ENDS_S)
        params = message.get("params") or {}
        if params.get("type") == "message.complete":
            ended[params["session_id"]] = params["payload"]["status"]
    expect(set(ended) == set(sessions), f"other sessions ended: {ended}")
    for holder in holders:
        holder.result("session.active_list")
    pings = sum(holder.link.pings for holder in holders)
    print(f"   {HOLDERS} connections held, {pings} pings answered, turns ended {sorted(set(ended.values()))}")
    return latencies


def stall(which, server, options):
    slow = Client(WebSocket(server.port, receive_buffer=SMALL_BUFFER), options.deadline)
    slow.event("gateway.ready")
    session = slow.result("session.create", cols=80)["session_id"]
    slow.turn(session, "TOKENS=2")
    slow.event("session.info", session)
    slow.waiting.clear()
    paced = Paced(server.port, CALL_RATE, options.seconds)
    base = peak = memory_kib(server.pid)[0]
    submit = slow.start("prompt.submit", session_id=session, text=f"TOKENS={options.tokens}")
    paced.go()
    owed = [submit]
    try:
        while not paced.done():
            if len(owed) <= OWED_CALLS:
                owed.append(slow.start("session.active_list"))
            peak = max(peak, memory_kib(server.pid)[0])
            time.sleep(SAMPLE_S)
        latencies, late = paced.result()
    finally:
        paced.end()
    tell("calls beside a client that does not read", latencies, late)
    slow.link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LARGE_BUFFER)
    seen, text, done = read_up(slow, session, owed, options.deadline)
    peak = max(peak, memory_kib(server.pid)[0])
    print(f"   RSS {base / 1024:.1f} MiB before, {peak / 1024:.1f} MiB at most; "
          f"{seen.count('message.delta')} deltas, {len(text):,} characters")
    expect(done["status"] == "complete", f"ended as {done['status']}")
    expect(text.strip() == done["text"].strip(), f"{len(text)} characters of {len(done['text'])} arrived")
    expect(len(text) >= options.tokens, f"only {len(text)} characters for {options.tokens} tokens")
    replies = [name for name in seen if name in owed]
    expect(sorted(replies) == sorted(owed), "a reply came twice")
    expect([name for name in replies if name != submit] == owed[1:], "replies came in another order")
    for kind in ("message.start", "message.complete"):
        expect(seen.count(kind) == 1, f"{kind} came {seen.count(kind)} times")
    if which.ours:
        expect((peak - base) / 1024 <= options.growth, f"grew by {(peak - base) / 1024:.0f} MiB")
    slow.result("session.active_list")
    return latencies


def read_up(client, session, owed, deadline_s):
    """Until the turn has ended with its session.info and every owed reply is there, in whatever order:
    (names of all messages, text, payload of the end)."""
    seen, parts, done, missing = [], [], None, set(owed)
    end = time.monotonic() + deadline_s
    while missing or done is None or "session.info" not in seen[seen.index("message.complete"):]:
        try:
            message = client.next(max(0.001, end - time.monotonic()))
        except Late:
            raise Failed(f"{len(missing)} replies and {'no' if done else 'the'} end of the turn were lost") from None
        params = message.get("params")
        if params is None:
            seen.append(message.get("id"))
            missing.discard(message.get("id"))
            continue
        expect(params.get("session_id") == session, f"another session's event: {str(params)[:200]}")
        seen.append(params["type"])
        if params["type"] == "message.delta":
            expect(done is None, "text came after message.complete")
            parts.append(params["payload"]["text"])
        elif params["type"] == "message.complete":
            done = params["payload"]
    return seen, "".join(parts), done


def status(port):
    """What our server says of itself: how late it woke and how long its own turns took."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status", timeout=10) as answer:
        return json.load(answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--parts", default="burn,stall")
    parser.add_argument("--seconds", type=float, default=30, help="how long each part presses")
    parser.add_argument("--tokens", type=int, default=1_000_000, help="asked for by the client that does not read")
    # Some 40 of it SQLite needs for a moment, to store and index an answer of five megabytes.
    parser.add_argument("--growth", type=float, default=128, metavar="MIB", help="what our RSS may grow by")
    parser.add_argument("--p99", type=float, metavar="MS", help="fail if calls take longer at the 99th percentile")
    parser.add_argument("--deadline", type=float, default=120, metavar="SECONDS", help="for catching up")
    options = parser.parse_args()
    # A ping a second, so that half a minute of burning has something to miss.
    which = Which(options.binary, options.peer_python, agent_demo=bool(options.binary),
                  model_binary=options.model_binary,
                  extra=["--ping-interval", "1", "--ping-timeout", "60"] if options.binary else [])
    good = True
    for name, part in (("burn", burn), ("stall", stall)):
        if name not in options.parts.split(","):
            continue
        with Home() as apart, FakeModel(apart, which.model_binary) as model, \
                Home(None if which.ours else model.port) as home, Server(which, home) as server:
            try:
                latencies = part(which, server, options)
                expect(options.p99 is None or share(latencies, 0.99) <= options.p99,
                       f"p99 {share(latencies, 0.99):.1f} ms")
                expect(server.alive(), "the gateway ended")
                print(f"ok {which.name} torture {name}", flush=True)
            except (Failed, Closed, Late, AssertionError, RuntimeError) as why:
                good = False
                print(f"FAIL {which.name} torture {name}: {type(why).__name__}: {why}", flush=True)
            if which.ours:
                print(f"   loop, in us: {status(server.port)['loop']}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
