#!/usr/bin/env python3
"""Runs every fuzzer for a while: at most 5 seconds and 1 GiB for an input.

usage: tests/fuzz/run.py [BUILD] [--seconds N] [--only NAME]; exit 1 where one found something, which it leaves in BUILD/findings
"""
import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

LONGEST = {"cifar": 6200, "checkpoint": 12000, "weights": 12000}  # bytes of an input: two images, a checkpoint; others 4096
LIMITS = ["-timeout=5", "-rss_limit_mb=1024", "-malloc_limit_mb=1024", "-print_final_stats=1"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default=Path(__file__).resolve().parents[2] / "build/fuzz", type=Path)
    parser.add_argument("--seconds", type=int, default=60, help="for each fuzzer")
    parser.add_argument("--only", metavar="NAME")
    arguments = parser.parse_args()
    programs = {path.name.removeprefix("fuzz_"): path for path in sorted((arguments.build / "bin").glob("fuzz_*"))}
    if "seeds" not in programs:
        sys.exit(f"no fuzzers in {arguments.build}/bin: cmake --preset fuzz && cmake --build --preset fuzz")
    findings, corpus, seeds = (arguments.build / name for name in ("findings", "corpus", "seeds"))
    shutil.rmtree(findings, ignore_errors=True)
    findings.mkdir()
    subprocess.run([programs.pop("seeds"), seeds], check=True)
    failed = 0
    for name, program in programs.items():
        if arguments.only not in (None, name):
            continue
        (corpus / name).mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [program, corpus / name, seeds / name, *LIMITS, f"-max_total_time={arguments.seconds}",
             f"-max_len={LONGEST.get(name, 4096)}", f"-artifact_prefix={findings}/{name}-"],
            stderr=subprocess.PIPE, text=True, errors="replace", check=False)
        runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        kept = len(list((corpus / name).iterdir()))
        print(f"{name:<12} {runs.group(1) if runs else '?':>9} inputs  {kept:>5} kept  "
              f"{'nothing found' if done.returncode == 0 else 'FOUND SOMETHING'}", flush=True)
        if done.returncode:
            failed += 1
            print(done.stderr[-6000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
