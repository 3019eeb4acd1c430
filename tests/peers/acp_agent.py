#!/usr/bin/env python3
"""A scripted agent that speaks the Agent Client Protocol (version 1) on stdin and stdout, a document a line.

Plain Python, written against the published schema (schema/schema.json of agentclientprotocol/agent-client-protocol).
The first word of the last text block of a prompt says what it does. Whatever it is sent is held against the schema;
what is wrong with it is said as text that begins with WRONG. With the argument `auth` it wants a login before it opens
a session.
"""

import json
import sys
import threading

ABSENT = object()


class Wrong(Exception):
    """What the client sent is not what the schema says."""


def need(value, name, *kinds):
    """The member `name` of `value`, of one of these types."""
    member = value.get(name, ABSENT)
    if member is ABSENT:
        raise Wrong(f"{name} is missing in {value}")
    if not isinstance(member, kinds) or (isinstance(member, bool) and bool not in kinds):
        raise Wrong(f"{name} is a {type(member).__name__} in {value}")
    return member


def check_initialize(params):
    if need(params, "protocolVersion", int) != 1:
        raise Wrong(f"version {params['protocolVersion']}")
    client = need(params, "clientCapabilities", dict)
    files = need(client, "fs", dict)
    for name in ("readTextFile", "writeTextFile"):
        need(files, name, bool)
    need(client, "terminal", bool)
    if "clientInfo" in params:
        for name in ("name", "version"):
            need(params["clientInfo"], name, str)


def check_session(params):
    if not need(params, "cwd", str).startswith("/"):
        raise Wrong(f"cwd {params['cwd']}")
    for server in need(params, "mcpServers", list):
        check_server(server)


def check_server(server):
    need(server, "name", str)
    kind = server.get("type")
    if kind in ("http", "sse"):
        if kind == "sse":
            raise Wrong("a server by a transport that I do not take")
        need(server, "url", str)
        pairs = need(server, "headers", list)
    elif kind is None:
        if not need(server, "command", str).startswith("/"):
            raise Wrong(f"command {server['command']}")
        for arg in need(server, "args", list):
            if not isinstance(arg, str):
                raise Wrong(f"argument {arg}")
        pairs = need(server, "env", list)
    else:
        raise Wrong(f"a server of type {kind}")
    for pair in pairs:
        need(pair, "name", str)
        need(pair, "value", str)


BLOCKS = {"text": ("text",), "image": ("data", "mimeType"), "audio": ("data", "mimeType"),
          "resource_link": ("name", "uri"), "resource": ()}


def check_prompt(params):
    need(params, "sessionId", str)
    blocks = need(params, "prompt", list)
    if not blocks:
        raise Wrong("a prompt without blocks")
    for block in blocks:
        for name in BLOCKS[need(block, "type", str)]:
            need(block, name, str)


AUTH_METHODS = [{"id": "browser", "name": "Log in", "description": "with a browser"},
                {"id": "key", "name": "Key", "description": None},
                {"id": "setup", "name": "Setup", "type": "terminal", "args": ["--setup"]}]


