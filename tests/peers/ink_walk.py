"""A walk through every slash command in the unmodified Ink terminal UI: none may end in a line nobody could explain.

Between the UI and the gateway stands our own recorder, so that it is known when every call has its answer, and a
failure is shown with what was sent and what came back.
"""

import json
import re
import time
from pathlib import Path

import ink

# A command that changes something may take its time; a screen that stands still so long is done.
ANSWER_S = 15
STILL_S = 0.35
# Some overlays move for ever.
MOVING_S = 2
ESCAPES = 4
# Letters of an answer that are printed.
SHOWN = 90
# Words that a line of a failure has.
SUSPECT = re.compile(r"\b(?:errors?|failed|failure|unknown|invalid|not available|unavailable|traceback|panic(?:ked)?"
                     r"|no output|timed? ?out)\b|(?<![\w.])-32\d{3}\b", re.IGNORECASE)
# What the UI asks for on its own.
POLLS = {"pet.cells", "session.active_list", "complete.slash", "complete.path", "commands.catalog", "setup.status"}
# End the UI, or leave it.
NEVER = {"quit", "exit", "update", "setup"}
# Toggles: the second time undoes the first.
TWICE = {"statusbar", "compact", "mouse", "yolo"}
# Commands that need something to have been said, and come after one that takes it back.
SPOKEN = {"branch"}
# Commands that no catalogue of ours lists, but that people of the original know. The UI has some itself, and asks the
# gateway for what they need. (`/heapdump` and `/terminal-setup` ask for nothing and write outside the home.)
UNLISTED = ("billing credits voice pet fortune mem replay replay-diff handoff moa snapshot subgoal codex-runtime "
            "timestamps footer hatch suggestions blueprint curator kanban platforms debug").split()
ABSENT = r"^/[\w-]+ is not available in this server$"
# What a person can explain: the commands, what they say, and why that is no fault.
EXPLAINED = [
    (UNLISTED, ABSENT, "not listed, and its service is not there"),
    (["image"], r"^error: path required$", "the command names no file"),
    (["moa"], r"^error: usage: /moa <prompt>$", "the command says nothing to do"),
]
# Commands that are silent when bare, and why.
SILENT = {"personality": "the UI does nothing without a name; it offers the names while one types"}
# Errors that are part of the protocol: the command, the method, the code, and why.
EXPECTED_ERRORS = [
    ("image", "image.attach", 4015, "no path"),
    ("moa", "slash.exec", 4004, "no prompt"),
    ("moa", "command.dispatch", 4004, "no prompt"),
]


class Log:
    """What the recorder wrote, read as it grows."""

    def __init__(self, path):
        self.path = Path(path)
        self.at = 0
        self.calls = []
        self.waiting = {}
        self.turns = 0

    def read(self):
        if not self.path.exists():
            return self
        with open(self.path, "rb") as file:
            file.seek(self.at)
            data = file.read()
        data = data[:data.rfind(b"\n") + 1]
        self.at += len(data)
        for line in data.splitlines():
            entry = json.loads(line)
            if isinstance(entry, list) and len(entry) > 3 and isinstance(entry[3], dict):
                self.take(entry[2], entry[3])
        return self

    def take(self, who, document):
        if who.startswith("c"):
            call = {"method": document.get("method"), "params": document.get("params"), "reply": None}
            self.calls.append(call)
            self.waiting[document.get("id")] = call
        elif "id" in document:
            call = self.waiting.pop(document["id"], None)
            if call:
                call["reply"] = document
        else:
            kind = (document.get("params") or {}).get("type")
            self.turns += {"message.start": 1, "message.complete": -1}.get(kind, 0)

    @property
    def idle(self):
        return not self.turns and not any(call["method"] not in POLLS for call in self.waiting.values())


