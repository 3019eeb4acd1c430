"""What the tests of the store share: the original's own database code, what a sound file is, how steps are run.

Needs the interpreter of the virtual environment that holds the original (install.sh makes one).
"""

import json
import re
import os
import sqlite3
import sys
import time

from gateway import Home
from wire import Client, Closed, Late, Stdio

# Tables and indexes of our own start so; the original ignores them.
OURS = "tui_gateway_"
# The tool that looks through what was said.
SEARCH = "session_search"


class Failed(Exception):
    """A promise was not kept."""


def expect(condition, why):
    if not condition:
        raise Failed(why)


class Place(Home):
    """A home whose processes see these variables as well, and whose config.yaml ends with these lines."""

    def __init__(self, model_port=None, config="", **environment):
        super().__init__(model_port)
        self.more = environment
        if config:
            with open(self.home / "config.yaml", "a", encoding="utf-8") as file:
                file.write(config)

    def environment(self, **more):
        return super().environment(**self.more, **more)

    @property
    def database(self):
        return self.home / "state.db"


def session_db(path):
    """The original's own handle on a database."""
    # It looks for its home when it is imported, and must not find that of whoever runs the test.
    os.environ["HERMES_HOME"] = str(path.parent)
    from hermes_state import SessionDB
    return SessionDB(path)


def original(which, home):
    """A client of the original's server on pipes. End it with `client.link.close()`."""
    client = Client(Stdio(which, home), deadline_s=120)
    client.event("gateway.ready")
    return client


def reader(path):
    """A connection that cannot write. It leaves the log of a crashed writer to whoever opens the file next."""
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)


def rows(path, query, *values):
    connection = reader(path)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def expect_sound(path):
    """No page is damaged and no row hangs in the air."""
    connection = reader(path)
    try:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
        expect(found == ["ok"], f"integrity_check: {found}")
        found = connection.execute("PRAGMA foreign_key_check").fetchmany(5)
        expect(not found, f"foreign_key_check: {found}")
    finally:
        connection.close()


def expect_indexed(path):
    """The text indexes are sound, and hold every message. Asks by a write, so nobody else may be writing."""
    connection = sqlite3.connect(path, timeout=10)
    try:
        for table in ("messages_fts", "messages_fts_trigram"):
            connection.execute(f"INSERT INTO {table}({table}) VALUES('integrity-check')")
            missing = connection.execute(
                f"SELECT count(*) FROM messages WHERE id NOT IN (SELECT rowid FROM {table})").fetchone()[0]
            expect(not missing, f"{missing} messages are not in {table}")
        connection.rollback()
    finally:
        connection.close()


def schema(path):
    """Everything the original defines in a file, by type and name; white space does not count."""
    found = rows(path, "SELECT type, name, sql FROM sqlite_master WHERE tbl_name NOT LIKE ? || '%'", OURS)
    return {(kind, name): " ".join((sql or "").split()) for kind, name, sql in found}


def said(messages):
    """A transcript without what is made up for display: who, what, and of a tool its name. Where the original shows
    the bytes of an image, ours says that there is one."""
    def text(message):
        return re.sub(r"data:image/\S+", "[image]", message["text"])

    return [(m["role"], m.get("name") if m["role"] == "tool" else text(m), m.get("reasoning") or "")
            for m in messages]


def texts(messages, role):
    return [message["text"] for message in messages if message["role"] == role]


def results_of(events, tool):
    """What the calls of a tool came to, each as text."""
    return [json.dumps(payload.get("result"), ensure_ascii=False) for kind, payload in events
            if kind == "tool.complete" and payload.get("name") == tool]


def call(tool, **arguments):
    """A line of the fake model's language that calls a tool."""
    return f"TOOL:{tool} {json.dumps(arguments)}\n"


def shown(values, unit=""):
    """min / median / max of some runs."""
    values = sorted(values)
    return f"{values[0]:.2f} / {values[len(values) // 2]:.2f} / {values[-1]:.2f}{unit}"


def run_steps(name, steps):
    """Runs (label, function) one after the other and prints how each went; the status of the script. What a step
    returns is printed behind it."""
    good = True
    for label, step in steps:
        began = time.monotonic()
        try:
            more = step()
            print(f"ok {name} {label} ({time.monotonic() - began:.1f} s){f': {more}' if more else ''}", flush=True)
        except (Failed, Closed, Late, AssertionError, RuntimeError, OSError, LookupError, sqlite3.Error) as why:
            good = False
            print(f"FAIL {name} {label}: {type(why).__name__}: {why}", flush=True)
    sys.stdout.flush()
    return 0 if good else 1