class Agent:
    def __init__(self):
        self.writing = threading.Lock()
        self.changed = threading.Condition()
        self.answers = {}
        self.asked = 0
        self.cancelled = set()
        self.sessions = 0
        self.initialized = False
        self.wants_login = "auth" in sys.argv[1:]
        self.modes = {}
        self.models = {}
        self.servers = {}

    # The wire.

    def say(self, message):
        with self.writing:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            sys.stdout.flush()

    def update(self, session, **update):
        self.say({"method": "session/update", "params": {"sessionId": session, "update": update}})

    def text(self, session, text, kind="agent_message_chunk"):
        self.update(session, sessionUpdate=kind, content={"type": "text", "text": text})

    def ask(self, session, method, **params):
        """The whole answer to a request of ours."""
        with self.changed:
            self.asked += 1
            number = self.asked
        self.say({"id": number, "method": method, "params": {"sessionId": session, **params}})
        with self.changed:
            self.changed.wait_for(lambda: number in self.answers)
            return self.answers.pop(number)

    def result(self, session, method, **params):
        answer = self.ask(session, method, **params)
        if "result" not in answer:
            raise Wrong(f"{method} failed: {answer.get('error')}")
        return answer["result"]

    # What it is asked.

    def run(self):
        for line in sys.stdin:
            message = json.loads(line)
            if message.get("jsonrpc") != "2.0":
                raise SystemExit("another version of JSON-RPC")
            if "method" not in message:
                with self.changed:
                    self.answers[message["id"]] = message
                    self.changed.notify_all()
            elif message["method"] == "session/cancel":
                with self.changed:
                    self.cancelled.add(need(message["params"], "sessionId", str))
                    self.changed.notify_all()
            elif message["method"] == "session/prompt":
                threading.Thread(target=self.prompt, args=(message,), daemon=True).start()
            else:
                self.call(message)

    def call(self, message):
        method, params = message["method"], message.get("params") or {}
        try:
            if method == "initialize":
                check_initialize(params)
                self.initialized = True
                result = {"protocolVersion": 1, "agentInfo": {"name": "scripted", "version": "1"},
                          "authMethods": AUTH_METHODS,
                          "agentCapabilities": {"loadSession": False, "promptCapabilities": {"image": True},
                                                "mcpCapabilities": {"http": True, "sse": False}}}
            elif method == "authenticate":
                if need(params, "methodId", str) not in [each["id"] for each in AUTH_METHODS]:
                    raise Wrong(f"method {params['methodId']}")
                if params["methodId"] != "key":
                    raise Wrong("the login that was not asked for")
                self.wants_login = False
                result = {}
            elif method == "session/new" and self.wants_login:
                self.say({"id": message["id"], "error": {"code": -32000, "message": "Authentication required"}})
                return
            elif method == "session/new":
                if not self.initialized:
                    raise Wrong("session/new before initialize")
                check_session(params)
                self.sessions += 1
                session = f"sess_{self.sessions}"
                self.modes[session], self.models[session] = "ask", "small"
                self.servers[session] = params["mcpServers"]
                result = {"sessionId": session,
                          "modes": {"currentModeId": "ask", "availableModes": [
                              {"id": "ask", "name": "Ask first"}, {"id": "code", "name": "Code", "description": "writes"}]},
                          "models": {"currentModelId": "small", "availableModels": [
                              {"modelId": "small", "name": "Small"}, {"modelId": "large", "name": "Large"}]}}
                self.say({"id": message["id"], "result": result})
                self.update(session, sessionUpdate="available_commands_update", availableCommands=[
                    {"name": "tidy", "description": "Tidies up", "input": {"hint": "what"}},
                    {"name": "help", "description": "Hides nothing"}])
                return
            elif method == "session/set_mode":
                self.choose(self.modes, params, "modeId", ("ask", "code"))
                result = {}
            elif method == "session/set_model":
                self.choose(self.models, params, "modelId", ("small", "large"))
                result = {}
            else:
                self.say({"id": message["id"], "error": {"code": -32601, "message": f"no method {method}"}})
                return
        except Wrong as wrong:
            self.say({"id": message["id"], "error": {"code": -32602, "message": f"WRONG {wrong}"}})
            return
        self.say({"id": message["id"], "result": result})

    @staticmethod
    def choose(kept, params, name, known):
        session = need(params, "sessionId", str)
        if session not in kept or need(params, name, str) not in known:
            raise Wrong(f"no such session or choice in {params}")
        kept[session] = params[name]

    def prompt(self, message):
        params = message["params"]
        reason = "end_turn"
        session = params.get("sessionId")
        try:
            check_prompt(params)
            with self.changed:
                self.cancelled.discard(session)
            blocks = params["prompt"]
            words = next(block["text"] for block in reversed(blocks) if block["type"] == "text").split(maxsplit=1)
            action = getattr(self, "do_" + words[0].lower(), self.do_echo)
            reason = action(session, words[1] if len(words) > 1 else "", blocks) or reason
        except Wrong as wrong:
            self.text(session, f"WRONG {wrong}")
        self.say({"id": message["id"], "result": {"stopReason": reason}})

    # What a prompt can ask for.

    def do_echo(self, session, _rest, blocks):
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        self.text(session, "you said: " + " | ".join(texts))

    def do_state(self, session, _rest, _blocks):
        """What holds for the session, and how full it is."""
        self.update(session, sessionUpdate="usage_update", used=500, size=2000)
        servers = [server["name"] for server in self.servers[session]]
        self.text(session, json.dumps([self.modes[session], self.models[session], servers]))

    def do_switch(self, session, mode, _blocks):
        """Changes its mode by itself."""
        self.modes[session] = mode
        self.update(session, sessionUpdate="current_mode_update", currentModeId=mode)
        self.text(session, "switched")

    def do_work(self, session, path, _blocks):
        """A thought, a plan, a call that asks first, a file, a command."""
        self.text(session, "let me think", "agent_thought_chunk")
        self.update(session, sessionUpdate="plan", entries=[
            {"content": "write", "priority": "high", "status": "in_progress"},
            {"content": "run", "priority": "low", "status": "pending"}])
        self.text(session, "I will ")
        self.text(session, "write.")
        self.update(session, sessionUpdate="tool_call", toolCallId="call_1", title=f"Write {path}", kind="edit",
                    status="pending", rawInput={"path": path}, locations=[{"path": path}])
        outcome = self.permission(session, {"toolCallId": "call_1", "title": f"Write {path}", "kind": "edit"})
        if outcome != "yes":
            self.update(session, sessionUpdate="tool_call_update", toolCallId="call_1", status="failed")
            self.text(session, f"I may not: {outcome}.")
            return
        self.update(session, sessionUpdate="tool_call_update", toolCallId="call_1", status="in_progress")
        self.result(session, "fs/write_text_file", path=path, content="one\ntwo\n")
        self.update(session, sessionUpdate="tool_call_update", toolCallId="call_1", status="completed",
                    content=[{"type": "diff", "path": path, "oldText": None, "newText": "one\ntwo\n"}])
        read = need(self.result(session, "fs/read_text_file", path=path, line=2, limit=1), "content", str)
        made = self.result(session, "terminal/create", command="cat", args=[path],
                           env=[{"name": "A", "value": "b c"}], outputByteLimit=1000)
        terminal = need(made, "terminalId", str)
        exit_status = self.result(session, "terminal/wait_for_exit", terminalId=terminal)
        output = self.result(session, "terminal/output", terminalId=terminal)
        need(output, "truncated", bool)
        self.result(session, "terminal/release", terminalId=terminal)
        self.text(session, f"read {read!r}, ran {need(output, 'output', str)!r} -> {exit_status.get('exitCode')}")

    def permission(self, session, call):
        """The id of the option that was chosen, or `cancelled`."""
        result = self.result(session, "session/request_permission", toolCall=call, options=[
            {"optionId": "yes", "name": "Allow", "kind": "allow_once"},
            {"optionId": "no", "name": "Reject", "kind": "reject_once"}])
        outcome = need(result, "outcome", dict)
        kind = need(outcome, "outcome", str)
        return need(outcome, "optionId", str) if kind == "selected" else kind

    def do_wait(self, session, _rest, _blocks):
        """Says something, then waits to be cancelled."""
        self.text(session, "waiting")
        with self.changed:
            self.changed.wait_for(lambda: session in self.cancelled)
        return "cancelled"

    def do_unknown(self, session, _rest, _blocks):
        answer = self.ask(session, "fs/delete_everything")
        self.text(session, f"code {answer['error']['code']}")

    def do_junk(self, session, _rest, _blocks):
        """What no client should fall over."""
        with self.writing:
            sys.stdout.write("hello\n{}\n[1]\n\xff\n" + json.dumps({"jsonrpc": "2.0", "id": 9_999, "result": 1}) + "\n")
            sys.stdout.flush()
        self.update(session, sessionUpdate="something_new", content=7)
        self.update(session, sessionUpdate="tool_call_update", toolCallId="never_begun", status="completed")
        self.text(session, "still here")


if __name__ == "__main__":
    Agent().run()
