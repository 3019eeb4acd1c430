#!/usr/bin/env python3
"""Drives the unmodified Ink terminal UI in tmux against a gateway and looks at its screen.

Every wait has a deadline and looks every POLL_S; nothing sleeps and hopes. One line a step:
`ok STEP` or `FAIL STEP: why`, with the last screen. Exit status 1 if a step failed.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from gateway import FakeModel, Home, Server, Which, add_arguments, tree

COLUMNS, LINES = 120, 40
POLL_S = 0.05
# Building an agent takes the original 3 s, and this machine may be busy.
ANSWER_S = 30
# The UI debounces completion by 60 ms; the rest is for a busy machine.
SOON_S = 10
CLEAR_AGAIN_S = 2
SCROLL_AGAIN_S = 2
# `/quit` and an interrupt are to be felt as "at once".
AT_ONCE_S = 3
# What no screen may show. The second pattern is how the transcript writes a failed call.
BAD = [re.compile(p) for p in (r"protocol warning", r"(?:^|[^\"\w])error: ", r"gateway exited",
                               r"startup timeout")]
# Stand in grey where nothing is typed; others begin with `Try "`.
HINTS = ("Ask me anything…", "Ctrl+C to interrupt…")
# Waiting so long, look at a fresh picture.
REPAINT_S = 8
ALL = "start prompt stream approve deny clarify interrupt slash at help idle quit".split()
SHORT = "start prompt stream quit".split()


class Failed(Exception):
    """A step did not see what it waited for."""


class Screen:
    """One tmux window with the UI in it, on a tmux server of its own."""

    def __init__(self, entry, home, **environment):
        self.socket = f"gateway-peers-{os.getpid()}"
        env = home.environment(HERMES_CWD=str(home.work), TERM="xterm-256color", FORCE_COLOR="2", LANG="C.UTF-8",
                               **environment)
        # The shell outlives node, so that its exit status stays on the screen.
        script = f'node "{entry}"; echo NODE-EXIT $?; exec sleep 3600'
        subprocess.run(["tmux", "-L", self.socket, "-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS),
                        "-y", str(LINES), "-c", str(home.work), "sh", "-c", script], env=env, check=True)
        self.pane = int(self.tmux("display-message", "-p", "#{pane_pid}").strip())

    def tmux(self, *words):
        done = subprocess.run(["tmux", "-L", self.socket, *words], capture_output=True, text=True)
        return done.stdout

    def lines(self):
        return [line.rstrip() for line in self.tmux("capture-pane", "-p").split("\n") if line.strip()]

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def repaint(self):
        """A new size makes the UI draw everything anew. On a busy machine its partial redraws now and then leave
        letters of the last picture standing."""
        for columns in (COLUMNS - 1, COLUMNS):
            self.tmux("resize-window", "-x", str(columns))
            time.sleep(0.3)

    def wait(self, what, test, deadline_s=ANSWER_S):
        """Until `test(lines)` is truthy; its value. Bad words on the way are failures."""
        began = time.monotonic()
        end, repaint = began + deadline_s, began + min(deadline_s / 2, REPAINT_S)
        while True:
            lines = self.lines()
            check_clean(lines)
            if time.monotonic() > repaint:
                repaint = end + deadline_s
                self.repaint()
            found = test(lines)
            if found:
                return found
            if time.monotonic() > end:
                raise Failed(f"{what}: not within {deadline_s} s")
            time.sleep(POLL_S)

    def composer(self, lines):
        """What is typed but not sent; None while a dialog hides the composer."""
        last = lines[-1].strip() if lines else ""
        if not last.startswith("❯"):
            return None
        text = last[1:].strip()
        return "" if text in HINTS or text.startswith('Try "') else text

    def type(self, text):
        """Types into an empty composer, and waits until it is there."""
        asked = [0.0]

        def emptied(lines):
            if self.composer(lines) == "":
                return True
            # Not at every look: keys still unread when the text comes would make one paste with it.
            if time.monotonic() - asked[0] > CLEAR_AGAIN_S:
                self.keys("C-u")
                asked[0] = time.monotonic()
            return False
        self.wait("an empty composer", emptied, SOON_S)
        self.tmux("send-keys", "-l", text)
        self.wait(f"{text!r} in the composer", lambda lines: self.composer(lines) == text, SOON_S)

    def send(self, text):
        """Types and submits a prompt no earlier one was equal to; returns when the transcript has it."""
        self.type(text)
        self.keys("Enter")
        # The composer's own line looks the same, so look above the status bar.
        self.wait(f"{text!r} in the transcript", lambda lines: was_sent(lines, text), SOON_S)

    def ready(self):
        self.wait("status ready", is_ready)

    def ready_after_answer(self, strict):
        """The UI writes "running…" when its answer is confirmed, and never again "ready" if that was after
        the turn's end. The original loses this race now and then; ours confirms first."""
        self.wait("status ready", lambda lines: is_ready(lines) or not strict and is_ready(lines, "running…"))

    def close(self):
        """Ends the UI and waits for the gateway it started, which writes to its folder as it ends."""
        members = tree(self.pane)
        self.tmux("kill-server")
        end = time.monotonic() + SOON_S
        while any(alive(pid) for pid in members) and time.monotonic() < end:
            time.sleep(POLL_S)


