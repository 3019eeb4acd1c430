"""Calls at a steady pace, from a process of their own, whatever becomes of the answers.

The pace is an open loop: a call's time runs from when it was due, not from when it could be sent. A client
that waits for each answer would make few calls during a stall, and the stall would hardly show.
"""

import gc
import json
import multiprocessing
import os
import re
import select
import time

from wire import Client, Closed, WebSocket

ANSWER_DEADLINE_S = 120
# The caller sleeps until shortly before a call is due, then looks at the clock.
SPIN_NS = 200_000
NICE = -15
NUMBER = re.compile(rb'"id": ?(\d+)')


class Child:
    """A process that runs body(port, pipe, *arguments)."""

    def __init__(self, body, port, *arguments):
        self.pipe, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=body, args=(port, there, *arguments), daemon=True)
        self.process.start()
        there.close()

    def expect(self, deadline_s=ANSWER_DEADLINE_S):
        """The next thing the process says."""
        if not self.pipe.poll(deadline_s):
            raise RuntimeError("a client process fell silent")
        try:
            return self.pipe.recv()
        except EOFError:
            raise RuntimeError("a client process failed; see above") from None

    def end(self):
        self.process.kill()
        self.process.join()


class Paced(Child):
    """terminal.resize `rate` times a second for `seconds`, once `go` was called."""

    def __init__(self, port, rate, seconds):
        super().__init__(caller, port, rate, seconds)
        self.expect()

    def go(self):
        self.pipe.send("go")

    def done(self):
        """Whether `result` would return at once."""
        return self.pipe.poll(0)

    def result(self, during=None):
        """(latencies, own lateness), both sorted, in milliseconds.

        With `during`, a list of (from, to) in nanoseconds of time.monotonic_ns, only of the calls that were
        due in one of those times.
        """
        calls, late = self.expect()
        if during is not None:
            calls = [(due, took) for due, took in calls if any(a <= due <= b for a, b in during)]
        return sorted(took / 1e6 for _, took in calls), sorted(n / 1e6 for n in late)


def share(values, part):
    """The value below which `part` of the sorted values are."""
    return values[min(len(values) - 1, int(part * len(values)))]


def caller(port, pipe, rate, seconds):
    client = Client(WebSocket(port), ANSWER_DEADLINE_S)
    client.event("gateway.ready")
    session = client.result("session.create", cols=80)["session_id"]
    client.result("terminal.resize", session_id=session, cols=80)
    be_punctual()
    pipe.send("prepared")
    pipe.recv()
    pipe.send(call_on_time(client.link, session, rate, int(rate * seconds)))


def be_punctual():
    """So that what is measured is the gateway's lateness. Each step needs more privilege than the next."""
    gc.collect()
    gc.disable()
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except (OSError, AttributeError):
        try:
            os.nice(NICE)
        except OSError:
            pass  # The caller's own lateness is reported.


def call_on_time(link, session, rate, count):
    requests = [json.dumps({"jsonrpc": "2.0", "id": n, "method": "terminal.resize",
                            "params": {"session_id": session, "cols": 80 + n % 2}}) for n in range(count)]
    period = int(1e9 / rate)
    start = time.monotonic_ns() + period
    give_up = start + count * period + int(ANSWER_DEADLINE_S * 1e9)
    latencies, late = [None] * count, []
    sent = answered = 0
    while answered < count:
        now = time.monotonic_ns()
        due = start + sent * period if sent < count else give_up
        if now >= give_up:
            raise Closed(f"{count - answered} calls were never answered")
        if sent < count and now >= due:
            late.append(now - due)
            link.send(requests[sent])
            sent += 1
            continue
        wait = max(0, due - now - SPIN_NS) / 1e9
        if not select.select([link.sock], [], [], wait)[0]:
            continue
        link.fill(time.monotonic() + 1)
        now = time.monotonic_ns()
        for raw in link.messages():
            found = NUMBER.search(raw, 0, 60)
            if found:
                n = int(found.group(1))
                if "error" in json.loads(raw):
                    raise Closed(f"a call failed: {raw!r}")
                latencies[n] = now - (start + n * period)
                answered += 1
        if link.close_code is not None:
            raise Closed(f"close {link.close_code}")
    return [(start + n * period, took) for n, took in enumerate(latencies)], late
