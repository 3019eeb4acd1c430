#!/usr/bin/env python3
"""The settings' file while somebody ends the gateway in the middle of changing it: always the old one or the new one.

    config.py --binary PATH [--rounds N] [--seed N]

Every round starts a gateway, lets it change config.yaml back and forth, and kills it at a random moment. The file has to
be one of the two it can be, whole, with every comment; a file that cannot be read is never written over.
"""

import argparse
import random
import sys
import threading
import time

from gateway import Home, Which, add_arguments
from wire import Client, Closed, Late, Stdio

ROUNDS = 200
LINES = ("# by hand\r\nmodel: &m\r\n  default: fake-1  # the good one\r\n\r\ndisplay:\r\n    busy_input_mode: '{mode}' # mine\r\n"
         "    skin: \"ares\"\r\nfallback_model:\r\n  <<: *m\r\n  provider: custom\r\nquick_commands: {{up: {{type: exec, command: uptime}}}}\r\n")
BROKEN = "# mine\ndisplay:\n  skin: [\n"


def fail(why):
    print(f"FAIL {why}")
    sys.exit(1)


def change(client, stop):
    """Back and forth until the gateway is gone."""
    try:
        while not stop.is_set():
            for mode in ("queue", "steer"):
                client.result("config.set", key="busy", value=mode)
    except (Closed, Late, AssertionError, ValueError, OSError):
        pass


def rounds(which, count, dice):
    with Home() as home:
        file = home.home / "config.yaml"
        whole = {LINES.format(mode=mode).encode() for mode in ("queue", "steer")}
        file.write_bytes(LINES.format(mode="queue").encode())
        seen, changed = {text: 0 for text in whole}, 0
        for number in range(count):
            link = Stdio(which, home)
            client = Client(link, 30)
            client.event("gateway.ready")
            before, stop = file.read_bytes(), threading.Event()
            worker = threading.Thread(target=change, args=(client, stop))
            worker.start()
            time.sleep(dice.uniform(0.0005, 0.03))
            link.child.kill()
            link.child.wait()
            stop.set()
            worker.join()
            link.close()
            after = file.read_bytes()
            if after not in whole:
                fail(f"round {number}: the file is neither the old one nor the new one: {after!r}")
            seen[after] += 1
            changed += after != before
        if min(seen.values()) == 0 or changed == 0:
            fail(f"nothing was changed in {count} rounds")
        print(f"ok  {count} gateways killed while they changed config.yaml: always one of the two files "
              f"({changed} rounds ended in the other one)")


def unreadable(which):
    with Home() as home:
        file = home.home / "config.yaml"
        file.write_text(BROKEN)
        client = Client(Stdio(which, home), 30)
        client.event("gateway.ready")
        reply = client.call("config.set", key="busy", value="queue")
        client.link.close()
        message = reply.get("error", {}).get("message", "")
        if file.read_text() != BROKEN or "line" not in message:
            fail(f"a file that cannot be read: {reply}, now {file.read_text()!r}")
        print(f"ok  a file that cannot be read stays as it is: {message!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=20261126)
    options = parser.parse_args()
    which = Which(binary=options.binary)
    rounds(which, options.rounds, random.Random(options.seed))
    unreadable(which)


if __name__ == "__main__":
    main()
