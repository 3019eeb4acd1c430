#!/usr/bin/env python3
"""Commands, completion and paste in the unmodified Ink terminal UI, before a local server with two models; then a walk
through every command of the catalogue.

    ink_commands.py --binary PATH --ui VENV [--quick]

What the UI shows is looked at on its screen, what reached the model in its requests, what was kept in the home.
"""

import argparse
import re
import signal
import subprocess
import sys
import time

import ink
from gateway import Home, Which, add_arguments
from ink import Failed, has
from ink_walk import NEVER, UNLISTED, Watched, walk
from two_models import WRITTEN, TwoModels, prompt_of, system_of, tools_of
from wire import Client, Stdio

# The titles of the banners of the skins `default` (#FFD700) and `ares` (#C7A96B), as the UI writes them in tmux: it
# has 256 colours there, of which this is the cube.
GOLD, BRASS = "38;5;220", "38;5;180"
# For the whole script.
BOUND_S, QUICK_BOUND_S = 240, 120
PASTED = [f"pasted line {number:02}" for number in range(30)]
SKILL = "---\nname: greeter\ndescription: Greets people in verse.\n---\nGreet the person in verse.\n"
CHECKPOINT = r"1\. [0-9a-f]{10}"


class Story:
    """One home, one UI; the steps by name, in order."""

    def __init__(self, which, entry, place, model):
        self.place = place
        self.model = model
        self.fresh = lambda: opened(Watched(entry, which, place))
        self.screen = self.fresh()

    # What steps share.

    def shows(self, what, *patterns, deadline_s=ink.SOON_S):
        self.screen.wait(what, lambda lines: has(lines, *patterns), deadline_s)

    def command(self, text, *patterns):
        self.screen.command(text)
        self.shows(f"the answer to {text}", *patterns)

    def page(self, text, *patterns):
        """A command that opens a page or a panel of its own, closed again."""
        self.command(text, *patterns)
        self.screen.escape()

    def say(self, text):
        """One turn to its end; its last request."""
        before = len(self.model.requests)
        self.screen.send(text)
        self.screen.wait("the request", lambda _: len(self.model.requests) > before)
        self.screen.wait("the end of the turn", lambda _: self.screen.log.read().idle)
        self.screen.ready()
        return self.model.requests[-1]

    def typed(self, lines):
        return self.screen.composer(lines) or ""

    def sent(self):
        """Submits what is in the composer; what the model is told by it."""
        before = len(self.model.requests)
        self.screen.keys("Enter")
        self.screen.wait("the request", lambda _: len(self.model.requests) > before)
        self.screen.wait("the end of the turn", lambda _: self.screen.log.read().idle)
        self.screen.ready()
        return prompt_of(self.model.requests[-1])

    def config(self):
        return (self.place.home / "config.yaml").read_text()

    def colours(self):
        return self.screen.tmux("capture-pane", "-e", "-p")

    def coloured(self, wanted, gone):
        end = time.monotonic() + ink.SOON_S
        while wanted not in (seen := self.colours()) or gone in seen:
            if time.monotonic() > end:
                raise Failed(f"colour {wanted}: {'there' if wanted in seen else 'missing'}, "
                             f"{gone}: {'there' if gone in seen else 'gone'}")
            time.sleep(ink.POLL_S)

    def expect(self, good, why):
        if not good:
            raise Failed(why)

    # The steps.

    def model_picker(self):
        self.expect("I am alpha-1." in self.answer("who are you?"), "the first model does not answer")
        self.command("/model", r"Select provider \(step 1/2\)", r"▸ \d+\. \* Custom endpoint · 2 models")
        self.screen.keys("Enter")
        self.shows("both models", r"Select model \(step 2/2\)", r"▸ 1\. alpha-1", r"2\. beta-2")
        self.screen.keys("Down")
        self.shows("the second one chosen", r"▸ 2\. beta-2")
        self.screen.keys("Enter")
        self.shows("the switch", r"model → beta-2")
        self.shows("it in the status bar", r"^ ─ ready │ beta.2 │")
        self.expect("I am beta-2." in self.answer("who are you now?"), "the other model does not answer")
        asked = self.model.requests[-1]["model"]
        self.expect(asked == "beta-2", f"the request named {asked}")
        self.shows("it still in the status bar", r"^ ─ ready │ beta.2 │")

    def answer(self, text):
        self.say(text)
        return ink.answer(self.screen.lines())

    def model_by_name(self):
        self.command("/model alpha-1", r"model → alpha-1")
        self.shows("it in the status bar", r"^ ─ ready │ alpha.1 │")

    def skin(self):
        self.coloured(GOLD, BRASS)
        self.command("/skin ares", r"skin → ares")
        self.coloured(BRASS, GOLD)
        self.expect("ares" in self.config(), "config.yaml does not name it")
        self.command("/skin default", r"skin → default")
        self.coloured(GOLD, BRASS)

    def details(self):
        self.say("WRITE:first.txt please")
        self.expect((self.place.work / "first.txt").read_text() == WRITTEN, "the tool wrote nothing")
        self.command("/details expanded", r"·\s+details: expanded")
        self.shows("the tools open", r"Write File")
        self.expect("expanded" in self.config(), "config.yaml does not say so")
        self.command("/details hidden", r"·\s+details: hidden")
        self.screen.wait("the tools hidden", lambda lines: not has(lines, r"Write File"), ink.SOON_S)
        self.command("/details tools expanded", r"·\s+details tools: expanded")
        self.shows("the tools open", r"Write File")
        self.command("/details collapsed", r"·\s+details: collapsed")
        self.command("/details", r"·\s+details: collapsed")

    def busy(self):
        self.command("/busy steer", r"busy input mode: steer")
        self.command("/busy status", r"busy input mode: steer")
        self.expect("busy_input_mode: steer" in self.config(), "config.yaml does not say so")
        self.command("/busy queue", r"busy input mode: queue")
        # What is typed in a turn waits for its end.
        self.screen.send("SLOW one")
        self.screen.wait("the turn", lambda lines: not ink.is_ready(lines), ink.SOON_S)
        self.screen.command("and another")
        self.screen.wait("the queued one", lambda _: prompt_of(self.model.requests[-1]).endswith("and another"))
        self.screen.wait("its end", lambda _: self.screen.log.read().idle)
        self.screen.ready()
        calls = [call["method"] for call in self.screen.log.calls]
        self.expect("session.interrupt" not in calls and "session.steer" not in calls, "it was not queued")

    def personality(self):
        before = system_of(self.say("as you are"))
        self.screen.type("/personality")
        self.screen.keys("Space")
        self.shows("the list", r"║.*\bconcise\b", r"║.*\bpirate\b|║.*\bteacher\b")
        self.screen.keys("C-u")
        self.command("/personality concise", r"personality: concise")
        after = system_of(self.say("and now briefly"))
        self.expect(after != before, "the model was told nothing new")
        self.command("/personality none", r"personality: (none|default)")

    def tools(self):
        self.page("/tools list", r"\bweb\b", r"\bterminal\b")
        self.command("/tools disable web", r"disabled: web")
        offered = tools_of(self.say("what have you?"))
        self.expect(offered and not any(name.startswith("web_") for name in offered), f"it still has {offered}")
        self.command("/tools enable web", r"enabled: web")
        offered = tools_of(self.say("and now?"))
        self.expect(any(name.startswith("web_") for name in offered), f"it has only {offered}")

    def skills(self):
        self.command("/skills", r"Skills Hub", r"▸ 1\. \S+ · 1 skills")
        self.screen.keys("Enter")
        self.shows("the skill", r"▸ 1\. greeter")
        self.screen.keys("Enter")
        self.shows("what it does", r"Greets people in verse\.", r"path: .*greeter")
        self.screen.escape()
        self.command("/skills inspect greeter", r"Name\s+greeter", r"Greets people in verse\.")

    def agents(self):
        self.page("/agents", r"Spawn tree")
        self.command("/agents status", r"delegation · active · caps d\d+/\d+")
        self.command("/agents pause", r"delegation · paused")
        self.command("/agents resume", r"delegation · resumed")

    def rollback(self):
        notes = self.place.work / "notes.txt"
        kept = notes.read_text()
        self.say("WRITE:notes.txt please")
        self.expect(notes.read_text() == WRITTEN, "the tool wrote nothing")
        self.command("/rollback", r"Rollback checkpoints", CHECKPOINT)
        self.page("/rollback diff 1", r"Rollback diff", rf"-{kept.strip()}", rf"\+{WRITTEN.strip()}")
        self.command("/rollback 1 notes.txt", r"rollback restored notes\.txt")
        self.expect(notes.read_text() == kept, f"the file says {notes.read_text()!r}")

    def shell(self):
        self.command("!ls", r"^\W*!ls\b", r"^\W*notes\.txt\b")
        self.screen.ready()
        self.command("!exit 3", r"·\s+exit 3")
        self.screen.ready()

    def completion(self):
        self.screen.type("@no")
        self.shows("the file offered", r"^\s*║.*notes\.txt")
        self.screen.keys("Tab")
        self.screen.wait("it in the composer", lambda lines: "@file:notes.txt" in self.typed(lines), ink.SOON_S)
        self.screen.tmux("send-keys", "-l", " say it")
        # While something is offered, Enter would take it.
        self.screen.wait("the offer to go", lambda lines: not has(lines, r"^\s*║.*notes\.txt"), ink.SOON_S)
        said = self.sent()
        self.expect("notes.txt" in said, f"the model was told {said!r}")

    def paste(self):
        self.screen.type("look at")
        self.screen.keys("Space")
        text = "\n".join(PASTED)
        subprocess.run(["tmux", "-L", self.screen.socket, "load-buffer", "-"], input=text.encode(), check=True)
        self.screen.tmux("paste-buffer", "-p")
        shown = self.screen.wait("the placeholder",
                                 lambda lines: "[30 lines]" in self.typed(lines) and self.typed(lines), ink.SOON_S)
        self.expect("line 15" not in shown, f"the composer shows {shown!r}")
        said = self.sent()
        self.expect(all(line in said for line in PASTED), f"the model was told {said!r}")
        files = list((self.place.home / "pastes").glob("*.txt"))
        self.expect(len(files) == 1 and files[0].read_text() == text, f"kept are {files}")


