#!/usr/bin/env python3
"""One state.db, two programs: what the Python original wrote we open, what we wrote it opens, and both write at once.

    store.py --binary PATH [--seconds N] [--quick]

The original is asked twice: its database code directly, and its own server on pipes. Run it with the interpreter of
the virtual environment that holds the original (install.sh makes one), or name that with --peer-python.
"""

import argparse
import json
import sys
import threading
import time

from gateway import FakeModel, Server, Which, add_arguments
from store_lib import (SEARCH, Place, call, expect, expect_indexed, expect_sound, original, results_of, rows,
                       run_steps, said, schema, session_db, texts)
from wire import connect

# Keys as the original makes them.
PLAIN, TOOLS, PARTS, SHORT, ROOT, TIP, BRANCH, CJK, TAKEN, HIDDEN, INNER, OLD = (
    f"20260701_1015{number:02}_{number:06x}" for number in range(12))
# Those somebody can pick, in the order in which they were spoken in.
LISTED = [PLAIN, TOOLS, PARTS, SHORT, ROOT, BRANCH, CJK, TAKEN]
LONG_TURNS = 12
# What our side of the test says, to be found by the other.
MARK = "zebrafish"
DENIED = "already in use"
# Both at once.
SECONDS, SECONDS_QUICK = 60, 5
OUR_SESSIONS = 4
THEIR_SESSIONS = 2
# The original works in many small transactions; without a pause its two threads would hold the file all the time.
THEIR_PAUSE_S = 0.005


# 1. What the original writes.


