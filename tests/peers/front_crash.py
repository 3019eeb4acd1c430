#!/usr/bin/env python3
"""The host behind the front is killed with SIGKILL again and again: no client notices more than a turn that ends.

    front_crash.py --binary PATH [--peer-python VENV] [--rounds N] [--seed N] [--quick]

Clients with a socket each submit prompts, some behind others; then a host is killed at a random moment. What has
to hold, however often:

- no socket is closed, and the names of sessions stay valid;
- every prompt that was acknowledged is run to its end once, or reported once (message.complete with status error);
- text is whole: of a turn that ended all of it, of one that was cut off what was shown;
- afterwards each conversation goes on, and its transcript has what was shown.

The host is another of us, with a store; with --peer-python it is the original. A host that dies too often in a row
is given time to rest, so a front lives for some kills only: by turns with one host for all sessions, and with a
host for each.
"""

import argparse
import itertools
import json
import os
import random
import select
import signal
import sys
import time
from collections import Counter

from front_lib import (CONFIG, HOST_S, Failed, event_of, expect, expect_child, front, hosts, hosts_when, metric,
                       numbers, own_host, python_host, squeezed)
from gateway import FakeModel, Server, Which, add_arguments
from store_lib import Place, shown
from wire import Client, Closed, Late, WebSocket

ROUNDS, ROUNDS_QUICK = 200, 25
CLIENTS = 4
# How often one host is killed in a life of the front; the rests grow from none to some seconds.
KILLS_EACH = 5
# When it is killed, in seconds after prompts were sent: right away, or in the middle of text.
SOON, LATE = (0.0, 0.3), (0.3, 1.2)
# Prompts of one session without an end. The original has one place behind a turn, and joins what comes on top.
OPEN_MAX = {True: 4, False: 2}
# What was shown for so long before the end is in the transcript: twice the interval in which ours writes text.
SETTLED_S = 1.0
DRAIN_S = 120
RETRYABLE = -32004


class Prompt:
    """One prompt and what became of it."""

    def __init__(self, mark, dice):
        self.mark = mark
        self.tokens = dice.choice((0, 3, 40, 120))
        self.text = f"RATE={dice.choice((100, 400))} TOKENS={self.tokens} SAY:{mark}"
        if not self.tokens:
            self.text = f"SAY:{mark}"
        self.expected = numbers(self.tokens) + mark
        # None until it is answered.
        self.acknowledged = None
        self.begun = False
        self.ends = []
        self.pieces = []
        self.ended_at = None

    def seen(self, until=float("inf")):
        return squeezed("".join(text for at, text in self.pieces if at <= until))


class Line:
    """One client with its socket, its session, and its prompts in order."""

    def __init__(self, server):
        self.client = Client(WebSocket(server.port), HOST_S)
        self.client.event("gateway.ready")
        made = self.client.result("session.create", cols=80)
        self.session, self.key = made["session_id"], made["stored_session_id"]
        self.prompts = []
        self.calls = {}
        self.running = None
        self.warned = 0

    def submit(self, prompt):
        self.prompts.append(prompt)
        self.calls[self.client.start("prompt.submit", session_id=self.session, text=prompt.text)] = prompt

    @property
    def open(self):
        return [one for one in self.prompts if not one.ends and one.acknowledged is not False]

    def hear(self, message, count):
        prompt = self.calls.pop(message.get("id"), None)
        if prompt:
            self.answered(prompt, message, count)
            return
        kind, session, payload = event_of(message)
        if session != self.session:
            return
        if kind == "message.start":
            # Some turns are announced twice.
            if self.running is None:
                waiting = [one for one in self.open if not one.begun]
                expect(waiting, f"{self.session}: a turn of no prompt begins")
                self.running = waiting[0]
                self.running.begun = True
        elif kind == "message.delta":
            expect(self.running is not None, f"{self.session}: text of no turn: {payload}")
            self.running.pieces.append((time.monotonic(), payload["text"]))
        elif kind == "message.complete":
            self.complete(payload, count)
        elif kind == "status.update":
            self.warned += payload.get("kind") == "warn"
        elif kind == "error":
            raise Failed(f"{self.session}: {payload}")

    def answered(self, prompt, message, count):
        if "error" in message:
            error = message["error"]
            expect(error["code"] == RETRYABLE, f"{prompt.text!r} is refused: {error}")
            prompt.acknowledged = False
            count["refused, to be sent again"] += 1
            return
        given = message["result"]["status"]
        expect(given in ("streaming", "queued"), f"{prompt.text!r}: {message['result']}")
        prompt.acknowledged = True
        count["acknowledged"] += 1
        count["acknowledged as queued"] += given == "queued"

    def complete(self, payload, count):
        text, given = payload.get("text") or "", payload.get("status")
        prompt = self.running or next((one for one in self.open if one.mark in text), None)
        expect(prompt is not None, f"{self.session}: the end of no turn: {payload}")
        self.running = None
        prompt.ends.append(given)
        prompt.ended_at = time.monotonic()
        if given == "complete":
            expect(squeezed(text) == prompt.expected, f"{prompt.text!r} is answered {text!r}")
            expect(prompt.seen() == prompt.expected, f"{prompt.text!r} showed {prompt.seen()!r}")
            count["run"] += 1
            return
        expect(given == "error", f"{prompt.text!r} ended as {given}")
        seen = prompt.seen()
        expect(squeezed(text).startswith(seen), f"{prompt.text!r} showed {seen!r}, and ends with {text!r}")
        expect(len(squeezed(text)) > len(seen), f"{prompt.text!r}: no word about its end in {text!r}")
        expect(prompt.expected.startswith(seen), f"{prompt.text!r} showed {seen!r}")
        count["cut off and reported" if prompt.begun else "reported as never run"] += 1

    def check_ends(self):
        for prompt in self.prompts:
            if prompt.acknowledged:
                expect(len(prompt.ends) == 1, f"{prompt.text!r} was acknowledged and ended as {prompt.ends}")
            expect(len(prompt.ends) <= 1, f"{prompt.text!r} ended as {prompt.ends}")


