#!/usr/bin/env python3
"""One history, two programs: both say which project, repository and lane each conversation belongs to, word for word.

    projects.py --binary PATH [--seeds N] [--quick] [--seed N] [--speed]

Histories are made up from a seed: real repositories with linked checkouts, deleted folders, names that collide. Both
programs look at the same home, one after the other. With --speed: 2,000 conversations in 300 repositories, and how
long both take. Run it with the interpreter of the virtual environment that holds the original (install.sh makes one),
or name that with --peer-python.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time

from gateway import Which, add_arguments
from store_lib import Place, expect, original, run_steps, session_db

SEEDS, SEEDS_QUICK = 20, 5
SESSIONS = 60
# All conversations are of this time, so that a history depends on its seed alone.
EPOCH = 1_782_900_000
BRANCHES = [None, None, "main", "Main", "dev", "develop", "feature/x", " ", "kanban", "side-0"]
SOURCES = ["tui", "tui", "tui", "cli", "telegram", "tool", "cron"]

# Of the measurement.
MANY_SESSIONS, MANY_ROOTS = 2_000, 300
WARM_RUNS = 7
COLD_S, WARM_S = 1.5, 0.25


# 1. What there is to group.


def git(where, *arguments):
    """Runs git, deaf to the settings of whoever runs the test."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"):
        environment.pop(name, None)
    subprocess.run(["git", "-C", str(where), "-c", "user.name=n", "-c", "user.email=e", *arguments], check=True,
                   env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def repository(path):
    path.mkdir(parents=True, exist_ok=True)
    git(path, "init", "-q", "-b", "main")
    git(path, "commit", "-q", "--allow-empty", "-m", "first")
    return path


def landscape(chance, place):
    """Folders of every kind; the paths that conversations may be in, and the roots of repositories."""
    code = place.top / "code"
    if chance.random() < 0.25:
        # People do keep their home under git.
        repository(place.top)
    roots = [repository(code / name) for name in chance.sample(
        ["app", "a/app", "b/app", "x/q/app", "y/q/app", "lib", "main", "deep/main", "app-wt-fix", "sp ace"], 5)]
    paths = [str(root) for root in roots]
    for number, root in enumerate(roots[:3]):
        linked = [(f"side-{number}", code / f"side-{number}"), (f"t{number}", root / ".worktrees/t_ab12"),
                  (f"u{number}", root / ".worktrees/t_cd"), (f"m{number}", root / ".worktrees/mine"),
                  (f"n{number}", code / f"w{number}/main")]
        for branch, path in chance.sample(linked, 3):
            git(root, "worktree", "add", "-q", "-b", branch, str(path))
            (path / "below").mkdir()
            paths += [str(path), str(path / "below")]
    for root in roots:
        below = root / chance.choice(["src", "src/deep/er", "docs"])
        below.mkdir(parents=True)
        paths += [str(below), f"{root}/"]
    git(roots[3], "checkout", "-q", "--detach")
    unborn = code / "unborn"
    unborn.mkdir()
    git(unborn, "init", "-q", "-b", "trunk")
    bare = code / "bare.git"
    git(place.top, "init", "-q", "--bare", str(bare))
    (code / "link").symlink_to(roots[0])
    plain = code / "plain/below"
    plain.mkdir(parents=True)
    # What lies in the home of the settings is no project.
    inner = repository(place.home / "skills/mine")
    paths += [str(unborn), str(bare), str(code / "link/src"), str(plain), str(inner), str(roots[1] / ".git"),
              str(place.top), str(place.home), "/"]
    gone = ["gone/app", "gone/app-wt-fix", "gone/a-wt-b-wt-c", "gone/a-wt-", "gone/x/.worktrees/t_ff",
            "gone/x/.worktrees/t_ff/", "gone/x/.worktrees/t_ff/src", "gone/x/.worktrees/T_1", "gone/x", "gone/main"]
    paths += [str(code / name) for name in gone]
    return paths, [str(root) for root in roots]


def history(chance, place, paths, roots):
    """Conversations, written by the original's own code."""
    db = session_db(place.database)
    keys = []

    def talk(key, count):
        at = EPOCH + chance.choice([chance.randrange(90_000), chance.randrange(20), chance.random() * 1e5])
        for number in range(count):
            db.append_message(key, "user" if number % 2 == 0 else "assistant", f"words {number} of {key}",
                              timestamp=at + number)

    for number in range(SESSIONS):
        key = f"20260701_{number:06d}_{chance.randrange(1 << 24):06x}"
        parent = chance.choice(keys) if keys and chance.random() < 0.2 else None
        kind = chance.choice(["chain", "branch", "delegate"]) if parent else None
        more = {}
        if kind:
            more["parent_session_id"] = parent
        if kind in ("branch", "delegate"):
            more["model_config"] = {"_branched_from" if kind == "branch" else "_delegate_from": parent}
        if kind == "chain":
            db.end_session(parent, "compression")
        cwd = chance.choice(paths) if chance.random() < 0.93 else None
        if chance.random() < 0.05 and cwd:
            cwd = f" {cwd} "
        db.create_session(key, chance.choice(SOURCES), model=chance.choice([None, "fake-1"]), cwd=cwd, **more)
        if cwd and chance.random() < 0.6:
            root = chance.choice([None, None, chance.choice(roots), "/srv/elsewhere/app", str(place.top)])
            db.update_session_cwd(key, cwd, git_branch=chance.choice(BRANCHES), git_repo_root=root)
        if chance.random() < 0.9:
            talk(key, chance.randrange(1, 4))
        if chance.random() < 0.4:
            db.set_session_title(key, f"Title {number}")
        if chance.random() < 0.07:
            db.set_session_archived(key, True)
        # A chain may not go on from what is a branch or was continued already.
        keys = [*keys, key] if kind is None else [old for old in keys if old != parent]
    db.close()


def projects(chance, client, paths, roots):
    """Projects and a scan, made by the original's own server."""
    for name in chance.sample(["Mine", "app", "Empty", "Nested", "Old"], chance.randrange(1, 5)):
        folders = chance.sample([*roots, *paths], chance.randrange(0, 4))
        if name == "Empty":
            folders = []
        made = client.result("projects.create", name=name, folders=folders, icon=chance.choice([None, "x"]),
                             color=chance.choice([None, "red"]), use=chance.random() < 0.3)["project"]
        if name == "Old":
            client.result("projects.archive", id=made["id"])
    scan = [chance.choice([root, {"root": root, "label": chance.choice(["app", None, "Label"])}])
            for root in chance.sample([*roots, *paths], 6)]
    client.result("projects.record_repos", repos=scan)


# 2. What both say of it.


def answers(client, chance):
    """Everything that can be asked, in a fixed order: finding repositories notes their roots on conversations."""
    said = {}
    for limit in (None, 0, 1, -1, chance.randrange(2, 6)):
        said[f"tree {limit}"] = tree = client.result("projects.tree", preview_limit=limit)
    said["tree of few"] = client.result("projects.tree", session_limit=chance.randrange(5, 30))
    for node in tree["projects"]:
        said[f"sessions of {node['id']}"] = client.result("projects.project_sessions", project_id=node["id"])
    said["sessions of nothing"] = client.result("projects.project_sessions", project_id="nothing")
    said["repos"] = client.result("projects.discover_repos")
    said["tree at the end"] = client.result("projects.tree")
    return said


def difference(theirs, ours, at="$"):
    """Where two values first differ, with both; None where they are the same, types and order of keys and all."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if list(theirs) != list(ours):
            return f"{at}: keys {list(theirs)} / {list(ours)}"
        pairs = [(theirs[key], ours[key], f"{at}.{key}") for key in theirs]
    elif isinstance(theirs, list) and isinstance(ours, list):
        pairs = [(a, b, f"{at}[{n}]") for n, (a, b) in enumerate(zip(theirs, ours))]
        if len(theirs) != len(ours):
            names = [[row.get("id", row.get("root")) if isinstance(row, dict) else row for row in side]
                     for side in (theirs, ours)]
            return f"{at}: {len(theirs)} / {len(ours)} items: {names[0]} / {names[1]}"
    else:
        same = json.dumps(theirs) == json.dumps(ours)
        return None if same else f"{at}: {json.dumps(theirs)} / {json.dumps(ours)}"
    return next((found for a, b, path in pairs if (found := difference(a, b, path))), None)


def compared(which, theirs, seed):
    """One history; how many projects and conversations the original showed."""
    chance = random.Random(seed)
    with Place(TUI_GATEWAY_TITLES="0") as place:
        paths, roots = landscape(chance, place)
        history(chance, place, paths, roots)
        asking = chance.random()
        client = original(theirs, place)
        try:
            projects(chance, client, paths, roots)
        finally:
            client.link.close()
        kept = place.top / "kept"
        shutil.copytree(place.home, kept, symlinks=True)
        said = {}
        # Paths are part of the answers, so both look at the same place, as it was.
        for who in (theirs, which):
            shutil.rmtree(place.home)
            shutil.copytree(kept, place.home, symlinks=True)
            client = original(who, place)
            try:
                said[who.name] = answers(client, random.Random(asking))
            finally:
                client.link.close()
        for question, answer in said["python"].items():
            found = difference(answer, said["ours"].get(question), "")
            expect(not found, f"seed {seed}, {question}, original / ours: {found}")
        expect(list(said["python"]) == list(said["ours"]), f"seed {seed}: other projects")
        tree = said["python"]["tree None"]
        return f"{len(tree['projects'])} projects, {len(tree['scoped_session_ids'])} conversations"


# 3. How long it takes.


def crowd(place):
    """Many conversations in many repositories, and a git that counts itself; the file it counts in."""
    template = repository(place.top / "template")
    chance, paths = random.Random(1), []
    for number in range(MANY_ROOTS):
        root = place.top / f"code/{number % 7}/r{number}"
        root.mkdir(parents=True)
        shutil.copytree(template / ".git", root / ".git", ignore=shutil.ignore_patterns("hooks"))
        for name in ("src", "docs", "src/deep/er"):
            (root / name).mkdir(parents=True, exist_ok=True)
            paths.append(str(root / name))
        paths.append(str(root))
    db = session_db(place.database)
    for number in range(MANY_SESSIONS):
        key = f"20260701_{number:06d}_{number:06x}"
        cwd = paths[number % len(paths)] if number < len(paths) else chance.choice(paths)
        db.create_session(key, "tui", model="fake-1", cwd=cwd)
        db.append_message(key, "user", "please fix the build", timestamp=EPOCH + number)
    db.close()
    log = place.top / "git.log"
    script = place.top / "bin/git"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$@" >>"{log}"\nexec "{shutil.which("git")}" "$@"\n')
    script.chmod(0o755)
    place.more["PATH"] = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    return log


def measured(who, place, log, slack):
    """A fresh process: the first answer, later ones, and the processes of git that the first one took."""
    log.write_text("")
    client = original(who, place)
    try:
        before = len(log.read_text().splitlines())
        began = time.perf_counter()
        tree = client.result("projects.tree")
        cold = time.perf_counter() - began
        processes = len(log.read_text().splitlines()) - before
        warm = []
        for _ in range(WARM_RUNS):
            began = time.perf_counter()
            client.result("projects.tree")
            warm.append(time.perf_counter() - began)
    finally:
        client.link.close()
    expect(len(tree["projects"]) == MANY_ROOTS, f"{len(tree['projects'])} projects")
    expect(len(tree["scoped_session_ids"]) == MANY_SESSIONS, "not all conversations are in a project")
    if who.ours:
        expect(processes <= MANY_ROOTS, f"{processes} processes of git")
        expect(cold <= COLD_S * slack, f"the first answer took {cold:.2f} s")
        expect(min(warm) <= WARM_S * slack, f"a later answer took {min(warm):.3f} s")
    return f"cold {cold * 1e3:.0f} ms with {processes} processes of git, warm {min(warm) * 1e3:.1f} ms at best"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    parser.add_argument("--seeds", type=int, help=f"histories (default {SEEDS})")
    parser.add_argument("--seed", type=int, help="this history only")
    parser.add_argument("--quick", action="store_true", help=f"{SEEDS_QUICK} histories")
    parser.add_argument("--speed", action="store_true", help="measure, in the place of comparing")
    parser.add_argument("--slack", type=float, default=1, help="times may be so many times longer")
    options = parser.parse_args()
    which = Which(options.binary, model_binary=options.model_binary)
    theirs = Which(venv=options.peer_python or sys.prefix, model_binary=which.model_binary)
    if options.speed:
        with Place(TUI_GATEWAY_TITLES="0") as place:
            log = crowd(place)
            return run_steps("speed", [(who.name, lambda who=who: measured(who, place, log, options.slack))
                                       for who in (which, theirs)])
    count = options.seeds or (SEEDS_QUICK if options.quick else SEEDS)
    seeds = [options.seed] if options.seed is not None else range(count)
    return run_steps("projects", [(f"history {seed}", lambda seed=seed: compared(which, theirs, seed))
                                  for seed in seeds])


if __name__ == "__main__":
    sys.exit(main())
