"""A client that is watched: when its text came, how soon its pings were answered, what became of its socket."""

import hashlib
import select
import struct
import time

from front_lib import HOST_S, event_of, expect, parsed
from pace import share
from wire import PING, Client, Closed, WebSocket, masked

# Time between two pings of a client that is pumped.
PING_EVERY_S = 0.25


class Watched:
    """One connection with one session."""

    def __init__(self, port, receive_buffer=None):
        self.client = Client(WebSocket(port, receive_buffer=receive_buffer), HOST_S)
        self.client.event("gateway.ready")
        self.session = None
        self.pid = None
        self.lost = None
        self.asked = {}
        self.next_ping = 0.0
        self.replies = {}
        self.forget()

    def forget(self):
        """What follows is looked at alone."""
        self.parts, self.at, self.told, self.questions = [], [], [], []
        self.done = None

    # What it does.

    def create(self):
        self.session = self.client.result("session.create", cols=80)["session_id"]

    def join(self, session):
        """Hears a session that another client made."""
        self.client.result("session.activate", session_id=session)
        self.session = session

    def submit(self, text):
        self.forget()
        return self.client.start("prompt.submit", session_id=self.session, text=text)

    def turn(self, text):
        """One prompt to its end."""
        self.submit(text)
        pump([self], HOST_S, until=lambda: self.done)
        expect(self.done and self.done["status"] == "complete", f"{text}: {self.done}")
        self.forget()

    def close(self):
        """The session ends with it, and its host where it has one."""
        try:
            if self.session and self.lost is None:
                self.client.start("session.close", session_id=self.session)
        except Closed:
            pass  # That was to be found out before.
        self.client.link.close()

    # What it sees.

    @property
    def text(self):
        return "".join(self.parts)

    @property
    def hash(self):
        return hashlib.sha256(self.text.encode()).hexdigest()

    def hear(self, message):
        now = time.monotonic()
        if "id" in message:
            self.replies[message["id"]] = message
            return
        kind, session, payload = event_of(message)
        if session != self.session or kind is None:
            return
        if kind == "message.delta":
            self.parts.append(payload["text"])
            self.at.append(now)
        elif kind == "message.complete":
            self.done = payload
        elif kind == "status.update":
            self.told.append((payload.get("kind"), payload.get("text")))
        elif kind.endswith(".request"):
            self.questions.append((kind, payload))
        elif kind == "error":
            self.done = {"status": "error", "text": str(payload)}

    def take(self):
        """What its socket has now, or what the end of it is."""
        link = self.client.link
        try:
            link.fill(time.monotonic() + 1)
            self.client.waiting += parsed(link.messages())
            if link.close_code is not None:
                self.lost = f"closed with {link.close_code} at {time.strftime('%X')}"
        except Closed as why:
            self.lost = f"gone at {time.strftime('%X')}: {why}"

    def ping(self, now):
        if now < self.next_ping:
            return
        self.next_ping = now + PING_EVERY_S
        mark = struct.pack(">Q", len(self.asked))
        self.asked[mark] = now
        try:
            self.client.link.send_raw(masked(PING, mark))
        except Closed as why:
            self.lost = self.lost or f"gone at {time.strftime('%X')}: {why}"

    def pings(self, begun, ended):
        """Milliseconds to the answers of the pings of this time, sorted. One without an answer counts as now."""
        answered = {payload: at for at, payload in self.client.link.pongs}
        now = time.monotonic()
        values = [1000 * (answered.get(mark, now) - at) for mark, at in self.asked.items() if begun <= at <= ended]
        return sorted(values) or [0.0]


def pump(watched, seconds, until=None):
    """Reads from all of them and pings for so long, or until `until()`."""
    end = time.monotonic() + max(0.0, seconds)
    while True:
        for one in watched:
            waiting, one.client.waiting = one.client.waiting, []
            for message in waiting:
                one.hear(message)
        now = time.monotonic()
        if now >= end or (until and until()):
            return
        open_ = {one.client.link.sock: one for one in watched if one.lost is None}
        for one in open_.values():
            one.ping(now)
        ready = select.select(list(open_), [], [], min(end - now, PING_EVERY_S / 5))[0]
        for sock in ready:
            open_[sock].take()


def gaps(at, begun, ended):
    """Milliseconds between arrivals in this time, sorted; its borders count as arrivals, so that silence shows."""
    inside = [begun, *(one for one in at if begun <= one <= ended), ended]
    return sorted(1000 * (b - a) for a, b in zip(inside, inside[1:]))


def told(values):
    """p50 / p99 / max of sorted values."""
    return f"{share(values, 0.5):.1f} / {share(values, 0.99):.1f} / {values[-1]:.1f}"