class Trial:
    """All lives on one home."""

    def __init__(self, which, command, place, dice, strict):
        self.which, self.command, self.place, self.dice, self.strict = which, command, place, dice, strict
        self.marks = itertools.count(1)
        self.count = Counter()
        self.back = []
        self.lines = []
        self.kept = []
        self.dead = set()

    def play(self, seconds, until=None):
        """Hears everybody for so long, or until `until()`."""
        end = time.monotonic() + seconds
        by_socket = {line.client.link.sock: line for line in self.lines}
        while True:
            for line in self.lines:
                waiting, line.client.waiting = line.client.waiting, []
                for message in waiting:
                    line.hear(message, self.count)
            if until and until():
                return True
            left = end - time.monotonic()
            if left <= 0:
                return until is None
            for sock in select.select(list(by_socket), [], [], min(left, 0.1))[0]:
                line = by_socket[sock]
                link = line.client.link
                # A socket that closes raises, and that is a failure.
                link.fill(time.monotonic() + 1)
                line.client.waiting += [json.loads(raw) for raw in link.messages()]
                if link.close_code is not None:
                    raise Closed(f"close {link.close_code}")

    def prompt(self):
        return Prompt(f"m{next(self.marks)}x", self.dice)

    def life(self, number, per_session, kills):
        more = ["--upstream-per-session"] if per_session else []
        with Server(front(self.which, self.command, *more), self.place) as server:
            began = time.monotonic()
            self.lines = [Line(server) for _ in range(CLIENTS)]
            try:
                killed = Counter()
                for _ in range(kills):
                    self.round(server, killed)
                self.settle(server, kills)
                for line in self.lines:
                    found = line.client.result("session.history", session_id=line.session)["messages"]
                    self.check(line.prompts, found)
                self.resume_kept(server)
                # A conversation that was never stored has a new key from each host.
                live = self.lines[0].client.result("session.active_list")["sessions"]
                keys = {one["id"]: one["session_key"] for one in live}
                self.kept = [(keys[line.session], line.prompts) for line in self.lines]
            finally:
                for line in self.lines:
                    line.client.link.close()
            expect(server.alive(), "the front ended")
            how = "a host a session" if per_session else "one host"
            print(f"ok front-crash life {number}: {how}, {kills} kills, {CLIENTS} sockets open to the end "
                  f"({time.monotonic() - began:.1f} s)", flush=True)

    def round(self, server, killed):
        for line in self.lines:
            for _ in range(self.dice.choice((0, 1, 1, 2, 3))):
                if len(line.open) < OPEN_MAX[self.strict]:
                    line.submit(self.prompt())
        self.play(self.dice.uniform(*self.dice.choice((SOON, LATE))))

        def alive():
            rows = hosts(server)
            # One that was killed is listed until its end is known.
            there = [row for row in rows if row["pid"] and row["pid"] not in self.dead]
            return [row for row in there if row["sessions"] and killed[row["id"]] < KILLS_EACH]
        row = []
        expect(self.play(HOST_S, until=lambda: row or row.extend(alive()) or row), f"no host: {hosts(server)}")
        victim = self.dice.choice(row)
        expect_child(server, victim["pid"])
        os.kill(victim["pid"], signal.SIGKILL)
        killed[victim["id"]] += 1
        self.dead.add(victim["pid"])
        self.count["kills"] += 1
        self.count[f"kills of a host that was {victim['state']}"] += 1

    def settle(self, server, kills):
        """Until every prompt has its answer and its end; then one more for everybody."""
        began = time.monotonic()

        def over():
            return not any(line.calls or line.open for line in self.lines)
        if not self.play(DRAIN_S, until=over):
            left = [(line.session, one.text, one.acknowledged, one.begun)
                    for line in self.lines for one in line.open]
            raise Failed(f"without an end after {DRAIN_S} s: {left}; {hosts(server)}")
        self.back.append(time.monotonic() - began)
        for line in self.lines:
            line.submit(self.prompt())
        expect(self.play(DRAIN_S, until=over), "the conversations do not go on")
        for line in self.lines:
            line.check_ends()
            expect(line.prompts[-1].ends == ["complete"], f"the last prompt ended as {line.prompts[-1].ends}")
        hosts_when(server, lambda row: row["state"] == "ready", "is ready")
        again = metric(server, "tui_gateway_host_restarts_total")
        expect(again >= kills, f"{kills} kills, but {again:.0f} restarts")

    def check(self, prompts, messages):
        """The transcript has what was shown."""
        asked = [message["text"] for message in messages if message["role"] == "user"]
        said = squeezed("".join(message["text"] for message in messages if message["role"] == "assistant"))
        for prompt in prompts:
            if not prompt.ends:
                continue
            times = sum(f"SAY:{prompt.mark}" in text for text in asked)
            self.count["prompts that stand twice in a transcript"] += times > 1
            if prompt.ends == ["complete"]:
                expect(times, f"{prompt.text!r} is not in the transcript {asked}")
                expect(prompt.expected in said, f"the answer to {prompt.text!r} is not in the transcript")
            elif self.strict and prompt.begun:
                expect(times, f"{prompt.text!r}, which was cut off, is not in the transcript {asked}")
                there = prompt.seen(prompt.ended_at - SETTLED_S)
                expect(there in said, f"of {prompt.text!r} was shown {there!r}; it is not in the transcript")
                self.count["characters of turns that were cut off, found again"] += len(there)

    def resume_kept(self, server):
        """What the front of the life before had is resumed by its key."""
        line = self.lines[0]
        for key, prompts in self.kept:
            made = line.client.result("session.resume", session_id=key, cols=80)
            self.check(prompts, made["messages"])
            line.client.result("session.close", session_id=made["session_id"])
            self.count["conversations resumed by another front"] += 1


