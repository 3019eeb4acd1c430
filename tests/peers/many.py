#!/usr/bin/env python3
"""A state.db of 10,000 conversations and 1,000,000 messages, a thousand parked sessions, a hundred thousand comings
and goings.

    many.py --binary PATH [--parts start,list,resume,search,parked,churn] [--quick] [--slack F] [--seed N]

start    from spawn to gateway.ready and to the first list
list     session.list with limit 200
resume   session.resume of a conversation of 1,000 messages
search   the agent's session_search, common words and rare ones
parked   1,000 sessions of one turn whose clients are gone, and 8 that stream: resident memory
churn    create, resume, close, activate, disconnect on 8 connections in random order: nothing is left behind

The file is made once (with the original's own schema) and kept below --cache; each run works on a copy. Figures of
time mean something on a quiet machine only: --slack multiplies what is allowed of them.
"""

import argparse
import json
import os
import random
import shutil
import sqlite3
import sys
import time
from itertools import accumulate
from pathlib import Path

from crowd import Crowd
from gateway import FakeModel, Server, Which, add_arguments, memory_kib
from pace import share
from store_lib import SEARCH, Place, call, expect, expect_sound, results_of, run_steps, session_db, shown
from wire import CLOSE, TEXT, connect, masked

# Sessions and messages of the file: the whole test, and a quick one.
SIZES = {False: (10_000, 1_000_000), True: (400, 20_000)}
# The conversation that is resumed.
LONG, LONG_MESSAGES = "20250101_000000_00face", 1_000
# What the file's text is made of: words by Zipf's law, and some that occur once in so many messages.
VOCABULARY, WORDS = 4_000, (4, 24)
RARE_EVERY = 10_000
BATCH = 20_000
# What this issue asks for, in milliseconds.
LIST_P99_MS, RESUME_MS, SEARCH_MS = 20.0, 30.0, 50.0
RUNS = 5
LISTS, RESUMES, SEARCHES = 200, 20, 50
LIST_LIMIT = 200
# Parked sessions.
PARKED, STREAMS, CONNECTIONS = {False: 1_000, True: 50}, 8, 8
STREAM_S = {False: 10, True: 2}
# Comings and goings.
STEPS = {False: 100_000, True: 2_000}
STORED = 40
# Requests of one connection that wait for an answer at most; all together stay below the server's queue.
WINDOW = 12
LIVE_MAX = 1_500
# How long they are listened to at once when there is no room for another request.
HEAR_S = 0.002
GRACE_S = 1
SETTLE_S = 30
# What a request may be answered in the churn: the session is gone, or was never stored.
GONE = (4001, 4007)


# The file.


def vocabulary(dice):
    """Pronounceable words, and their weights."""
    syllables = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
    words = sorted({"".join(dice.choices(syllables, k=dice.randint(1, 4))) for _ in range(VOCABULARY)})
    dice.shuffle(words)
    return words, list(accumulate(1 / rank for rank in range(1, len(words) + 1)))


def rare(number):
    return f"quagga{number}"


def build(path, sessions, messages):
    """The whole file. Triggers and indexes of text are left out while it is filled, and made at the end."""
    began, dice = time.monotonic(), random.Random(5)
    half = path.with_suffix(".half")
    for name in (half, *(half.with_name(half.name + end) for end in ("-wal", "-shm"))):
        name.unlink(missing_ok=True)
    half.parent.mkdir(parents=True, exist_ok=True)
    session_db(half).close()
    db = sqlite3.connect(half, isolation_level=None)
    for pragma in ("journal_mode=DELETE", "synchronous=OFF", "cache_size=-200000", "foreign_keys=OFF"):
        db.execute(f"PRAGMA {pragma}")
    triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    expect(len(triggers) == 6, f"{len(triggers)} triggers")
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    db.execute("BEGIN")
    fill(db, dice, sessions, messages)
    db.execute("COMMIT")
    for table in ("messages_fts", "messages_fts_trigram"):
        db.execute(f"INSERT INTO {table}(rowid, content) SELECT id, COALESCE(content, '') || ' ' || "
                   "COALESCE(tool_name, '') || ' ' || COALESCE(tool_calls, '') FROM messages")
        print(f"   {table} is filled after {time.monotonic() - began:.0f} s", flush=True)
    for _, sql in triggers:
        db.execute(sql)
    db.execute("PRAGMA journal_mode=WAL")
    db.close()
    half.rename(path)
    print(f"   made {path.name} in {time.monotonic() - began:.0f} s: {path.stat().st_size / 1e6:.0f} MB", flush=True)


