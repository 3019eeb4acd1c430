"""What the tests of a front share: how one is started before which hosts, what it says of them, and what it costs.

A front is our server with `--upstream`; a host is the program behind it that speaks the stdio protocol.
"""

import json
import shlex
import sys
import time
import urllib.error
import urllib.request

from gateway import HERE, Which, tree
from store_lib import Failed, expect
from torture import status

# Prompts wait behind a turn instead of stopping it.
CONFIG = "display:\n  busy_input_mode: queue\n"
# A Python host needs some seconds on a quiet machine, half a minute on a busy one.
HOST_S = 90
POLL_S = 0.05
HTTP_S = 10


# What hosts are.


def own_host(binary, agent="openai"):
    """Another of us. Its own variables do not reach a host from the front's environment."""
    return shlex.join(["env", "TUI_GATEWAY_TITLES=0", str(binary), "stdio", "--agent", agent])


def python_host(venv):
    return shlex.join([str(venv / "bin/python"), "-m", "tui_gateway.entry"])


def scripted_host():
    """One that only writes what it is told to: `front_host.py`."""
    return shlex.join([sys.executable, "-B", str(HERE / "front_host.py")])


def front(which, command, *more):
    """Our server before hosts that `command` starts."""
    return Which(which.binary, model_binary=which.model_binary, extra=["--upstream", command, *more])


# What a front says of them.


def hosts(server):
    """The rows of all hosts: id, pid, state, sessions."""
    return status(server.port)["hosts"]


def hosts_when(server, wanted, what, deadline_s=HOST_S):
    """The rows that `wanted` likes, as soon as it likes any."""
    end = time.monotonic() + deadline_s
    while True:
        rows = [row for row in hosts(server) if row["pid"] and wanted(row)]
        if rows:
            return rows
        expect(time.monotonic() < end, f"no host that {what} within {deadline_s} s: {hosts(server)}")
        time.sleep(POLL_S)


def expect_child(server, pid):
    """A signal goes to nobody that the server did not start."""
    expect(pid in tree(server.pid), f"process {pid} is no child of the server")


def readyz(server):
    """(status, body) of /readyz."""
    return plain(server, "/readyz")


def plain(server, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=HTTP_S) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")


def metric(server, name):
    """The value of one row of /metrics; its labels are part of the name."""
    code, page = plain(server, "/metrics")
    expect(code == 200, f"/metrics answers {code}")
    for row in page.splitlines():
        if row.startswith(f"{name} "):
            return float(row.split()[-1])
    raise Failed(f"/metrics has no {name}")


# What a process costs.


def cpu_of(pid):
    """User and system time of one process, in seconds: what utime + stime of /proc/PID/stat round to 10 ms."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def memory_of(pid):
    """Of one process in KiB: VmHWM, VmRSS and Pss."""
    found = {}
    for name in ("status", "smaps_rollup"):
        with open(f"/proc/{pid}/{name}") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key in ("VmHWM", "VmRSS", "Pss"):
                    found[key] = int(value.split()[0])
    return found


# What the model says.


def numbers(count, size=5):
    """The text of `TOKENS=count SIZE=size`, without white space."""
    width = max(1, size - 1)
    return "".join(str(number).zfill(width)[-width:] for number in range(count))


def squeezed(text):
    return "".join(text.split())


def event_of(message):
    """(type, session, payload) of an event; type is None of anything else."""
    params = message.get("params") or {}
    if message.get("method") != "event":
        return None, None, {}
    return params.get("type"), params.get("session_id"), params.get("payload") or {}


def parsed(raws):
    return [json.loads(raw) for raw in raws]