def lives(rounds):
    """(whether each session has its own host, kills) of each life."""
    for per_session in itertools.cycle((False, True)):
        if rounds <= 0:
            return
        kills = min(rounds, KILLS_EACH * (CLIENTS if per_session else 1))
        rounds -= kills
        yield per_session, kills


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, help=f"how often a host is killed (default {ROUNDS})")
    parser.add_argument("--seed", type=int, help="of all that is left to chance (default: the clock)")
    parser.add_argument("--quick", action="store_true", help=f"{ROUNDS_QUICK} rounds")
    add_arguments(parser)
    options = parser.parse_args()
    rounds = options.rounds or (ROUNDS_QUICK if options.quick else ROUNDS)
    seed = int(time.time()) if options.seed is None else options.seed
    which = Which(options.binary, model_binary=options.model_binary)
    peer = Which(venv=options.peer_python) if options.peer_python else None
    command = python_host(peer.venv) if peer else own_host(which.binary)
    print(f"   seed {seed}, host: {command}", flush=True)
    with Place() as apart, FakeModel(apart, which.model_binary) as model, Place(model.port, CONFIG) as place:
        trial = Trial(which, command, place, random.Random(seed), strict=peer is None)
        number = 0
        try:
            for number, (per_session, kills) in enumerate(lives(rounds), 1):
                trial.life(number, per_session, kills)
        except (Failed, Closed, Late, AssertionError, RuntimeError, OSError, LookupError, ValueError) as why:
            print(f"FAIL front-crash life {number}, seed {seed}: {type(why).__name__}: {why}", flush=True)
            return 1
        finally:
            for what, times in sorted(trial.count.items()):
                print(f"   {what}: {times}")
        print(f"ok front-crash {rounds} kills, no socket closed, every acknowledged prompt ended once")
        print(f"   from the last kill to the last answer: {shown(trial.back)} s (min / median / max)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