STEPS = ("model_picker model_by_name skin details busy personality tools skills agents rollback shell completion "
         "paste").split()


def opened(screen):
    screen.ready()
    screen.send("hello")
    screen.wait("an answer", ink.answer)
    screen.wait("the end of the turn", lambda _: screen.log.read().idle)
    return screen


def tell(story):
    """How many steps failed. Each starts from an empty composer, or a UI of its own."""
    bad = 0
    for name in STEPS:
        began = time.monotonic()
        try:
            getattr(story, name)()
            print(f"ok  {name} ({time.monotonic() - began:.1f} s)", flush=True)
        except (Failed, LookupError, OSError) as why:
            bad += 1
            print(f"FAIL {name}: {why}\n" + "\n".join("    | " + line for line in story.screen.lines()))
            print("\n".join(f"    > {call}"[:600] for call in story.screen.log.read().calls[-4:]), flush=True)
            story.screen.close()
            story.screen = story.fresh()
    return bad


def commands_of(which, place):
    """The names in the catalogue, each once, without those that leave the UI."""
    client = Client(Stdio(which, place))
    try:
        client.event("gateway.ready")
        pairs = client.result("commands.catalog")["pairs"]
    finally:
        client.link.close()
    names = dict.fromkeys([name.removeprefix("/") for name, _ in pairs])
    return [name for name in names if name not in NEVER]


