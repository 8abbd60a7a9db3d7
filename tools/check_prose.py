#!/usr/bin/env python3
"""Refuses prose that is hard to read: sentences of over 30 words, riddling phrases, British -ise spellings.

usage: tools/check_prose.py [PROGRAM] [--root DIR]
Reads README.md, CONTRIBUTING.md, CHANGELOG.md, docs/, folder READMEs, results of experiments, the comments at the head of experiments, and,
where PROGRAM (the built scnn) is given, its help texts.  Prints `place: what: sentence` for each finding; exits 1 if there is any.
Tested by tests/tools/test_check_prose.py.
"""
import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

MOST_WORDS = 30
RIDDLES = [re.compile(pattern, re.I) for pattern in (
    r"\bwhat of (them|it|these|each)\b", r"\bbut for (what|that|those|a few|its|the)\b", r"\bwhose own (is|are)\b", r"\bis told as\b", r"\btells how (many|much)\b",
    r"\btakes? (images|it|them) for\b", r"\bnothing where\b", r"\bhas its time in\b", r"\bis surely\b", r"\bof which none\b")]
BRITISH = re.compile(r"\b\w*(quanti|normali|initiali|optimi|recogni|synchroni|seriali|vectori|summari|generali|minimi|maximi|regulari|randomi)s(e|ed|es|ing|er|ers|ation|ations)\b",
                     re.I)
# A full stop behind these ends no sentence.
ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|etc|vs|al|eq|eqs|fig|Fig|No|approx)\.(?=\s)")


def sentences(text):
    """The sentences of running text."""
    text = ABBREVIATIONS.sub(lambda match: match.group(0)[:-1], " ".join(text.split()))
    return [part.strip() for part in re.split(r"(?<=;)\s+|(?<=[.!?:])[\"')\]]*\s+(?=[\"'(\[]?[A-Z`\d\[])", text) if part.strip()]


def words(sentence):
    return [word for word in sentence.split() if re.search(r"\w", word)]


def plain(text):
    """A line of Markdown without its marks: inline code is one word, a link its text."""
    text = re.sub(r"`[^`]*`", "Code", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"<[^>]+>|\*\*|__", " ", text)


def paragraphs(lines):
    """(line number, text) of each piece of prose in Markdown: paragraphs, items of lists, headings, cells of tables."""
    found, start, held, fenced = [], 0, [], False

    def close():
        if held:
            found.append((start, " ".join(held)))
        held.clear()

    for number, line in enumerate(lines, 1):
        bare = line.strip()
        if bare.startswith("```"):
            close()
            fenced = not fenced
        elif fenced:
            continue
        elif not bare or line.startswith("    ") and not held or re.fullmatch(r"[-=|: ]+", bare):
            close()
        elif bare.startswith("|"):
            close()
            found += [(number, cell) for cell in re.split(r"(?<!\\)\|", bare) if cell.strip()]
        elif bare.startswith("#") or bare.startswith("<"):
            close()
            found.append((number, bare.lstrip("# ")))
        else:
            if re.match(r"([-*+]|\d+\.)\s", bare):
                close()
                bare = re.sub(r"^([-*+]|\d+\.)\s+", "", bare)
            if not held:
                start = number
            held.append(bare)
    close()
    return found


def findings(text):
    """(what, sentence) of a piece of prose."""
    for sentence in sentences(plain(text)):
        count = len(words(sentence))
        if count > MOST_WORDS:
            yield f"{count} words, at most {MOST_WORDS}", sentence
        for riddle in RIDDLES:
            if match := riddle.search(sentence):
                yield f"'{match.group(0)}' reads as a riddle", sentence
        if match := BRITISH.search(sentence):
            yield f"'{match.group(0)}': write -ize", sentence


def documents(root):
    """(place, line number, text) of all prose in files."""
    files = [root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    for folder in ("docs", "src", "cuda", "tests", "examples", "experiments", "python"):
        files += sorted((root / folder).rglob("*.md"))
    for path in files:
        if path.is_file():
            for number, text in paragraphs(path.read_text(encoding="utf-8").splitlines()):
                yield path.relative_to(root), number, text
    for path in sorted((root / "experiments").rglob("*.yaml")):
        head = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                break
            head.append(re.sub(r"^#\s?", "", line))
        # "key:  value" begins a piece of its own, and so does what stands further to the right.
        head = [re.sub(r"^(\w[\w ]*:\s+|\s{2,})", "- ", line) for line in head]
        for number, text in paragraphs(head):
            yield path.relative_to(root), number, text


def descriptions(schema):
    """Every text that a JSON Schema gives to people."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "description" and isinstance(value, str):
                yield value
            else:
                yield from descriptions(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from descriptions(value)


def help_texts(program):
    schema = subprocess.run([program, "explain", "--schema"], capture_output=True, text=True, check=True).stdout
    for text in dict.fromkeys(descriptions(json.loads(schema))):
        yield "scnn explain --schema", 1, text
    page = subprocess.run([program, "man"], capture_output=True, text=True, check=True).stdout
    held = []
    for number, line in enumerate([*page.splitlines(), ".PP"], 1):
        if line.startswith((".", "'", "\\fB")):  # a macro, or the name of what is explained
            if held:
                yield "scnn man", number, " ".join(held)
            held = []
        else:
            held.append(re.sub(r"\\f.|\\-|\\&", "", line))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", help="the built scnn, whose help texts are read too")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    arguments = parser.parse_args()
    pieces = list(documents(arguments.root))
    if arguments.program:
        pieces += help_texts(arguments.program)
    found = [(place, number, what, sentence) for place, number, text in pieces for what, sentence in findings(text)]
    for place, number, what, sentence in found:
        print(f"{place}:{number}: {what}: {sentence}")
    print(f"prose: {len(found)} findings" if found else f"prose: {len(pieces)} pieces in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
