#!/usr/bin/env python3
"""Compiles the hot CUDA kernels, reads the compiler's resource report, and fails where one spills registers, where a
block does not fit, or where a shared-memory access pattern meets a bank twice.

usage: tools/check_resources.py [--write]; --write puts the table into docs/measurements/cuda.md; exit 77: skipped, no nvcc
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("conv/bf16/conv_gemm", "conv/bf16/conv_resident", "conv/bf16/conv_wgrad", "conv/bf16/conv_wgrad_narrow", "conv/bf16/bf16_passes",
           "ops/channel_update")
ARCHITECTURES = (80, 90)
SHARED = {80: 163 * 1024, 90: 227 * 1024}  # most a block may ask for
SHARED_OF_SM = {80: 164 * 1024, 90: 228 * 1024}
REGISTERS, WARPS, BLOCKS, RESERVED = 65536, 64, 32, 1024


def find_nvcc():
    found = shutil.which("nvcc")
    usual = "/usr/local/cuda/bin/nvcc"
    return found or (usual if os.access(usual, os.X_OK) else None)


def report(nvcc, source):
    """[(mangled kernel, architecture, registers, spilled bytes)] of one file."""
    with tempfile.TemporaryDirectory() as folder:
        command = [nvcc, "-std=c++20", "--fmad=false", "-Xptxas", "-v", "-c", f"cuda/{source}.cu", "-I.", "-Iinclude", "-Isrc", "-o",
                   f"{folder}/out.o"]
        command += [f"-gencode=arch=compute_{a},code=sm_{a}" for a in ARCHITECTURES]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"check_resources: {source}.cu does not compile\n{done.stderr}")
    return parse_report(done.stderr)


def parse_report(text):
    rows = []
    kernel = architecture = spilled = None
    for line in text.splitlines():
        if match := re.search(r"Compiling entry function '(\w+)' for 'sm_(\d+)", line):
            kernel, architecture, spilled = match.group(1), int(match.group(2)), 0
        elif match := re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line):
            spilled = int(match.group(1)) + int(match.group(2))
        elif (match := re.search(r"Used (\d+) registers", line)) and kernel:
            rows.append((kernel, architecture, int(match.group(1)), spilled))
            kernel = None
    return rows


def described(kernel):
    """(readable name, threads, shared bytes) of a mangled kernel; the numbers mirror the structs in cuda/."""
    tile = [int(n) for n in re.findall(r"Li(\d+)E", (re.search(r"TileShapeI((?:Li\d+E)+)", kernel) or [""] * 2)[1])]
    out = " bf16 out" if "bf16" in kernel.split("TileShape")[-1] else ""
    backward = re.search(r"WeightUseE1", kernel)
    if tile:
        m, n, k, warp_m, warp_n, stages, _ = tile
        threads = m // warp_m * (n // warp_n) * 32
        sums = m * (n + 8) * 4
        operands = stages * (m + n) * k * 2
        use = " backward data" if backward else " forward"
        if "resident_conv" in kernel:
            fixed = max(stages * m * k * 2, sums) + m * 4 + threads * 4 + n * 4
            weights = 25 * n * k * 2  # 32 input channels, 5x5
            return f"resident_conv {m}x{n}x{k}{use}{out}, 32 channels 5x5", threads, -(-fixed // 128) * 128 + weights
        if "conv_gemm" in kernel:
            return f"conv_gemm {m}x{n}x{k}{use}{out}", threads, max(operands, sums) + m * 4 + threads * 4
        return f"conv_wgrad {m}x{n}x{k}", threads, max(operands, sums)
    if match := re.search(r"NarrowTileILi(\d+)E", kernel):
        n = int(match[1])
        shared_n = 32 if n <= 32 else 128
        return f"narrow_wgrad {n} columns", 128, max(3 * 64 * 64 * 2 + 2 * 64 * shared_n * 2, 64 * (n + 8) * 4) + 8 * n
    for name, shared in (("channel_update", 136), ("activation_pass", 0), ("weight_pass", 0)):
        if name in kernel:
            return name, 256, shared
    return kernel, 256, 0


def blocks_of_sm(architecture, threads, registers, shared):
    warps = threads // 32
    by_registers = REGISTERS // (-(-registers * 32 // 256) * 256 * warps)
    by_shared = SHARED_OF_SM[architecture] // (shared + RESERVED)
    return min(by_registers, by_shared, WARPS // warps, BLOCKS)


def swizzled(row_chunks, row, chunk):
    """Mirror of cuda/conv/bf16/warp_product.h, Swizzle::at, in chunks of 16 bytes."""
    return row * row_chunks + (chunk ^ (row >> 1 & 3 if row_chunks == 4 else row & 7))


def conflicts():
    """Descriptions of shared-memory accesses in which two lanes of a phase meet in one bank."""
    found = []
    text = (ROOT / "cuda/conv/bf16/warp_product.h").read_text()
    if "kRowChunks == 4 ? r >> 1 & 3 : r & 7" not in text:
        found.append("cuda/conv/bf16/warp_product.h: the swizzle has changed; this script mirrors another one")
    for row_chunks in (4, 8, 16, 24):
        for first in range(0, 64, 8):
            for chunk in range(row_chunks):  # ldmatrix: eight rows of one chunk a phase
                if len({swizzled(row_chunks, first + r, chunk) % 8 for r in range(8)}) < 8:
                    found.append(f"ldmatrix, rows of {row_chunks} chunks, row {first}, chunk {chunk}")
        for start in range(0, 64 * row_chunks, 8):  # cp.async: eight neighbouring threads, chunk by chunk along the rows
            if len({swizzled(row_chunks, i // row_chunks, i % row_chunks) % 8 for i in range(start, start + 8)}) < 8:
                found.append(f"cp.async, rows of {row_chunks} chunks, from chunk {start}")
    for columns in (32, 64, 80, 128, 192):  # float2 stores of the sums: half a warp a phase
        pitch = columns + 8
        for half in (0, 16):
            banks = [((lane // 4) * pitch + lane % 4 * 2 + word) % 32 for lane in range(half, half + 16) for word in (0, 1)]
            if len(set(banks)) < 32:
                found.append(f"sums, {columns} columns")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/measurements/cuda.md")
    arguments = parser.parse_args()
    failures = conflicts()
    nvcc = find_nvcc()
    if nvcc is None:
        print("\n".join(failures) or "no bank conflicts; registers skipped: nvcc is not here")
        return 1 if failures else 77
    kernels = {}
    for source in SOURCES:
        for kernel, architecture, registers, spilled in report(nvcc, source):
            name, threads, shared = described(kernel)
            blocks = blocks_of_sm(architecture, threads, registers, shared)
            kernels.setdefault((name, threads, shared), {})[architecture] = (registers, blocks, blocks * threads // 32)
            if spilled:
                failures.append(f"{name} spills {spilled} bytes on sm_{architecture}")
            if shared > SHARED[architecture] or blocks == 0:
                failures.append(f"{name} does not fit sm_{architecture}: {shared} bytes of shared memory, {registers} registers")
    lines = ["# Resources of the hot kernels", "",
             "Not run on a GPU.  `tools/check_resources.py --write` writes this page from the compiler's report.  No kernel spills registers.  Loads by",
             "`ldmatrix`, copies by `cp.async` and stores of sums have no bank conflicts.  Blocks and warps of a multiprocessor are computed.", "",
             "| kernel | threads | shared bytes | registers sm_80 / sm_90 | blocks | warps of 64 |", "|---|---|---|---|---|---|"]
    for (name, threads, shared), of in sorted(kernels.items()):
        values = [" / ".join(str(of[a][i]) for a in ARCHITECTURES) for i in range(3)]
        lines.append(f"| {name} | {threads} | {shared} | {values[0]} | {values[1]} | {values[2]} |")
    print("\n".join(lines[5:]))
    table = ROOT / "docs/measurements/cuda.md"
    if arguments.write:
        table.write_text("\n".join(lines) + "\n")
    # Registers differ from compiler to compiler; the kernels do not.
    listed = set(re.findall(r"^\| (\w.*?) \| \d", table.read_text(), re.M))
    if listed != {name for name, _, _ in kernels}:
        failures.append("docs/measurements/cuda.md lists other kernels: run tools/check_resources.py --write")
    print("\n".join(failures) or f"resources: {len(kernels)} kernels in order")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
