"""The gateway under test, ours or the Python original: how it is started, watched and ended.

Knows commands, folders and processes; knows nothing of JSON-RPC.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The model server is a command of our own program, also in front of the original.
MODEL_BINARY = HERE.parents[1] / "target/release/tui-gateway"
TOKEN = "a-token-only-for-tests"
READY = "HERMES_DASHBOARD_READY port="
# The Python server takes 1.4 s on a quiet machine, 15 s on a busy one.
START_DEADLINE_S = 60
STOP_DEADLINE_S = 5
# By these a UI chooses its colours, none at all where tests run for a build server (CI).
COLOURS = ("CI", "COLORTERM", "FORCE_COLOR", "NO_COLOR")

# A script ended by a time limit still ends its gateways and removes its folders.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class Which:
    """Which gateway: `binary`, or the original in the virtual environment `venv`."""

    def __init__(self, binary=None, venv=None, agent_demo=False, extra=(), model_binary=None):
        if bool(binary) == bool(venv):
            raise SystemExit("give one of --binary PATH and --peer-python VENV")
        self.binary = str(Path(binary).resolve()) if binary else None
        self.venv = Path(venv).absolute() if venv else None
        self.model_binary = Path(model_binary or binary or MODEL_BINARY).resolve()
        self.extra = [*(["--agent", "demo"] if agent_demo else []), *extra]

    @property
    def ours(self):
        return self.binary is not None

    @property
    def name(self):
        return "ours" if self.ours else "python"

    def stdio_command(self):
        if self.ours:
            return [self.binary, "stdio", *self.extra]
        return [str(self.venv / "bin/python"), "-m", "tui_gateway.entry"]

    def serve_command(self):
        if self.ours:
            return [self.binary, "serve", "--host", "127.0.0.1", "--port", "0", "--token", TOKEN, *self.extra]
        return [str(self.venv / "bin/hermes"), "serve", "--host", "127.0.0.1", "--port", "0"]


def add_arguments(parser):
    """The arguments every script has."""
    parser.add_argument("--binary", help="the gateway to test")
    parser.add_argument("--peer-python", metavar="VENV", help="test the Python original installed there")
    parser.add_argument("--model-binary", metavar="PATH",
                        help="a build of ours that serves the model (default: --binary, else the release build)")


class Home:
    """A fresh HERMES_HOME (and HOME, and working directory) that is removed at the end."""

    def __init__(self, model_port=None):
        self.top = Path(tempfile.mkdtemp(prefix="gateway-peers-"))
        self.home = self.top / "hermes"
        self.work = self.top / "work"
        self.home.mkdir()
        self.work.mkdir()
        (self.work / "notes.txt").write_text("Notes.\n")
        if model_port:
            (self.home / "config.yaml").write_text(
                "model:\n  default: fake-1\n  provider: custom\n"
                f"  base_url: http://127.0.0.1:{model_port}/v1\n"
                "  api_key: sk-test\n  context_length: 10000000\n")

    def environment(self, **more):
        """Ours plus `more`, without what would steer a gateway, colour a UI otherwise or slow a Python down."""
        keep = {k: v for k, v in os.environ.items()
                if not k.startswith(("HERMES_", "OPENAI_", "ANTHROPIC_", "PYTHON", "VIRTUAL_ENV", "TMUX", "TERM_PROGRAM"))
                and k not in COLOURS
                and not k.lower().endswith("_proxy")}
        return {**keep, "HERMES_HOME": str(self.home), "HOME": str(self.top),
                "HERMES_DASHBOARD_SESSION_TOKEN": TOKEN, **more}

    def close(self):
        shutil.rmtree(self.top, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Process:
    """A child that is always ended, its standard error kept in a file."""

    def __init__(self, command, home, stdin=subprocess.DEVNULL):
        self.log = open(home.top / "stderr.log", "ab+")
        self.child = subprocess.Popen(command, cwd=home.work, env=home.environment(), stdin=stdin,
                                      stdout=subprocess.PIPE, stderr=self.log)

    @property
    def pid(self):
        return self.child.pid

    def line(self, prefix, deadline_s=START_DEADLINE_S):
        """The rest of the first line of standard output that starts with `prefix`."""
        end = time.monotonic() + deadline_s
        fd, text = self.child.stdout.fileno(), b""
        while True:
            for line in text.split(b"\n")[:-1]:
                if line.decode("utf-8", "replace").startswith(prefix):
                    return line.decode()[len(prefix):].strip()
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise RuntimeError(f"no {prefix!r} within {deadline_s} s; it said: {text!r} {self.stderr()[-2000:]}")
            data = os.read(fd, 65536)
            if not data:
                raise RuntimeError(f"ended before {prefix!r}: {text!r} {self.stderr()[-2000:]}")
            text += data

    def stderr(self):
        self.log.flush()
        with open(self.log.name, "rb") as log:
            return log.read().decode("utf-8", "replace")

    def alive(self):
        return self.child.poll() is None

    def stop(self):
        """SIGTERM, then SIGKILL. Returns the exit status."""
        if self.alive():
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    pass  # Buffered input for a gateway that is gone.
        self.log.close()
        return self.child.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Server(Process):
    """The gateway serving WebSocket; `port` is where."""

    def __init__(self, which, home):
        super().__init__(which.serve_command(), home)
        try:
            self.port = int(self.line(READY))
        except Exception:
            self.stop()
            raise

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/api/ws?token={TOKEN}"


class FakeModel(Process):
    """The scripted model server of a build of ours; `port` is where."""

    def __init__(self, home, binary, script=None):
        """`script` answers prompts that are none themselves."""
        if not os.access(binary, os.X_OK):
            raise SystemExit(f"no model server at {binary}: build it, or name one with --model-binary")
        more = ["--script", script] if script else []
        # The child starts in a folder of its own.
        super().__init__([str(Path(binary).resolve()), "fake-model", "--port", "0", *more], home)
        try:
            self.port = int(self.line("PORT="))
        except Exception:
            self.stop()
            raise


def tree(pid):
    """`pid` and its descendants, from /proc."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    parent = int(stat.read().rpartition(")")[2].split()[1])
            except OSError:
                continue  # Ended between the listing and now.
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        current = todo.pop()
        found.append(current)
        todo += children.get(current, [])
    return found


def cpu_seconds(pid):
    """User and system time of the process tree so far, ended threads included, to the nanosecond.

    Reads the clock the kernel keeps for every process (clock_getcpuclockid): /proc counts in steps of 10 ms.
    """
    total = 0
    for each in tree(pid):
        try:
            total += time.clock_gettime_ns((~each << 3) | 2)
        except OSError:
            continue  # Ended meanwhile.
    return total / 1e9


def memory_kib(pid):
    """(RSS, PSS) of the process tree in KiB. PSS shares pages fairly, so it may be added up."""
    rss = pss = 0
    for each in tree(pid):
        try:
            with open(f"/proc/{each}/smaps_rollup") as rollup:
                for line in rollup:
                    if line.startswith("Rss:"):
                        rss += int(line.split()[1])
                    elif line.startswith("Pss:"):
                        pss += int(line.split()[1])
        except OSError:
            continue
    return rss, pss
