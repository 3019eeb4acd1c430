#!/usr/bin/env python3
"""What a front costs: time of a call, processor time of a token, memory, and how many frames a stream becomes.

    front_cost.py --binary PATH [--peer-python VENV] [--parts calls,stream,memory] [--quick] [--slack F]

calls    the same calls to a host on pipes and to one behind a front, by turns; another of us is the host, so that
         its own time hides nothing, and with --peer-python the original as well
stream   a scripted host writes 200,000 deltas as fast as they are taken, then 2,000 and 100 a second
memory   of the front alone: with nobody, with 8 sessions, and with 8 that have streamed

Figures mean something on a quiet machine only: --slack multiplies what is allowed of them.
"""

import argparse
import hashlib
import json
import sys
import time

from front_lib import (HOST_S, cpu_of, event_of, expect, front, memory_of, own_host, parsed, python_host,
                       scripted_host)
from gateway import FakeModel, Server, Which, add_arguments
from pace import share
from store_lib import Place, run_steps, shown
from wire import Client, Stdio, connect

RUNS = {False: 5, True: 3}
CALLS = {False: 2_000, True: 300}
FLOOD = {False: 200_000, True: 50_000}
PACED_S = {False: 10, True: 3}
RATES = (2_000, 100)
SESSIONS = 8
TURN_S = 120
# What is promised: at so many tokens a second a client gets a fifth of the frames at most.
MERGED_AT, MERGED = 2_000, 1 / 5
# What a call may take longer through the front at the median, in milliseconds. Two more processes have to wake up.
CALL_MS = 0.5
# The front's processor time of a token of a flood, in microseconds, and its memory with 8 sessions, in MiB.
TOKEN_US = 10.0
MEMORY_MIB = 32.0


# Calls.


class Caller:
    """One peer on pipes that is asked the same again and again."""

    def __init__(self, which, place):
        self.link = Stdio(which, place)
        self.client = Client(self.link, HOST_S)
        self.client.event("gateway.ready")
        self.session = self.client.result("session.create", cols=80)["session_id"]
        self.calls = 0
        # What a host does on the side when a session is new is over once it has answered this.
        self.client.result("session.history", session_id=self.session)

    def round_trip(self, method, params):
        """Seconds from the write to the answer."""
        self.calls += 1
        mark = f"c{self.calls}x"
        document = {"jsonrpc": "2.0", "id": mark, "method": method, "params": params}
        line, wanted = json.dumps(document).encode(), f'"{mark}"'.encode()
        deadline = time.monotonic() + HOST_S
        began = time.perf_counter_ns()
        self.link.send(line)
        while True:
            for raw in self.link.receive(deadline):
                if wanted in raw:
                    took = time.perf_counter_ns() - began
                    expect(b'"error"' not in raw[:200], f"{method}: {raw[:300]!r}")
                    return took / 1e6

    def ask(self, method):
        params = {"session_id": self.session, "cols": 80} if method == "terminal.resize" else {}
        return self.round_trip(method, params)


def calls(which, direct, command, label, model, options):
    """Both by turns, call by call, so that whatever slows the machine slows both."""
    runs, count = RUNS[options.quick], CALLS[options.quick]
    with Place(model.port) as one, Place(model.port) as other:
        straight = Caller(direct, one)
        try:
            through = Caller(front(which, command), other)
        except BaseException:
            straight.link.close()
            raise
        try:
            return "; ".join(of_method(straight, through, label, method, runs, count, options.slack)
                             for method in ("terminal.resize", "session.active_list"))
        finally:
            straight.link.close()
            through.link.close()


