#!/usr/bin/env python3
"""A scripted model server: OpenAI-compatible, streaming, on 127.0.0.1, for tests and measurements.

Prints `PORT=n` when it can be asked. The last user message is the script:

    TOKENS=n   n pieces of text             SIZE=b    bytes a piece (default 4)
    RATE=r     pieces a second (default: all at once, in large writes)
    DELAY=ms   wait before the first byte   ID=word   kept in the record of the request
    HANG       send the head, then nothing  STATUS=c  answer with HTTP status c
    SAY:text   answer with text             (otherwise: `You said: ...`, word by word)
    APPROVE:command     call the tool `terminal`, if the request offers it
    CLARIFY:q|a|b       call the tool `clarify`, if the request offers it

`GET /stats` tells for each request when its first body byte was written, in nanoseconds of
CLOCK_MONOTONIC, which every process of the machine shares. `GET /v1/models` lists one model.

One thread a connection: few clients, and each stream is one or a few large writes.
"""

import argparse
import functools
import json
import re
import socket
import threading
import time

MODEL = "fake-1"
HEAD_MAX = 64 * 1024
BODY_MAX = 32 * 1024 * 1024
RECORDS_MAX = 10_000
# About 200 bytes each on the wire.
TOKENS_MAX = 1_000_000
# What one write hands to the kernel when a stream is not paced.
WRITE_BYTES = 256 * 1024
NUMBER = re.compile(r"\b(TOKENS|RATE|SIZE|DELAY|STATUS)=(\d+)")
REQUEST_ID = re.compile(r"\bID=([A-Za-z0-9_-]{1,64})")
COMMAND = re.compile(r"(SAY|APPROVE|CLARIFY):(.*)", re.S)


