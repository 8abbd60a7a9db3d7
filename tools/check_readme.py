#!/usr/bin/env python3
"""Checks every command in the README's ```sh blocks without its cost, so that the page cannot drift from the program.

`tools/x ...` must exist and be executable, files named must exist, presets must be known; for `scnn VERB ...` the verb's
help must work and list each option, and an experiment must pass `scnn validate`, with key=value overrides a dry run.

usage: tools/check_readme.py PROGRAM [README]; exits 1 with `README.md:line: what` for each command that would fail.
"""
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def commands(text):
    """(line number, words) of every command in the sh blocks; comments and environment settings left out."""
    inside, pending, first = False, "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = line.strip() == "```sh"
            continue
        if not inside:
            continue
        first = first if pending else number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        for part in re.split(r"&&|\|\||;|\|", (pending + line).split(" #")[0]):
            words = shlex.split(part, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words:
                yield first, words
        pending = ""


def run(command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def check_scnn(program, words):
    verb, arguments = (words[1], words[2:]) if len(words) > 1 else ("", [])
    if verb.startswith("-") or not verb:
        return
    help_text = run([program, verb, "--help"])
    if help_text.returncode:
        yield f"`scnn {verb} --help` fails: {help_text.stderr.strip()[:200]}"
        return
    options = help_text.stdout + run([program, "--help"]).stdout  # the verb's own and the global ones
    if arguments and arguments[0].isalpha():  # a verb of a verb: `bench deploy`
        options += run([program, verb, arguments[0], "--help"]).stdout
    for option in (a.split("=")[0] for a in arguments if a.startswith("-")):
        if not re.search(rf"(^|[\s,]){re.escape(option)}\b", options, re.M):
            yield f"`scnn {verb}` has no option {option}"
    experiments = [a for a in arguments if re.fullmatch(r"experiments/[\w./\-]+\.yaml", a)]
    overrides = [a for a in arguments if re.fullmatch(r"[a-z][\w.]*=.+", a)]
    for experiment in experiments:
        trial = ["run", "--dry-run", experiment, *overrides] if overrides else ["validate", experiment]
        checked = run([program, *trial])
        if checked.returncode:
            yield f"`scnn {' '.join(trial)}` fails: {(checked.stderr or checked.stdout).strip()[:400]}"


def check(program, words):
    if Path(words[0]).name.startswith("python3") and len(words) > 1:
        words = words[1:]
    if words[0].startswith(("tools/", ".ci/")):
        tool = ROOT / words[0]
        if not tool.is_file() or not tool.stat().st_mode & 0o100:
            yield f"{words[0]} is not an executable file"
    if Path(words[0]).name == "scnn":
        yield from check_scnn(program, words)
    if words[0] in ("cmake", "ctest") and "--preset" in words:
        preset = words[words.index("--preset") + 1]
        known = [p["name"] for p in json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]]
        if preset not in known:
            yield f"preset {preset} is not in CMakePresets.json"
    for word in words:
        if re.fullmatch(r"(experiments|tools|tests|src|include)/[\w./\-]+", word) and not (ROOT / word).exists():
            yield f"{word} does not exist"


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    readme = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "README.md"
    found = checked = 0
    for number, words in commands(readme.read_text(encoding="utf-8")):
        checked += 1
        for problem in check(sys.argv[1], words):
            found += 1
            print(f"{readme.name}:{number}: {problem}")
    print(f"readme: {checked} commands, {found} would fail")
    return 1 if found or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