def check_clean(lines):
    for line in lines:
        for pattern in BAD:
            if pattern.search(line):
                raise Failed(f"the screen shows {line.strip()!r}")


def shown(line):
    """A transcript line without its ornament and the scroll bar on the right."""
    return line.strip().rstrip("┃│║ ").removeprefix("❯").strip()


def status_at(lines):
    """Where the status bar is: ` ─ ready │ model │ …`; None while a list hides it."""
    for at in range(len(lines) - 1, -1, -1):
        if lines[at].startswith(" ─ ") and "│" in lines[at]:
            return at
    return None


def is_ready(lines, word="ready"):
    at = status_at(lines)
    return at is not None and lines[at].startswith(f" ─ {word} ")


def was_sent(lines, text):
    """Whether the transcript has the prompt. The UI scrolls in place and may leave specks behind a text."""
    rows = lines[:status_at(lines)]
    return any(line.strip().startswith("❯") and shown(line).startswith(text) for line in rows)


def answer(lines):
    """The text of the newest answer: from the last `┊` to the status bar."""
    rows = lines[:status_at(lines)]
    prompts = [i for i, line in enumerate(rows) if line.strip().startswith("❯")]
    rows = rows[prompts[-1]:] if prompts else rows
    starts = [i for i, line in enumerate(rows) if line.strip().startswith("┊")]
    if not starts:
        return ""
    return " ".join(shown(line).removeprefix("┊").strip() for line in rows[starts[-1]:]).strip()


class Steps:
    """The steps by name. Order matters little: each waits for a ready UI first."""

    def __init__(self, screen, idle_s, strict):
        self.screen = screen
        self.strict = strict
        self.idle_s = idle_s
        self.allowed = None

    def start(self):
        self.screen.ready()

    def prompt(self):
        self.screen.send("SAY:banana split")
        self.screen.wait("the answer", lambda lines: answer(lines).startswith("banana split"))
        self.screen.ready()

    def stream(self):
        self.screen.send("TOKENS=300 RATE=150")
        self.screen.wait("text before the end", lambda lines: answer(lines) and not is_ready(lines))
        self.screen.ready()
        self.screen.wait("the answer", answer)

    def approval(self, target, key):
        self.screen.send(f"APPROVE:rm -rf {target}")
        self.screen.wait("the approval dialog",
                         lambda lines: has(lines, r"approval required", rf"║\s+rm -rf {target}", r"▸ 1\. Allow once",
                                           r"4\. Deny"))
        self.screen.keys(key)
        self.screen.wait("the dialog to go", lambda lines: not has(lines, r"▸ \d\. "), SOON_S)
        self.screen.wait("an answer", answer)
        self.screen.ready_after_answer(self.strict)
        return answer(self.screen.lines()).replace(target, "")

    def approve(self):
        self.allowed = self.approval("build", "Enter")

    def deny(self):
        denied = self.approval("dist", "4")
        if denied == self.allowed:
            raise Failed(f"denied and allowed end alike: {denied!r}")

    def clarify(self):
        self.screen.send("CLARIFY:Which?|red|blue")
        self.screen.wait("the question", lambda lines: has(lines, r"ask Which\?", r"▸ 1\. red", r"2\. blue"))
        self.screen.keys("Down")
        self.screen.wait("the second choice", lambda lines: has(lines, r"▸ 2\. blue"), SOON_S)
        self.screen.keys("Enter")
        self.screen.wait("the answer to name the choice", lambda lines: "blue" in answer(lines))
        self.screen.ready_after_answer(self.strict)

    def interrupt(self):
        self.screen.send("TOKENS=5000 RATE=50")
        self.screen.wait("text", lambda lines: answer(lines) and not is_ready(lines))
        self.screen.keys("C-c")
        self.screen.wait("[interrupted]", lambda lines: "[interrupted]" in " ".join(lines[-8:]), AT_ONCE_S)
        self.screen.wait("status ready", is_ready, AT_ONCE_S)

    def slash(self):
        self.screen.type("/he")
        self.screen.wait("/help offered", lambda lines: has(lines, r"^\s*║\s+▸?\s*/help\b"), SOON_S)

    def at(self):
        self.screen.type("@")
        self.screen.wait("references offered", lambda lines: has(lines, r"^\s*║.*@(file|diff|folder)"), SOON_S)

    def help(self):
        self.screen.type("/help")
        self.screen.keys("Enter")
        self.screen.wait("the list's end", lambda lines: has(lines, "Hotkeys"), SOON_S)
        # The list may be longer than the window: its head, with the gateway's commands, is further up. One
        # page at a time, and only from a screen that stands still, or the head is passed unseen.
        last, left, at = [], [], [0.0]

        def listed(lines):
            if has(lines, r"│\s+/new\b"):
                return True
            if lines == last and (lines != left or time.monotonic() - at[0] > SCROLL_AGAIN_S):
                self.screen.keys("PageUp")
                left[:], at[0] = lines, time.monotonic()
            last[:] = lines
            return False

        self.screen.wait("/new among the commands", listed, SOON_S)

    def idle(self):
        end = time.monotonic() + self.idle_s
        while time.monotonic() < end:
            check_clean(self.screen.lines())
            time.sleep(0.5)
        self.screen.wait("status ready", is_ready, SOON_S)

    def quit(self):
        children = [pid for pid in tree(self.screen.pane) if pid != self.screen.pane]
        self.screen.type("/quit")
        self.screen.keys("Enter")
        self.screen.wait("node to end", lambda lines: has(lines, r"NODE-EXIT 0"), AT_ONCE_S)
        self.screen.wait("its children to end", lambda _: not any(alive(pid) for pid in children), SOON_S)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def has(lines, *patterns):
    return all(any(re.search(p, line) for line in lines) for p in patterns)