class Records:
    """What `/stats` shows. Bounded: the oldest go first."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rows = []

    def add(self, row):
        with self.lock:
            self.rows.append(row)
            del self.rows[:-RECORDS_MAX]

    def dump(self):
        with self.lock:
            return json.dumps({"clock": "CLOCK_MONOTONIC", "requests": self.rows}).encode()


class Script:
    """The words of a request that steer its answer."""

    def __init__(self, request):
        messages = request.get("messages") or []
        self.text = ""
        for message in messages:
            if message.get("role") == "user":
                self.text = plain_text(message.get("content"))
        self.tool_result = None
        if messages and messages[-1].get("role") == "tool":
            self.tool_result = plain_text(messages[-1].get("content"))
        self.numbers = {name: int(value) for name, value in NUMBER.findall(self.text)}
        found = REQUEST_ID.search(self.text)
        self.id = found.group(1) if found else None
        found = COMMAND.search(self.text)
        self.command = (found.group(1), found.group(2).strip()) if found else (None, "")
        self.tools = {tool.get("function", {}).get("name") for tool in request.get("tools") or []}

    def tool_call(self):
        """(name, arguments) of the tool to call, or None."""
        if self.tool_result is not None:
            return None
        word, rest = self.command
        if word == "APPROVE" and "terminal" in self.tools:
            return "terminal", {"command": rest}
        if word == "CLARIFY" and "clarify" in self.tools:
            question, *choices = rest.split("|")
            return "clarify", {"question": question, "choices": choices}
        return None

    def counted(self):
        """(number, size) of the pieces, when the script asks for so many."""
        if "TOKENS" not in self.numbers or self.tool_result is not None:
            return None
        return min(self.numbers["TOKENS"], TOKENS_MAX), max(1, self.numbers.get("SIZE", 4))

    def pieces(self):
        """Any other answer, cut as it will be streamed."""
        if self.tool_result is not None:
            return split_words("Tool said: " + self.tool_result)
        if self.command[0] == "SAY":
            return split_words(self.command[1])
        return split_words("You said: " + self.text)


def token(index, size):
    """The `index`th piece: `size` bytes, different from its neighbours, so that a lost one shows."""
    width = max(1, size - 1)
    return str(index % 10**width).ljust(width, "x") + " "


def split_words(text):
    return re.findall(r"\S*\s*", text)[:-1] or [""]


def plain_text(content):
    """The text of a message, which may be a list of parts."""
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def event(delta, finish=None, usage=None):
    """One server-sent event."""
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    if usage:
        body["usage"] = usage
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def text_events(pieces):
    """One event a piece, from a template: 20,000 calls of json.dumps would be most of our time."""
    template = event({"content": "@"})
    before, after = template.split(b'"@"')
    return [before + json.dumps(piece).encode() + after for piece in pieces]


def framed(events, finish, count):
    """(first event, events, last event, all of it as large HTTP chunks)."""
    first = event({"role": "assistant", "content": ""})
    usage = {"prompt_tokens": 10, "completion_tokens": count, "total_tokens": 10 + count}
    last = event({}, finish, usage) + b"data: [DONE]\n\n"
    return first, events, last, blocks_of([first, *events, last])


@functools.lru_cache(maxsize=4)
def flood(count, size):
    """Kept, because building 20,000 events takes longer than a fast gateway takes to pass them on."""
    return framed(text_events([token(i, size) for i in range(count)]), "stop", count)


def answer_to(script, serial):
    """What `framed` gives, for a script."""
    call = script.tool_call()
    if call:
        delta = {"tool_calls": [{"index": 0, "id": f"call_{serial}", "type": "function",
                                 "function": {"name": call[0], "arguments": json.dumps(call[1])}}]}
        return framed([event(delta)], "tool_calls", 1)
    if script.counted():
        return flood(*script.counted())
    pieces = script.pieces()
    return framed(text_events(pieces), "stop", len(pieces))


def chunk(data):
    """One chunk of a chunked HTTP body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Connection:
    """One client connection, request by request."""

    def __init__(self, sock, records):
        self.sock = sock
        self.records = records
        self.buffer = b""

    def serve(self):
        try:
            while self.one_request():
                pass
        except OSError:
            pass  # The client went away; nobody is left to tell.
        finally:
            self.sock.close()

    def one_request(self):
        head = self.read_head()
        if head is None:
            return False
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = (lines[0] + "  ").split(" ", 2)
        headers = {k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}
        length = int(headers.get("content-length") or 0)
        if length > BODY_MAX or "chunked" in headers.get("transfer-encoding", ""):
            self.reply(413, b"{}")
            return False
        if headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.read_exactly(length)
        if body is None:
            return False
        if path.startswith("/stats"):
            self.reply(200, self.records.dump())
        elif path.rstrip("/").endswith("/models"):
            self.reply(200, json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode())
        elif method == "POST" and path.rstrip("/").endswith("/chat/completions"):
            return self.complete(body)
        else:
            self.reply(404, b'{"error":{"message":"no such page"}}')
        return True

    def complete(self, body):
        arrived = time.monotonic_ns()
        try:
            request = json.loads(body)
        except ValueError:
            self.reply(400, b'{"error":{"message":"not JSON"}}')
            return True
        script = Script(request)
        streaming = bool(request.get("stream"))
        row = {"id": script.id, "stream": streaming, "arrived_ns": arrived, "first_byte_ns": None,
               "last_byte_ns": None}
        self.records.add(row)
        if not streaming:
            # Side questions of an agent (a title, say): short, whatever the script says.
            row["first_byte_ns"] = row["last_byte_ns"] = time.monotonic_ns()
            self.reply(200, completion("A title"))
            return True
        status = script.numbers.get("STATUS", 200)
        if status != 200:
            self.reply(status, b'{"error":{"message":"as the script asked"}}')
            return True
        self.stream(script, row)
        return True

    def stream(self, script, row):
        """Everything is built before the first byte, so that its time means what it says."""
        rate = script.numbers.get("RATE", 0)
        first, events, last, blocks = answer_to(script, row["arrived_ns"])
        head = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n")
        time.sleep(script.numbers.get("DELAY", 0) / 1000)
        self.sock.sendall(head)
        if "HANG" in script.text.split():
            self.sock.recv(1)  # Until the client gives up.
            raise OSError("hung as asked")
        row["first_byte_ns"] = time.monotonic_ns()
        if rate:
            self.sock.sendall(chunk(first))
            start = time.monotonic()
            for index, data in enumerate(events):
                time.sleep(max(0.0, start + index / rate - time.monotonic()))
                self.sock.sendall(chunk(data))
            self.sock.sendall(chunk(last))
        else:
            for block in blocks:
                self.sock.sendall(block)
        self.sock.sendall(b"0\r\n\r\n")
        row["last_byte_ns"] = time.monotonic_ns()

    def read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data or len(self.buffer) > HEAD_MAX:
                return None
            self.buffer += data
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head

    def read_exactly(self, length):
        parts, have = [self.buffer], len(self.buffer)
        while have < length:
            data = self.sock.recv(1 << 20)
            if not data:
                return None
            parts.append(data)
            have += len(data)
        data = b"".join(parts)
        self.buffer = data[length:]
        return data[:length]

    def reply(self, status, body):
        self.sock.sendall(b"HTTP/1.1 %d Scripted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                          % (status, len(body), body))


def completion(text):
    message = {"role": "assistant", "content": text}
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL,
                       "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                       "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}}).encode()


def blocks_of(events):
    """The events as HTTP chunks of about WRITE_BYTES."""
    blocks, part, size = [], [], 0
    for data in events:
        part.append(data)
        size += len(data)
        if size >= WRITE_BYTES:
            blocks.append(chunk(b"".join(part)))
            part, size = [], 0
    if part:
        blocks.append(chunk(b"".join(part)))
    return blocks


def main():
    parser = argparse.ArgumentParser(description="A scripted OpenAI-compatible model server on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port), backlog=64)
    print(f"PORT={listener.getsockname()[1]}", flush=True)
    records = Records()
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=Connection(sock, records).serve, daemon=True).start()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
