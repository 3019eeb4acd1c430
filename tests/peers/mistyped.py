#!/usr/bin/env python3
"""Wrong types for every parameter of every method, and envelopes that are hardly JSON-RPC.

Each call must be answered in time, by a result or by an error with a number and a text; afterwards the
process and the connection must still work. 922 of such calls ended the original 63 times.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections import Counter

from gateway import Home, Server, Which, add_arguments
from methods import METHODS, NAMES
from wire import Client, Closed, Late, Stdio, WebSocket

CALLS_MIN = 922
VALUES = [None, 5, [1], {"a": 1}, "x" * 200_000, True]
# Values under which a method gets further than its first check.
SENSIBLE = {"config.get": {"key": "skin"}, "config.set": {"key": "skin", "value": "default"},
            "cli.exec": {"argv": ["version"]}, "terminal.resize": {"cols": 80}, "prompt.submit": {"text": "SAY:x"}}
# What most methods read.
COMMON = ["session_id", "text", "cols", "key", "value", "request_id", "answer", "choice", "title", "cwd", "limit"]
# Families of the original that look for a network, a browser or a microphone.
ORIGINAL_SKIPS = ("pet.", "billing.", "browser.", "voice.", "credits.", "plugins.", "skills.", "learning.", "llm.",
                  "projects.discover", "session.compress", "prompt.background")


def calls(names, whole, served):
    """(method, params without the session, mistyped name): at least one for every method, and the common
    parameters for every method that is served, whether it reads them or not."""
    for method in names:
        own = METHODS.get(method, ["session_id"]) or ["session_id"]
        common = [name for name in COMMON if method in served and name not in own]
        for name in NAMES if whole else own + common:
            for value in VALUES:
                yield method, {**SENSIBLE.get(method, {}), name: value}, name


class Link:
    """A gateway and a client of it, both made anew when the gateway dies, hangs up or hangs."""

    def __init__(self, which, home, transport, deadline_s):
        self.which, self.home, self.transport, self.deadline_s = which, home, transport, deadline_s
        self.server = self.client = None
        self.restarts = 0
        self.open()

    def open(self):
        if self.transport == "stdio":
            self.server = Stdio(self.which, self.home)
            link = self.server
        else:
            self.server = Server(self.which, self.home)
            link = WebSocket(self.server.port)
        self.client = Client(link, self.deadline_s)
        self.client.event("gateway.ready")

    def again(self):
        self.restarts += 1
        self.close()
        self.open()

    def close(self):
        self.client.link.close()
        self.server.stop()


def fault(reply):
    """What is wrong with a reply, or ''."""
    error = reply.get("error")
    if reply.get("jsonrpc") != "2.0":
        return "no jsonrpc member"
    if ("result" in reply) == (error is not None):
        return "neither result nor error, or both"
    if error is None:
        return "" if isinstance(reply["result"], dict) else "the result is no object"
    if type(error.get("code")) is not int or not isinstance(error.get("message"), str) or not error["message"]:
        return f"untyped error {str(error)[:200]}"
    return ""


def shorten(value):
    return re.sub(r"(.)\1{50,}", r"\1…", json.dumps(value))[:200]


def mistype(link, names, whole, served):
    """Runs all calls; returns (number of calls, outcomes, complaints)."""
    count, outcomes, complaints = 0, Counter(), []
    session, previous = None, None
    for method, params, name in calls(names, whole, served):
        count += 1
        try:
            # A session of its own for every method: some of them end it.
            if method != previous:
                if session:
                    link.client.call("session.close", session_id=session)
                session = link.client.result("session.create", cols=80)["session_id"]
                previous = method
            if name != "session_id":
                params = {"session_id": session, **params}
            reply = link.client.call(method, **params)
            wrong = fault(reply)
            link.client.waiting.clear()
            outcomes["result" if "result" in reply else reply.get("error", {}).get("code")] += 1
        except (Closed, Late) as why:
            wrong = "the gateway closed or died" if isinstance(why, Closed) else f"no answer within {link.deadline_s} s"
            # Late ones too: whatever is still being chewed would delay the calls behind it.
            session = previous = None
            link.again()
        if wrong:
            complaints.append(f"{method} {name}={shorten(params[name])}: {wrong}")
    return count, outcomes, complaints


def envelopes(transport):
    """(name, text, codes it may be answered with; 'result' is one; () is no reply at all)."""
    deep = "[" * 5000
    digits = "7" * 5000
    good = '"method":"session.active_list"'
    parse, invalid = {-32700}, {-32600}
    yield "no id", "{%s}" % good, {"result"}
    yield "id null", '{"id":null,%s}' % good, {"result"}
    yield "id a fraction", '{"id":1.5,%s}' % good, {"result"}
    yield "id an object", '{"id":{"k":[1,null]},%s}' % good, {"result"}
    yield "params null", '{"id":1,"params":null,%s}' % good, {"result"}
    yield "params an array", '{"id":1,"params":[1],%s}' % good, {-32602}
    yield "params a text, unknown method", '{"id":1,"params":"x","method":"nope"}', {-32602}
    yield "unknown method", '{"id":1,"method":"nope"}', {-32601}
    yield "a very long method", '{"id":1,"method":"%s"}' % ("m" * 200_000), {-32601}
    yield "method a number", '{"id":1,"method":5}', invalid
    yield "method empty", '{"id":1,"method":""}', invalid
    yield "method missing", '{"id":1}', invalid
    yield "method null", '{"id":1,"method":null}', invalid
    yield "an empty object", "{}", invalid
    yield "a batch", '[{"id":1,%s},{"id":2,%s}]' % (good, good), invalid
    yield "an empty batch", "[]", invalid
    yield "a number", "5", invalid
    yield "a text", '"x"', invalid
    yield "null", "null", invalid
    yield "not JSON", "hello", parse
    yield "half an object", '{"id":1,', parse
    yield "a byte order mark", '\ufeff{"id":1,%s}' % good, parse
    yield "NUL", '{"id":1,%s}\0' % good, parse
    yield "only NUL", "\0", parse
    yield "two documents", '{"id":1,%s} {"id":2,%s}' % (good, good), parse
    if transport == "ws":
        yield "two documents on two lines", '{"id":1,%s}\n{"id":2,%s}' % (good, good), parse
    yield "NaN as id", '{"id":NaN,%s}' % good, parse
    yield "Infinity in params", '{"id":1,"params":{"a":-Infinity},%s}' % good, parse
    yield "5000 open brackets", deep, parse
    yield "5000 brackets in params", '{"id":1,"params":{"a":%s%s},%s}' % (deep, "]" * 5000, good), parse | {"result"}
    yield "5000 brackets as id", '{"id":%s%s,%s}' % (deep, "]" * 5000, good), parse | invalid
    yield "a 5000-digit id", '{"id":%s,%s}' % (digits, good), parse | invalid | {"result"}
    yield "a 5000-digit param", '{"id":1,"params":{"cols":%s},%s}' % (digits, good), parse | {"result"}
    yield "a huge exponent", '{"id":1e999999,%s}' % good, parse | invalid | {"result"}
    yield "a lone surrogate as id", '{"id":"\\ud800",%s}' % good, parse | invalid | {"result"}
    yield "a lone surrogate in the method", '{"id":1,"method":"\\udfff"}', parse | invalid | {-32601}
    yield "a lone surrogate in params", '{"id":1,"params":{"a":"\\ud800x"},%s}' % good, parse | {"result"}
    yield "an id twice", '{"id":1,"id":2,%s}' % good, parse | invalid | {"result"}
    yield "jsonrpc 1.0", '{"jsonrpc":"1.0","id":1,%s}' % good, {"result"}
    yield "a member nobody knows", '{"id":1,"x":[{}],%s}' % good, {"result"}
    yield "white space around", ' \t {"id":1,%s} \r' % good, {"result"}
    yield "an empty text", "", ()
    yield "white space", " \t ", ()


def odd(link):
    """Sends every envelope with a plain call behind it; returns (number, complaints)."""
    count, complaints = 0, []
    for name, text, wanted in envelopes(link.transport):
        count += 1
        try:
            link.client.link.send(text)
            probe = link.client.start("session.active_list")
            replies, end = [], time.monotonic() + link.deadline_s
            while not replies or replies[-1].get("id") != probe:
                message = link.client.next(max(0.001, end - time.monotonic()))
                if message.get("method") != "event":
                    replies.append(message)
            wrong = odd_fault(text, replies[:-1], wanted) or fault(replies[-1])
        except Closed:
            wrong = "the gateway closed or died"
            link.again()
        except (Late, ValueError) as why:
            wrong = f"{type(why).__name__} {str(why)[:100]}"
        if wrong:
            complaints.append(f"envelope, {name}: {wrong}")
    return count, complaints


def odd_fault(text, replies, wanted):
    """What is wrong with the replies to an envelope, or ''."""
    if len(replies) != (1 if wanted else 0):
        return f"{len(replies)} replies"
    if not wanted:
        return ""
    wrong = fault(replies[0])
    if wrong:
        return wrong
    code = replies[0]["error"]["code"] if "error" in replies[0] else "result"
    if code not in wanted:
        return f"answered {code}, not {wanted}"
    if "id" not in replies[0]:
        return "no id in the reply"
    if replies[0]["id"] is not None:
        # What is echoed must have been there; what could not be read has no id to echo.
        try:
            sent = json.loads(text)["id"]
        except (ValueError, RecursionError):
            return "" if code == "result" else "an id echoed from what was not read"
        return "" if replies[0]["id"] == sent else f"id {shorten(replies[0]['id'])}"
    return ""


def names_of(which):
    """(the methods to call, those the binary says it serves): its own and the original's."""
    names = list(METHODS)
    if which.ours:
        done = subprocess.run([which.binary, "methods", "--names"], capture_output=True, text=True, timeout=10)
        listed = done.stdout.split() if done.returncode == 0 else []
        names += [name for name in listed if name not in METHODS]
        missing = set(METHODS) - set(listed)
        if listed and missing:
            print(f"note: {len(missing)} methods of the original are not listed: {' '.join(sorted(missing))}")
        return names, set(listed)
    return [name for name in names if not name.startswith(ORIGINAL_SKIPS)], set()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--deadline", type=float, default=10, metavar="SECONDS", help="for one answer")
    parser.add_argument("--transport", choices=["stdio", "ws", "both"], default="both")
    parser.add_argument("--whole", action="store_true", help="every parameter name for every method")
    options = parser.parse_args()
    # A 5000-digit number is a number to the reader in this script, too.
    sys.set_int_max_str_digits(0)
    which = Which(options.binary, options.peer_python)
    good = True
    for transport in ["stdio", "ws"] if options.transport == "both" else [options.transport]:
        began = time.monotonic()
        with Home() as home:
            link = Link(which, home, transport, options.deadline)
            try:
                names, served = names_of(which)
                count, outcomes, complaints = mistype(link, names, options.whole, served)
                envelope_count, more = odd(link)
                link.client.result("session.active_list")
            finally:
                link.close()
        complaints += more
        known = count - outcomes[-32601]
        if which.ours and known < CALLS_MIN:
            complaints.append(f"only {known} calls to known methods, not {CALLS_MIN}")
        for complaint in complaints:
            print("FAIL " + complaint)
        good &= not complaints
        print(f"{'FAIL' if complaints else 'ok'} {which.name} mistyped {transport}: {count} calls, "
              f"{known} of them to known methods, "
              f"{envelope_count} envelopes, {len(complaints)} wrong, {link.restarts} restarts, "
              f"{time.monotonic() - began:.0f} s; "
              + ", ".join(f"{k}: {v}" for k, v in outcomes.most_common(12)), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
