#!/usr/bin/env python3
"""An agent at work in the unmodified Ink terminal UI: "create a file, run it, fix the error", by a scripted model.

Looked for on the screen: the plan, the tools' lines, the diff of the fix, the approval dialog of a delete, and the end;
and in the folder: the program runs, and what was approved is gone.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import ink
from gateway import FakeModel, Home, Which, add_arguments

PROMPT = "create a file, run it, fix the error"
# Its complaint must not look like one of the UI.
BROKEN = "for n in 1 2 3; do\n  eco number $n\ndone\n"


def call(name, **args):
    return f"TOOL:{name} {json.dumps(args)}\n"


def plan(*states):
    texts = ["write count.sh", "run it", "fix it"]
    items = [{"id": str(at), "content": text, "status": state} for at, (text, state) in enumerate(zip(texts, states))]
    return call("todo", todos=items)


# A word of text ends each batch of calls.
SCRIPT = "TOKENS=1\n".join([
    plan("in_progress", "pending", "pending"),
    call("write_file", path="count.sh", content=BROKEN),
    call("terminal", command="sh count.sh"),
    plan("completed", "completed", "in_progress"),
    call("patch", path="count.sh", old_string="eco", new_string="echo"),
    call("terminal", command="sh count.sh"),
    call("terminal", command="rm -rf scratch"),
    plan("completed", "completed", "completed"),
]) + "SAY:It counts to three now."


def work(screen, folder):
    (folder / "scratch").mkdir()
    screen.ready()
    screen.send(PROMPT)
    screen.wait("the approval dialog", lambda lines: ink.has(lines, r"approval required", r"rm -rf scratch"))
    # The diff of the fix and the call before the question stand above it.
    screen.wait("the work before it", lambda lines: ink.has(
        lines, r"a/count\.sh → b/count\.sh", r"^\W*-\s+eco number", r"^\W*\+\s+echo number", r"Terminal\(\"Running sh count\.sh\"\)"))
    print("ok tools, diff and question are on the screen")
    screen.keys("Enter")
    screen.wait("the last word", lambda lines: ink.has(lines, r"It counts to three now\."))
    # Not for the word "ready": when a model answers within the 16 ms the UI collects phrases for, one of its own timers
    # may write the last phrase over it. The mark of the finished turn is not in that race.
    screen.wait("the end of the turn", lambda lines: ink.has(lines, r"✓ \d+s"))
    screen.wait("the plan", lambda lines: ink.has(lines, r"Todo\(\"Updating tasks\"\)"))
    if (folder / "scratch").exists():
        raise ink.Failed("what was approved is still there")
    ran = subprocess.run(["sh", "count.sh"], cwd=folder, capture_output=True, text=True)
    if ran.stdout != "number 1\nnumber 2\nnumber 3\n":
        raise ink.Failed(f"the program says {ran.stdout!r} {ran.stderr!r}")
    print("ok the file was made, run and fixed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--ui", metavar="VENV", help="where hermes-agent is installed")
    options = parser.parse_args()
    which = Which(options.binary, options.peer_python, model_binary=options.model_binary)
    with Home() as home:
        fake = FakeModel(home, which.model_binary, SCRIPT)
        try:
            with Home(fake.port) as place:
                screen = ink.Screen(ink.find_entry(options.ui), place, HERMES_PYTHON=which.stdio_command()[0])
                try:
                    work(screen, place.work)
                except ink.Failed as why:
                    print(f"FAIL {why}\n" + "\n".join("    | " + line for line in screen.lines()))
                    return 1
                finally:
                    screen.close()
        finally:
            fake.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
