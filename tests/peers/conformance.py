#!/usr/bin/env python3
"""The original and ours answer the same calls: every method, its errors and its edges.

    conformance.py --binary PATH --peer-python VENV [--front [serve]] [--only METHOD] [--messages] [--list]

Both get homes with the same content and the same calls in the same order. Of every answer is compared: result or error,
the error's code, the shape of the result (names and types at every depth), and the events of note around it. What
differs on purpose is listed, with its reason, in docs/protocol.md under "Where answers differ"; what differs and is not
listed fails, and so does what is listed and no longer differs. --list prints the differences as rows of that table.

With --front both peers are the original: one is asked directly, the other behind ours; what differs then is listed
under "Where answers differ through the front". `--front serve` asks ours over WebSocket, `--front` over pipes.
"""

import argparse
import base64
import fnmatch
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from conformance_cases import CASES
from front_lib import front, python_host
from gateway import FakeModel, Home, Server, Which, add_arguments
from methods import METHODS
from wire import Client, Closed, Late, Stdio, WebSocket

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/protocol.md"
HEADING = "### Where answers differ"
HEADING_FRONT = HEADING + " through the front"
# The original takes this long for what looks for a network.
DEADLINE_S = 90
# How long events may follow their answer.
SETTLE_S = 0.12
# Members whose names are data, not protocol: compared by the shape of their values.
MAPS = {"sub", "canon", "colors", "capabilities", "pricing", "skills", "tools", "config", "args", "tool_breakdown"}
# Events that clients wait for; the rest of a turn depends on what the agent is.
NOTED = {"session.info", "skin.changed", "browser.progress", "voice.status", "voice.transcript", "message.start",
         "message.complete", "tool.start", "tool.complete", "pet.generate.progress", "billing.step_up.verification"}
# Whose session.info is compared: elsewhere it comes when an agent happens to be ready.
TELLING = {"config.set", "session.cwd.set", "tools.configure", "reload.mcp", "session.undo", "session.compress"}
# The original tells of a new session whenever its agent happens to be ready: that is waited for, and not compared.
LOOSE = {"session.create", "session.resume", "session.activate", "session.branch"}
READY_S = 8

CONFIG = """
display:
  personality: ""
quick_commands:
  hello: {type: exec, command: echo hello, description: Greets}
  short: {type: alias, target: help}
  broken: {type: exec, command: exit 3}
agent:
  personalities:
    concise: Be short.
"""
SKILL = "---\nname: tidy-notes\ndescription: Tidies notes\n---\n# Tidy\n\nTidy the notes.\n"
DOT = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")


def fill(home):
    """What both homes hold before the first call."""
    with open(home.home / "config.yaml", "a", encoding="utf-8") as file:
        file.write(CONFIG)
    skill = home.home / "skills/notes/tidy-notes"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text(SKILL)
    (home.home / "memories").mkdir()
    (home.home / "memories/MEMORY.md").write_text("Likes coffee.\n§\nLives in Oslo.\n")
    (home.home / ".env").write_text("FROM_THE_FILE=1\n")
    (home.work / "sub").mkdir()
    (home.work / "sub/deep.txt").write_text("deep\n")
    (home.work / "dot.png").write_bytes(base64.b64decode(DOT))
    for words in (["init", "-q", "-b", "main"], ["add", "."],
                  ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(home.work), *words], check=True)


class Step:
    """One line of the cases."""

    def __init__(self, line):
        line, _, what = line.partition(" # ")
        line, _, self.keep = line.partition(" -> ")
        self.method, _, self.params = line.strip().partition(" ")
        self.keep = dict(pair.split("=") for pair in self.keep.split())
        self.label = f"{self.method}: {what.strip()}" if what else self.method
        if self.method == "turn":
            self.label = f"turn: {self.params.split(' ', 1)[1]}"


def steps(only):
    found = [Step(line) for line in CASES.strip().split("\n") if line.strip() and not line.startswith("#")]
    labels = [step.label for step in found]
    twice = {label for label in labels if labels.count(label) > 1}
    assert not twice, f"two steps have one name: {twice}"
    missing = set(METHODS) - {step.method for step in found}
    assert not missing, f"no step for {missing}"
    return [step for step in found if not only or step.method in only or step.keep or step.method == "turn"]


