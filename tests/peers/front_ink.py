#!/usr/bin/env python3
"""The unmodified Ink terminal UI, our front, and the original behind it: people see what they always saw.

    front_ink.py --binary PATH --peer-python VENV [--ui VENV] [--transport stdio|ws|both] [--quick]

stdio  the UI starts our binary as its gateway (HERMES_PYTHON), which starts the original (TUI_GATEWAY_UPSTREAM)
ws     the UI attaches to our server (HERMES_TUI_GATEWAY_URL), which has the original behind it

Two lives of the UI on one home: in the first somebody chats, allows and denies, picks a model and a skin, completes
a file, leaves; in the second what was said is resumed.
"""

import argparse
import hashlib
import re
import sys
import time

import ink
from front_lib import CONFIG, front, python_host
from gateway import FakeModel, Server, Which, add_arguments
from ink_commands import BRASS, GOLD
from ink_walk import Watched
from store_lib import Place
from wire import connect

FIRST = "start prompt stream approve deny clarify interrupt model skin at file help quit".split()
FIRST_QUICK = "start prompt approve model skin file quit".split()
SECOND = "start resume quit".split()
# The original asks around for models before it lists them.
MODELS_S = 60
KEY_AGAIN_S = 0.5
MESSAGES = r"\b[1-9]\d* msgs\b"


class Screen(ink.Screen):
    """A UI in which dialogs are opened and closed."""

    escape = Watched.escape

    def composer(self, lines):
        """Skins have symbols of their own."""
        last = lines[-1].strip() if lines else ""
        return super().composer(lines[:-1] + [re.sub(r"^[⚔$❯]", "❯", last)])

    def command(self, text, what, *patterns, deadline_s=ink.SOON_S):
        self.type(text)
        self.keys("Enter")
        self.wait(what, lambda lines: ink.has(lines, *patterns), deadline_s)


class Steps(ink.Steps):
    """Those of the UI alone, and what the gateway has to tell it."""

    def __init__(self, screen, place):
        super().__init__(screen, idle_s=0, strict=False)
        self.place = place

    def model(self):
        self.screen.command("/model", "the providers", r"Select provider \(step 1/2\)", deadline_s=MODELS_S)
        self.screen.escape()

    def skin(self):
        self.coloured(GOLD, BRASS)
        self.screen.command("/skin ares", "the skin", r"skin → ares")
        self.coloured(BRASS, GOLD)
        if "ares" not in (self.place.home / "config.yaml").read_text():
            raise ink.Failed("config.yaml does not name the skin")
        self.screen.command("/skin default", "the old skin", r"skin → default")
        self.coloured(GOLD, BRASS)

    def coloured(self, wanted, gone):
        def drawn(_):
            seen = self.screen.tmux("capture-pane", "-e", "-p")
            return wanted in seen and gone not in seen
        self.screen.wait(f"colour {wanted} instead of {gone}", drawn, ink.SOON_S)

    def file(self):
        self.screen.type("@no")
        self.screen.wait("the file offered", lambda lines: ink.has(lines, r"^\s*║.*notes\.txt"), ink.SOON_S)
        self.screen.keys("Tab")
        self.screen.wait("it in the composer",
                         lambda lines: "@file:notes.txt" in (self.screen.composer(lines) or ""), ink.SOON_S)
        self.screen.keys("C-u")

    def resume(self):
        self.screen.command("/resume", "the picker", r"\bresumable\b", MESSAGES)
        asked = [0.0]

        def chosen(lines):
            if ink.has(lines, rf"▸.*{MESSAGES}"):
                return True
            if time.monotonic() - asked[0] > KEY_AGAIN_S:
                self.screen.keys("Down")
                asked[0] = time.monotonic()
            return False
        self.screen.wait("the conversation to be chosen", chosen, ink.SOON_S)
        self.screen.keys("Enter")
        # The end of a long conversation, the whole of a short one.
        self.screen.wait("what was said", lambda lines: ink.has(lines, r"banana split|CLARIFY:Which"))
        self.screen.ready()
        self.screen.send("SAY:and a cherry")
        self.screen.wait("the answer", lambda lines: ink.answer(lines).startswith("and a cherry"))
        self.screen.ready()


