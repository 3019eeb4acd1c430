#!/usr/bin/env python3
"""Conversations that outlive their process in the unmodified Ink terminal UI: made, left, found again, and changed.

    ink_sessions.py --binary PATH --ui VENV

What the UI shows is looked at on its screen, what is stored in the home's state.db.
"""

import argparse
import json
import re
import sqlite3
import sys
import time

import ink
from gateway import FakeModel, Home, Which, add_arguments
from ink import has
from store_lib import Place, expect, expect_sound, rows
from store_lib import Failed as NotKept

# The UI collects the phrases of the first 16 ms; a turn that ended by then may leave one of them in the status bar.
DELAY = "DELAY=100 "
SUMMARY = "SAY:So far they said a few words."
# Turns before a compression: so many that there is something to leave out.
MORE_TURNS = 6
# Between two presses of a key that has to be pressed until it shows.
KEY_AGAIN_S = 0.5
TITLE, SIDE = "My alpha", "Side road"


def prompt_of(text):
    return f"{DELAY}SAY:{text}"


def exchange(*texts):
    """What is stored of turns with these answers."""
    return [row for text in texts for row in (("user", prompt_of(text)), ("assistant", text))]


class Story:
    """One home; one life of the UI after the other."""

    def __init__(self, which, entry, place):
        self.which = which
        self.entry = entry
        self.place = place
        self.screen = None
        self.alpha = self.side = None
        self.side_said = []

    # The UI.

    def open(self, **environment):
        command = self.which.stdio_command()[0]
        environment.update(HERMES_PYTHON=command, HERMES_TUI_NO_CONFIRM="1")
        self.screen = ink.Screen(self.entry, self.place, **environment)
        self.screen.ready()

    def close(self):
        ink.Steps(self.screen, 0, True).quit()
        self.screen.close()
        self.screen = None

    def say(self, text):
        self.screen.send(prompt_of(text))
        self.shows(text)

    def command(self, text, what, *patterns):
        """Sends a slash command and waits for what it shows."""
        self.screen.type(text)
        self.screen.keys("Enter")
        self.screen.wait(what, lambda lines: has(lines, *patterns))

    def shows(self, text):
        """The newest exchange on the screen is this one, and the UI is ready."""
        self.screen.wait(f"{text!r} in the transcript",
                         lambda lines: ink.was_sent(lines, prompt_of(text)) and ink.answer(lines).startswith(text))
        self.screen.ready()

    def page(self, command, *patterns):
        """A command that opens a page, and the end of that page."""
        self.command(command, f"the page of {command}", *patterns)
        self.screen.keys("q")
        self.screen.wait("the page to go", lambda lines: not has(lines, r"Esc/q close"), ink.SOON_S)

    def scroll_to(self, text):
        """Further up in the transcript, a page at a time, and only from a screen that stands still."""
        last, at = [], [0.0]

        def found(lines):
            if ink.was_sent(lines, prompt_of(text)):
                return True
            if lines == last and time.monotonic() - at[0] > KEY_AGAIN_S:
                self.screen.keys("PageUp")
                at[0] = time.monotonic()
            last[:] = lines
            return False

        self.screen.wait(f"{text!r} further up", found, ink.SOON_S)

    # The file.

    def stored(self, query, *values):
        return rows(self.place.database, query, *values)

    def said(self, key):
        """What the model sees of a conversation."""
        return self.stored("SELECT role, content FROM messages WHERE session_id = ? AND active = 1 ORDER BY id", key)

    def expect_stored(self, expected, look):
        """What the screen shows may be stored a moment later."""
        end = time.monotonic() + ink.SOON_S
        while (found := look()) != expected:
            expect(time.monotonic() < end, f"stored is {found}, not {expected}")
            time.sleep(ink.POLL_S)

    def expect_said(self, key, expected):
        self.expect_stored(expected, lambda: self.said(key))

    # The steps, in order.

    def two(self):
        """Two conversations, and the end of the UI."""
        self.open()
        self.say("alpha")
        self.command("/new", "a new session", "new session started")
        self.screen.ready()
        self.say("beta")
        self.say("beta again")
        self.close()
        keys = [key for (key,) in self.stored("SELECT id FROM sessions ORDER BY started_at")]
        expect(len(keys) == 2, f"stored are {keys}")
        self.alpha, beta = keys
        self.expect_said(self.alpha, exchange("alpha"))
        self.expect_said(beta, exchange("beta", "beta again"))
        [(ended,)] = self.stored("SELECT ended_at FROM sessions WHERE id = ?", self.alpha)
        expect(ended, "what /new left still counts as live")

    def picker(self):
        """The picker shows both; the one that is chosen goes on."""
        self.open()
        self.command("/resume", "both in the picker", r"1 live · 2 resumable",
                     rf"\b2 msgs\s+{prompt_of('alpha')}", rf"\b4 msgs\s+{prompt_of('beta')}")
        asked = [0.0]

        def chosen(lines):
            if has(lines, rf"▸.*{prompt_of('alpha')}"):
                return True
            if time.monotonic() - asked[0] > KEY_AGAIN_S:
                self.screen.keys("Down")
                asked[0] = time.monotonic()
            return False

        self.screen.wait("alpha to be chosen", chosen, ink.SOON_S)
        self.screen.keys("Enter")
        self.shows("alpha")
        self.say("alpha goes on")
        self.expect_said(self.alpha, exchange("alpha", "alpha goes on"))

    def title(self):
        self.command(f"/title {TITLE}", "the title", rf"session title set: {TITLE}")
        self.expect_stored([(TITLE,)], lambda: self.stored("SELECT title FROM sessions WHERE id = ?", self.alpha))

    def usage(self):
        """Also of the turn before the restart."""
        self.command("/usage", "the usage", r"Input tokens\s+[1-9]", r"Total tokens\s+[1-9]", r"API calls\s+2\b")

    def history(self):
        self.page("/history", r"\[You #1\]", r"\[Hermes #2\]", r"\[You #3\]", r"\[Hermes #4\]", r"alpha goes on")

    def save(self):
        self.command("/save", "where it was saved", r"conversation saved to:")
        files = list(self.place.home.glob("**/hermes_conversation_*.json"))
        expect(len(files) == 1, f"saved are {files}")
        # The path may be longer than a line.
        self.screen.wait("the file's name", lambda lines: files[0].name in squeezed(lines), ink.SOON_S)
        kept = json.loads(files[0].read_text())
        expect(kept["session_id"] == self.alpha, f"it is that of {kept['session_id']}")
        found = [(message["role"], message["content"]) for message in kept["messages"]]
        expect(found == exchange("alpha", "alpha goes on"), f"it says {found}")

    def undo(self):
        before = self.said(self.alpha)
        self.say("a mistake")
        self.expect_said(self.alpha, before + exchange("a mistake"))
        self.command("/undo", "the undo", r"undid 2 messages")
        # The UI takes it off its screen only where nothing else was said after it, not even the command itself.
        self.expect_said(self.alpha, before)
        kept = self.stored("SELECT active, compacted FROM messages WHERE session_id = ? AND content LIKE '%a mistake'",
                           self.alpha)
        expect(kept == [(0, 0), (0, 0)], f"of the mistake are kept {kept}")

    def branch(self):
        before = self.said(self.alpha)
        self.command(f"/branch {SIDE}", "the branch", rf"branched → {SIDE}")
        self.say("on the side")
        [(self.side, parent)] = self.stored("SELECT id, parent_session_id FROM sessions WHERE title = ?", SIDE)
        expect(parent == self.alpha, f"its parent is {parent}")
        self.side_said = before + exchange("on the side")
        self.expect_said(self.side, self.side_said)
        self.expect_said(self.alpha, before)

    def compress(self):
        """People see everything, the model less."""
        for number in range(MORE_TURNS):
            self.say(f"word {number}")
            self.side_said += exchange(f"word {number}")
        self.expect_said(self.side, self.side_said)
        self.command("/compress", "the compression", r"Compressed: \d+ → \d+ messages")
        self.shows(f"word {MORE_TURNS - 1}")
        self.expect_stored(True, lambda: len(self.said(self.side)) < len(self.side_said))
        self.say("still here")
        self.side_said += exchange("still here")
        self.close()

    def by_key(self):
        """HERMES_TUI_RESUME with a stored key."""
        self.open(HERMES_TUI_RESUME=self.side)
        self.shows("still here")
        self.say("after the restart")
        self.side_said += exchange("after the restart")
        # From before the branch, which is a copy, and from before the compression.
        self.scroll_to("alpha")
        self.close()
        [(counted,)] = self.stored("SELECT message_count FROM sessions WHERE id = ?", self.side)
        expect(counted == len(self.side_said), f"{counted} messages are counted, not {len(self.side_said)}")

    def by_title(self):
        """HERMES_TUI_RESUME with a title."""
        self.open(HERMES_TUI_RESUME=TITLE)
        self.shows("alpha goes on")
        self.close()

    def most_recent(self):
        """The newest one by itself, where config.yaml says so; the UI knows no word for it."""
        with open(self.place.home / "config.yaml", "a", encoding="utf-8") as file:
            file.write("display:\n  tui_auto_resume_recent: true\n")
        self.open()
        self.shows("after the restart")
        self.close()
        expect_sound(self.place.database)


