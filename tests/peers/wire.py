"""A light client of the gateway: lines over stdio, text messages over a raw WebSocket, calls on top.

Written on plain sockets so that a measurement sees the gateway and not a client library, and so that a
test can send what a library would refuse to send.
"""

import base64
import itertools
import json
import os
import select
import socket
import struct
import subprocess
import time

from gateway import TOKEN, Process

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
HEAD_MAX = 64 * 1024


class Closed(Exception):
    """The other side is gone."""


class Late(Exception):
    """A deadline passed."""


def handshake_bytes(port, path="/api/ws?token=" + TOKEN, headers=(), key=None):
    """The bytes of an upgrade request; `headers` replace defaults of the same name (None leaves one out)."""
    fields = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade",
              "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key or base64.b64encode(os.urandom(16)).decode()}
    extra = []
    for name, value in headers:
        if name in fields:
            fields[name] = value
        else:
            extra.append((name, value))
    rows = [(n, v) for n, v in fields.items() if v is not None] + extra
    return (f"GET {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in rows) + "\r\n").encode()


def masked(opcode, payload, fin=True):
    """One client frame. The mask is constant: it protects proxies, not us."""
    mask = b"\x37\xfa\x21\x3d"
    size = len(payload)
    head = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += b"\xfe" + struct.pack(">H", size)
    else:
        head += b"\xff" + struct.pack(">Q", size)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    return head + mask + (int.from_bytes(payload, "little") ^ key).to_bytes(size, "little")


class WebSocket:
    """One connection. Answers pings while it reads; `pings` counts them."""

    def __init__(self, port, path="/api/ws?token=" + TOKEN, receive_buffer=None, deadline_s=30):
        self.sock = socket.socket()
        if receive_buffer:
            # Before connect, or the window is already larger.
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(deadline_s)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(handshake_bytes(port, path))
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.sock.recv(4096)
            if not data or len(head) > HEAD_MAX:
                raise Closed(f"no handshake: {head!r}")
            head += data
        head, _, rest = head.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise Closed(f"refused: {head!r}")
        self.buffer = bytearray(rest)
        self.pings = 0
        # When each answer to a ping of ours came, and what was in it.
        self.pongs = []
        self.close_code = None

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        self.send_raw(masked(TEXT, data))

    def send_raw(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Closed(str(error)) from error

    def messages(self):
        """Whole text messages that are in the buffer now, as bytes."""
        found, buffer, at = [], self.buffer, 0
        while len(buffer) - at >= 2:
            opcode, size, head = buffer[at] & 15, buffer[at + 1] & 127, 2
            if size == 126:
                head = 4
            elif size == 127:
                head = 10
            if len(buffer) - at < head:
                break
            if head > 2:
                size = int.from_bytes(buffer[at + 2:at + head], "big")
            if len(buffer) - at < head + size:
                break
            payload = bytes(buffer[at + head:at + head + size])
            at += head + size
            if opcode == TEXT:
                found.append(payload)
            elif opcode == PING:
                self.pings += 1
                self.send_raw(masked(PONG, payload))
            elif opcode == PONG:
                self.pongs.append((time.monotonic(), payload))
            elif opcode == CLOSE:
                self.close_code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
                break
        del buffer[:at]
        return found

    def fill(self, deadline):
        """Waits until `deadline` (time.monotonic) for more bytes."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.sock], [], [], left)[0]:
            raise Late("nothing came")
        try:
            data = self.sock.recv(1 << 18)
        except OSError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of stream")
        self.buffer += data

    def receive(self, deadline):
        """At least one message, as bytes."""
        while True:
            found = self.messages()
            if found:
                return found
            if self.close_code is not None:
                raise Closed(f"close {self.close_code}")
            self.fill(deadline)

    def close(self):
        self.sock.close()


class Stdio(Process):
    """The gateway on pipes; the same face as WebSocket."""

    def __init__(self, which, home):
        super().__init__(which.stdio_command(), home, stdin=subprocess.PIPE)
        self.buffer = bytearray()

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        try:
            self.child.stdin.write(data + b"\n")
            self.child.stdin.flush()
        except OSError as error:
            raise Closed(str(error)) from error

    def receive(self, deadline):
        fd = self.child.stdout.fileno()
        while True:
            cut = self.buffer.rfind(b"\n") + 1
            if cut:
                lines = bytes(self.buffer[:cut]).split(b"\n")
                del self.buffer[:cut]
                return [line for line in lines if line]
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise Late("nothing came")
            data = os.read(fd, 1 << 18)
            if not data:
                raise Closed("end of stream")
            self.buffer += data

    def close(self):
        self.stop()


class Client:
    """Calls and events over either link. Events wait in `events` until asked for."""

    def __init__(self, link, deadline_s=30):
        self.link = link
        self.deadline_s = deadline_s
        self.ids = itertools.count(1)
        self.waiting = []   # parsed messages nobody has taken yet

    def next(self, deadline_s=None):
        """The next message, of any kind."""
        if not self.waiting:
            deadline = time.monotonic() + (deadline_s or self.deadline_s)
            self.waiting = [json.loads(m) for m in self.link.receive(deadline)]
        return self.waiting.pop(0)

    def start(self, method, **params):
        """Sends a call and returns its id."""
        call = f"t{next(self.ids)}"
        self.link.send(json.dumps({"jsonrpc": "2.0", "id": call, "method": method, "params": params}))
        return call

    def call(self, method, **params):
        """The whole reply. What came before it stays readable, in order."""
        call = self.start(method, **params)
        return self.until(lambda m: m.get("id") == call, keep=True)

    def result(self, method, **params):
        reply = self.call(method, **params)
        if "result" not in reply:
            raise AssertionError(f"{method}: {reply.get('error')}")
        return reply["result"]

    def until(self, wanted, keep=False, deadline_s=None):
        """The first message that `wanted` likes; earlier ones are dropped, or kept for later."""
        end = time.monotonic() + (deadline_s or self.deadline_s)
        kept = []
        try:
            while True:
                left = end - time.monotonic()
                if left <= 0:
                    raise Late("the awaited message did not come")
                message = self.next(left)
                if wanted(message):
                    return message
                kept.append(message)
        finally:
            if keep:
                self.waiting = kept + self.waiting

    def event(self, kind, session=None, deadline_s=None, keep=False):
        """The next event of this type (of this session), its payload."""
        def wanted(message):
            params = message.get("params") or {}
            return (message.get("method") == "event" and params.get("type") == kind
                    and (session is None or params.get("session_id") == session))
        return self.until(wanted, keep, deadline_s)["params"].get("payload")

    def turn(self, session, text, deadline_s=None):
        """Runs one prompt; returns (joined deltas, payload of message.complete, events of the session)."""
        self.result("prompt.submit", session_id=session, text=text)
        return self.finish(session, deadline_s)

    def finish(self, session, deadline_s=None):
        """Reads on to the end of the running turn."""
        parts, events = [], []
        end = time.monotonic() + (deadline_s or self.deadline_s)
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise Late(f"the turn did not end; events so far: {[k for k, _ in events][-20:]}")
            message = self.next(left)
            params = message.get("params") or {}
            if message.get("method") != "event" or params.get("session_id") != session:
                continue
            kind, payload = params["type"], params.get("payload") or {}
            events.append((kind, payload))
            if kind == "message.delta":
                parts.append(payload["text"])
            elif kind == "message.complete":
                return "".join(parts), payload, events
            elif kind == "error":
                raise AssertionError(f"error event: {payload}")


def connect(server, **options):
    """A WebSocket client that has seen gateway.ready."""
    client = Client(WebSocket(server.port, **options))
    client.event("gateway.ready")
    return client