def shape(value, inside=""):
    """Names and types, whatever the values."""
    if isinstance(value, dict):
        if inside in MAPS:
            return {"*": merged([shape(one) for one in value.values()])}
        return {name: shape(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [merged([shape(one) for one in value])]
    if value is None:
        return "null"
    return {bool: "bool", int: "number", float: "number", str: "text"}[type(value)]


def merged(shapes):
    """One shape that says what any of these have; None of none."""
    found = None
    for one in shapes:
        if found is None or one == found:
            found = one
        elif isinstance(one, dict) and isinstance(found, dict):
            # What not every element has is marked.
            names = [*found, *(name for name in one if name not in found)]
            both = {}
            for name in names:
                plain = name.rstrip("?")
                mine, other = found.get(name, found.get(plain + "?")), one.get(plain)
                key = plain if name in one and name in found else plain + "?"
                both[key] = merged([each for each in (mine, other) if each is not None])
            found = both
        elif isinstance(one, list) and isinstance(found, list):
            found = [merged([each for each in (found[0], one[0]) if each is not None])]
        else:
            found = "|".join(sorted({*str(found).split("|"), *str(one).split("|")}))
    return found


def differences(theirs, ours, path="result"):
    """What of two shapes is not alike. An empty list is like any other, and so is an optional member."""
    if theirs is None or ours is None or theirs == ours:
        return []
    if isinstance(theirs, dict) and isinstance(ours, dict):
        plain = ({name.rstrip("?"): (name, one) for name, one in side.items()} for side in (theirs, ours))
        left, right = plain
        found = []
        for name in [*left, *(name for name in right if name not in left)]:
            if name not in right:
                if not left[name][0].endswith("?"):
                    found.append(f"{path}.{name} is missing")
            elif name not in left:
                if not right[name][0].endswith("?"):
                    found.append(f"{path}.{name} is ours alone")
            else:
                found += differences(left[name][1], right[name][1], f"{path}.{name}")
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        return differences(theirs[0], ours[0], path + "[]")
    if isinstance(theirs, str) and isinstance(ours, str) and set(theirs.split("|")) & set(ours.split("|")) - {"null"}:
        return []
    return [f"{path}: {brief(theirs)} there, {brief(ours)} here"]


def brief(one):
    return one if isinstance(one, str) else "an object" if isinstance(one, dict) else "a list"


class Side:
    """One of the two peers and what it answered."""

    def __init__(self, which, model_port, plan, served=False):
        self.which, self.plan, self.served = which, plan, served
        self.home = Home(model_port)
        fill(self.home)
        self.names = {"HOME": str(self.home.home), "WORK": str(self.home.work)}
        self.answers = {}
        self.failed = None
        self.client = self.server = None

    def run(self):
        try:
            self.open()
            for step in self.plan:
                try:
                    self.answers[step.label] = self.take(step)
                except Late:
                    self.answers[step.label] = ("late", None, [])
                except Closed:
                    # The original dies of some calls.
                    self.answers[step.label] = ("died", None, [])
                    self.open()
        except Exception as error:  # To be told by the main thread.
            self.failed = error
        finally:
            self.close()

    def open(self):
        self.close()
        if self.served:
            self.server = Server(self.which, self.home)
        link = WebSocket(self.server.port) if self.served else Stdio(self.which, self.home)
        self.client = Client(link, DEADLINE_S)
        self.client.event("gateway.ready")

    def close(self):
        if self.client:
            self.client.link.close()
        if self.server:
            self.server.stop()
        self.client = self.server = None

    def filled(self, text):
        # The longest first: one may be the beginning of another.
        for name, value in sorted(self.names.items(), reverse=True):
            text = text.replace(f"${name}", value)
        return text

    def take(self, step):
        """(kind, what, events): the outcome of one step."""
        client = self.client
        if step.method == "turn":
            session, _, text = self.filled(step.params).partition(" ")
            if text.startswith("CALL:"):
                text = f"TOOL:{text[5:]} " + json.dumps({"command": "echo hi"}) + "\nSAY:done"
            _, done, events = client.turn(session, text.strip('"'), DEADLINE_S)
            kinds = [kind for kind, _ in events if kind in NOTED - {"session.info"}]
            self.settle()
            return ("result", shape({"complete": done}), kinds)
        params = json.loads(self.filled(step.params or "{}"))
        call = client.start(step.method, **params)
        before = []
        while True:
            message = client.next(DEADLINE_S)
            if message.get("id") == call:
                break
            before.append(message)
        events = [] if step.method in LOOSE else self.kinds(before) + self.kinds(self.settle())
        if step.method not in TELLING:
            events = [kind for kind in events if kind != "session.info"]
        if step.method in ("session.create", "session.branch") and "result" in message:
            self.ready(message["result"]["session_id"], before)
        if "error" in message:
            return ("error", (message["error"]["code"], self.plain(message["error"]["message"])), events)
        result = message["result"]
        for name, path in step.keep.items():
            value = result
            for member in path.split("."):
                value = value[member]
            self.names[name] = value
        return ("result", shape(result), events)

    def ready(self, session, before):
        """Until the session's agent is there."""
        def is_it(m):
            params = m.get("params") or {}
            return (params.get("type") == "session.info" and params.get("session_id") == session
                    and not params["payload"].get("lazy"))
        if not any(map(is_it, before)):
            try:
                self.client.until(is_it, deadline_s=READY_S)
            except Late:
                pass
        self.settle()

    def settle(self, seconds=SETTLE_S):
        """What still comes."""
        end, found = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            try:
                found.append(self.client.next(left))
            except Late:
                break
        return found

    @staticmethod
    def kinds(messages):
        kinds = [(m.get("params") or {}).get("type") for m in messages]
        return [kind for kind in kinds if kind in NOTED]

    def plain(self, text):
        """A message without what differs from home to home."""
        for name, value in sorted(self.names.items(), key=lambda pair: -len(str(pair[1]))):
            text = text.replace(str(value), f"${name}")
        return text


def compare(theirs, ours, with_messages):
    """What of two outcomes is not alike, as short sentences."""
    (their_kind, their_what, their_events), (our_kind, our_what, our_events) = theirs, ours
    if their_kind != our_kind:
        def told(kind, what):
            return f"error {what[0]} `{what[1]}`" if kind == "error" else kind
        return [f"{told(their_kind, their_what)} there, {told(our_kind, our_what)} here"]
    found = []
    if their_kind == "error":
        if their_what[0] != our_what[0]:
            found.append(f"{their_what[0]} there, {our_what[0]} here")
        elif with_messages and their_what[1] != our_what[1]:
            found.append(f"`{their_what[1]}` there, `{our_what[1]}` here")
    elif their_kind == "result":
        found += differences(their_what, our_what)
    if their_events != our_events:
        found.append(f"events: {their_events} there, {our_events} here")
    return found


def listed(heading):
    """The rows of the document below a heading: (pattern, difference, reason)."""
    text = DOCUMENT.read_text(encoding="utf-8")
    # The whole line: one heading begins like another.
    if heading + "\n" not in text:
        return []
    section = re.split(r"\n#{2,3} ", text.split(heading + "\n", 1)[1], maxsplit=1)[0]
    rows = [line.strip().strip("|").split(" | ") for line in section.split("\n") if line.startswith("| `")]
    return [(row[0].strip().strip("`"), *(cell.strip() for cell in row[1:])) for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--only", action="append", metavar="METHOD", help="these methods, with what they build on")
    parser.add_argument("--messages", action="store_true", help="compare the texts of errors too")
    parser.add_argument("--list", action="store_true", help="print the differences as rows of the document")
    parser.add_argument("--front", nargs="?", const="stdio", choices=["stdio", "serve"],
                        help="ours stands in front of the original, on pipes or as a server")
    options = parser.parse_args()
    if not (options.binary and options.peer_python):
        raise SystemExit("both peers are needed: --binary PATH --peer-python VENV")
    plan = steps(options.only)
    model_home = Home()
    model = FakeModel(model_home, Path(options.model_binary or options.binary).resolve())
    original, ours = Which(venv=options.peer_python), Which(binary=options.binary)
    if options.front:
        ours = front(ours, python_host(original.venv))
    sides = [Side(original, model.port, plan),
             Side(ours, model.port, plan, served=options.front == "serve")]
    try:
        threads = [threading.Thread(target=side.run) for side in sides]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        model.stop()
        model_home.close()
        for side in sides:
            side.home.close()
    for side in sides:
        if side.failed:
            raise side.failed
    return report(plan, sides, options)


def report(plan, sides, options):
    theirs, ours = (side.answers for side in sides)
    rows = listed(HEADING_FRONT if options.front else HEADING)
    used, failed, alike = set(), 0, 0
    for step in plan:
        found = compare(theirs[step.label], ours[step.label], options.messages)
        row = next((row for row in rows if fnmatch.fnmatchcase(step.label, row[0])), None)
        if options.list:
            for one in found:
                print(f"| `{step.label}` | {one} | ? |")
        elif found and row:
            used.add(row[0])
        elif found:
            failed += 1
            print(f"FAIL {step.label}: {'; '.join(found)}")
        if not found:
            alike += 1
    stale = [row[0] for row in rows if row[0] not in used] if not (options.only or options.list) else []
    for label in stale:
        print(f"FAIL {label}: listed as different, but it is not")
    if not options.list:
        print(f"ok  {len(plan)} calls of {len({step.method for step in plan})} methods: {alike} alike, "
              f"{len(plan) - alike - failed} different as listed, {failed + len(stale)} not as listed")
    return 1 if failed or stale else 0


if __name__ == "__main__":
    sys.exit(main())
