#!/usr/bin/env python3
"""Measures a release binary beside the Python original, in one run, turn and turn about.

    measure.py --binary target/release/tui-gateway --peer-python target/peers [--small SMALLER_BINARY]

Prints a table (median, with minimum and maximum) and, with --json FILE, writes every sample.

What is measured, per round and gateway:
  start     fork+exec until the first byte of the line with gateway.ready was read, over stdio
  memory    the process tree after one session and one turn of 50 tokens, over stdio
  first     submit over WebSocket: our first message.delta arrived, less the model server's own first
            byte (both on CLOCK_MONOTONIC): what the gateway adds
  flood     20,000 tokens, as fast as the model server can send, to one WebSocket client that reads on:
            CPU of the gateway's process tree, tokens a second from the model's first byte to
            message.complete, and the number of text messages
  call      terminal.resize on another connection, 200 a second, for those calls that were due while such
            a flood ran. Open loop: a call's time runs from when it was due, so calls queued behind a
            stall count in full
  steady    the same calls while one session streams at a fixed rate that both gateways can follow
  idle      memory of the waiting gateway and the size of the binary, for one or two builds

The clients are raw sockets; flood reader and caller are processes of their own, the caller (pace.py)
without garbage collection and, where allowed, at a higher priority, so that its lateness is not the
gateway's. `late` in the table is what remains of it.
"""

import argparse
import gc
import json
import os
import statistics
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "peers"))
from gateway import FakeModel, Home, Server, Which, cpu_seconds, memory_kib  # noqa: E402
from pace import Child, Paced, share  # noqa: E402
from wire import Client, Stdio, WebSocket, connect  # noqa: E402

TOKENS = 20_000
SUBMITS = 8             # a round; five rounds give 40
STARTS = 3              # a round
FLOODS_MAX = 8          # a round, for a gateway that needs less than FLOODS_S for one
FLOODS_S = 1.5
CALL_RATE = 200
CALL_S = 4.0
SIZE = 4                # bytes a token
STEADY_RATE = 4_000     # tokens a second: above half of what the original relays at best
# The agent of the original starts its helper process beside the first turn.
SETTLE_S = 1.0
TURN_DEADLINE_S = 120


class Samples:
    """Values by (metric, gateway)."""

    def __init__(self):
        self.values = {}

    def add(self, metric, who, value):
        self.values.setdefault(metric, {}).setdefault(who, []).append(value)


def start_over_stdio(which, home, samples):
    began = time.monotonic_ns()
    with Stdio(which, home) as gateway:
        line = b""
        while b"gateway.ready" not in line:
            data = os.read(gateway.child.stdout.fileno(), 65536)
            if not data:
                raise SystemExit(f"{which.name} ended at once: {gateway.stderr()}")
            line += data
        samples.add("start: spawn to gateway.ready, stdio (ms)", which.name, (time.monotonic_ns() - began) / 1e6)


def memory_over_stdio(which, home, samples):
    with Stdio(which, home) as gateway:
        client = Client(gateway, TURN_DEADLINE_S)
        client.event("gateway.ready")
        session = client.result("session.create", cols=80)["session_id"]
        text, done, _ = client.turn(session, "TOKENS=50")
        check_text(text, done)
        client.event("session.info", session)
        time.sleep(SETTLE_S)
        rss, pss = memory_kib(gateway.pid)
        samples.add("memory: RSS after one turn, stdio (MiB)", which.name, rss / 1024)
        samples.add("memory: PSS after one turn, stdio (MiB)", which.name, pss / 1024)


def check_text(joined, done):
    if done["status"] != "complete" or joined.strip() != done["text"].strip() or not joined:
        raise SystemExit(f"a turn went wrong: {done['status']}, {len(joined)} and {len(done['text'] or '')} characters")


def model_record(model, request_id):
    """What the model server noted about a request."""
    with urllib.request.urlopen(f"http://127.0.0.1:{model.port}/stats?id={request_id}") as page:
        rows = json.load(page)["requests"]
    return next(row for row in reversed(rows) if row["id"] == request_id and row["stream"])


def first_delta(client, session, model, number, who, samples):
    """One short turn; what the gateway added to the model's first byte."""
    name = f"f{os.getpid()}-{time.monotonic_ns()}-{number}"
    sent = time.monotonic_ns()
    call = client.start("prompt.submit", session_id=session, text=f"TOKENS=5 ID={name}")
    arrived = None
    end = time.monotonic() + TURN_DEADLINE_S
    complete = info = replied = False
    while not (complete and info and replied):
        for raw in client.link.receive(end):
            now = time.monotonic_ns()
            if arrived is None and b'"message.delta"' in raw[:120]:
                arrived = now
            complete |= b'"message.complete"' in raw[:120]
            info |= complete and b'"session.info"' in raw[:120]
            replied |= raw.startswith(b'{') and f'"{call}"'.encode() in raw[:80]
    row = model_record(model, name)
    samples.add("first: message.delta after the model's first byte (ms)", who, (arrived - row["first_byte_ns"]) / 1e6)
    samples.add("first: message.delta after submit (ms)", who, (arrived - sent) / 1e6)


