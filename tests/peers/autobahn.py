#!/usr/bin/env python3
"""The Autobahn suite's fuzzing client against our echo: 301 cases of RFC 6455.

    autobahn.py --binary PATH [--folder DIR] [--cases '1.*,6.4.*'] [--table FILE]

PATH is a gateway built with `--features test-endpoints`. The suite needs a Python 2.7; it is looked for in
$PYTHON27, as `python2.7`, and in pyenv's folder. Where there is none, nothing is tested, and the last line says
"skipped". The suite is installed into DIR (default target/autobahn) once. Downloading it is the only network use.

Fails unless every case ends as OK or INFORMATIONAL. With --table the results are written there, as Markdown.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from gateway import Home, Server, Which

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "autobahntestsuite==25.10.1"
# permessage-deflate, which we do not offer: 216 cases that could only say UNIMPLEMENTED.
LEFT_OUT = ["12.*", "13.*"]
CASES = 301
GOOD = {"OK", "INFORMATIONAL"}
# Closing is judged by itself.
GOOD_CLOSE = {"OK", "INFORMATIONAL"}
RUN_LIMIT_S = 300
INSTALL_LIMIT_S = 600
AGENT = "tui-gateway"
RUN = "import sys; sys.argv[0] = 'wstest'; from autobahntestsuite.wstest import run; run()"

# The chapters of the suite.
CHAPTERS = {
    1: "Framing", 2: "Pings and pongs", 3: "Reserved bits", 4: "Opcodes", 5: "Fragmentation",
    6: "UTF-8", 7: "Closing", 9: "Limits and performance", 10: "Many fragments",
}


def python27():
    """A Python 2.7 that runs, or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    known = [os.environ.get("PYTHON27"), shutil.which("python2.7"),
             *sorted(pyenv.glob("versions/2.7.*/bin/python2.7"))]
    for candidate in filter(None, known):
        tried = subprocess.run([candidate, "-c", "import sys; sys.exit(sys.version_info[:2] != (2, 7))"],
                               capture_output=True, check=False)
        # A shim of pyenv is there without a Python behind it.
        if tried.returncode == 0:
            return str(candidate)
    return None


def install(python, folder):
    """The folder with the suite, or None where it cannot be had."""
    site, mark = folder / "site", folder / ".installed"
    if mark.exists() and mark.read_text() == PACKAGE:
        return site
    shutil.rmtree(site, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    print(f"autobahn: installing {PACKAGE} into {folder}", file=sys.stderr)
    try:
        got = subprocess.run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install",
                              "--target", str(site), PACKAGE],
                             capture_output=True, text=True, check=False, timeout=INSTALL_LIMIT_S)
    except subprocess.TimeoutExpired:
        return None
    if got.returncode:
        print(got.stderr[-2000:], file=sys.stderr)
        return None
    # `--target` loses the namespace package.
    (site / "zope" / "__init__.py").touch()
    mark.write_text(PACKAGE)
    return site


def fuzz(python, site, port, work, cases):
    """Runs the fuzzing client; the results by case."""
    spec = {"outdir": str(work / "reports"), "cases": cases, "exclude-cases": LEFT_OUT,
            "exclude-agent-cases": {}, "servers": [{"agent": AGENT, "url": f"ws://127.0.0.1:{port}/test/echo"}]}
    (work / "spec.json").write_text(json.dumps(spec))
    # Exits 0 whatever it found.
    with open(work / "log", "w", encoding="utf-8") as log:
        subprocess.run([python, "-c", RUN, "-m", "fuzzingclient", "-s", str(work / "spec.json")], cwd=work,
                       env={**os.environ, "PYTHONPATH": str(site)}, stdout=log, stderr=log, check=True,
                       timeout=RUN_LIMIT_S)
    return json.loads((work / "reports" / "index.json").read_text())[AGENT]


def order(case):
    return [int(part) for part in case.split(".")]


def table(results):
    """A row a chapter, and what was not OK."""
    lines = ["| chapter | cases | OK | non-strict | informational | failed |", "|---|---|---|---|---|---|"]
    by_chapter = {}
    for case, result in results.items():
        by_chapter.setdefault(order(case)[0], Counter())[result["behavior"]] += 1
    rows = [(f"{n}. {CHAPTERS.get(n, '')}", counts) for n, counts in sorted(by_chapter.items())]
    rows.append(("all", sum(by_chapter.values(), Counter())))
    for name, counts in rows:
        named = [counts[word] for word in ("OK", "NON-STRICT", "INFORMATIONAL")]
        lines.append(f"| {name} | {sum(counts.values())} | {' | '.join(map(str, named))} | "
                     f"{sum(counts.values()) - sum(named)} |")
    notable = [f"{case} {results[case]['behavior']}" for case in sorted(results, key=order)
               if results[case]["behavior"] != "OK"]
    return "\n".join([*lines, "", "Not OK: " + (", ".join(notable) or "none") + "."])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", required=True, help="a gateway with the feature test-endpoints")
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "autobahn")
    parser.add_argument("--cases", default="*", help="comma-separated")
    parser.add_argument("--table", type=Path, help="write the results there")
    options = parser.parse_args()
    folder = options.folder.absolute()
    python = python27()
    site = python and install(python, folder)
    if not site:
        print(f"autobahn: skipped, {'the suite cannot be installed' if python else 'there is no Python 2.7'}")
        return 0
    with Home() as home, Server(Which(options.binary, agent_demo=True), home) as server:
        results = fuzz(python, site, server.port, home.work, options.cases.split(","))
    text = table(results)
    print(text)
    if options.table:
        options.table.write_text(text + "\n")
    bad = [case for case, result in results.items()
           if result["behavior"] not in GOOD or result["behaviorClose"] not in GOOD_CLOSE]
    if options.cases == "*" and len(results) != CASES:
        print(f"autobahn: FAIL, {len(results)} cases ran instead of {CASES}")
        return 1
    if bad:
        print(f"autobahn: FAIL, {', '.join(sorted(bad, key=order))}")
        return 1
    print(f"autobahn: ok, {len(results)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
