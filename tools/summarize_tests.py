#!/usr/bin/env python3
"""Counts single test cases out of ctest's JUnit file and prints `N passed, N failed, N skipped` as its last line.

A ctest entry is a Catch2 program, a Python unittest program or a single check.  A test case that prints
`skipped: reason` (tests/catch.h) passed nothing, so it is taken out of the passed ones and listed.
Exit status: 0 when nothing failed and something passed, 1 otherwise.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

ALL_PASSED = re.compile(r"^All tests passed \(.* in (\d+) test cases?\)", re.M)
SOME = re.compile(r"^test cases: +(\d+)(.*)$", re.M)
NONE_RAN = re.compile(r"^No tests ran", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(OK|FAILED)(?: \((.*)\))?", re.M)
SKIP = re.compile(r"^skipped: (.*)$", re.M)


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: list = field(default_factory=list)

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.reasons += other.reasons
        return self


def column(text, word):
    found = re.search(rf"\| +(\d+) {word}(?! as expected)", text)
    return int(found.group(1)) if found else 0


def count_catch2(output):
    """None where the output has no Catch2 summary."""
    ends = [m for pattern in (ALL_PASSED, SOME, NONE_RAN) for m in pattern.finditer(output)]
    if not ends:
        return None
    end = max(ends, key=lambda m: m.start())
    # tests/main.cpp lists the skips once more behind the summary.
    reasons = SKIP.findall(output, end.end())
    if end.re is NONE_RAN:
        return Count(0, 0, 0)
    total = int(end.group(1))
    failed = skipped = 0
    if end.re is SOME:
        failed, skipped = column(end.group(2), "failed"), column(end.group(2), "skipped")
    skipped += len(reasons)
    return Count(max(0, total - failed - skipped), failed, skipped, reasons)


def count_unittest(output):
    found = None
    for found in UNITTEST.finditer(output):
        pass
    if not found:
        return None
    notes = dict(re.findall(r"(\w+)=(\d+)", found.group(3) or ""))
    failed = int(notes.get("failures", 0)) + int(notes.get("errors", 0))
    skipped = int(notes.get("skipped", 0))
    return Count(int(found.group(1)) - failed - skipped, failed, skipped, SKIP.findall(output))


def count_entry(entry):
    """One <testcase> of ctest's JUnit file."""
    output = entry.findtext("system-out") or ""
    status = entry.get("status")
    if status in ("notrun", "disabled"):
        message = entry.find("skipped").get("message") if entry.find("skipped") is not None else ""
        if message in ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION", "Disabled") or message.startswith("SKIP_"):
            return Count(0, 0, 1, SKIP.findall(output) or [f"{entry.get('name')}: {message}"])
        return Count(0, 1, 0)  # the program was not built, or a fixture it needs failed
    count = count_catch2(output) or count_unittest(output)
    if count is None:
        count = Count(1, 0, 0) if status == "run" else Count(0, 1, 0)
    if status != "run" and count.failed == 0:
        count.failed = 1  # crashed, timed out, or a sanitizer spoke up after the last test case
    return count


def summarize(text):
    total = Count()
    failed_entries = []
    for entry in ElementTree.fromstring(text).iter("testcase"):
        count = count_entry(entry)
        if count.failed:
            failed_entries.append(entry.get("name"))
        total += count
    return total, failed_entries


def main():
    if len(sys.argv) < 2:
        print("usage: tools/summarize_tests.py JUNIT.xml... [--passed N] [--failed N] [--skipped REASON]", file=sys.stderr)
        return 2
    total = Count()
    arguments = iter(sys.argv[1:])
    for argument in arguments:
        if argument == "--passed":
            total.passed += int(next(arguments))
        elif argument == "--failed":
            total.failed += int(next(arguments))
        elif argument == "--skipped":
            total += Count(0, 0, 1, [next(arguments)])
        else:
            with open(argument, encoding="utf-8") as file:
                count, failed_entries = summarize(file.read())
            total += count
            for name in failed_entries:
                print(f"failed: {name}")
    for reason in total.reasons:
        print(f"skipped: {reason}")
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