def flood_reader(port, pipe):
    """A process: on each (name) from the pipe one session, one flood, and what was seen of it."""
    link = WebSocket(port)
    client = Client(link, TURN_DEADLINE_S)
    client.event("gateway.ready")
    old = None
    while True:
        name = pipe.recv()
        if old:
            client.result("session.close", session_id=old)
        session = client.result("session.create", cols=80)["session_id"]
        # A small turn first: the original builds its agent at leisure, and that is not what is measured.
        client.turn(session, "TOKENS=2")
        client.event("session.info", session)
        client.waiting.clear()
        gc.collect()
        pipe.send("prepared")
        pipe.recv()
        pipe.send(read_flood(client, session, name))
        old = session


def read_flood(client, session, name):
    began = time.monotonic_ns()
    client.start("prompt.submit", session_id=session, text=f"TOKENS={TOKENS} SIZE={SIZE} ID={name}")
    end = time.monotonic() + TURN_DEADLINE_S
    kept = []
    while True:
        raws = client.link.receive(end)
        kept += raws
        # The last is enough to look at: nothing but session.info follows the end of a turn.
        if any(b'"message.complete"' in raw[:120] for raw in raws[-4:]):
            ended = time.monotonic_ns()
            break
    deltas, done, size = [], None, 0
    for raw in kept:
        size += len(raw)
        params = json.loads(raw).get("params", {})
        if params.get("type") == "message.delta":
            deltas.append(params["payload"]["text"])
        elif params.get("type") == "message.complete":
            done = params["payload"]
    text = "".join(deltas)
    good = done["status"] == "complete" and text.strip() == done["text"].strip() and text.count(" ") >= TOKENS - 1
    return {"began_ns": began, "ended_ns": ended, "frames": len(deltas), "bytes": size, "good": good}


def flood_once(child, server, model, name):
    """One flood: (record of the reader, record of the model, CPU seconds of the gateway)."""
    child.pipe.send(name)
    child.expect()
    before = cpu_seconds(server.pid)
    child.pipe.send("go")
    seen = child.expect()
    used = cpu_seconds(server.pid) - before
    if not seen["good"]:
        raise SystemExit("a flood arrived incomplete")
    return seen, model_record(model, name), used


def floods(server, model, who, samples):
    child = Child(flood_reader, server.port)
    try:
        began = time.monotonic()
        for number in range(FLOODS_MAX):
            seen, row, cpu = flood_once(child, server, model, f"c{number}-{time.monotonic_ns()}")
            samples.add("flood: gateway CPU a token (us)", who, cpu / TOKENS * 1e6)
            samples.add("flood: tokens a second", who, TOKENS / ((seen["ended_ns"] - row["first_byte_ns"]) / 1e9))
            samples.add("flood: delta messages", who, seen["frames"])
            samples.add("flood: bytes a token", who, seen["bytes"] / TOKENS)
            if time.monotonic() - began > FLOODS_S:
                break
    finally:
        child.end()


def calls_during_floods(server, model, who, samples):
    flooder, paced = Child(flood_reader, server.port), Paced(server.port, CALL_RATE, CALL_S)
    count, running, times = 0, False, []
    try:
        while not paced.done():
            flooder.pipe.send(f"e{count}")
            flooder.expect()
            flooder.pipe.send("go")
            if not running:
                paced.go()
                running = True
            count += 1
            seen = flooder.expect()
            if not seen["good"]:
                raise SystemExit("a flood arrived incomplete")
            times.append((seen["began_ns"], seen["ended_ns"]))
        # Between two floods of a fast gateway there is a pause, in which a call would prove nothing.
        latencies, late = paced.result(during=times)
    finally:
        paced.end()
        flooder.end()
    for label, part in (("p50", 0.5), ("p99", 0.99), ("worst", 1)):
        samples.add(f"call: {label} during floods (ms)", who, share(latencies, part))
    samples.add("call: late, p99 of the caller's own (ms)", who, share(late, 0.99))
    samples.add("call: calls due during floods", who, len(latencies))


