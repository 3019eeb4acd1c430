#!/usr/bin/env python3
"""A gateway behind a recorder, with the command line of the gateway: for `--binary` of the other scripts.

RECORDED_BINARY is the program, RECORDED_LOGS the folder for the records. Each record is played again at the end of
its gateway; what is not byte-identical is said in RECORDED_LOGS/failures.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time

BINARY = os.environ["RECORDED_BINARY"]
LOGS = os.environ["RECORDED_LOGS"]
READY = b"HERMES_DASHBOARD_READY port="
# Stopping a recorder takes as long as its last batch, 50 ms.
STOP_S = 5


def die_with_parent():
    """In a child: SIGTERM when this script is killed, as an impatient caller does (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def check(log):
    """Plays a record against itself."""
    done = subprocess.run([BINARY, "replay", log], capture_output=True, text=True)
    with open(os.path.join(LOGS, "failures" if done.returncode else "checked"), "a") as out:
        out.write(f"{log}: {done.stdout}{done.stderr}")


def piped(log, words):
    """Over stdio the recorder starts the gateway itself, and ends as it does."""
    # What ends us ends the recorder too: signals to the group come to both, others are passed on.
    recorder = subprocess.Popen([BINARY, "record", log, "--", BINARY, *words])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: recorder.send_signal(number))
    code = recorder.wait()
    check(log)
    return code


def served(log, words):
    """Over WebSocket the recorder takes the gateway's place; the READY line is its own."""
    gateway = subprocess.Popen([BINARY, *words], stdout=subprocess.PIPE, preexec_fn=die_with_parent)
    line = gateway.stdout.readline()
    if not line.startswith(READY):
        return gateway.wait()
    port = line[len(READY):].strip().decode()
    token = words[words.index("--token") + 1] if "--token" in words else ""
    url = f"ws://127.0.0.1:{port}/api/ws?token={token}"
    recorder = subprocess.Popen([BINARY, "record", log, "--port", "0", "--url", url], preexec_fn=die_with_parent)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: recorder.send_signal(number))
    recorder.wait()
    gateway.terminate()
    gateway.wait(STOP_S)
    check(log)
    return 0


def main():
    words = sys.argv[1:]
    log = os.path.join(LOGS, f"{time.time_ns()}-{os.getpid()}.jsonl")
    return (served if words[:1] == ["serve"] else piped)(log, words)


if __name__ == "__main__":
    sys.exit(main())
