#!/usr/bin/env python3
"""Measures bare delivery beside the peers, in one command: installs and builds what it needs, runs everything in
turn for some rounds, and prints what it found as Markdown.

    benches/peers/run.py [--rounds 5] [--quick] [--only NAME,…] [--binary PATH] [--json FILE] [--markdown FILE]

Workloads, the same for all (src/frame.rs, src/command.rs): `flood`, 200,000 frames of 134 bytes on the wire for
one connection; `paced`, 100 connections (10 for Python) with 30 flushes a second of 20 frames; `rpc`, one call after
the other of 200 bytes, client and server on one core; `beside`, calls that are due at a fixed rate beside a flood to another
client; `agents`, the same calls beside two threads of the server that compute; system calls a frame, exact, from
separate runs under strace; resident memory. One client (src/bin/client.rs) checks header, length, content and
number of each frame and measures the CPU time of the server's process tree in nanoseconds.

Everything is downloaded and built below target/. Needs Linux, cargo, python3 with venv, node with npm, strace.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = ROOT / "target"
RELEASE = TARGET / "bench-peers/release"
NODE = TARGET / "bench-js"
PYTHON = TARGET / "peers/bin/python"
OURS = TARGET / "bench-ours/release/tui-gateway"
sys.path.insert(0, str(ROOT / "tests/peers"))
from syscalls import Strace, difference  # noqa: E402

NODE_PACKAGES = ["ws@8.23.0", "bun@1.4.5"]
START_S, RUN_S = 60, 180
FRAMES = 200_000
CONNECTIONS, FLUSHES, PIECES = 100, 30, 20
# What Python gets of it: with all of it, it does not even answer all handshakes within a minute.
PYTHON_CONNECTIONS = 10
CALL_RATE = 500
BURNERS = 2

# Name: command, path, and what it is: ours, a raw writer, a peer, Python.
SERVERS = {
    "ours": ([str(OURS), "serve", "--port", "0", "--token", "unused", "--no-merge"], "/test/deliver", "ours"),
    "raw-64K": ([str(RELEASE / "raw"), "block"], "/", "raw"),
    "raw-writev64": ([str(RELEASE / "raw"), "writev"], "/", "raw"),
    "raw-frame-write": ([str(RELEASE / "raw"), "frame"], "/", "raw"),
    "tokio-tungstenite": ([str(RELEASE / "tokio-tungstenite")], "/", "peer"),
    "tokio-websockets": ([str(RELEASE / "tokio-websockets")], "/", "peer"),
    "fastwebsockets": ([str(RELEASE / "fastwebsockets")], "/", "peer"),
    "bun (uWebSockets)": ([str(NODE / "node_modules/.bin/bun"), "bun.mjs"], "/", "peer"),
    "node ws, corked": (["node", "ws.mjs", "cork"], "/", "peer"),
    "node ws": (["node", "ws.mjs"], "/", "peer"),
    "uvicorn+websockets": ([str(PYTHON), str(HERE / "original.py")], "/plain", "python"),
    "hermes-agent": ([str(PYTHON), str(HERE / "original.py")], "/original", "python"),
}
ORIGINAL = "hermes-agent"


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def run(command, **options):
    if subprocess.run(command, **options).returncode:
        raise SystemExit(f"run: failed: {' '.join(map(str, command))}")


def install(names, binary):
    """Everything that `names` need and that is not there yet."""
    if not which("strace") and os.getuid() == 0 and which("apt-get"):
        run(["apt-get", "update", "-qq"])
        run(["apt-get", "install", "-y", "-qq", "strace"])
    say("building the reference servers and the client")
    run(["cargo", "build", "--release", "--quiet", "--manifest-path", HERE / "Cargo.toml",
         "--target-dir", TARGET / "bench-peers"])
    if "ours" in names and not binary:
        say("building the gateway with test endpoints")
        run(["cargo", "build", "--release", "--quiet", "--features", "test-endpoints",
             "--target-dir", TARGET / "bench-ours"], cwd=ROOT)
    if any(SERVERS[name][2] == "python" for name in names):
        run([ROOT / "tests/peers/install.sh", TARGET / "peers"])
    if any("node" in name or "bun" in name for name in names):
        NODE.mkdir(parents=True, exist_ok=True)
        mark = NODE / ".installed"
        if not mark.exists() or mark.read_text() != " ".join(NODE_PACKAGES):
            say("installing", *NODE_PACKAGES)
            (NODE / "package.json").write_text('{"private": true}')
            run(["npm", "install", "--silent", "--no-audit", "--no-fund", *NODE_PACKAGES], cwd=NODE)
            mark.write_text(" ".join(NODE_PACKAGES))
        # A module finds its packages beside itself.
        for source in HERE.glob("*.mjs"):
            (NODE / source.name).write_text(source.read_text())


def which(program):
    return any(os.access(Path(folder) / program, os.X_OK) for folder in os.environ["PATH"].split(":"))


@contextlib.contextmanager
def server(name, binary=None):
    """(pid, port, path) of a running server."""
    command, path, _ = SERVERS[name]
    if name == "ours" and binary:
        command = [str(Path(binary).resolve()), *command[1:]]
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as home, open(Path(home) / "stderr", "w+") as log:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("HERMES_", "PYTHON"))}
        child = subprocess.Popen(command, cwd=NODE if NODE.exists() else home, stdout=subprocess.PIPE, stderr=log,
                                 env={**environment, "HERMES_HOME": home}, text=True)
        try:
            for line in child.stdout:
                if "PORT " in line or "port=" in line:
                    yield child.pid, int(line.replace("=", " ").split()[-1]), path
                    break
            else:
                log.seek(0)
                raise SystemExit(f"run: {name} does not start: {log.read()[-2000:]}")
        finally:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def client(what, where, name, *words, before=None):
    """Starts the client."""
    pid, port, path = where
    command = [str(RELEASE / "client"), what, "--port", str(port), "--pid", str(pid), "--path", path, *map(str, words)]
    if name == ORIGINAL or "uvicorn" in name:
        command.append("--original")
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=before)


def result(child):
    out, _ = child.communicate(timeout=RUN_S)
    if child.returncode:
        raise RuntimeError("the client found something wrong; see above")
    return json.loads(out.splitlines()[-1])


def connections(name):
    return PYTHON_CONNECTIONS if SERVERS[name][2] == "python" else CONNECTIONS


def per_million(found, what):
    return found[what] / found["pieces"] * 1e6


class Round:
    """One server's turn: everything that is measured while it runs."""

    def __init__(self, name, where, options):
        self.name, self.where, self.options = name, where, options
        self.values = {}

    def add(self, metric, value):
        self.values.setdefault(metric, []).append(value)

    def all(self):
        kind = SERVERS[self.name][2]
        self.add("RSS idle MB", self.resident())
        self.flood()
        self.paced("PACE", "")
        if kind == "ours":
            self.merging()
        self.rpc()
        if kind != "raw":
            self.beside()
        if self.name in ("ours", ORIGINAL):
            self.agents()
        return self.values

    def resident(self):
        pid = self.where[0]
        with open(f"/proc/{pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def flood(self):
        python = SERVERS[self.name][2] == "python"
        for _ in range(1 if python else self.options.floods):
            found = result(client("flood", self.where, self.name, "--frames", FRAMES // (4 if python else 1)))
            self.add("flood CPU", per_million(found, "server_cpu_s"))
            self.add("flood Mframes/s", found["pieces"] / found["wall_s"] / 1e6)
            self.add("client CPU, flood", per_million(found, "client_cpu_s"))

    def paced(self, command, suffix, *words):
        found = result(client("paced", self.where, self.name, "--connections", connections(self.name), "--flushes",
                              FLUSHES, "--frames", PIECES, "--seconds", self.options.seconds, "--command", command,
                              *words))
        self.add("paced CPU" + suffix, per_million(found, "server_cpu_s"))
        self.add("client CPU, paced" + suffix, per_million(found, "client_cpu_s"))
        self.add("bytes a piece" + suffix, found["bytes"] / found["pieces"])
        self.add("gap p99 ms" + suffix, found["gap_ms"]["p99"])

    def merging(self):
        """Merged beside not merged, for a client that parses each frame."""
        self.paced("PACE", ", parsed", "--json")
        self.paced("MPACE", ", parsed, merged", "--json")

    def rpc(self):
        pid = self.where[0]
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task), {0})
        found = result(client("rpc", self.where, self.name, "--count", 2000,
                              before=lambda: os.sched_setaffinity(0, {0})))
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task), range(os.cpu_count()))
        self.add("rpc p50 us", found["us"]["p50"])
        self.add("rpc p99 us", found["us"]["p99"])
        self.add("rpc CPU us", found["server_cpu_s"] / found["frames"] * 1e6)

    def calls(self, metric):
        found = result(client("calls", self.where, self.name, "--rate", CALL_RATE, "--seconds", self.options.seconds,
                              before=be_punctual))
        self.add(metric + " p50 ms", found["ms"]["p50"])
        self.add(metric + " p99 ms", found["ms"]["p99"])
        self.add(metric + " late p99 ms", found["late_ms"]["p99"])

    def beside(self):
        frames = FRAMES // (4 if SERVERS[self.name][2] == "python" else 1)
        flood = client("flood", self.where, self.name, "--frames", frames, "--seconds", self.options.seconds + 1)
        flood.stdout.readline()  # FLOWING
        self.calls("beside a flood")
        result(flood)

    def agents(self):
        result(client("say", self.where, self.name, "--text", f"BURN {BURNERS} {self.options.seconds + 3}"))
        self.calls("beside agents")


