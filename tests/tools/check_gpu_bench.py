#!/usr/bin/env python3
"""Runs the GPU benchmark (on the emulator) and has tools/gpu_check read it: every row that a gate asks for must be there.

usage: check_gpu_bench.py PROGRAM
"""
import json
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent.parent / "tools/gpu_check"


def main():
    done = subprocess.run([sys.argv[1], "--quick"], stdout=subprocess.PIPE, text=True, check=True)
    speed = json.loads(done.stdout)
    # The libraries' rows, which the emulator cannot have.
    speed["rows"].append({"stage": "ceilings", "name": "product", "what": "cuBLAS", "us": 1.0, "tflops": 700.0})
    spec = spec_from_loader("gpu_check", SourceFileLoader("gpu_check", str(TOOL)))
    gpu_check = module_from_spec(spec)
    spec.loader.exec_module(gpu_check)
    rows = gpu_check.gates({"speed": speed})
    missing = [what for what, value, *_ in rows if value == gpu_check.NOT_RUN and
               ("layer2" in what or "bandwidth" in what) and "cuDNN" not in what]
    if missing:
        sys.exit(f"the benchmark lacks the rows for: {'; '.join(missing)}")
    if any(not row["us"] > 0 for row in speed["rows"]):
        sys.exit("a row has no time")
    print(f"{len(speed['rows'])} rows, every gate has its own")


if __name__ == "__main__":
    main()
