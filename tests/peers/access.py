#!/usr/bin/env python3
"""Who may come in: every access rule of the loopback server, checked on raw sockets.

One line a rule. A refused upgrade is exactly `403` with `Content-Length: 0`, whatever the reason, so that
a stranger learns nothing from it; what is not an upgrade at all is answered as HTTP.
"""

import argparse
import json
import socket
import sys

from gateway import TOKEN, Home, Server, Which, add_arguments
from wire import handshake_bytes

DEADLINE_S = 10
WS = "/api/ws?token=" + TOKEN
# How a request must end: the upgrade is done, refused, or the request is answered as plain HTTP.
ACCEPT, REFUSE = {101}, {403}
# An upgrade that is no valid upgrade: 400 or 426 say so, 401 and 403 say nothing.
MALFORMED = {400, 401, 403, 426}
# No request of HTTP/1.1 at all.
BAD_REQUEST = {400, 403}


def upgrades(port):
    """(name, request, statuses ours may answer, statuses the original answers if others)."""
    def up(path=WS, *headers, **options):
        return handshake_bytes(port, path, headers, **options)

    here = f"127.0.0.1:{port}"
    yield "token in the query", up(), ACCEPT, None
    yield "no token", up("/api/ws"), REFUSE, None
    yield "empty token", up("/api/ws?token="), REFUSE, None
    yield "wrong token", up("/api/ws?token=wrong"), REFUSE, None
    yield "token too long by one", up(WS + "x"), REFUSE, None
    yield "token too short by one", up(WS[:-1]), REFUSE, None
    yield "a very long token", up("/api/ws?token=" + "x" * 4000), REFUSE, None
    yield "token not UTF-8", up("/api/ws?token=%ff%fe"), REFUSE, None
    yield "token percent-encoded", up("/api/ws?token=" + "".join(f"%{ord(c):02X}" for c in TOKEN)), ACCEPT, None
    yield "token after another parameter", up("/api/ws?a=b&token=" + TOKEN), ACCEPT, None
    yield "parameter name in capitals", up("/api/ws?TOKEN=" + TOKEN), REFUSE, None
    yield "token as a bearer only", up("/api/ws", ("Authorization", "Bearer " + TOKEN)), REFUSE, None
    yield "token in the session header only", up("/api/ws", ("X-Hermes-Session-Token", TOKEN)), REFUSE, None
    yield "token in a cookie only", up("/api/ws", ("Cookie", f"token={TOKEN}; hermes_session_at={TOKEN}")), REFUSE, None
    yield "token as subprotocol only", up("/api/ws", ("Sec-WebSocket-Protocol", TOKEN)), REFUSE, None
    yield "token as ticket", up("/api/ws?ticket=" + TOKEN), REFUSE, None

    for host in (here, "127.0.0.1", "localhost", f"localhost:{port}", "localhost:1", f"[::1]:{port}", "LOCALHOST"):
        yield f"Host {host}", up(WS, ("Host", host)), ACCEPT, None
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example",
                 "192.0.2.1", "0.0.0.0", "[::2]", "evil@127.0.0.1", ""):
        yield f"Host {host!r}", up(WS, ("Host", host)), REFUSE, None
    yield "no Host", up(WS, ("Host", None)), REFUSE | {400}, None
    yield "two Hosts", up(WS, ("Host", here), ("host", "evil.example")), BAD_REQUEST, {101, 400, 403}
    yield "two Hosts, the good one last", up(WS, ("Host", "evil.example"), ("host", here)), BAD_REQUEST, None

    for origin in ("null", "file://", "app://hermes", "tauri://localhost", "http://127.0.0.1:3000",
                   "http://localhost", "https://localhost:8443", "http://[::1]:5173", f"http://{here}"):
        yield f"Origin {origin}", up(WS, ("Origin", origin)), ACCEPT, None
    for origin in ("http://evil.example", "https://evil.example:443", "http://127.0.0.1.evil.example",
                   "http://localhost.evil.example", "http://evil.example/127.0.0.1", "HTTP://evil.example",
                   "http://127.0.0.1@evil.example", "http://", "http://192.0.2.1"):
        yield f"Origin {origin}", up(WS, ("Origin", origin)), REFUSE, None
    yield "two Origins, one bad", up(WS, ("Origin", f"http://{here}"), ("origin", "http://evil.example")), \
        BAD_REQUEST, {101, 400, 403}
    yield "bad Origin and wrong token", up("/api/ws?token=no", ("Origin", "http://evil.example")), REFUSE, None

    yield "unknown path", up("/api/nope?token=" + TOKEN), REFUSE, None
    yield "unknown path without token", up("/nope"), REFUSE, None
    yield "path with a slash more", up("/api/ws/?token=" + TOKEN), REFUSE, None
    yield "path in capitals", up("/API/WS?token=" + TOKEN), REFUSE, None

    yield "version 8", up(WS, ("Sec-WebSocket-Version", "8")), MALFORMED, None
    yield "no version", up(WS, ("Sec-WebSocket-Version", None)), MALFORMED, {101, 400, 426}
    yield "key too short", up(key="eHg="), MALFORMED, {101, 400}
    yield "key not base64", up(key="!" * 24), MALFORMED, {101, 400}
    yield "no key", up(WS, ("Sec-WebSocket-Key", None)), MALFORMED, None
    yield "POST", up().replace(b"GET ", b"POST ", 1), MALFORMED | {405}, None
    yield "HTTP/1.0", up().replace(b"HTTP/1.1", b"HTTP/1.0", 1), MALFORMED | {505}, {101, 400, 401}
    yield "compression offered", up(WS, ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")), \
        ACCEPT, None


def plain(port):
    """The same for requests that ask for no upgrade."""
    def get(path, host=f"127.0.0.1:{port}", *headers):
        rows = ([f"Host: {host}"] if host is not None else []) + list(headers) + ["Connection: close"]
        return f"GET {path} HTTP/1.1\r\n".encode() + "\r\n".join(rows).encode() + b"\r\n\r\n"

    for path in ("/healthz", "/readyz", "/api/status"):
        yield f"GET {path}", get(path), {200}, None
        yield f"GET {path}, bad Host", get(path, "evil.example"), {400}, None
        yield f"GET {path}, no Host", get(path, None), {400}, None
    yield "GET /api/ws without an upgrade", get(WS), {400, 401, 403, 404, 426}, None
    yield "GET /api/ws without an upgrade, bad Host", get(WS, "evil.example"), {400}, {401}
    yield "GET of an unknown page of the interface", get("/api/nope"), {401, 404}, None
    yield "not HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400, None}, None
    yield "a head of 100 KB", get("/healthz", "127.0.0.1", "X: " + "x" * 100_000), {400, 413, 414, 431, None}, {200}


def exchange(port, request):
    """(status, headers, bytes after the head); status None if the server just closed."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as sock:
        sock.settimeout(DEADLINE_S)
        answer = b""
        try:
            sock.sendall(request)
            while b"\r\n\r\n" not in answer:
                data = sock.recv(65536)
                if not data:
                    break
                answer += data
            head, _, rest = answer.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}
            # Read the body, so that the next check cannot meet what belongs to this one.
            while headers.get("content-length", "").isdigit() and len(rest) < int(headers["content-length"]):
                data = sock.recv(65536)
                if not data:
                    break
                rest += data
        except ConnectionError:
            return None, {}, b""
        if not lines[0].startswith("HTTP/1.1 "):
            return None, {}, answer
        return int(lines[0].split()[1]), headers, rest


def judge(status, headers, rest, wanted):
    """What is wrong with an answer, or ''."""
    if status not in wanted:
        return f"status {status}, not {sorted(map(str, wanted))}"
    if status == 403 and wanted <= MALFORMED | REFUSE and (headers.get("content-length") != "0" or rest):
        return f"403 with a body: {headers} {rest[:80]!r}"
    if status == 101 and headers.get("sec-websocket-accept") is None:
        return "101 without Sec-WebSocket-Accept"
    return ""


def check(which, port, verbose):
    """Prints the rules that do not hold (or all) and returns (rules, broken)."""
    rules = broken = 0
    for name, request, ours, original in [*upgrades(port), *plain(port)]:
        wanted = ours if which.ours or original is None else original
        try:
            status, headers, rest = exchange(port, request)
            wrong = judge(status, headers, rest, wanted)
            if verbose:
                print(f"{status} {name}")
        except TimeoutError:
            wrong = f"no answer within {DEADLINE_S} s"
        rules += 1
        broken += bool(wrong)
        if wrong:
            print(f"FAIL {name}: {wrong}")
    status, _, body = exchange(port, b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    try:
        rules += 1
        if "version" not in json.loads(body):
            raise ValueError("no version")
    except ValueError as why:
        broken += 1
        print(f"FAIL /api/status is no JSON object with a version: {why} {status}")
    return rules, broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--verbose", action="store_true", help="print every answer's status")
    options = parser.parse_args()
    which = Which(options.binary, options.peer_python)
    with Home() as home, Server(which, home) as server:
        rules, broken = check(which, server.port, options.verbose)
        print(f"{'FAIL' if broken else 'ok'} {which.name} access: {rules - broken} of {rules} rules hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