def calls_during_steady_stream(server, who, samples):
    streamer, paced = connect(server), Paced(server.port, CALL_RATE, CALL_S)
    session = streamer.result("session.create", cols=80)["session_id"]
    count = int(STEADY_RATE * (CALL_S + 1))
    try:
        streamer.start("prompt.submit", session_id=session, text=f"TOKENS={count} SIZE={SIZE} RATE={STEADY_RATE}")
        streamer.event("message.delta", session)
        paced.go()
        end = time.monotonic() + TURN_DEADLINE_S
        while streamer.next(max(0.001, end - time.monotonic())).get("params", {}).get("type") != "message.complete":
            pass
        latencies, _ = paced.result()
    finally:
        paced.end()
    for label, part in (("p50", 0.5), ("p99", 0.99), ("worst", 1)):
        samples.add(f"steady: {label} of calls beside {STEADY_RATE:,} tokens a second (ms)", who, share(latencies, part))


def idle(label, which, samples):
    """Memory of a gateway that waits, on both transports, without a model."""
    with Home() as home:
        with Stdio(which, home) as gateway:
            Client(gateway).event("gateway.ready")
            time.sleep(SETTLE_S)
            rss, pss = memory_kib(gateway.pid)
            samples.add("idle: RSS, stdio (MiB)", label, rss / 1024)
            samples.add("idle: PSS, stdio (MiB)", label, pss / 1024)
        with Server(which, home) as server:
            connect(server)
            time.sleep(SETTLE_S)
            samples.add("idle: RSS, WebSocket, one client (MiB)", label, memory_kib(server.pid)[0] / 1024)
    if which.ours:
        samples.add("binary (MiB)", label, Path(which.binary).stat().st_size / 2**20)


def one_round(which, model, parts, samples):
    """Everything once, for one gateway."""
    with Home(model.port) as home:
        if "start" in parts:
            for _ in range(STARTS):
                start_over_stdio(which, home, samples)
        if "memory" in parts:
            memory_over_stdio(which, home, samples)
        if not parts & {"first", "flood", "call", "steady"}:
            return
        with Server(which, home) as server:
            if "first" in parts:
                client = connect(server)
                client.deadline_s = TURN_DEADLINE_S
                session = client.result("session.create", cols=80)["session_id"]
                client.turn(session, "TOKENS=5")
                client.event("session.info", session)
                client.waiting.clear()
                for number in range(SUBMITS):
                    first_delta(client, session, model, number, which.name, samples)
                client.link.close()
            if "flood" in parts:
                floods(server, model, which.name, samples)
            if "call" in parts:
                calls_during_floods(server, model, which.name, samples)
            if "steady" in parts:
                calls_during_steady_stream(server, which.name, samples)


def cell(values):
    if not values:
        return "-"
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{number(middle)} ({number(low)} to {number(high)}, n={len(values)})"


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def table(samples, columns):
    lines = ["| metric | " + " | ".join(columns) + " | python / ours |", "| --- |" + " --- |" * (len(columns) + 1)]
    for metric, by_who in samples.values.items():
        pair = [statistics.median(by_who.get(who) or [0]) for who in ("python", "ours")]
        ratio = f"{pair[0] / pair[1]:.3g}" if all(pair) else "-"
        lines.append(f"| {metric} | " + " | ".join(cell(by_who.get(who)) for who in columns) + f" | {ratio} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", help="the release build")
    parser.add_argument("--small", help="a second build: idle memory and size only")
    parser.add_argument("--peer-python", metavar="VENV", help="where the original is installed")
    parser.add_argument("--model-binary", metavar="PATH",
                        help="a build of ours that serves the model (default: --binary, else the release build)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--parts", default="start,memory,first,flood,call,steady,idle")
    parser.add_argument("--json", metavar="FILE", help="write every sample there")
    options = parser.parse_args()
    gateways = []
    if options.binary:
        gateways.append(Which(binary=options.binary, model_binary=options.model_binary))
    if options.peer_python:
        gateways.append(Which(venv=options.peer_python, model_binary=options.model_binary))
    if not gateways:
        parser.error("give --binary, --peer-python, or both")
    parts, samples, began = set(options.parts.split(",")), Samples(), time.monotonic()
    with Home() as apart, FakeModel(apart, gateways[0].model_binary) as model:
        for turn in range(options.rounds):
            for which in gateways:
                one_round(which, model, parts, samples)
                if "idle" in parts:
                    idle(which.name, which, samples)
            if options.small and "idle" in parts:
                idle("small", Which(binary=options.small), samples)
            print(f"round {turn + 1} of {options.rounds}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    columns = [which.name for which in gateways] + (["small"] if options.small else [])
    load = " ".join(Path("/proc/loadavg").read_text().split()[:3])
    print(f"{os.cpu_count()} cores shared, load {load} at the end, {time.monotonic() - began:.0f} s, "
          f"cells: median (min to max, n); medians only in the ratio\n")
    print(table(samples, columns))
    if options.json:
        Path(options.json).write_text(json.dumps({"load": load, "samples": samples.values}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