def fill(db, dice, sessions, messages):
    words, weights = vocabulary(dice)
    start, span = time.time() - 300 * 86_400, 300 * 86_400
    counts = share_out(dice, sessions - 1, messages - LONG_MESSAGES)
    batch, number, parent = [], 0, None
    plan = [(LONG, LONG_MESSAGES)] + [(f"20250301_{n // 3600 % 24:02}{n // 60 % 60:02}{n % 60:02}_{n:06x}", count)
                                      for n, count in enumerate(counts)]
    for place, (key, count) in enumerate(plan):
        at = start + span * place / len(plan)
        # A compressed conversation goes on in the next, here and there is a branch, a helper's, or a subagent's. The
        # long one stays what it is.
        ends = place % 50 == 0 and key != LONG
        chained = parent if place % 50 == 1 and parent != LONG else None
        kind = place % 40
        config = {2: '{"_branched_from": "%s"}', 3: '{"_delegate_from": "%s"}'}.get(kind)
        of = chained or (parent if config else None)
        source = "tool" if kind == 4 else "tui"
        db.execute("INSERT INTO sessions (id, source, model, model_config, parent_session_id, started_at, ended_at, "
                   "end_reason, message_count, title) VALUES (?, ?, 'fake-1', ?, ?, ?, ?, ?, ?, ?)",
                   (key, source, config % of if config and of else None, of, at, at + 60 if ends else None,
                    "compression" if ends else None, count, f"Title {place}" if place % 3 else None))
        parent = key
        for index in range(count):
            number += 1
            batch.append(message(dice, words, weights, key, index, number, at + index))
            if len(batch) >= BATCH:
                insert(db, batch)
    insert(db, batch)


def share_out(dice, sessions, messages):
    """How many messages each session has: many short ones, some long; all together exactly as many as asked."""
    weights = [dice.expovariate(1) + 0.05 for _ in range(sessions)]
    whole = sum(weights)
    counts = [max(2, int(messages * 0.95 * weight / whole)) for weight in weights]
    rest = messages - sum(counts)
    each, more = divmod(rest, sessions)
    return [count + each + (place < more) for place, count in enumerate(counts)]


