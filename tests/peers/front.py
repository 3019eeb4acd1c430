#!/usr/bin/env python3
"""The original behind our front and the original alone: one session's process stops or burns, and who notices.

    front.py --binary PATH --peer-python VENV [--parts freeze,burn,three] [--sides front,direct] [--quick]

freeze   two sessions stream 100 tokens a second; the process of one is stopped with SIGSTOP for 90 s and goes on
burn     the same, but a thread of that process holds the interpreter's lock for 60 s
three    three clients of one session: one never reads; two answer a question at the same moment, and one wins

Through the front, sockets have to live, pings have to be answered, the other session has to stream on, and no text
may be lost. What becomes of the same clients at `hermes serve` is reported, and nothing is asked of it.
"""

import argparse
import os
import signal
import sys
import time

import front_three
from front_lib import (CONFIG, HOST_S, expect, expect_child, front, hosts, numbers, python_host, readyz,
                       squeezed)
from front_watch import Watched, gaps, pump, told
from gateway import FakeModel, Server, Which, add_arguments
from store_lib import Place, run_steps

SECONDS = {"freeze": {False: 90, True: 8}, "burn": {False: 60, True: 8}}
RATE = 100
# Seconds of text before the process stops, and of text that the model goes on to say to the one that is stopped.
LEAD_S, BEHIND_S = 3, 4
CATCH_UP_S = 60
# Through the front; a delta waits for a frame of 33 ms. Milliseconds.
PING_MS, GAP_P99_MS, GAP_MS = 250, 200, 1_000
# A client that pings every so many seconds and waits as long for the answer: uvicorn's and the original's way.
KEEP_ALIVE_S = 20
# Our front looks after its hosts so often, and says so after so long, that a short test sees it.
PROBE_S, SLOW_S = 1, 3

# Python runs this in every process that has its folder on PYTHONPATH. One C call as long as the whole time keeps
# the lock; how much that is to do is measured first, in processor time, so that it is rather too much.
BURNER = '''
import itertools, os, threading, time

def _burn(order):
    while True:
        time.sleep(0.05)
        try:
            with open(order) as file:
                left = float(file.read())
        except (OSError, ValueError):
            continue
        os.rename(order, order + ".begun")
        end, count, began = time.monotonic() + left, 20_000_000, time.thread_time()
        sum(itertools.repeat(0, count))
        rate = count / (time.thread_time() - began)
        while (left := end - time.monotonic()) > 0:
            sum(itertools.repeat(0, int(rate * left) + 1))
        os.rename(order + ".begun", order + ".done")

threading.Thread(target=_burn, args=(f"{os.path.dirname(__file__)}/burn-{os.getpid()}",), daemon=True).start()
'''


class Freeze:
    """The process is stopped."""

    name = "freeze"

    def begin(self, pid, _seconds):
        os.kill(pid, signal.SIGSTOP)

    def begun(self, _pid):
        return True

    def end(self, pid):
        os.kill(pid, signal.SIGCONT)


class Burn:
    """A thread of the process keeps the interpreter's lock."""

    name = "burn"

    def __init__(self, place):
        self.folder = place.burner

    def begin(self, pid, seconds):
        # Whole or not there: the thread looks at any moment.
        half = self.folder / "half"
        half.write_text(str(seconds))
        half.rename(self.folder / f"burn-{pid}")

    def begun(self, pid):
        return any((self.folder / f"burn-{pid}.{name}").exists() for name in ("begun", "done"))

    def end(self, pid):
        (self.folder / f"burn-{pid}").unlink(missing_ok=True)
        for name in ("begun", "done"):
            (self.folder / f"burn-{pid}.{name}").unlink(missing_ok=True)


class Peers(Place):
    """A home whose Python processes can be told to burn."""

    def __init__(self, model_port):
        super().__init__(model_port, CONFIG)
        self.burner = self.top / "burner"
        self.burner.mkdir()
        (self.burner / "sitecustomize.py").write_text(BURNER)
        self.more = {"PYTHONPATH": str(self.burner)}


class Side:
    """A server and the sessions on it. `pid` of a session is that of the process that does its work."""

    def __init__(self, server, is_front):
        self.server, self.is_front = server, is_front
        self.sessions = []
        # Processes of sessions so far; some of them still end.
        self.hosts = set()

    def open(self):
        """A client with a session of its own that has answered once, so that what follows is text."""
        watched = Watched(self.server.port)
        self.sessions.append(watched)
        watched.create()
        watched.pid = self.server.pid
        if self.is_front:
            mine = [row for row in hosts(self.server) if row["sessions"] and row["pid"] not in self.hosts]
            expect(len(mine) == 1, f"the session's host is one of {mine}")
            watched.pid = mine[0]["pid"]
            expect_child(self.server, watched.pid)
            self.hosts.add(watched.pid)
        watched.turn("SAY:hello")
        return watched

    def close(self):
        for watched in self.sessions:
            watched.close()
        self.sessions = []