STEPS = "two picker title usage history save undo branch compress by_key by_title most_recent".split()


def squeezed(lines):
    return re.sub(r"\s", "", "".join(ink.shown(line) for line in lines))


def tell(story):
    """True if every step held."""
    for name in STEPS:
        began = time.monotonic()
        try:
            getattr(story, name)()
        except (ink.Failed, NotKept, OSError, LookupError, ValueError, sqlite3.Error) as why:
            lines = story.screen.lines() if story.screen else []
            print(f"FAIL {name}: {type(why).__name__}: {why}\n" + "\n".join("    | " + line for line in lines))
            return False  # What follows would start from an unknown screen.
        print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--ui", metavar="VENV", help="where hermes-agent is installed")
    options = parser.parse_args()
    which = Which(options.binary, options.peer_python, model_binary=options.model_binary)
    entry = ink.find_entry(options.ui or options.peer_python)
    with Home() as home:
        fake = FakeModel(home, which.model_binary, SUMMARY)
        try:
            with Place(fake.port, TUI_GATEWAY_TITLES="0") as place:
                story = Story(which, entry, place)
                try:
                    return 0 if tell(story) else 1
                finally:
                    if story.screen:
                        story.screen.close()
        finally:
            fake.stop()


if __name__ == "__main__":
    sys.exit(main())