def message(dice, words, weights, key, index, number, at):
    """(session, role, content, tool_call_id, tool_calls, tool_name, timestamp): of four rows two are a tool's."""
    text = " ".join(dice.choices(words, cum_weights=weights, k=dice.randint(*WORDS)))
    role = ("user", "assistant", "tool", "assistant")[index % 4]
    if number % RARE_EVERY == 0:
        text += " " + rare(number // RARE_EVERY)
        # The tool looks at what people and models said.
        role = "assistant" if role == "tool" else role
    if role == "tool":
        return key, role, text, f"call_{number - 1}", None, "terminal", at
    calls = None
    if index % 4 == 1:
        calls = json.dumps([{"id": f"call_{number}", "call_id": f"call_{number}", "type": "function",
                             "function": {"name": "terminal", "arguments": json.dumps({"command": "ls " + words[7]})}}])
    return key, role, text, None, calls, None, at


def insert(db, batch):
    db.executemany("INSERT INTO messages (session_id, role, content, tool_call_id, tool_calls, tool_name, timestamp) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?)", batch)
    batch.clear()


# Measuring.


class Ours:
    """Our server on a home."""

    def __init__(self, which, place):
        self.began = time.monotonic()
        self.server = Server(which, place)
        self.client = connect(self.server)
        self.ready = time.monotonic()

    def stats(self):
        return self.client.result("gateway.stats")

    def reconnect(self):
        """A client that did not read for long has missed pings."""
        self.client.link.close()
        self.client = connect(self.server)

    def close(self):
        self.client.link.close()
        self.server.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def timed(client, method, **params):
    """(milliseconds until the whole reply was here, the result). Parsing it is not part of the time."""
    client.waiting.clear()
    began = time.perf_counter()
    wanted = client.start(method, **params)
    mark = f'"{wanted}"'.encode()
    while True:
        found = client.link.receive(time.monotonic() + client.deadline_s)
        took = (time.perf_counter() - began) * 1000
        for raw in found:
            if mark in raw[:80]:
                reply = json.loads(raw)
                expect("result" in reply, f"{method}: {reply.get('error')}")
                return took, reply["result"]


def drift(ours):
    """How late the loop was woken since the server started, and how long one of its turns took."""
    stats = ours.stats()
    late, turn = stats["loop_late_wake_seconds"], stats["loop_turn_seconds"]
    return (f"drift p99 {late['p99'] * 1000:.2f} ms, max {late['max'] * 1000:.2f} ms, "
            f"turn of the loop max {turn['max'] * 1000:.2f} ms")


def start(which, place, _):
    ready, listed = [], []
    for _ in range(RUNS):
        with Ours(which, place) as ours:
            ready.append((ours.ready - ours.began) * 1000)
            ours.client.result("session.list", limit=LIST_LIMIT)
            listed.append((time.monotonic() - ours.began) * 1000)
    return f"to gateway.ready {shown(ready)} ms, with the first list {shown(listed)} ms"


def lists(which, place, options):
    p50, p99 = [], []
    with Ours(which, place) as ours:
        for _ in range(RUNS):
            took = []
            for _ in range(LISTS):
                ms, result = timed(ours.client, "session.list", limit=LIST_LIMIT)
                expect(len(result["sessions"]) == LIST_LIMIT, f"{len(result['sessions'])} were listed")
                took.append(ms)
            took.sort()
            p50.append(share(took, 0.5))
            p99.append(share(took, 0.99))
        late = drift(ours)
    typical = sorted(p99)[len(p99) // 2]
    text = f"p50 {shown(p50)} ms, p99 {shown(p99)} ms; {late}"
    expect(typical <= LIST_P99_MS * options.slack, text)
    return text


def resumes(which, place, options):
    middle, worst = [], []
    with Ours(which, place) as ours:
        for _ in range(RUNS):
            took = []
            for _ in range(RESUMES):
                ms, result = timed(ours.client, "session.resume", session_id=LONG, cols=80)
                expect(result["message_count"] == LONG_MESSAGES, f"{result['message_count']} messages")
                ours.client.result("session.close", session_id=result["session_id"])
                took.append(ms)
            took.sort()
            middle.append(share(took, 0.5))
            worst.append(took[-1])
        late = drift(ours)
    text = f"median {shown(middle)} ms, slowest {shown(worst)} ms; {late}"
    expect(sorted(middle)[len(middle) // 2] <= RESUME_MS * options.slack, text)
    return text


def searches(which, place, options):
    dice = random.Random(5)
    words, _ = vocabulary(dice)
    rares = SIZES[options.quick][1] // RARE_EVERY
    queries = {"common": [words[n % 20] for n in range(SEARCHES)],
               "several": [f"{words[n % 20]} {words[200 + n]}" for n in range(SEARCHES)],
               "rare": [rare(1 + n % rares) for n in range(SEARCHES)]}
    lines = []
    with Ours(which, place) as ours:
        session = ours.client.result("session.create", cols=80)["session_id"]
        for name, asked in queries.items():
            middle, worst = [], []
            for _ in range(RUNS):
                took = sorted(searched(ours.client, session, words) for words in asked)
                middle.append(share(took, 0.5))
                worst.append(took[-1])
            lines.append(f"{name}: median {shown(middle)} ms, slowest {shown(worst)} ms")
            expect(sorted(middle)[RUNS // 2] <= SEARCH_MS * options.slack, lines[-1])
        lines.append(drift(ours))
    return "; ".join(lines)


def searched(client, session, query):
    """Milliseconds one call of the agent's tool took, as the server counts them."""
    client.waiting.clear()
    _, done, events = client.turn(session, call(SEARCH, query=query))
    expect(done["status"] == "complete", f"{query!r} ended as {done}")
    payload = next(payload for kind, payload in events if kind == "tool.complete")
    found = "".join(results_of(events, SEARCH))
    expect("20250" in found, f"{query!r} found {found[:300]}")
    # Or the next one is asked of a conversation that is longer.
    client.result("session.undo", session_id=session)
    return payload["duration_s"] * 1000


# Many sessions.


def parked(which, model, options):
    """Their clients are gone; they stay, and cost little."""
    count = PARKED[options.quick]
    stay = {"HERMES_TUI_WS_ORPHAN_REAP_GRACE_S": "0", "HERMES_TUI_SESSION_TTL_S": "86400", "TUI_GATEWAY_TITLES": "0"}
    with Place(model.port, **stay) as place, Ours(which, place) as ours:
        idle = memory_kib(ours.server.pid)[0]
        clients = [connect(ours.server) for _ in range(CONNECTIONS)]
        for number in range(count):
            client = clients[number % CONNECTIONS]
            session = client.result("session.create", cols=80)["session_id"]
            client.turn(session, f"SAY:parked {number}")
            client.waiting.clear()
        for client in clients:
            client.link.close()
        expect(ours.stats()["sessions"] == count, f"{ours.stats()['sessions']} sessions are live")
        quiet = memory_kib(ours.server.pid)[0]
        streams = [connect(ours.server) for _ in range(STREAMS)]
        for client in streams:
            session = client.result("session.create", cols=80)["session_id"]
            client.result("prompt.submit", session_id=session, text=f"RATE=50 TOKENS={60 * STREAM_S[options.quick]}")
        peak, end = 0, time.monotonic() + STREAM_S[options.quick]
        while time.monotonic() < end:
            peak = max(peak, memory_kib(ours.server.pid)[0])
            time.sleep(0.2)
        # None of them fell silent.
        expect(ours.stats()["turns_running"] == STREAMS, f"{ours.stats()['turns_running']} turns run")
        late = drift(ours)
        for client in streams:
            client.link.close()
    return (f"RSS {idle / 1024:.1f} MiB idle, {quiet / 1024:.1f} MiB with {count} parked "
            f"({(quiet - idle) / count:.1f} KiB each), {peak / 1024:.1f} MiB with {STREAMS} streaming; {late}")


class Churn:
    """Random requests on some connections; many are on their way at once."""

    def __init__(self, ours, stored, dice):
        self.ours = ours
        self.stored = stored
        self.dice = dice
        self.crowd = Crowd()
        self.waiting = {}    # connection: {id of a request: its method}
        self.live = []       # ids of sessions that were live once
        self.number = 0
        self.counts = {}
        for _ in range(CONNECTIONS):
            self.join()

    def join(self):
        [link] = self.crowd.join(self.ours.server.port, 1)
        # Whole frames are written; reading is the crowd's.
        self.waiting[link] = {}

    def run(self, steps):
        for _ in range(steps):
            link = self.dice.choice(list(self.waiting))
            end = time.monotonic() + SETTLE_S
            while len(self.waiting[link]) >= WINDOW:
                expect(time.monotonic() < end, "requests are not answered any more")
                self.crowd.pump(HEAR_S, self.hear)
            self.step(link)
        self.crowd.pump(SETTLE_S, self.hear, until=lambda: not any(self.waiting.values()))
        left = [method for one in self.waiting.values() for method in one.values()]
        expect(not left, f"never answered: {left}")
        self.crowd.expect_nobody_lost()

    def step(self, link):
        what = self.dice.choices(("create", "resume", "close", "activate", "leave"), (30, 25, 30, 12, 3))[0]
        self.counts[what] = self.counts.get(what, 0) + 1
        if what == "leave":
            self.leave(link)
        elif what == "create" and len(self.live) < LIVE_MAX:
            more = {"close_on_disconnect": True} if self.dice.random() < 0.3 else {}
            self.send(link, "session.create", cols=80, **more)
        elif what == "resume" or not self.live:
            self.send(link, "session.resume", session_id=self.dice.choice(self.stored), cols=80)
        elif what == "activate":
            self.send(link, "session.activate", session_id=self.dice.choice(self.live))
        else:
            self.send(link, "session.close", session_id=self.live.pop(self.dice.randrange(len(self.live))))

    def leave(self, link):
        """Without a word, or with one; requests may be on their way."""
        if self.dice.random() < 0.5:
            self.write(link, masked(CLOSE, b"\x03\xe8"))
        del self.waiting[link]
        self.crowd.drop(link)
        self.join()

    def send(self, link, method, **params):
        self.number += 1
        self.waiting[link][self.number] = method
        text = json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        self.write(link, masked(TEXT, text.encode()))

    def write(self, link, data):
        # The crowd's sockets do not block for reading; a frame has to leave whole.
        link.sock.setblocking(True)
        link.send_raw(data)
        link.sock.setblocking(False)

    def hear(self, link, messages):
        for raw in messages:
            # Most of what comes is news of no interest here.
            if b'"id"' not in raw[:60]:
                continue
            message = json.loads(raw)
            method = self.waiting.get(link, {}).pop(message.get("id"), None)
            if method is None:
                continue
            error = message.get("error")
            expect(not error or error["code"] in GONE, f"{method}: {error}")
            if not error and method in ("session.create", "session.resume"):
                self.live.append(message["result"]["session_id"])

    def close(self):
        self.crowd.close()


def level(pid):
    """(threads, open descriptors)."""
    return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))


def rested(ours):
    """Waits until no session is left and the process has come to rest; (threads, descriptors, sessions)."""
    end, last, since = time.monotonic() + SETTLE_S + GRACE_S, None, 0.0
    while time.monotonic() < end:
        now = (*level(ours.server.pid), ours.stats()["sessions"])
        if now != last:
            last, since = now, time.monotonic()
        # Threads that have nothing to do end after some seconds.
        if now[2] == 0 and time.monotonic() - since > 2 * GRACE_S + 4:
            return now
        time.sleep(0.25)
    return last


def churn(which, model, options):
    dice = random.Random(options.seed)
    grace = {"HERMES_TUI_WS_ORPHAN_REAP_GRACE_S": str(GRACE_S), "TUI_GATEWAY_TITLES": "0"}
    with Place(model.port, **grace) as place, Ours(which, place) as ours:
        stored = []
        for number in range(STORED):
            made = ours.client.result("session.create", cols=80)
            ours.client.turn(made["session_id"], f"SAY:stored {number}")
            ours.client.result("session.close", session_id=made["session_id"])
            ours.client.waiting.clear()
            stored.append(made["stored_session_id"])
        # Once for the threads and files that are made at first use.
        one_churn(ours, stored, random.Random(0), STEPS[True] // 2)
        before, memory = rested(ours), memory_kib(ours.server.pid)[0]
        began = time.monotonic()
        counts = one_churn(ours, stored, dice, STEPS[options.quick])
        took = time.monotonic() - began
        after = rested(ours)
        expect(after[2] == 0, f"{after[2]} sessions are live after the grace")
        expect(after[0] <= before[0], f"{before[0]} threads before, {after[0]} after")
        expect(after[1] <= before[1], f"{before[1]} descriptors before, {after[1]} after")
        grown = memory_kib(ours.server.pid)[0] - memory
        expect_sound(place.database)
    return (f"{sum(counts.values())} steps in {took:.0f} s {counts}; sessions 0, threads {after[0]}, descriptors "
            f"{after[1]}, RSS {grown / 1024:+.1f} MiB")


def one_churn(ours, stored, dice, steps):
    going = Churn(ours, stored, dice)
    try:
        going.run(steps)
    finally:
        going.close()
        ours.reconnect()
    return going.counts


PARTS = {"start": start, "list": lists, "resume": resumes, "search": searches, "parked": parked, "churn": churn}
ON_FILE = ("start", "list", "resume", "search")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--cache", type=Path, default=Path(__file__).resolve().parents[2] / "target/peers-many",
                        help="where the large file is kept")
    parser.add_argument("--quick", action="store_true", help="a small file, less of everything")
    parser.add_argument("--slack", type=float, default=1, metavar="F", help="allow F times as much time")
    parser.add_argument("--seed", type=int, default=5, help="of the churn")
    options = parser.parse_args()
    parts = options.parts.split(",")
    which = Which(options.binary, model_binary=options.model_binary, extra=["--agent", "openai"])
    sessions, messages = SIZES[options.quick]
    source = options.cache / f"state-{sessions}-{messages}.db"
    with Place() as apart, FakeModel(apart, which.model_binary) as model, \
            Place(model.port, TUI_GATEWAY_TITLES="0") as place:
        if any(part in ON_FILE for part in parts):
            if not source.exists():
                build(source, sessions, messages)
            shutil.copyfile(source, place.database)
        steps = []
        for part in parts:
            run = PARTS[part]
            steps.append((part, (lambda run=run: run(which, place, options)) if part in ON_FILE
                          else (lambda run=run: run(which, model, options))))
        return run_steps("many", steps)


if __name__ == "__main__":
    sys.exit(main())