def live(label, entry, place, names, environment):
    """One life of the UI; True if every step held."""
    steps = Steps(Screen(entry, place, **environment), place)
    return ink.walk(label, steps, names, (ink.Failed, OSError))


def run(which, command, transport, entry, model, first):
    label = f"front-ink {transport}"
    with Place(model.port, CONFIG) as place:
        for again, names in (("", first), (" again", SECOND)):
            if transport == "ws":
                # A server of its own for each life: nothing is live, everything is resumed.
                with Server(front(which, command), place) as server:
                    good = live(label + again, entry, place, names, {"HERMES_TUI_GATEWAY_URL": server.url})
            else:
                spawn = {"HERMES_PYTHON": which.binary, "TUI_GATEWAY_UPSTREAM": command}
                good = live(label + again, entry, place, names, spawn)
            if not good:
                return False
        return True


def together(which, command, entry, model):
    """Two UIs and a script on one session: all are shown the same, whoever asks."""
    began = time.monotonic()
    with Place(model.port, CONFIG) as place, Server(front(which, command), place) as server:
        script = connect(server)
        made = script.result("session.create", cols=80)
        session, key = made["session_id"], made["stored_session_id"]
        script.turn(session, "SAY:to begin with")
        spawn = {"HERMES_TUI_GATEWAY_URL": server.url, "HERMES_TUI_RESUME": key}
        screens = []
        try:
            for _ in range(2):
                screens.append(Screen(entry, place, **spawn))
                screens[-1].wait("what was said", lambda lines: ink.has(lines, "to begin with"))
                screens[-1].ready()
            text, _, _ = script.turn(session, "TOKENS=60 RATE=30 SAY:from the script")
            shown = [" ".join(text.split())]
            for screen in screens:
                screen.wait("the answer", lambda lines: "from the script" in ink.answer(lines))
                shown.append(" ".join(ink.answer(screen.lines()).split()))
            # And the other way round.
            screens[0].send("SAY:from a person")
            for screen in screens:
                screen.wait("the answer", lambda lines: ink.answer(lines).startswith("from a person"))
            said, _, _ = script.finish(session)
            hashes = {hashlib.sha256(one.encode()).hexdigest()[:16] for one in shown}
            if len(hashes) != 1 or said != "from a person":
                print(f"FAIL front-ink together: {shown}, {said!r}")
                return False
            print(f"ok front-ink together ({time.monotonic() - began:.1f} s): two UIs and a script, sha256 {hashes.pop()}")
            return True
        except (ink.Failed, OSError) as why:
            print(f"FAIL front-ink together: {why}")
            for screen in screens:
                print("\n".join("    | " + line for line in screen.lines()))
            return False
        finally:
            for screen in screens:
                screen.close()
            script.link.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--ui", metavar="VENV", help="where the UI is installed (default: --peer-python)")
    parser.add_argument("--transport", choices=["stdio", "ws", "both"], default="both")
    parser.add_argument("--quick", action="store_true", help="fewer steps, and over stdio alone")
    options = parser.parse_args()
    if not (options.binary and options.peer_python):
        raise SystemExit("both are needed: --binary PATH --peer-python VENV")
    which = Which(options.binary, model_binary=options.model_binary)
    command = python_host(Which(venv=options.peer_python).venv)
    entry = ink.find_entry(options.ui or options.peer_python)
    both = ["stdio"] if options.quick else ["stdio", "ws"]
    transports = both if options.transport == "both" else [options.transport]
    good = True
    with Place() as apart, FakeModel(apart, which.model_binary) as model:
        for transport in transports:
            good &= run(which, command, transport, entry, model, FIRST_QUICK if options.quick else FIRST)
        if not options.quick:
            good &= together(which, command, entry, model)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
