#!/usr/bin/env python3
"""A published tool server behind our agent: its tools serve a turn; killed in mid call, the turn gets an error and the
next call works.

The server is `@modelcontextprotocol/server-everything` from the npm registry, installed below `--cache`. The model is
our scripted one.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from gateway import FakeModel, Home, Server, Which, add_arguments, tree
from wire import connect

# The version this was seen with.
PACKAGE = "@modelcontextprotocol/server-everything@2026.8.31"
ENTRY = "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
START_S = 30


def install(cache):
    entry = cache / ENTRY
    if not entry.exists():
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", cache,
                        PACKAGE], check=True)
    return entry


def expect(condition, why):
    if not condition:
        raise SystemExit(f"FAIL {why}")


def server_pid(gateway):
    """The process of the tool server: the gateway's child that runs node."""
    found = [pid for pid in tree(gateway) if "server-everything" in Path(f"/proc/{pid}/cmdline").read_text()]
    expect(len(found) == 1, f"{len(found)} tool servers run")
    return found[0]


def results(events):
    return [payload["result"] for kind, payload in events if kind == "tool.complete"]


def check(client):
    session = client.result("session.create", cols=80)["session_id"]
    # It connects in the background; `session.info` says when its tools are there.
    end = time.monotonic() + START_S
    while True:
        info = client.event("session.info", session=session, deadline_s=left(end))
        names = [name for tools in info["tools"].values() for name in tools]
        if "mcp_everything_echo" in names:
            break
    print(f"ok {sum(name.startswith('mcp_') for name in names)} tools are offered", flush=True)

    text, _, events = client.turn(session, 'TOOL:mcp_everything_echo {"message": "hello there"}')
    expect("hello there" in json.dumps(results(events)), f"the echo said {results(events)}")
    expect("hello there" in text, f"the model was told {text!r}")
    print("ok a call is answered", flush=True)
    return session


def left(end):
    return max(0.1, end - time.monotonic())


def kill_in_mid_call(client, gateway, session):
    call = 'TOOL:mcp_everything_{} {{"duration": 30, "steps": 30}}'
    info = client.result("session.activate", session_id=session)["info"]
    names = [name for tools in info["tools"].values() for name in tools]
    slow = next(name for name in names if "long" in name and name.startswith("mcp_everything_"))
    client.result("prompt.submit", session_id=session, text=call.format(slow.removeprefix("mcp_everything_")))
    client.event("tool.start", session=session)
    time.sleep(0.5)
    os.kill(server_pid(gateway), signal.SIGKILL)
    _, payload, events = client.finish(session)
    expect("error" in json.dumps(results(events)), f"the call ended with {results(events)}")
    expect(payload["status"] == "complete", payload)
    print("ok killed in mid call, the turn gets an error", flush=True)

    _, _, events = client.turn(session, 'TOOL:mcp_everything_echo {"message": "back again"}')
    expect("back again" in json.dumps(results(events)), f"the next call said {results(events)}")
    print("ok the next call works", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--cache", type=Path, default=Path(__file__).resolve().parents[2] / "target/peers-mcp")
    options = parser.parse_args()
    which = Which(options.binary, options.peer_python, extra=["--agent", "openai"])
    options.cache.mkdir(parents=True, exist_ok=True)
    entry = install(options.cache)
    with Home() as home:
        fake = FakeModel(home, which.model_binary)
        try:
            with Home(fake.port) as place:
                with open(place.home / "config.yaml", "a", encoding="utf-8") as config:
                    config.write(f"mcp_servers:\n  everything:\n    command: node\n    args: [\"{entry}\", stdio]\n")
                with Server(which, place) as server:
                    client = connect(server)
                    session = check(client)
                    kill_in_mid_call(client, server.pid, session)
        finally:
            fake.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
