#!/usr/bin/env python3
"""The sidecar with a real dashboard: what stdout is given reaches a page's socket, and a bad one costs nothing.

First part: the original's web server is the peer. Our stdio gateway publishes to its /api/pub, a subscriber on
/api/events hears one demo turn; both get the same documents in the same order.

Second part, paired: the same work without a sidecar and with one that takes nothing. The text stays whole; what
calls, a flood and memory cost is printed (least, median, most) and held against generous limits.
"""

import argparse
import base64
import hashlib
import socket
import statistics
import sys
import threading
import time

from gateway import TOKEN, Home, Server, Which, add_arguments, memory_kib
from wire import Client, Late, Stdio, WebSocket

CHANNEL = "tab-1"
QUERY = f"?token={TOKEN}&channel={CHANNEL}"
DEADLINE_S = 30
TOKENS = 200
# Fills every buffer on the way: 4 MiB of queue, and some 10 MiB that the kernel takes of its own accord.
FILL = "TOKENS=1000 SIZE=1000"
FILLS = 12
CALLS = 300
# 4 MiB of queue, the kernel's are not counted to us; allocators keep some.
GROWTH_KIB = 24 << 10
# A call may take so many times as long, and so many seconds more: a loaded machine, not a blocked one.
SLOWER, SLACK_S = 3, 0.002


class Beside(Home):
    """A home whose gateway has a sidecar at `url`; none when that is empty."""

    def __init__(self, url=""):
        super().__init__()
        self.url = url

    def environment(self, **more):
        if self.url:
            more["HERMES_TUI_SIDECAR_URL"] = self.url
        return super().environment(**more)


class Deaf:
    """Shakes hands with whoever comes, and reads no more."""

    def __init__(self):
        self.listener = socket.socket()
        # Inherited by what is accepted: its kernel takes little.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.held = []
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.listener.getsockname()[1]}/api/pub{QUERY}"

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
                head = b""
                while b"\r\n\r\n" not in head:
                    data = peer.recv(4096)
                    if not data:
                        raise ConnectionError("no request")
                    head += data
                rows = dict(row.split(": ", 1) for row in head.decode().split("\r\n")[1:] if ": " in row)
                seen = rows["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                answer = base64.b64encode(hashlib.sha1(seen.encode()).digest()).decode()
                peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             b"Sec-WebSocket-Accept: " + answer.encode() + b"\r\n\r\n")
                self.held.append(peer)
            except OSError:
                return

    def close(self):
        self.listener.close()
        for peer in self.held:
            peer.close()


class Heard:
    """A link that remembers every document it gave."""

    def __init__(self, link):
        self.link = link
        self.lines = []

    def send(self, text):
        self.link.send(text)

    def receive(self, deadline):
        found = self.link.receive(deadline)
        self.lines += found
        return found


def mirrored(ours, dashboard):
    """One turn through the original's web server; the number of documents that were the same in both places."""
    with Home() as home, Server(dashboard, home) as server:
        page = WebSocket(server.port, path="/api/events" + QUERY)
        with Beside(f"ws://127.0.0.1:{server.port}/api/pub{QUERY}") as beside, Stdio(ours, beside) as stdio:
            heard = Heard(stdio)
            client = Client(heard, DEADLINE_S)
            client.event("gateway.ready")
            session = client.result("session.create", cols=80)["session_id"]
            text, complete, _ = client.turn(session, f"TOKENS={TOKENS} RATE=200")
            assert complete["text"] == text, "the turn is not whole"
            stats = client.result("gateway.stats")
            assert stats["sidecar_connects_total"] == 1 and stats["sidecar_dropped_total"] == 0, stats
            copies, end = [], time.monotonic() + DEADLINE_S
            while len(copies) < len(heard.lines):
                try:
                    copies += page.receive(end)
                except Late:
                    raise AssertionError(f"{len(copies)} of {len(heard.lines)} documents came") from None
            for number, (line, copy) in enumerate(zip(heard.lines, copies)):
                assert line == copy, f"document {number}: {line[:200]!r} became {copy[:200]!r}"
        page.close()
    return len(heard.lines)


def measure(ours, url):
    """(seconds of a call at the median, seconds of a flood, KiB resident) of a gateway beside this sidecar."""
    with Beside(url) as home, Stdio(ours, home) as stdio:
        client = Client(stdio, DEADLINE_S)
        client.event("gateway.ready")
        session = client.result("session.create", cols=80)["session_id"]
        floods = []
        for _ in range(FILLS):
            began = time.monotonic()
            text, complete, _ = client.turn(session, FILL)
            floods.append(time.monotonic() - began)
            assert complete["text"] == text and len(text) == 1_000_000, f"{len(text)} bytes came"
        calls = []
        for _ in range(CALLS):
            began = time.monotonic()
            client.result("session.active_list")
            calls.append(time.monotonic() - began)
        stats = client.result("gateway.stats")
        dropped = stats["sidecar_dropped_total"]
        assert (dropped > 0) == bool(url), f"{dropped} dropped"
        return statistics.median(calls), statistics.median(floods), memory_kib(stdio.pid)[0]


def spread(values, unit, scale=1.0):
    least, middle, most = min(values), statistics.median(values), max(values)
    return f"{least * scale:.3f} / {middle * scale:.3f} / {most * scale:.3f} {unit}"


def paired(ours, rounds):
    """Runs both in turns and prints what they cost; a word for each limit that is broken."""
    without, deaf = [], []
    for turn in range(rounds):
        # Who goes first takes turns too.
        for with_one in ((False, True), (True, False))[turn % 2]:
            if with_one:
                sidecar = Deaf()
                try:
                    deaf.append(measure(ours, sidecar.url))
                finally:
                    sidecar.close()
            else:
                without.append(measure(ours, ""))
    for name, runs in (("none", without), ("deaf", deaf)):
        calls, floods, memory = zip(*runs)
        print(f"sidecar {name}: call {spread(calls, 'ms', 1e3)}, flood {spread(floods, 'ms', 1e3)}, "
              f"resident {spread(memory, 'MiB', 1 / 1024)} (least / median / most of {rounds})")
    middle = [[statistics.median(column) for column in zip(*runs)] for runs in (without, deaf)]
    broken = []
    for place, what in ((0, "call"), (1, "flood")):
        if middle[1][place] > SLOWER * middle[0][place] + SLACK_S:
            broken.append(f"a {what} takes {middle[1][place]:.4f} s beside a deaf sidecar, "
                          f"{middle[0][place]:.4f} s without")
    if middle[1][2] > middle[0][2] + GROWTH_KIB:
        broken.append(f"a deaf sidecar costs {middle[1][2] - middle[0][2]:.0f} KiB")
    return broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--dashboard", metavar="VENV", help="the original whose web server is the peer")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the paired part (default 5; 0: none)")
    options = parser.parse_args()
    ours = Which(options.binary, options.peer_python, agent_demo=True, extra=["--no-store"])
    failed = False
    if options.dashboard:
        try:
            count = mirrored(ours, Which(venv=options.dashboard))
            print(f"ok sidecar: {count} documents are the same on stdout and behind the original's web server")
        except AssertionError as why:
            failed = True
            print(f"FAIL sidecar: {why}")
    if options.rounds > 0:
        broken = paired(ours, options.rounds)
        for why in broken:
            print(f"FAIL sidecar: {why}")
        failed = failed or bool(broken)
        if not broken:
            print("ok sidecar: one that takes nothing delays nobody")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
