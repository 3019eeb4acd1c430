"""A local model server with two models, OpenAI-compatible: it lists them, and answers with the name of the one asked.

A prompt with `WRITE:name` makes it call `write_file` first. Keeps every request, for tests to look at.
"""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODELS = ["alpha-1", "beta-2"]
# The front end collects the phrases of the first 16 ms; an answer that is complete by then may race its own timers.
FIRST_WORD_S = 0.1
SLOW_S = 2
WRITTEN = "Overwritten.\n"


class TwoModels:
    """`port` is where; `requests` are the bodies so far, oldest first."""

    def __init__(self):
        self.requests = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.path.endswith("/models"):
                    self.whole({"object": "list", "data": [{"id": name, "object": "model"} for name in MODELS]})
                else:
                    self.send_error(404)

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                owner.requests.append(asked)
                choice = answer_to(asked)
                time.sleep(SLOW_S if "SLOW" in prompt_of(asked) else FIRST_WORD_S)
                if asked.get("stream"):
                    self.stream(asked, choice)
                else:
                    said = {"index": 0, "message": {"role": "assistant", **choice}, "finish_reason": "stop"}
                    self.whole({"id": "1", "object": "chat.completion", "model": asked["model"], "usage": USAGE,
                                "choices": [said]})

            def whole(self, body):
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def stream(self, asked, choice):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                reason = "tool_calls" if "tool_calls" in choice else "stop"
                for delta, end, usage in [(choice, None, None), ({}, reason, USAGE)]:
                    chunk = {"id": "1", "object": "chat.completion.chunk", "model": asked["model"],
                             "choices": [{"index": 0, "delta": delta, "finish_reason": end}]}
                    if usage:
                        chunk["usage"] = usage
                    self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.write(b"data: [DONE]\n\n")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # A client that hangs up is no news.
        self.server.handle_error = lambda *_: None
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def text_of(message):
    """What a message says, be it a text or a list of parts."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def prompt_of(asked):
    """The newest message of the person."""
    said = [text_of(message) for message in asked["messages"] if message["role"] == "user"]
    return said[-1] if said else ""


def system_of(asked):
    return "\n".join(text_of(message) for message in asked["messages"] if message["role"] in ("system", "developer"))


def tools_of(asked):
    return [tool["function"]["name"] for tool in asked.get("tools") or []]


def answer_to(asked):
    """The text or the call that answers; a call only where it was not made yet."""
    write = re.search(r"WRITE:(\S+)", prompt_of(asked))
    if write and asked["messages"][-1]["role"] == "user":
        arguments = json.dumps({"path": write[1], "content": WRITTEN})
        return {"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
                                "function": {"name": "write_file", "arguments": arguments}}]}
    return {"content": f"I am {asked['model']}."}