def furnish(place, port):
    """A configuration with two models, a skill and a quick command."""
    (place.home / "config.yaml").write_text(
        "model:\n  default: alpha-1\n  provider: custom\n"
        f"  base_url: http://127.0.0.1:{port}/v1\n  api_key: sk-test\n  context_length: 200000\n"
        "checkpoints:\n  enabled: true\nquick_commands:\n  hi:\n    type: exec\n    command: echo hi there\n")
    skill = place.home / "skills/demo/greeter"
    skill.mkdir(parents=True)
    (skill / "SKILL.md").write_text(SKILL)


def late(*_):
    print("FAIL time: not done within its bound", flush=True)
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_arguments(parser)
    parser.add_argument("--ui", metavar="VENV", help="where hermes-agent is installed")
    parser.add_argument("--quick", action="store_true", help="only the commands of the catalogue")
    parser.add_argument("--steps", help="only these, comma-separated")
    parser.add_argument("--commands", help="walk only through these, comma-separated; empty: none")
    options = parser.parse_args()
    which = Which(options.binary, options.peer_python, model_binary=options.model_binary)
    entry = ink.find_entry(options.ui or options.peer_python)
    if options.steps is not None:
        STEPS[:] = options.steps.split(",") if options.steps else []
    model = TwoModels()
    signal.signal(signal.SIGALRM, late)
    signal.alarm(QUICK_BOUND_S if options.quick else BOUND_S)
    try:
        with Home() as place:
            furnish(place, model.port)
            story = Story(which, entry, place, model)
            try:
                bad = tell(story)
            finally:
                story.screen.close()
            names = re.findall(r"[^,]+", options.commands or "")
            if options.commands is None:
                names = commands_of(which, place)
                names += [name for name in ([] if options.quick else UNLISTED) if name not in names]
            bad += walk(story.fresh, names) if names else 0
            print(f"{len(STEPS)} steps, {len(names)} commands, {bad} failed")
            return 1 if bad else 0
    finally:
        model.stop()


if __name__ == "__main__":
    sys.exit(main())