class Watched(ink.Screen):
    """A UI whose talk is recorded. It may show words of failure: who looks for them says where."""

    lives = 0

    def __init__(self, entry, which, place, **environment):
        Watched.lives += 1
        self.log = Log(place.top / f"wire-{Watched.lives}.log")
        script = place.top / f"gateway-{Watched.lives}.sh"
        gateway = " ".join(f"'{word}'" for word in which.stdio_command())
        script.write_text(f"#!/bin/sh\nexec '{which.model_binary}' record '{self.log.path}' -- {gateway}\n")
        script.chmod(0o755)
        editor = place.top / "editor.sh"
        editor.write_text("#!/bin/sh\necho written in the editor >\"$1\"\n")
        editor.chmod(0o755)
        super().__init__(entry, place, HERMES_PYTHON=str(script), EDITOR=str(editor),
                         TUI_GATEWAY_TITLES="0", **environment)

    def wait(self, what, test, deadline_s=ink.ANSWER_S):
        end = time.monotonic() + deadline_s
        while not (found := test(self.lines())):
            if time.monotonic() > end:
                raise ink.Failed(f"{what}: not within {deadline_s} s")
            time.sleep(ink.POLL_S)
        return found

    def composer(self, lines):
        """Skins have symbols of their own, and so has a line for the shell."""
        last = lines[-1].strip() if lines else ""
        return super().composer(lines[:-1] + [re.sub(r"^[⚔$❯]", "❯", last)])

    def command(self, text):
        self.type(text)
        self.keys("Enter")

    def settle(self):
        """Until every call is answered, no turn runs and the screen stands still."""
        began = still = time.monotonic()
        last = None
        while True:
            now, lines = time.monotonic(), picture(self.lines())
            if lines != last:
                last, still = lines, now
            if self.log.read().idle and (now - still > STILL_S or now - began > MOVING_S):
                return
            if now - began > ANSWER_S:
                raise ink.Failed(f"still going on after {ANSWER_S} s: {list(self.log.waiting.values())}")
            time.sleep(ink.POLL_S)

    def escape(self):
        """Closes what is open, until the composer is there."""
        for key in ["Escape"] * ESCAPES + ["q", "C-c"]:
            end = time.monotonic() + STILL_S
            while time.monotonic() < end:
                if self.composer(self.lines()) is not None:
                    return
                time.sleep(ink.POLL_S)
            self.keys(key)
        self.wait("the composer", lambda lines: self.composer(lines) is not None, ink.SOON_S)


def picture(lines):
    """The screen without its clock."""
    at = ink.status_at(lines)
    return lines if at is None else lines[:at] + lines[at + 1:]


def outcome(lines, name):
    """What a command left on the screen: what is in a box, and what follows its own line."""
    boxed = [inside[1] for line in lines if (inside := re.match(r"\s*║(.*?)(?:║|$)", line))]
    echoes = [at for at, line in enumerate(lines) if "·" in line and told(line) == f"/{name}"]
    if not echoes and boxed:
        return boxed
    # A full screen of its own has no line of the command.
    rest = lines[echoes[-1] + 1:] if echoes else lines
    at = ink.status_at(rest)
    return boxed + (rest if at is None else rest[:at])


def told(line):
    """A line without ornaments."""
    return re.sub(r"^[\s·║│╭╰┊]+|[\s║│┃╮╯]+$", "", line)


def faults(screen, name, calls):
    """What is wrong with the outcome of a command, and what it says."""
    seen = [text for text in map(told, outcome(screen.lines(), name)) if text]
    found = [f"it says {text!r}" for text in seen if SUSPECT.search(text) and not explained(name, text)]
    if not seen and name not in SILENT and not any(call["method"] == "prompt.submit" for call in calls):
        found.append("it says nothing")
    for at, call in enumerate(calls):
        error = (call["reply"] or {}).get("error")
        if error and not expected(name, call, error, calls[at + 1:]):
            found.append(f"{call['method']} {json.dumps(call['params'])} is answered {json.dumps(error)}")
    return found, seen


def explained(name, text):
    return any(name in names and re.search(pattern, text) for names, pattern, _ in EXPLAINED)


def expected(name, call, error, later):
    """The UI tries `slash.exec` first and then `command.dispatch`: only the second counts."""
    if call["method"] == "slash.exec" and any(
            after["method"] == "command.dispatch" and "result" in (after["reply"] or {}) for after in later):
        return True
    return any((name, call["method"], error.get("code")) == known[:3] for known in EXPECTED_ERRORS)


def try_command(screen, name):
    """One bare command, from an empty composer back to one: its faults, what it says, and the screen then."""
    if name in SPOKEN:
        screen.send(f"before {name}")
        screen.settle()
    since = len(screen.log.read().calls)
    screen.command(f"/{name}")
    screen.settle()
    lines = screen.lines()
    if ink.has(lines, r"NODE-EXIT"):
        return ["it ended the UI"], [], lines
    found, seen = faults(screen, name, [call for call in screen.log.calls[since:] if call["method"] not in POLLS])
    screen.escape()
    return found, seen, lines


def walk(fresh, names):
    """Every command, one after the other; `fresh` makes a UI. How many had faults."""
    bad, screen = 0, fresh()
    try:
        for name in names:
            for _ in range(2 if name in TWICE else 1):
                try:
                    found, seen, lines = try_command(screen, name)
                except ink.Failed as why:
                    found, seen, lines = [str(why)], [], screen.lines()
                if found:
                    bad += 1
                    print(f"FAIL /{name}: " + "; ".join(found))
                    print("\n".join("    | " + line for line in lines if line.strip()), flush=True)
                    screen.close()
                    screen = fresh()
                    break
            else:
                words = [text for text in seen if re.search(r"[A-Za-z]{2}", text)] or ["(nothing)"]
                print(f"ok  /{name}: {words[0][:SHOWN]}", flush=True)
    finally:
        screen.close()
    return bad
