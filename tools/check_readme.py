#!/usr/bin/env python3
"""Checks every command and every experiment in every document, without the cost of running them.

Checked documents: README.md, CONTRIBUTING.md, docs/ and the README of each folder; or the ones that are given.

  ```sh            commands.  Tools, files, presets, commands and options must exist.  An experiment must pass `scnn validate`, and with
                   key=value overrides a dry run.  Commands that only print (list, explain, version, doctor) are executed.
  ```sh unchecked  commands with files that the repository lacks.  Only tools, commands, options and keys are checked.
  ```yaml          an experiment, or a part of one on top of experiments/quickstart.yaml; `yaml on=FILE` names another one
  ```yaml unchecked  not checked
  ```json          must parse
  `scnn ...`, `tools/... --option`, `compression.gamma`   in a sentence: commands, options and keys must exist

A dry run that needs data or a device which this machine lacks is listed as "cannot check".  It is no failure.

usage: tools/check_readme.py PROGRAM [DOCUMENT...]; exits 1 with `document:line: what` for each failure.
"""
import functools
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^\s*```+\s*(\S*)\s*(.*?)\s*$")
PRINTS = {"list", "explain", "version", "doctor"}  # and `data list`: they are executed as they are
SECTIONS = r"(?:data|model|compression|train|checkpoint|logging|export|device|sweep)"
KEY = re.compile(rf"{SECTIONS}\.[a-z_]+(?:\.[a-z_]+)*")
FILES = re.compile(r"(experiments|tools|tests|src|include|examples|cuda)/[\w./\-]+")
OVERRIDE = re.compile(r"[a-z][\w.]*=.+", re.S)


LACKING = {4: "its data", 5: "its device"}  # exit codes of a dry run that say what this machine lacks
cannot_check = set()  # what was left out for that, filled by check_scnn


def documents():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True,
                            text=True, check=False).stdout.split()
    if not listed:  # a copy without git
        listed = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*.md") if not p.relative_to(ROOT).parts[0].startswith(("build", "."))]
    return [ROOT / name for name in sorted(listed) if name != "CHANGELOG.md" and (ROOT / name).exists()]


def blocks(text):
    """(line of the first content, language, rest of the info line, lines) of each block; language None: a line of prose."""
    inside, start, body = None, 0, []
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if inside is None and fence:
            inside, start, body = fence.groups(), number + 1, []
        elif inside is not None and fence and not fence.group(1):
            yield start, inside[0], inside[1], body
            inside = None
        elif inside is not None:
            body.append(line)
        else:
            yield number, None, "", [line]


def commands(first, lines):
    """(line number, words) of every command of a block; comments and environment settings left out, $names replaced."""
    pending, begins, variables = "", first, {}
    for number, line in enumerate(lines, first):
        begins = begins if pending else number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        whole, pending = (pending + line).split(" #")[0], ""
        for name, value in variables.items():
            whole = re.sub(rf"\${name}\b", value, whole)
        for part in re.split(r"&&|\|\||;|\|", whole):
            words = shlex.split(part, comments=True)
            while words and re.fullmatch(r"[A-Za-z_]+=.*", words[0]):
                name, value = words.pop(0).split("=", 1)
                variables[name] = value
            if words:
                yield begins, words


@functools.lru_cache(maxsize=None)
def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@functools.lru_cache(maxsize=None)
def known_keys(program):
    """Every key of an experiment, from the JSON Schema's table as `scnn explain` prints it, and the beginnings of each."""
    keys = set()
    for section in SECTIONS[3:-1].split("|"):
        for line in run(program, "explain", section).stdout.splitlines():
            if re.match(rf"{section}\b", line):
                parts = line.split()[0].replace("[]", "").split(".")
                keys.update(".".join(parts[:end]) for end in range(1, len(parts) + 1))
    return keys


def unknown_key(program, key):
    """The key without an index or a parameter's name, if it is not in the table."""
    if key.startswith(("model.parameters.", "model.layers.", "model.blocks.", "train.optimizer.groups.", "sweep.axes.", "sweep.baseline.")):
        return None
    if key.startswith(("compression.settle", "compression.guard")):  # names of 0.1.0, which tables of that time use
        return None
    return None if key in known_keys(program) else key


def check_scnn(program, words, files):
    command, arguments = (words[1], words[2:]) if len(words) > 1 else ("", [])
    if not re.fullmatch(r"[a-z]+", command):  # global options before the command are left out; COMMAND is a placeholder
        if command.startswith("-") and len(words) > 2:
            yield from check_scnn(program, [words[0], *words[2:]], files)
        return
    help_text = run(program, command, "--help")
    if help_text.returncode:
        yield f"`scnn {command} --help` fails: {help_text.stderr.strip()[:200]}"
        return
    options = help_text.stdout + run(program, "--help").stdout  # the command's own and the global ones
    if arguments and arguments[0].isalpha():  # a command of a command: `bench deploy`
        options += run(program, command, arguments[0], "--help").stdout
    for option in (a.split("=")[0] for a in arguments if a.startswith("-")):
        if not re.search(rf"(^|[\s,]){re.escape(option)}\b", options, re.M):
            yield f"`scnn {command}` has no option {option}"
    experiments = [a for a in arguments if re.fullmatch(r"(experiments|examples|tools)/[\w./\-]+\.yaml", a)]
    overrides = [a for a in arguments if OVERRIDE.fullmatch(a) and "=DIR" not in a]
    trials = []
    if (command in PRINTS or (command == "data" and arguments == ["list"])) and (files or arguments):
        given = [a for a in arguments if not re.fullmatch(r"[A-Z]+|>", a) and not a.endswith(".json")]
        trials = [[command, *given]] if given or not arguments else []  # a placeholder alone: `explain KEY`
    elif files and experiments:
        dry = [["sweep" if command == "sweep" else "run", "--dry-run", e, *overrides] for e in experiments]
        trials = dry if overrides or command == "sweep" else [["validate", e] for e in experiments]
    elif any(unknown_key(program, o.split("=")[0]) for o in overrides if "." in o.split("=")[0]):
        yield f"`scnn explain` does not know a key of {' '.join(overrides)}"
    for trial in trials:
        checked = run(program, *trial)
        if "--dry-run" in trial and checked.returncode in LACKING:
            cannot_check.add(f"`scnn {' '.join(trial)}`: {LACKING[checked.returncode]} cannot be used on this machine")
        elif checked.returncode:
            yield f"`scnn {' '.join(trial)}` fails: {(checked.stderr or checked.stdout).strip()[:400]}"


def check(program, words, files=True):
    if Path(words[0]).name.startswith("python3") and len(words) > 1:
        words = words[1:]
    if words[0].startswith(("tools/", ".ci/")):
        tool = ROOT / words[0]
        if not tool.is_file() or not tool.stat().st_mode & 0o100:
            yield f"{words[0]} is not an executable file"
            return
        text = tool.read_text(encoding="utf-8", errors="replace")
        for option in (w.split("=")[0] for w in words[1:] if w.startswith("--")):
            if option not in text:
                yield f"{words[0]} has no option {option}"
    if Path(words[0]).name == "scnn":
        yield from check_scnn(program, words, files)
    if words[0] in ("cmake", "ctest") and "--preset" in words:
        preset = words[words.index("--preset") + 1]
        known = [p["name"] for p in json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]]
        if preset not in known:
            yield f"preset {preset} is not in CMakePresets.json"
    for word in words:
        if FILES.fullmatch(word) and not (ROOT / word).exists():
            yield f"{word} does not exist"


def check_experiment(program, lines, info):
    """An experiment beside links to those of the repository, so that `extends` and model files are found."""
    base = re.fullmatch(r"on=([\w./\-]+)", info or "on=quickstart.yaml")
    if base is None:
        return f"unknown mark '{info}' of a yaml block; known: unchecked, on=FILE"
    if not any(re.match(r"(version|extends):", line) for line in lines):
        lines = [f"extends: [{base.group(1)}]", *lines]
    with tempfile.TemporaryDirectory() as folder:
        for entry in (ROOT / "experiments").iterdir():
            os.symlink(entry, Path(folder, entry.name))
        page = Path(folder, "document.yaml")
        page.write_text("\n".join(lines) + "\n", encoding="utf-8")
        checked = run(program, "validate", str(page))
    return f"not a valid experiment: {(checked.stderr or checked.stdout).strip()[:400]}" if checked.returncode else None


def check_prose(program, line):
    """(what was checked, what is wrong) of the inline code of one line."""
    for code in re.findall(r"`([^`]+)`", line):
        try:
            words = shlex.split(code)
        except ValueError:
            continue
        if words and (words[0] == "scnn" or (words[0].startswith("tools/") and len(words) > 1)):
            yield from check(program, [w for w in words if w not in ("...", "N", "DIR")], files=False)
        key = re.split(r"[=:]", code)[0].strip()
        if KEY.fullmatch(key) and not re.search(r"\.(md|py|json|cpp|h|yaml|npz|svg|c|txt|html|scnn|onnx|csv)$", key) and unknown_key(program, key):
            yield f"there is no setting {key}"


def check_document(program, path):
    """Numbers of commands and experiments, and the (line, failure) pairs."""
    counts, failures = {"commands": 0, "experiments": 0}, []
    for number, language, info, lines in blocks(path.read_text(encoding="utf-8")):
        if language is None:
            failures += [(number, what) for what in check_prose(program, lines[0])]
        elif language == "sh":
            for line, words in commands(number, lines):
                counts["commands"] += 1
                failures += [(line, what) for what in check(program, words, files=info != "unchecked")]
            if info not in ("", "unchecked"):
                failures.append((number, f"unknown mark '{info}' of an sh block; known: unchecked"))
        elif language in ("yaml", "yml") and info != "unchecked":
            counts["experiments"] += 1
            what = check_experiment(program, lines, info)
            failures += [(number, what)] if what else []
        elif language == "json":
            try:
                json.loads("\n".join(lines))
            except ValueError as error:
                failures.append((number, f"not JSON: {error}"))
        elif language in ("bash", "shell", "console"):
            failures.append((number, f"a block marked {language} is not checked: mark it sh, or text for output"))
    return counts, failures


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    program = str(Path(sys.argv[1]).resolve())
    paths = [Path(name).resolve() for name in sys.argv[2:]] or documents()
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda path: check_document(program, path), paths))
    found = 0
    for path, (_, failures) in zip(paths, results):
        name = path.relative_to(ROOT) if ROOT in path.parents else path.name
        for line, what in failures:
            found += 1
            print(f"{name}:{line}: {what}")
    for what in sorted(cannot_check):
        print(f"cannot check {what}")
    total = {kind: sum(counts[kind] for counts, _ in results) for kind in ("commands", "experiments")}
    print(f"documents: {len(paths)} with {total['commands']} commands and {total['experiments']} experiments, {found} would fail, "
          f"{len(cannot_check)} cannot be checked")
    return 1 if found or not sum(total.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