def hold(side, how, seconds, slack):
    """One process is held for so long while two sessions stream."""
    held, other = side.open(), side.open()
    counts = {held: RATE * (LEAD_S + BEHIND_S), other: RATE * int(LEAD_S + seconds + BEHIND_S)}
    for watched, count in counts.items():
        watched.submit(f"RATE={RATE} TOKENS={count}")
    both = [held, other]
    pump(both, LEAD_S)
    expect(held.at and other.at, "the sessions do not stream")
    state = None
    try:
        how.begin(held.pid, seconds)
        pump(both, HOST_S, until=lambda: how.begun(held.pid))
        expect(how.begun(held.pid), "the process is not held")
        begun = time.monotonic()
        pump(both, max(SLOW_S + 2 * PROBE_S, seconds * 0.8) if side.is_front else seconds * 0.8)
        if side.is_front:
            state = readyz(side.server)
        pump(both, begun + seconds - time.monotonic())
    finally:
        how.end(held.pid)
    ended = time.monotonic()
    pump(both, CATCH_UP_S, until=lambda: all(one.done or one.lost for one in both))
    report(side, how, held, other, begun, ended)
    if side.is_front:
        judge(held, other, counts, begun, ended, state, slack)
    back = f"{time.monotonic() - ended:.1f} s after it went on both texts are there"
    return back if side.is_front else "reported"


def report(side, how, held, other, begun, ended):
    """What became of both sessions and of their sockets."""
    print(f"   {how.name} of {ended - begun:.1f} s, {'through the front' if side.is_front else 'direct'}:")
    for name, watched in (("held", held), ("other", other)):
        print(f"      {name:5} pings answered after {told(watched.pings(begun, ended))} ms (p50 / p99 / max), "
              f"gaps between deltas {told(gaps(watched.at, begun, ended))} ms")
        end = watched.done["status"] if watched.done else "no end"
        print(f"      {name:5} socket {watched.lost or 'open'}; the turn: {end}", flush=True)
        if watched.pings(begun, ended)[-1] >= KEEP_ALIVE_S * 1000:
            print(f"      {name:5} a client with a keep-alive of {KEEP_ALIVE_S} s gives this socket up")


def judge(held, other, counts, begun, ended, state, slack):
    for name, watched in (("the held session", held), ("the other session", other)):
        expect(watched.lost is None, f"{name}: its socket is gone: {watched.lost}")
        worst = watched.pings(begun, ended)[-1]
        expect(worst <= PING_MS * slack, f"{name}: a ping was answered after {worst:.0f} ms")
        expect(watched.done is not None, f"{name}: its turn has no end")
        expect(watched.done["status"] == "complete", f"{name}: ended as {watched.done}")
        expect(squeezed(watched.text) == numbers(counts[watched]), f"{name}: its text is not what the model said")
        expect(watched.text.strip() == watched.done["text"].strip(), f"{name}: its deltas are not its answer")
        print(f"      {name}: {len(watched.text)} characters, sha256 {watched.hash[:16]}, whole", flush=True)
    values = gaps(other.at, begun, ended)
    late = values[min(len(values) - 1, int(0.99 * len(values)))]
    expect(late <= GAP_P99_MS * slack, f"the other session waits {late:.0f} ms for a delta (p99)")
    expect(values[-1] <= GAP_MS * slack, f"the other session waited {values[-1]:.0f} ms for a delta")
    warned = [text for kind, text in held.told if kind == "warn"]
    expect(warned, f"its client was told nothing: {held.told}")
    expect(not [text for kind, text in other.told if kind == "warn"], f"the other was told {other.told}")
    expect(state[0] == 503 and "no answer" in state[1], f"/readyz said {state}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--parts", default="freeze,burn,three")
    parser.add_argument("--sides", default="front,direct")
    parser.add_argument("--seconds", type=float, help="how long a process is held")
    parser.add_argument("--quick", action="store_true", help="8 s each")
    parser.add_argument("--slack", type=float, default=1, help="what is allowed of times, times this")
    options = parser.parse_args()
    if not (options.binary and options.peer_python):
        raise SystemExit("both are needed: --binary PATH --peer-python VENV")
    ours = Which(options.binary, model_binary=options.model_binary)
    peer = Which(venv=options.peer_python, model_binary=ours.model_binary)
    flags = ["--upstream-per-session", "--upstream-probe", str(PROBE_S), "--upstream-slow", str(SLOW_S),
             "--ping-timeout", "60"]
    before = front(ours, python_host(peer.venv), *flags)
    parts, status = options.parts.split(","), 0
    with Place() as apart, FakeModel(apart, ours.model_binary) as model:
        for name in options.sides.split(","):
            which = before if name == "front" else peer
            with Peers(model.port) as place, Server(which, place) as server:
                side = Side(server, name == "front")
                steps = []
                for how in (Freeze(), Burn(place)):
                    seconds = options.seconds or SECONDS[how.name][options.quick]
                    if how.name in parts:
                        steps.append((how.name, closing(side, how, seconds, options.slack)))
                # One session has one client at the original: who comes last takes it.
                if "three" in parts and side.is_front:
                    steps.append(("three", lambda: front_three.three(server, options.quick, options.slack)))
                status |= run_steps(f"front {name}", steps)
    return status


def closing(side, how, seconds, slack):
    """The step, whose clients go whatever happens."""
    def step():
        try:
            return hold(side, how, seconds, slack)
        finally:
            side.close()
    return step


if __name__ == "__main__":
    sys.exit(main())
