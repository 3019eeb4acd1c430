#!/usr/bin/env python3
"""A host for measuring: speaks just enough of the stdio protocol, and streams what it is told to.

The prompt `COUNT RATE` has COUNT deltas written, RATE a second; RATE 0: as fast as they are read, from memory.
"""

import hashlib
import json
import os
import sys
import time

# Deltas written at once where there is no rate.
BLOCK = 512
SKIN = {"name": "default", "colors": {}, "branding": {}}


def write(data):
    while data:
        data = data[os.write(1, data):]


def say(document):
    write(json.dumps({"jsonrpc": "2.0", **document}).encode() + b"\n")


def event(kind, session, payload=None):
    params = {"type": kind, "session_id": session}
    if payload is not None:
        params["payload"] = payload
    return {"method": "event", "params": params}


def pieces(count):
    return [f"{number % 10_000:04} " for number in range(count)]


def stream(session, texts, rate):
    """Every text as a line of its own, written as the original writes it."""
    lines = [json.dumps({"jsonrpc": "2.0", **event("message.delta", session, {"text": text})}).encode() + b"\n"
             for text in texts]
    if not rate:
        for at in range(0, len(lines), BLOCK):
            write(b"".join(lines[at:at + BLOCK]))
        return
    start, sent = time.monotonic(), 0
    while sent < len(lines):
        due = min(len(lines), int((time.monotonic() - start) * rate) + 1)
        if due > sent:
            write(b"".join(lines[sent:due]))
            sent = due
        time.sleep(max(0.0, start + sent / rate - time.monotonic()))


def turn(session, prompt):
    count, rate = (int(word) for word in prompt.split())
    texts = pieces(count)
    say(event("message.start", session))
    stream(session, texts, rate)
    text = "".join(texts)
    usage = {"total": count, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    say(event("message.complete", session, {"text": text, "status": "complete", "usage": usage}))


def main():
    say({"method": "event", "params": {"type": "gateway.ready", "payload": {"skin": SKIN}}})
    made = 0
    for line in sys.stdin.buffer:
        request = json.loads(line)
        call, method, params = request.get("id"), request.get("method"), request.get("params") or {}
        session, prompt = params.get("session_id"), None
        result = {}
        if method == "session.create":
            made += 1
            session = f"{made:08x}"
            result = {"session_id": session, "stored_session_id": f"20260101_000000_{made:06x}",
                      "message_count": 0, "messages": [], "info": {"model": "none"}}
        elif method == "prompt.submit":
            result, prompt = {"status": "streaming"}, params["text"]
        say({"id": call, "result": result})
        if prompt:
            turn(session, prompt)


if __name__ == "__main__":
    main()
