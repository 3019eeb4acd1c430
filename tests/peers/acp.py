#!/usr/bin/env python3
"""An agent that speaks the Agent Client Protocol behind our gateway: its text, thoughts, plan and tools reach a client,
a person allows and denies, a stop reaches it, and killed in mid turn it comes back for the next prompt. A person logs in,
chooses its mode and its model, and sends its commands; it is given our tool servers.

The agent is `acp_agent.py`, which holds all it is sent against the published schema.
"""

import argparse
import json
import os
import shlex
import signal
import sys
from pathlib import Path

from gateway import HERE, Home, Server, Which, tree
from wire import Client, Stdio, connect


# The third speaks a transport that the agent does not take; of the fourth only some tools are to be offered.
SERVERS = """mcp_servers:
  disk: {command: sh, args: [-c, exit], env: {DISK_TOKEN: secret-of-the-disk}}
  web: {url: "http://127.0.0.1:9/mcp", headers: {Authorization: Bearer x}}
  old: {url: "http://127.0.0.1:9/sse", transport: sse}
  some: {command: sh, tools: {exclude: [drop]}}
"""


def expect(condition, why):
    if not condition:
        raise SystemExit(f"FAIL {why}")


def agent_pid(gateway):
    """The agent's process: the gateway's descendant that runs the script."""
    found = [pid for pid in tree(gateway) if pid != gateway and "acp_agent.py" in command_line(pid)]
    expect(len(found) == 1, f"{len(found)} agents run")
    return found[0]


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""  # Ended meanwhile.


def kinds(events):
    return [kind for kind, _ in events]


def work(client, session, path, choice):
    """Lets the agent work; the person says `choice`. Gives the text, the end and the events."""
    client.result("prompt.submit", session_id=session, text=f"WORK {path}")
    request = client.event("approval.request", session=session, keep=True)
    expect("Write" in request["command"], f"asked about {request}")
    client.result("approval.respond", session_id=session, choice=choice)
    text, payload, events = client.finish(session)
    expect("WRONG" not in text, text)
    expect(payload["status"] == "complete", payload)
    return text, events


def check_turns(client, home):
    session = client.result("session.create", cols=80)["session_id"]
    text, payload, _ = client.turn(session, "hello there")
    expect(text == "you said: hello there", f"it said {text!r}")
    expect(payload["usage"]["model"] == "small", payload["usage"])
    print("ok a prompt is answered", flush=True)

    path = home.work / "made.txt"
    text, events = work(client, session, path, "deny")
    expect("I may not: no." in text and not path.exists(), f"denied, it said {text!r}")
    print("ok what a person denies is not done", flush=True)

    text, events = work(client, session, path, "once")
    expect(path.read_text() == "one\ntwo\n", "the file was not written")
    expect("read 'two\\n', ran 'one\\ntwo\\n' -> 0" in text, f"it said {text!r}")
    done = [payload for kind, payload in events if kind == "tool.complete"]
    expect([tool["name"] for tool in done] == ["todo", "edit"], f"tools {done}")
    expect(done[0]["todos"][0]["content"] == "write", f"the plan is {done[0]}")
    expect("+two" in done[1]["inline_diff"], f"the diff is {done[1]}")
    expect("reasoning.delta" in kinds(events) or "reasoning.available" in kinds(events), kinds(events))
    print("ok what a person allows is done, and shown", flush=True)

    text, _, _ = client.turn(session, "UNKNOWN")
    expect(text == "code -32601", f"an unknown method gave {text!r}")
    text, _, _ = client.turn(session, "JUNK")
    expect(text == "still here", f"after junk it said {text!r}")
    print("ok what is no message does no harm", flush=True)
    return session


def check_stop(client, session):
    client.result("prompt.submit", session_id=session, text="WAIT")
    client.event("message.delta", session=session)
    client.result("session.interrupt", session_id=session)
    _, payload, _ = client.finish(session)
    expect(payload["status"] == "interrupted", payload)
    text, _, _ = client.turn(session, "and now")
    expect(text == "you said: and now", f"after a stop it said {text!r}")
    print("ok a stop reaches the agent, and the session goes on", flush=True)


def check_sessions(client):
    one, two = (client.result("session.create", cols=80)["session_id"] for _ in range(2))
    client.result("prompt.submit", session_id=one, text="WAIT")
    client.event("message.delta", session=one)
    text, _, _ = client.turn(two, "beside it")
    expect(text == "you said: beside it", f"beside another it said {text!r}")
    client.result("session.interrupt", session_id=one)
    client.finish(one)
    print("ok one agent serves two sessions", flush=True)


def state(client, session):
    """The agent's mode, model and tool servers, as the agent has them."""
    text, payload, _ = client.turn(session, "STATE")
    expect("WRONG" not in text, text)
    return json.loads(text), payload