def converse(label, strict, entry, home, steps, idle_s, environment):
    """One life of the UI; True if every step held."""
    screen = Screen(entry, home, **environment)
    return walk(label, Steps(screen, idle_s, strict), steps)


def walk(label, table, steps, failures=Failed):
    """Takes the steps of these names on the table's screen, and closes it; True if every step held."""
    try:
        for name in steps:
            began = time.monotonic()
            try:
                getattr(table, name)()
            except failures as why:
                lines = table.screen.lines()
                print(f"FAIL {label} {name}: {why}\n" + "\n".join("    | " + line for line in lines))
                return False  # What follows would start from an unknown screen.
            print(f"ok {label} {name} ({time.monotonic() - began:.1f} s)", flush=True)
        return True
    finally:
        table.screen.close()


def run(which, transport, model, entry, steps, idle_s):
    """One gateway, one transport, one kind of model."""
    label = f"{which.name} {transport} {model}"
    with Home() as home:
        fake = FakeModel(home, which.model_binary) if model == "openai" else None
        try:
            with Home(fake.port if fake else None) as place:
                if transport == "ws":
                    with Server(which, place) as server:
                        attach = {"HERMES_TUI_GATEWAY_URL": server.url}
                        return converse(label, which.ours, entry, place, steps, idle_s, attach)
                spawn = {"HERMES_PYTHON": which.stdio_command()[0]}
                return converse(label, which.ours, entry, place, steps, idle_s, spawn)
        finally:
            if fake:
                fake.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--entry", help="the UI's entry.js (default: the one in the VENV of --ui)")
    parser.add_argument("--ui", metavar="VENV", help="where hermes-agent is installed (default: --peer-python)")
    parser.add_argument("--steps", help="comma-separated: " + ",".join(ALL))
    parser.add_argument("--skip", default="", help="steps to leave out")
    parser.add_argument("--idle", type=float, default=20, metavar="SECONDS")
    parser.add_argument("--transport", choices=["stdio", "ws", "both"], default="both")
    options = parser.parse_args()
    which = Which(options.binary, options.peer_python, model_binary=options.model_binary)
    entry = options.entry or find_entry(options.ui or options.peer_python)
    skip = options.skip.split(",")
    good = True
    for transport in ["stdio", "ws"] if options.transport == "both" else [options.transport]:
        # The original has no agent without a model; ours is tried with both.
        for model, default in [("demo", ALL), ("openai", SHORT)] if which.ours else [("openai", ALL)]:
            steps = options.steps.split(",") if options.steps else default
            steps = [step for step in steps if step not in skip]
            good &= run(which, transport, model, entry, steps, options.idle)
    return 0 if good else 1


def find_entry(venv):
    found = sorted(Path(venv).glob("lib/python3.*/site-packages/hermes_cli/tui_dist/entry.js")) if venv else []
    if not found:
        raise SystemExit("give --entry entry.js, or --ui VENV")
    return str(found[0].resolve())


if __name__ == "__main__":
    sys.exit(main())