def of_method(straight, through, label, method, runs, count, slack):
    figures = {name: {"p50": [], "p99": []} for name in ("direct", "front")}
    for _ in range(runs):
        took = {"direct": [], "front": []}
        for number in range(count):
            pair = (("direct", straight), ("front", through))
            for name, caller in pair if number % 2 else reversed(pair):
                took[name].append(caller.ask(method))
        for name, values in took.items():
            values.sort()
            figures[name]["p50"].append(share(values, 0.5))
            figures[name]["p99"].append(share(values, 0.99))
    print(f"   {label} {method}, {runs} runs of {count} calls, in ms (min / median / max of the runs):")
    for name, row in figures.items():
        print(f"      {name:6} p50 {shown3(row['p50'])}   p99 {shown3(row['p99'])}")
    more = [b - a for a, b in zip(figures["direct"]["p50"], figures["front"]["p50"])]
    late = [b - a for a, b in zip(figures["direct"]["p99"], figures["front"]["p99"])]
    print(f"      added  p50 {shown3(more)}   p99 {shown3(late)}", flush=True)
    middle = sorted(more)[len(more) // 2]
    expect(middle <= CALL_MS * slack, f"{label} {method}: the front adds {middle:.3f} ms")
    return f"the front adds {middle:.3f} ms to {method} at the median"


def shown3(values):
    values = sorted(values)
    return f"{values[0]:.3f} / {values[len(values) // 2]:.3f} / {values[-1]:.3f}"


# Streams.


def stream_of(server, client, session, count, rate):
    """One turn of the scripted host: (frames, processor time of the front, seconds). Its text has to be whole."""
    before, began = cpu_of(server.pid), time.monotonic()
    client.start("prompt.submit", session_id=session, text=f"{count} {rate}")
    hashed, frames, done = hashlib.sha256(), 0, None
    end = began + TURN_S
    while done is None:
        for message in client.waiting or parsed(client.link.receive(end)):
            kind, of, payload = event_of(message)
            if of != session:
                expect("error" not in message, f"refused: {message}")
            elif kind == "message.delta":
                frames += 1
                hashed.update(payload["text"].encode())
            elif kind == "message.complete":
                done = payload
        client.waiting = []
    took, used = time.monotonic() - began, cpu_of(server.pid) - before
    expect(done["status"] == "complete", f"ended as {done['status']}: {done['text'][-200:]}")
    expect(hashed.hexdigest() == done["usage"]["sha256"], "the text that came is not the text that was written")
    return frames, used, took


def streams(which, options):
    with Place() as place, Server(front(which, scripted_host()), place) as server:
        client = connect(server, deadline_s=HOST_S)
        session = client.result("session.create", cols=80)["session_id"]
        count, runs = FLOOD[options.quick], RUNS[options.quick]
        found = [stream_of(server, client, session, count, 0) for _ in range(runs)]
        micros = [used / count * 1e6 for _, used, _ in found]
        tell_stream(f"flood of {count:,}", count, found)
        told = [f"{sorted(micros)[runs // 2]:.2f} us of processor time a token"]
        for rate in RATES:
            count = rate * PACED_S[options.quick]
            found = [stream_of(server, client, session, count, rate) for _ in range(runs if rate > 1000 else 1)]
            tell_stream(f"{rate:,} a second", count, found)
            most = max(frames / count for frames, _, _ in found)
            if rate == MERGED_AT:
                told.append(f"{most:.3f} frames a delta at {rate:,} a second")
                expect(most <= MERGED * options.slack, f"{most:.2f} frames a delta at {rate} a second")
        client.link.close()
        middle = sorted(micros)[runs // 2]
        expect(middle <= TOKEN_US * options.slack, f"{middle:.1f} us of processor time a token")
    return ", ".join(told)


def tell_stream(label, count, found):
    """min / median / max of what the runs cost."""
    print(f"   {label}: front {shown([used / count * 1e6 for _, used, _ in found])} us a token, "
          f"{shown([100 * used / took for _, used, took in found])} % of a core, "
          f"{shown([count / took for _, _, took in found])} tokens a second, "
          f"{shown3([frames / count for frames, _, _ in found])} frames a delta", flush=True)


# Memory.


def memory(which, options):
    with Place() as place, Server(front(which, scripted_host()), place) as server:
        client = connect(server, deadline_s=HOST_S)
        tell_memory("one client, no session", server)
        sessions = [client.result("session.create", cols=80)["session_id"] for _ in range(SESSIONS)]
        tell_memory(f"{SESSIONS} sessions", server)
        for session in sessions:
            stream_of(server, client, session, FLOOD[options.quick] // SESSIONS, 0)
        figures = tell_memory(f"{SESSIONS} sessions that have streamed", server)
        client.link.close()
        most = figures["VmHWM"] / 1024
        expect(most <= MEMORY_MIB * options.slack, f"the front took {most:.1f} MiB")
    return f"{figures['Pss'] / 1024:.1f} MiB with {SESSIONS} sessions, {most:.1f} MiB at most"


def tell_memory(label, server):
    figures = memory_of(server.pid)
    print(f"   {label}: " + ", ".join(f"{name} {kib / 1024:.1f} MiB" for name, kib in figures.items()), flush=True)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--parts", default="calls,stream,memory")
    parser.add_argument("--quick", action="store_true", help="fewer calls, shorter streams")
    parser.add_argument("--slack", type=float, default=1, help="what is allowed of times, times this")
    options = parser.parse_args()
    which = Which(options.binary, model_binary=options.model_binary)
    parts, steps = options.parts.split(","), []
    with Place() as apart, FakeModel(apart, which.model_binary) as model:
        if "calls" in parts:
            ours = Which(which.binary, model_binary=which.model_binary, agent_demo=True)
            host = own_host(which.binary, "demo")
            steps.append(("calls, ours", lambda: calls(which, ours, host, "ours", model, options)))
            if options.peer_python:
                peer = Which(venv=options.peer_python, model_binary=which.model_binary)
                host_python = python_host(peer.venv)
                steps.append(("calls, python",
                              lambda: calls(which, peer, host_python, "python", model, options)))
        if "stream" in parts:
            steps.append(("stream", lambda: streams(which, options)))
        if "memory" in parts:
            steps.append(("memory", lambda: memory(which, options)))
        return run_steps("front-cost", steps)


if __name__ == "__main__":
    sys.exit(main())