def check_offers(client):
    session = client.result("session.create", cols=80)["session_id"]
    page = client.result("slash.exec", session_id=session, command="/mode")["output"]
    expect(page.startswith("mode: ask (Ask first)") and "  code (Code): writes" in page, page)
    page = client.result("slash.exec", session_id=session, command="/mode Code")["output"]
    expect(page == "mode: code (Code)", page)
    page = client.result("slash.exec", session_id=session, command="/mode none")["output"]
    expect("It has: ask, code" in page, page)
    options = client.result("model.options", session_id=session)
    expect(options["model"] == "small" and options["providers"][0]["models"] == ["small", "large"], options)
    told = client.result("config.set", session_id=session, key="model", value="large --provider acp")
    expect(told["value"] == "large", told)
    info = client.event("session.info", session=session)
    while info["model"] != "large":
        info = client.event("session.info", session=session)
    now, payload = state(client, session)
    expect(now == ["code", "large", ["disk", "web"]], now)
    usage = payload["usage"]
    expect((usage["model"], usage["context_used"], usage["context_max"]) == ("large", 500, 2000), usage)
    print("ok a mode and a model are chosen, and tool servers given", flush=True)
    _, _, events = client.turn(session, "SWITCH ask")
    told = [payload["text"] for kind, payload in events if kind == "status.update"]
    expect("mode: Ask first" in told, told)
    print("ok the agent changes its mode itself", flush=True)
    items = client.result("complete.slash", session_id=session, text="/ti")["items"]
    expect("tidy" in [item["text"].strip() for item in items], items)
    pairs = client.result("commands.catalog", session_id=session)["pairs"]
    names = [name for name, _ in pairs]
    expect("/mode" in names and "/tidy" in names and names.count("/help") == 1, names)
    sent = client.result("command.dispatch", session_id=session, name="tidy", arg="the desk")
    expect(sent == {"type": "send", "message": "/tidy the desk"}, sent)
    print("ok the agent's commands are there", flush=True)
    return session


def check_choice_outlives_agent(client, gateway, session):
    client.result("slash.exec", session_id=session, command="/mode code")
    client.result("prompt.submit", session_id=session, text="WAIT")
    client.event("message.delta", session=session)
    os.kill(agent_pid(gateway), signal.SIGKILL)
    client.finish(session)
    now, _ = state(client, session)
    expect(now[:2] == ["code", "large"], f"with a new process it is {now}")
    print("ok what was chosen holds with a new process", flush=True)


def check_login(command, options):
    with Home() as home:
        with Server(Which(options.binary, extra=["--acp", f"{command} auth"]), home) as server:
            client = connect(server)
            session = client.result("session.create", cols=80)["session_id"]
            _, payload, _ = client.turn(session, "hello")
            text = payload["text"]
            expect(payload["status"] == "error" and "--acp-auth ID" in text, text)
            expect("key (Key)" in text and "setup (Setup; only in a terminal" in text, text)
    print("ok without a login the ways are told", flush=True)
    with Home() as home:
        (home.home / "config.yaml").write_text(SERVERS)
        extra = ["--acp", f"{command} auth", "--acp-auth", "key", "--no-acp-mcp"]
        with Server(Which(options.binary, extra=extra), home) as server:
            client = connect(server)
            session = client.result("session.create", cols=80)["session_id"]
            now, _ = state(client, session)
            expect(now == ["ask", "small", []], now)
    print("ok the login that is named is done, and tool servers are kept back", flush=True)


def check_death(client, gateway, session):
    client.result("prompt.submit", session_id=session, text="WAIT")
    client.event("message.delta", session=session)
    dead = agent_pid(gateway)
    os.kill(dead, signal.SIGKILL)
    _, payload, _ = client.finish(session)
    expect(payload["status"] == "error", payload)
    print("ok killed in mid turn, the turn fails", flush=True)
    text, payload, _ = client.turn(session, "again")
    expect(payload["status"] == "complete" and text.endswith("again"), f"the next prompt gave {payload}")
    expect("hello there" in text, f"what was said before was not told again: {text!r}")
    expect(agent_pid(gateway) != dead, "the same process")
    print("ok the next prompt works, and the new agent knows what was said", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", required=True, help="the gateway to test")
    options = parser.parse_args()
    command = f"{shlex.quote(sys.executable)} -B {shlex.quote(str(HERE / 'acp_agent.py'))}"
    which = Which(options.binary, extra=["--acp", command])
    with Home() as home:
        (home.home / "config.yaml").write_text(SERVERS)
        with Server(which, home) as server:
            client = connect(server)
            check_choice_outlives_agent(client, server.pid, check_offers(client))
            session = check_turns(client, home)
            check_stop(client, session)
            check_sessions(client)
            check_death(client, server.pid, session)
            agent = agent_pid(server.pid)
        expect(not command_line(agent), "the agent outlived the gateway")
        print("ok the agent ends with the gateway", flush=True)
    with Home() as home:
        with Stdio(which, home) as link:
            client = Client(link)
            client.event("gateway.ready")
            check_turns(client, home)
    print("ok the same over stdio", flush=True)
    check_login(command, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
