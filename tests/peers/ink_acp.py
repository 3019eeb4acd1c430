#!/usr/bin/env python3
"""The unmodified Ink terminal UI, our gateway, and a real agent of the Agent Client Protocol behind it: the one that
hermes-agent brings along (`hermes acp`).

    ink_acp.py --binary PATH --peer-python VENV [--ui VENV]

Somebody chats, allows a tool and denies one, stops a turn, and leaves.
"""

import argparse
import shlex
import sys

import ink
from front_ink import live
from front_lib import CONFIG
from gateway import FakeModel, Which, add_arguments
from store_lib import Place

STEPS = "start prompt stream approve deny interrupt quit".split()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--ui", metavar="VENV", help="where the UI is installed (default: --peer-python)")
    options = parser.parse_args()
    if not (options.binary and options.peer_python):
        raise SystemExit("both are needed: --binary PATH --peer-python VENV")
    which = Which(options.binary, model_binary=options.model_binary)
    agent = shlex.join([str(Which(venv=options.peer_python).venv / "bin/hermes"), "acp"])
    entry = ink.find_entry(options.ui or options.peer_python)
    with Place() as apart, FakeModel(apart, which.model_binary) as model, Place(model.port, CONFIG) as place:
        (place.work / "build").mkdir()
        (place.work / "dist").mkdir()
        spawn = {"HERMES_PYTHON": which.binary, "TUI_GATEWAY_ACP": agent}
        if not live("ink-acp", entry, place, STEPS, spawn):
            return 1
        gone = [name for name in ("build", "dist") if not (place.work / name).exists()]
        if gone != ["build"]:
            print(f"FAIL ink-acp: what was allowed is done, what was denied is not: gone is {gone}")
            return 1
    print("ok ink-acp what was allowed is done, what was denied is not")
    return 0


if __name__ == "__main__":
    sys.exit(main())