def fill(database):
    """Conversations of every kind the original knows, through its own code."""
    db = session_db(database)
    clock = [time.time() - 86_400]

    def say(key, role, content, **more):
        clock[0] += 1
        return db.append_message(key, role, content, timestamp=clock[0], **more)

    def talk(key, *pairs):
        for user, answer in pairs:
            say(key, "user", user)
            say(key, "assistant", answer, finish_reason="stop")

    db.create_session(PLAIN, "tui", model="fake-1", cwd="/tmp")
    talk(PLAIN, ("please fix the build", "It was a missing comma."), ("and the tests?", "They pass."))
    db.set_session_title(PLAIN, "Fix build")

    db.create_session(TOOLS, "cli", model="fake-1")
    say(TOOLS, "user", "list files")
    calls = [{"id": f"call_{n}", "call_id": f"call_{n}", "response_item_id": f"fc_{n}", "type": "function",
              "function": {"name": name, "arguments": json.dumps(arguments)}}
             for n, (name, arguments) in enumerate([("terminal", {"command": "ls -la"}),
                                                     ("read_file", {"path": "notes.txt"})])]
    say(TOOLS, "assistant", "", tool_calls=calls, reasoning="First I look.", finish_reason="tool_calls")
    say(TOOLS, "tool", json.dumps({"output": "notes.txt", "exit_code": 0}), tool_call_id="call_0",
        tool_name="terminal")
    say(TOOLS, "tool", json.dumps({"content": "1|Notes."}), tool_call_id="call_1", tool_name="read_file")
    say(TOOLS, "assistant", "One file.", reasoning="That was easy.", finish_reason="stop")
    db.set_session_title(TOOLS, "Files")

    db.create_session(PARTS, "tui")
    say(PARTS, "user", [{"type": "text", "text": "what is this?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}])
    say(PARTS, "assistant", [{"type": "text", "text": "a picture"}, " of nothing"])

    db.create_session(SHORT, "tui")
    talk(SHORT, *((f"question {n} about migration", f"answer {n}") for n in range(6)))
    db.archive_and_compact(SHORT, [{"role": "user", "content": "[summary] six questions were answered"},
                                   {"role": "assistant", "content": "Understood."}])
    talk(SHORT, ("one more", "the last answer"))

    db.create_session(ROOT, "tui")
    talk(ROOT, ("a long story", "begins"), ("go on", "it goes on"))
    db.set_session_title(ROOT, "Story")
    db.end_session(ROOT, "compression")
    db.create_session(TIP, "tui", parent_session_id=ROOT)
    talk(TIP, ("and then?", "it ended"))
    db.set_session_title(TIP, "Story #2")

    db.create_session(BRANCH, "tui", parent_session_id=PLAIN, model_config={"_branched_from": PLAIN})
    talk(BRANCH, ("please fix the build", "It was a missing comma."), ("another way", "a semicolon"))
    db.set_session_title(BRANCH, "Fix build #2")

    db.create_session(CJK, "tui")
    talk(CJK, ("数据库迁移失败了 🌍", "请检查日志文件\u2028Zeile\tzwei"), ("Ünïcödé — “ok”?", "‏مرحبا 👩‍👩‍👧"))
    db.set_session_title(CJK, "世界 🌍")

    db.create_session(TAKEN, "telegram")
    talk(TAKEN, ("keep this", "kept"), ("forget this", "forgotten"))
    db.rewind_to_message(TAKEN, [m["id"] for m in db.get_messages(TAKEN) if m["role"] == "user"][-1])

    # Not for pickers: a helper's, an archived one, a subagent's.
    db.create_session(HIDDEN, "tool")
    db.create_session(INNER, "tui", parent_session_id=PLAIN, model_config={"_delegate_from": PLAIN})
    db.create_session(OLD, "tui")
    for key in (HIDDEN, INNER, OLD):
        talk(key, ("hidden", "yes"))
    db.set_session_archived(OLD, True)
    db.close()


def spoken_by_original(theirs, home):
    """A turn of the original's own agent, tools and reasoning and all; the key."""
    client = original(theirs, home)
    try:
        made = client.result("session.create", cols=80)
        script = call("terminal", command="echo from the original") + "REASON=3 SAY:I ran it."
        client.turn(made["session_id"], script, deadline_s=120)
        client.event("session.info", made["session_id"])
        client.result("session.close", session_id=made["session_id"])
        return made["stored_session_id"]
    finally:
        client.link.close()


def asked_of_original(theirs, home, keys):
    """What its server says: (the list, key to the reply of session.resume)."""
    client = original(theirs, home)
    try:
        listed = client.result("session.list", limit=200)["sessions"]
        return listed, {key: client.result("session.resume", session_id=key, cols=80) for key in keys}
    finally:
        client.link.close()


# 2. We open it.


class Ours:
    """Our server on a home, and what is checked of it."""

    def __init__(self, which, place):
        self.place = place
        self.server = Server(which, place)
        self.client = connect(self.server)

    def close(self):
        self.client.link.close()
        status = self.server.stop()
        expect(status == 0, f"the server ended with {status}: {self.server_errors()}")

    def server_errors(self):
        return (self.place.top / "stderr.log").read_text(errors="replace")[-2000:]

    def resume(self, name):
        return self.client.result("session.resume", session_id=name, cols=80)

    def live(self, name):
        return self.resume(name)["session_id"]

    def turn(self, session, text):
        self.client.waiting.clear()
        answer, done, events = self.client.turn(session, text)
        expect(done["status"] == "complete", f"{text!r} ended as {done}")
        return answer, events


def lists_the_same(ours, before):
    listed = ours.client.result("session.list", limit=200)["sessions"]
    for mine, other in zip(listed, before["list"]):
        expect(mine == other, f"we list {mine}, the original {other}")
    expect(len(listed) == len(before["list"]), f"{len(listed)} of {len(before['list'])}")
    newest = ours.client.result("session.most_recent")["session_id"]
    expect(newest == listed[0]["id"], f"most recent is {newest}")
    return f"{len(listed)} conversations"


def resumes_the_same(ours, before):
    for key, other in before["resumed"].items():
        mine = ours.resume(key)
        expect(mine["resumed"] == other["resumed"], f"{key} led to {mine['resumed']}, not {other['resumed']}")
        if key == BRANCH:
            # The original shows the parent's whole transcript and then the copy: its defect, not ours.
            expect(texts(mine["messages"], "user") == ["please fix the build", "another way"], mine["messages"])
            continue
        expect(said(mine["messages"]) == said(other["messages"]),
               f"{key}: we show {said(mine['messages'])}, the original {said(other['messages'])}")
        labels = [m.get("context") for m in mine["messages"] if m["role"] == "tool"]
        expect(all(isinstance(label, str) for label in labels), f"{key}: labels {labels}")
    shown = ours.resume(TAKEN)["messages"]
    expect(texts(shown, "user") == ["keep this"], f"what was taken back is shown: {shown}")
    for name, key in (("Fix build", PLAIN), (CJK[:17], CJK), ("世界 🌍", CJK)):
        expect(ours.resume(name)["resumed"] == key, f"{name!r} is not {key}")
    return f"{len(before['resumed'])} transcripts"


def goes_on(ours):
    """The model is told what was said before, and both remember what comes now."""
    session = ours.live(PLAIN)
    ours.turn(session, f"SAY:a {MARK} swims")
    session = ours.live(TOOLS)
    _, events = ours.turn(session, call("terminal", command="echo striped") + f"SAY:the {MARK} is striped")
    expect("striped" in "".join(results_of(events, "terminal")), f"the tool said {results_of(events, 'terminal')}")
    session = ours.live(TIP)
    ours.turn(session, f"SAY:说完了 {MARK}")


def finds(ours):
    """The agent's tool finds what either of them wrote."""
    session = ours.client.result("session.create", cols=80)["session_id"]
    for words, key in (("missing comma", PLAIN), (MARK, TOOLS), ("数据库迁移", CJK), ("migration", SHORT)):
        _, events = ours.turn(session, call(SEARCH, query=words, limit=10))
        found = "".join(results_of(events, SEARCH))
        expect(key in found, f"{words!r} found {found[:600]}")
    _, events = ours.turn(session, call(SEARCH, query="forgotten"))
    expect(TAKEN not in "".join(results_of(events, SEARCH)), "what was taken back is found")


def titles(ours):
    session = ours.live(PARTS)
    ours.client.result("session.title", session_id=session, title="A  picture")
    expect(ours.resume("A picture")["resumed"] == PARTS, "the title does not lead to it")
    error = ours.client.call("session.title", session_id=session, title="Files").get("error") or {}
    expect(error.get("code") == 4022 and DENIED in error["message"], f"a taken title: {error}")


def branches(ours, made):
    """Whole, with the calls of tools."""
    made["of branch"] = said(ours.resume(TOOLS)["messages"])
    branch = ours.client.result("session.branch", session_id=ours.live(TOOLS), name="Stripes")
    ours.turn(branch["session_id"], f"SAY:the branch of the {MARK}")
    made["branch"] = ours.resume("Stripes")["session_key"]
    shown = said(ours.resume(made["branch"])["messages"])
    expect(shown[:len(made["of branch"])] == made["of branch"], f"the branch shows {shown}")
    expect(said(ours.resume(TOOLS)["messages"]) == made["of branch"], "its parent went on too")


def undoes(ours):
    session = ours.live(CJK)
    ours.turn(session, "SAY:a mistake nobody should see")
    removed = ours.client.result("session.undo", session_id=session)["removed"]
    expect(removed == 2, f"{removed} messages were taken back")
    expect("mistake" not in str(ours.resume(CJK)["messages"]), "it is still there")
    ours.turn(session, f"SAY:no mistake, {MARK}")


def compresses(ours, made):
    made_session = ours.client.result("session.create", cols=80, title="Long")
    session, made["long"] = made_session["session_id"], made_session["stored_session_id"]
    for number in range(LONG_TURNS):
        ours.turn(session, f"SAY:{MARK} number {number} " + "and so on " * 40)
    before = said(ours.resume(made["long"])["messages"])
    result = ours.client.result("session.compress", session_id=session)
    expect(result["status"] == "compressed" and result["removed"] > 0, f"nothing became shorter: {result['summary']}")
    expect(said(ours.resume(made["long"])["messages"]) == before, "people see something else now")
    ours.turn(session, f"SAY:after the compression, {MARK}")
    return result["summary"]["headline"]


def deletes(ours):
    made = ours.client.result("session.create", cols=80)
    ours.turn(made["session_id"], "SAY:for the bin")
    key = made["stored_session_id"]
    code = (ours.client.call("session.delete", session_id=key).get("error") or {}).get("code")
    expect(code == 4023, f"a live one: {code}")
    ours.client.result("session.close", session_id=made["session_id"])
    expect(ours.client.result("session.delete", session_id=key)["deleted"] == key, "not deleted")
    code = (ours.client.call("session.resume", session_id=key).get("error") or {}).get("code")
    expect(code == 4007, f"after it was deleted: {code}")


def remembers(which, place, made):
    """A new process shows what the last one showed."""
    ours = Ours(which, place)
    try:
        for key, shown in made["shown"].items():
            again = said(ours.resume(key)["messages"])
            expect(again == shown, f"{key}: was {shown}, is {again}")
    finally:
        ours.close()
    return f"{len(made['shown'])} transcripts"


def note(ours, made):
    """What each conversation shows at the end."""
    keys = [*LISTED, made["spoken"], made["branch"], made["long"]]
    made["shown"] = {key: said(ours.resume(key)["messages"]) for key in keys}


# 3. The original opens what we made of it.


def opened_by_original(place, made):
    db = session_db(place.database)
    try:
        listed = {row["id"]: row for row in db.list_sessions_rich(limit=200)}
        for key in [*LISTED, made["spoken"], made["branch"], made["long"]]:
            expect((TIP if key == ROOT else key) in listed, f"{key} is not listed")
        expect(listed[PARTS]["title"] == "A picture", listed[PARTS]["title"])
        for key in (PLAIN, TOOLS, TIP, CJK, made["branch"], made["long"]):
            contents = [str(m["content"]) for m in db.get_messages_as_conversation(key)]
            expect(any(MARK in text for text in contents), f"{key} does not say what we said: {contents}")
        found = db.get_messages_as_conversation(TOOLS)
        calls = [c for message in found for c in message.get("tool_calls") or []]
        answered = [message["tool_call_id"] for message in found if message["role"] == "tool"]
        expect([c["id"] for c in calls] == answered, f"calls {calls}, answered {answered}")
        expect(all(c["call_id"] == c["id"] and c["type"] == "function" and json.loads(c["function"]["arguments"])
                   for c in calls), f"calls {calls}")
        expect("mistake nobody" not in str(db.get_messages_as_conversation(CJK)), "what was undone is there")
        kept = db.get_messages_as_conversation(made["long"])
        expect(len(kept) < 2 * LONG_TURNS, f"the model is shown {len(kept)} messages")
        counted = listed[made["long"]]["message_count"]
        expect(counted == 2 * LONG_TURNS + 2, f"{counted} messages are counted")
    finally:
        db.close()


def found_by_original(place, made):
    db = session_db(place.database)
    try:
        hit = {row["session_id"] for row in db.search_messages(MARK, limit=100)}
        expect({PLAIN, TOOLS, TIP, CJK, made["branch"], made["long"]} <= hit, f"{MARK} was found in {hit}")
        for words, key in (("说完了", TIP), ('"number 0"', made["long"]), ("missing comma", PLAIN)):
            hit = {row["session_id"] for row in db.search_messages(words, limit=100)}
            expect(key in hit, f"{words} was found in {hit}")
        for words in ("mistake nobody", "for the bin"):
            expect(not [row for row in db.search_messages(f'"{words}"') if row["role"] == "assistant"],
                   f"{words} is found")
    finally:
        db.close()


def resumed_by_original(theirs, place, made):
    """Its server shows what ours shows, but for what it knows nothing of: a whole transcript before a compression,
    a branch without its parent's."""
    same = [PLAIN, TOOLS, PARTS, SHORT, ROOT, CJK, TAKEN, made["spoken"]]
    listed, resumed = asked_of_original(theirs, place, [*same, made["branch"], made["long"]])
    expect(made["branch"] in [row["id"] for row in listed], "the branch is not listed")
    for key in same:
        shown = said(resumed[key]["messages"])
        expect(shown == made["shown"][key], f"{key}: it shows {shown}, we {made['shown'][key]}")
    last = f"after the compression, {MARK}"
    expect(last in texts(resumed[made["long"]]["messages"], "assistant"), "the compressed one lacks its end")
    expect(f"the branch of the {MARK}" in texts(resumed[made["branch"]]["messages"], "assistant"),
           "the branch lacks its end")
    return f"{len(resumed)} transcripts"


def sound(place, before):
    expect_sound(place.database)
    expect_indexed(place.database)
    after = schema(place.database)
    changed = {key for key in before["schema"] if after.get(key) != before["schema"][key]}
    expect(not changed, f"changed or gone: {sorted(changed)}")
    expect(set(after) == set(before["schema"]), f"new: {sorted(set(after) - set(before['schema']))}")
    [[version]] = rows(place.database, "SELECT version FROM schema_version")
    expect(version == before["version"], f"version {version}")


def fresh(which, model, before):
    """A file that we begin is the one the original would have begun."""
    with Place(model.port, TUI_GATEWAY_TITLES="0") as place:
        ours = Ours(which, place)
        try:
            made = ours.client.result("session.create", cols=80)
            ours.turn(made["session_id"], f"SAY:{MARK}")
        finally:
            ours.close()
        mine, other = schema(place.database), before["schema"]
        differ = sorted(key for key in {*mine, *other} if (key in mine) != (key in other))
        expect(not differ, f"only in one of them: {differ}")
        for table in ("sessions", "messages", "state_meta", "compression_locks", "schema_version"):
            columns = rows(place.database, f"PRAGMA table_info({table})")
            expect(columns == before["columns"][table], f"{table}: {columns}")
        session_db(place.database).close()
        expect(schema(place.database) == mine, "the original changed it")
        [[version]] = rows(place.database, "SELECT version FROM schema_version")
        expect(version == before["version"], f"version {version}")
        expect_sound(place.database)
    return f"{len(mine)} objects"


def look_at(place):
    tables = ("sessions", "messages", "state_meta", "compression_locks", "schema_version")
    return {"schema": schema(place.database),
            "columns": {table: rows(place.database, f"PRAGMA table_info({table})") for table in tables},
            "version": rows(place.database, "SELECT version FROM schema_version")[0][0]}


# 4. Both at once.


class Writers:
    """Threads that write until the time is over; the first failure of each is kept."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds
        self.failures = []
        self.threads = []

    def add(self, body, *arguments):
        def run():
            try:
                body(lambda: time.monotonic() < self.end, *arguments)
            except Exception as why:  # Told by `join`.
                self.failures.append(f"{body.__name__}: {type(why).__name__}: {why}")
        self.threads.append(threading.Thread(target=run))

    def join(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()
        expect(not self.failures, "; ".join(self.failures[:5]))


def original_writes(goes_on_, database, number, written):
    db = session_db(database)
    try:
        key = f"20260702_1200{number:02}_{number:06x}"
        db.create_session(key, "cli")
        while goes_on_():
            text = f"theirs{number}x{len(written)} wombat"
            db.append_message(key, ("user", "assistant")[len(written) % 2], text)
            written.append((key, text))
            time.sleep(THEIR_PAUSE_S)
    finally:
        db.close()


def we_write(goes_on_, server, number, written):
    client = connect(server)
    made = client.result("session.create", cols=80)
    session, key = made["session_id"], made["stored_session_id"]
    while goes_on_():
        text = f"ours{number}x{len(written)} numbat"
        answer, done, events = client.turn(session, f"SAY:{text}")
        expect(done["status"] == "complete" and answer == text, f"{text} ended as {done}")
        warned = [payload for kind, payload in events if kind == "status.update" and payload.get("kind") == "warn"]
        expect(not warned, f"a warning: {warned}")
        written.append((key, text))
    client.link.close()


def both_write(which, model, seconds):
    with Place(model.port, TUI_GATEWAY_TITLES="0") as place:
        session_db(place.database).close()
        ours = Ours(which, place)
        mine = [[] for _ in range(OUR_SESSIONS)]
        theirs = [[] for _ in range(THEIR_SESSIONS)]
        writers = Writers(seconds)
        for number, written in enumerate(theirs):
            writers.add(original_writes, place.database, number, written)
        for number, written in enumerate(mine):
            writers.add(we_write, ours.server, number, written)
        try:
            writers.join()
        finally:
            ours.close()
        mine, theirs = sum(mine, []), sum(theirs, [])
        expect(mine and theirs, f"we wrote {len(mine)}, the original {len(theirs)}")
        have = rows(place.database, "SELECT session_id, role, content FROM messages WHERE active = 1")
        there = {(key, content) for key, _, content in have}
        wanted = {*theirs, *((key, said_) for key, text in mine for said_ in (f"SAY:{text}", text))}
        expect(wanted <= there, f"{len(wanted - there)} are not there, as {sorted(wanted - there)[:3]}")
        expect(len(have) == len(wanted), f"{len(have)} rows of {len(wanted)}")
        for word, count in (("numbat", 2 * len(mine)), ("wombat", len(theirs))):
            [[found]] = rows(place.database, "SELECT count(*) FROM messages_fts WHERE messages_fts MATCH ?", word)
            expect(found == count, f"{found} of {count} with {word} are in the index")
        db = session_db(place.database)
        try:
            for key, text in (mine[0], mine[-1], theirs[0], theirs[-1]):
                hits = {hit["session_id"] for hit in db.search_messages(text.split()[0])}
                expect(key in hits, f"{text} was found in {hits}")
        finally:
            db.close()
        found_by_us(which, place, [mine[0], theirs[-1]])
        expect_sound(place.database)
        expect_indexed(place.database)
    return f"we wrote {len(mine)} turns, the original {len(theirs)} messages in {seconds:.0f} s"


def found_by_us(which, place, written):
    ours = Ours(which, place)
    try:
        session = ours.client.result("session.create", cols=80)["session_id"]
        for key, text in written:
            _, events = ours.turn(session, call(SEARCH, query=text.split()[0]))
            expect(key in "".join(results_of(events, SEARCH)), f"{text}: {results_of(events, SEARCH)}")
    finally:
        ours.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--seconds", type=float, help=f"how long both write at once (default {SECONDS})")
    parser.add_argument("--quick", action="store_true", help="a shorter time at once")
    options = parser.parse_args()
    which = Which(options.binary, model_binary=options.model_binary, extra=["--agent", "openai"])
    theirs = Which(venv=options.peer_python or sys.prefix, model_binary=which.model_binary)
    seconds = options.seconds or (SECONDS_QUICK if options.quick else SECONDS)
    before, made = {}, {}
    with Place() as apart, FakeModel(apart, which.model_binary) as model, \
            Place(model.port, TUI_GATEWAY_TITLES="0") as place:

        def write():
            fill(place.database)
            made["spoken"] = spoken_by_original(theirs, place)
            before["list"], before["resumed"] = asked_of_original(theirs, place, [*LISTED, made["spoken"]])
            before.update(look_at(place))

        status = run_steps("original", [("writes", write)])
        if status:
            return status
        ours = Ours(which, place)
        try:
            status |= run_steps("ours", [
                ("lists what it wrote", lambda: lists_the_same(ours, before)),
                ("resumes what it wrote", lambda: resumes_the_same(ours, before)),
                ("goes on with it", lambda: goes_on(ours)),
                ("finds in it", lambda: finds(ours)),
                ("titles", lambda: titles(ours)),
                ("branches", lambda: branches(ours, made)),
                ("undoes", lambda: undoes(ours)),
                ("compresses", lambda: compresses(ours, made)),
                ("deletes", lambda: deletes(ours)),
                ("notes what it shows", lambda: note(ours, made)),
            ])
        finally:
            ours.close()
        if "shown" in made:
            status |= run_steps("ours", [("shows it again", lambda: remembers(which, place, made))])
            status |= run_steps("original", [
                ("opens what we wrote", lambda: opened_by_original(place, made)),
                ("finds what we wrote", lambda: found_by_original(place, made)),
                ("resumes what we wrote", lambda: resumed_by_original(theirs, place, made)),
            ])
        status |= run_steps("both", [
            ("the file is sound", lambda: sound(place, before)),
            ("a new file is the same", lambda: fresh(which, model, before)),
            ("write at once", lambda: both_write(which, model, seconds)),
        ])
    return status


if __name__ == "__main__":
    sys.exit(main())