def be_punctual():
    """So that what is measured is the server's lateness, where that is allowed; the client's own is measured."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def syscalls(name, options):
    """System calls a frame: what a longer run has more of than a shorter one."""
    long, short = 3, 1
    found = {}
    for seconds in (short, long):
        with server(name, options.binary) as where:
            strace = Strace(where[0])
            result(client("paced", where, name, "--connections", connections(name), "--flushes", FLUSHES,
                          "--frames", PIECES, "--seconds", seconds))
            found[seconds] = strace.finish()
    frames = connections(name) * FLUSHES * PIECES * (long - short)
    return sum(difference(found[long], found[short]).values()) / frames


def measure(names, options):
    """{server: {metric: [values]}}. A peer that does not keep up has fewer values; ours has to."""
    values = {name: {} for name in names}
    for number in range(options.rounds):
        for name in names:
            began = time.monotonic()
            with server(name, options.binary) as where:
                turn, outcome = Round(name, where, options), ""
                try:
                    turn.all()
                except (RuntimeError, subprocess.TimeoutExpired) as why:
                    if SERVERS[name][2] == "ours":
                        raise
                    outcome = f", broke off: {why}"
                for metric, found in turn.values.items():
                    values[name].setdefault(metric, []).extend(found)
            say(f"round {number + 1}/{options.rounds}: {name}, {time.monotonic() - began:.0f} s{outcome}")
    for name in names:
        values[name]["syscalls a frame"] = [syscalls(name, options)]
        say(f"system calls: {name}")
    return values


COLUMNS = ["flood Mframes/s", "flood CPU", "paced CPU", "syscalls a frame", "gap p99 ms", "rpc p50 us", "rpc p99 us",
           "rpc CPU us", "beside a flood p99 ms", "beside agents p99 ms", "RSS idle MB", "client CPU, flood",
           "client CPU, paced"]


def cell(values):
    if not values:
        return "-"
    digits = 4 if max(values) < 0.1 else 3 if max(values) < 1 else 2 if max(values) < 100 else 0
    shown = [min(values), statistics.median(values), max(values)]
    return "/".join(f"{value:.{digits}f}" for value in (shown if len(values) > 1 else shown[:1]))


def median(values, name, metric):
    found = values.get(name, {}).get(metric)
    return statistics.median(found) if found else None


def best(values, kind, metric):
    """(median, name) of the best server of a kind."""
    found = [(median(values, name, metric), name) for name in values if SERVERS[name][2] == kind]
    return min((pair for pair in found if pair[0] is not None), default=(None, None))


def goals(values):
    """(what, found, limit) of each promise that this run can judge."""
    def ours(metric):
        return median(values, "ours", metric)

    def against(metric, other):
        value = ours(metric)
        return value / other if value is not None and other else None

    rows = []
    for workload, peer_limit, python in (("flood CPU", 0.6, 100), ("paced CPU", 0.8, 35)):
        value, name = best(values, "peer", workload)
        rows.append((f"{workload} / best peer ({name})", against(workload, value), peer_limit))
        rows.append((f"{workload} / hermes-agent", against(workload, median(values, ORIGINAL, workload)), 1 / python))
    rows.append(("paced CPU / raw-64K", against("paced CPU", median(values, "raw-64K", "paced CPU")), 1.3))
    rows.append(("system calls a frame, paced", ours("syscalls a frame"), 0.055))
    for what, metric, limit in (("bytes a piece", "bytes a piece", 1 / 5), ("client CPU", "client CPU, paced", 1 / 2),
                                ("server CPU", "paced CPU", 1.0)):
        plain = ours(metric + ", parsed")
        rows.append((f"merged / not merged: {what}", against(metric + ", parsed, merged", plain), limit))
    for what, limit in (("beside a flood p99 ms", 3.0), ("beside agents p99 ms", 1.0)):
        rows.append((f"call {what}", ours(what), limit))
    metric = "beside a flood p99 ms"
    rows.append((f"call {metric} / hermes-agent", against(metric, median(values, ORIGINAL, metric)), 1 / 100))
    return [(what, found, limit) for what, found, limit in rows if found is not None]


def markdown(values, options):
    lines = [f"{options.rounds} rounds, {time.strftime('%Y-%m-%d')}; min/median/max; CPU in seconds a million frames.",
             "", "| server | " + " | ".join(COLUMNS) + " |", "| --- " * (len(COLUMNS) + 1) + "|"]
    for name, found in values.items():
        lines.append(f"| {name} | " + " | ".join(cell(found.get(column, [])) for column in COLUMNS) + " |")
    if any(", merged" in metric for metric in values.get("ours", {})):
        lines += ["", "| ours, the client parses each frame | not merged | merged |", "| --- | --- | --- |"]
        for metric in ("bytes a piece", "paced CPU", "client CPU, paced", "gap p99 ms"):
            plain, merged = (values["ours"].get(f"{metric}, parsed{more}", []) for more in ("", ", merged"))
            lines.append(f"| {metric} | {cell(plain)} | {cell(merged)} |")
    lines += ["", "| promise | found | at most | |", "| --- | --- | --- | --- |"]
    for what, found, limit in goals(values):
        lines.append(f"| {what} | {found:.4f} | {limit:.4f} | {'kept' if found <= limit else 'NOT KEPT'} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round of short runs")
    parser.add_argument("--only", help="names of servers, with commas between them")
    parser.add_argument("--binary", help="a gateway that was built with test-endpoints, instead of building one")
    parser.add_argument("--json", help="file for every value")
    parser.add_argument("--markdown", help="file for the tables; they are printed as well")
    options = parser.parse_args()
    options.floods, options.seconds = (2, 1) if options.quick else (4, 3)
    options.rounds = 1 if options.quick else options.rounds
    names = options.only.split(",") if options.only else list(SERVERS)
    if unknown := [name for name in names if name not in SERVERS]:
        parser.error(f"unknown: {', '.join(unknown)}; there are: {', '.join(SERVERS)}")
    install(names, options.binary)
    values = measure(names, options)
    text = markdown(values, options)
    print(text)
    if options.markdown:
        Path(options.markdown).write_text(text + "\n")
    if options.json:
        Path(options.json).write_text(json.dumps({"rounds": options.rounds, "values": values, "goals": [
            {"what": what, "found": found, "limit": limit} for what, found, limit in goals(values)]}, indent=1))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main()
