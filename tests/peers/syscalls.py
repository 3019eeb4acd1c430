#!/usr/bin/env python3
"""Counts the system calls of paced delivery: 100 connections, 30 flushes a second of 20 frames each.

    syscalls.py --binary PATH [--limit 0.055]

PATH is a gateway built with `--features test-endpoints`; strace is needed. Counts are exact and do not depend on
how fast the machine is, so this is a gate. What setting up costs is taken out: the run is made twice, and what the
longer one has more of is divided. Every connection has to get every byte.
"""

import argparse
import re
import selectors
import signal
import subprocess
import sys
import time

from gateway import Home, Server, Which
from wire import WebSocket

LIMIT = 0.055
CONNECTIONS, FLUSHES, FRAMES = 100, 30, 20
SHORT_S, LONG_S = 1, 3
FRAME_BYTES = 134
# Beyond what the slowest machine needs; a run that hangs ends.
DEADLINE_S = 60


class Strace:
    """Counts the system calls of a process and its threads from now on."""

    def __init__(self, pid):
        self.child = subprocess.Popen(["strace", "-c", "-f", "-p", str(pid)], stderr=subprocess.PIPE, text=True)
        # One line, however many threads there are.
        line = self.child.stderr.readline()
        if "attached" not in line:
            raise SystemExit(f"strace does not work here: {line}")

    def finish(self):
        """{name: calls} so far; the process runs on."""
        self.child.send_signal(signal.SIGINT)
        return counts(self.child.communicate(timeout=DEADLINE_S)[1])


def counts(table):
    """The calls by name in a table of `strace -c`."""
    rows = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", table, re.MULTILINE)
    return {name: int(calls) for calls, name in rows if name != "total"}


def difference(long, short):
    """What `long` has more of, by name, without what cancels out."""
    names = {name: long.get(name, 0) - short.get(name, 0) for name in {*long, *short}}
    return dict(sorted(((n, c) for n, c in names.items() if c), key=lambda item: -item[1]))


def paced(port, pid, seconds):
    """One run: the calls it took."""
    links = [WebSocket(port, "/test/deliver") for _ in range(CONNECTIONS)]
    missing = {link.sock: FLUSHES * FRAMES * seconds * FRAME_BYTES - len(link.buffer) for link in links}
    selector = selectors.DefaultSelector()
    strace = Strace(pid)
    for link in links:
        selector.register(link.sock, selectors.EVENT_READ)
        link.send(f"PACE {FLUSHES} {FRAMES} {seconds}")
    end = time.monotonic() + DEADLINE_S
    while any(missing.values()):
        for key, _ in selector.select(max(0, end - time.monotonic())):
            data = key.fileobj.recv(1 << 20)
            missing[key.fileobj] -= len(data)
            if not data or missing[key.fileobj] < 0:
                raise SystemExit(f"a connection got {-missing[key.fileobj]} bytes too many, or ended")
        if time.monotonic() >= end:
            raise SystemExit(f"{sum(missing.values())} bytes never came")
    calls = strace.finish()
    for link in links:
        link.sock.close()
    return calls


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--limit", type=float, default=LIMIT)
    options = parser.parse_args()
    which = Which(binary=options.binary, extra=["--no-merge"])
    with Home() as home, Server(which, home) as server:
        short, long = (paced(server.port, server.pid, seconds) for seconds in (SHORT_S, LONG_S))
    more = difference(long, short)
    frames = CONNECTIONS * FLUSHES * FRAMES * (LONG_S - SHORT_S)
    share = sum(more.values()) / frames
    print(f"{'ok' if share <= options.limit else 'FAIL'} syscalls: {share:.4f} a frame (limit {options.limit}), "
          + ", ".join(f"{name} {calls}" for name, calls in more.items()) + f" for {frames} frames")
    return int(share > options.limit)


if __name__ == "__main__":
    sys.exit(main())
