#!/usr/bin/env python3
"""Completion of paths: the same ranking as the original's, and quick in a repository of 100,000 files.

    complete.py --binary PATH --peer-python VENV [--files N] [--queries N] [--quick]

The ranking is compared on a repository that the original reads whole: it looks at the first 20,000 names only. The times
are ours, first in a fresh process, then key by key; meanwhile the loop must not be late.
"""

import argparse
import itertools
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gateway import Home, Which, add_arguments
from wire import Client, Stdio

FILES, QUERIES, RANKED_FILES, RANKED_QUERIES = 100_000, 600, 12_000, 200
COLD_RUNS = 5
WARM_LIMIT_MS, COLD_LIMIT_MS, DRIFT_LIMIT_MS, SLASH_LIMIT_MS = 15, 150, 5, 1
WORDS = ("app server client index main util config model view controller test spec handler router state store event stream "
         "buffer parser lexer token graph node tree list queue stack cache proxy socket reactor poller timer wheel frame "
         "codec json yaml http XMLHttp naïve größe").split()
ENDS = "rs py ts tsx js md json toml go c h".split()


def repository(top, files, dice):
    """Names as people make them, in directories of fifty, all but some of them tracked."""
    made = 0
    for number in itertools.count():
        folder = top / f"{dice.choice(WORDS)}{number // 40}" / f"{dice.choice(WORDS)}_{number % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        for _ in range(50):
            one, two = dice.choice(WORDS), dice.choice(WORDS)
            stem = dice.choice([one + two.title(), f"{one}_{two}", f"{one}-{two}", one.title() + two.title(), one, f".{one}"])
            end = dice.choice(ENDS)
            (folder / f"{stem}{made % 1000 if dice.random() < 0.7 else ''}.{end}").touch()
            made += 1
            if made >= files:
                break
        if made >= files:
            break
    (top / ".gitignore").write_text("*.md\n")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-C", str(top), *words], check=True)
    for number in range(20):
        (top / f"untracked_{dice.choice(WORDS)}{number}.rs").touch()


def queries(count, dice):
    """What people type after `@`: beginnings, parts, letters in order, capitals, mistakes."""
    kinds = [lambda a, b: a[:dice.randint(2, len(a))], lambda a, b: a + b[:2], lambda a, b: a[:2] + b[:2],
             lambda a, b: a.upper(), lambda a, b: f"{a}_{b}", lambda a, b: a[0] + a[-1] + b[0], lambda a, b: f"{a}{dice.randint(0, 99)}",
             lambda a, b: f".{a[:3]}", lambda a, b: a[1:4] + "zq", lambda a, b: f"{a}.{dice.choice(ENDS)}"]
    for _ in range(count):
        yield dice.choice(kinds)(dice.choice(WORDS), dice.choice(WORDS))


def opened(which, home):
    client = Client(Stdio(which, home), 60)
    client.event("gateway.ready")
    return client


def asked(client, word, place):
    begun = time.perf_counter()
    items = client.result("complete.path", word=word, cwd=str(place))["items"]
    return items, (time.perf_counter() - begun) * 1000


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def ranking(ours, theirs, place, words):
    with Home() as one, Home() as other:
        left, right = opened(ours, one), opened(theirs, other)
        for client in (left, right):
            # Both have read the repository once before anything is compared.
            asked(client, "@warm", place)
        time.sleep(1)
        asked(left, "@warm", place)
        found = 0
        try:
            for word in words:
                for tag in ("@", "@file:"):
                    mine, wanted = asked(left, tag + word, place)[0], asked(right, tag + word, place)[0]
                    if mine != wanted:
                        first = next((pair for pair in itertools.zip_longest(mine, wanted) if pair[0] != pair[1]), None)
                        print(f"FAIL {tag + word!r}: {len(mine)} here, {len(wanted)} there, first difference {first}")
                        return False
                    found += bool(wanted)
        finally:
            left.link.close()
            right.link.close()
    print(f"ok  {len(words)} queries, with and without a tag: the same items in the same order ({found} of {2 * len(words)} found "
          "something)")
    return True


def speed(ours, place, words):
    cold, warm, slash = [], [], []
    late = {}
    for run in range(COLD_RUNS):
        with Home() as home:
            client = opened(ours, home)
            cold.append(asked(client, "@server", place)[1])
            if run == COLD_RUNS - 1:
                time.sleep(1)
                asked(client, "@server", place)
                time.sleep(1)
                for word in words:
                    warm.append(asked(client, "@" + word, place)[1])
                    begun = time.perf_counter()
                    client.result("complete.slash", text="/" + word[:2])
                    slash.append((time.perf_counter() - begun) * 1000)
                late = client.result("gateway.stats")["loop_late_wake_seconds"]
            client.link.close()
    figures = [("cold, the first answer of a process", cold, 1, COLD_LIMIT_MS), ("warm, p99", warm, 0.99, WARM_LIMIT_MS),
               ("complete.slash, p99", slash, 0.99, SLASH_LIMIT_MS)]
    good = True
    for name, values, part, limit in figures:
        figure = percentile(values, part)
        good &= figure <= limit
        print(f"{'ok ' if figure <= limit else 'FAIL'} {name}: {figure:.2f} ms of {limit} allowed "
              f"(min {min(values):.2f}, median {percentile(values, 0.5):.2f}, max {max(values):.2f}, {len(values)} calls)")
    drift = late["p99"] * 1000
    good &= drift <= DRIFT_LIMIT_MS
    print(f"{'ok ' if drift <= DRIFT_LIMIT_MS else 'FAIL'} the loop meanwhile: late by {drift:.2f} ms at p99, {late['max'] * 1000:.2f} at most")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("--quick", action="store_true", help="the ranking alone, on fewer files")
    options = parser.parse_args()
    ours = Which(binary=options.binary)
    dice, good = random.Random(20261126), True
    top = Path(tempfile.mkdtemp(prefix="gateway-complete-"))
    try:
        if options.peer_python:
            small = top / "small"
            small.mkdir()
            repository(small, RANKED_FILES // 4 if options.quick else RANKED_FILES, dice)
            words = list(queries(RANKED_QUERIES // 4 if options.quick else RANKED_QUERIES, dice))
            good &= ranking(ours, Which(venv=options.peer_python), small, words)
        if not options.quick:
            big = top / "big"
            big.mkdir()
            repository(big, options.files, dice)
            good &= speed(ours, big, list(queries(options.queries, dice)))
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
