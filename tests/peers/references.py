#!/usr/bin/env python3
"""`@` references in prompts: the model gets what the original would give it.

    references.py --binary PATH

Needs the interpreter of the virtual environment that holds the original (install.sh makes one). The original's own functions
expand each prompt; ours run it as a turn, and the conversation shows what the model was sent. White space of the prompt is
compared squeezed, because the original squeezes it; the rest is compared as it is, folders line by line in any order.
"""

import argparse
import os
import re
import subprocess
import sys

from gateway import FakeModel, Home, Which
from wire import Client, Stdio

WINDOW = 4000
MARK = "\n\n--- "
FOLDER = "📁"

# What both have to make the same of.
PROMPTS = [
    "no reference @you a@file:a.py x/@file:a.py @different",
    "explain @file:a.py please",
    "explain @file:a.py:2 please",
    "lines @file:a.py:2-3",
    "beyond @file:a.py:3-99 and @file:a.py:7",
    "quoted @file:`with blank.md` and @file:\"with blank.md\":1 and @file:'a.py'",
    "quoted @file:\"a.py\", then more.",
    "@file:a.py @file:sub/c.toml",
    "@file:crlf.txt",
    "@file:none @file:sub @folder:none @folder:a.py",
    "@file:../secret @file:/etc/passwd @file:~/.bashrc @file:.h/link",
    "@file:.env and @file:.envrc",
    "@folder:sub",
    "@folder:. is @folder:sub/",
    "@diff",
    "@staged and @diff",
    "@git:1",
    "@git:99 of @git:0",
    "(see @file:'a.py')",
    "soft @file:soft.txt",
    "code:\n    if x:\n        y()  # @file:a.py\n\n\nend",
]
# What stands behind the one that is too much is not read here.
REFUSED = ["hard @file:hard.txt", "hard @file:none @diff @file:hard.txt"]


def workspace(top):
    work = top / "work"
    (work / "sub").mkdir()
    (work / "notes.txt").unlink()
    files = {"a.py": "one = 1\ntwo = 2\nthree = 3\n", "with blank.md": "# Title\ntext ä\n", "sub/c.toml": "[a]\nb = 1",
             "sub/d.txt": "1\n2\n", "crlf.txt": "a\r\nb\r\n", ".env": "KEY=1\n", ".envrc": "x\n",
             "soft.txt": "s" * 5000, "hard.txt": "h" * 9000, "../secret": "x"}
    for name, text in files.items():
        (work / name).write_bytes(text.encode())
    # Hidden, because without ripgrep the original lists links.
    (work / ".h").mkdir()
    (work / ".h/link").symlink_to("../../secret")
    (top / ".bashrc").write_text("x\n")
    git = ["git", "-C", str(work), "-c", "user.name=t", "-c", "user.email=t@t"]
    for words in (["init", "-q"], ["add", "a.py"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    (work / "a.py").write_text("one = 1\ntwo = 22\nthree = 3\n")
    (work / "sub/c.toml").write_text("[a]\nb = 2")
    subprocess.run([*git, "add", "sub/c.toml"], check=True)
    return work


def sections(text):
    """The prompt, squeezed, and what follows, with the names of folders in one order."""
    before, mark, rest = text.partition(MARK) if not text.startswith(MARK.strip()) else ("", MARK, text[5:])
    before = re.sub(r"\s+([,.;:!?])", r"\1", re.sub(r"\s+", " ", before)).strip()
    blocks = []
    for block in re.split(r"\n\n(?=[📄📁🧾📎])", mark + rest):
        lines = block.split("\n")
        blocks.append(sorted(lines) if FOLDER in block else lines)
    return before, blocks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the gateway to test")
    options = parser.parse_args()
    good = True

    def check(name, condition, why=""):
        nonlocal good
        good &= bool(condition)
        print(f"{'ok ' if condition else 'FAIL'} {name}{'' if condition else f': {why}'}")

    with Home() as model_home, FakeModel(model_home, options.binary) as model, Home(model.port) as home:
        work = workspace(home.top)
        config = home.home / "config.yaml"
        config.write_text(config.read_text().replace("10000000", str(WINDOW)))
        os.environ.update(HERMES_HOME=str(home.home), HOME=str(home.top))
        from agent.context_references import preprocess_context_references

        def original(prompt):
            return preprocess_context_references(prompt, cwd=str(work), allowed_root=str(work), context_length=WINDOW)

        client = Client(Stdio(Which(binary=options.binary), home), 60)
        try:
            client.event("gateway.ready")
            for prompt in PROMPTS:
                wanted = original(prompt)
                session = client.result("session.create", cwd=str(work))["session_id"]
                client.turn(session, prompt)
                sent = client.result("session.history", session_id=session)["messages"][0]["text"]
                mine, theirs = sections(sent), sections(wanted.message)
                check(repr(prompt), mine == theirs and not wanted.blocked, f"\n  here  {sent!r}\n  there {wanted.message!r}")
            for prompt in REFUSED:
                wanted = original(prompt)
                session = client.result("session.create", cwd=str(work))["session_id"]
                client.result("prompt.submit", session_id=session, text=prompt)
                kinds = []
                while kinds[-2:] != ["error", "session.info"]:
                    params = client.until(lambda m: (m.get("params") or {}).get("session_id") == session)["params"]
                    kinds.append(params["type"])
                    if params["type"] == "error":
                        said = params["payload"]["message"]
                check(repr(prompt), wanted.blocked and said == "\n".join(wanted.warnings),
                      f"\n  here  {said!r}\n  there {wanted.warnings!r}")
                check(f"{prompt!r} has no answer", "message.complete" not in kinds, kinds)
                client.turn(session, "and now")
        finally:
            client.link.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
