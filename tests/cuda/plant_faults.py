#!/usr/bin/env python3
"""Plants one fault after another in a copy of the tensor-core kernels and sees test_cuda fail: tests that cannot fail
test nothing.  Takes half a minute a fault.

usage: tests/cuda/plant_faults.py [WORD]; only faults whose description contains WORD; exit 1: a fault went unseen
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FILTER = "[tensor core],[channel update]"
# description, file, what stands there, what stands there instead
FAULTS = (
    ("cp.async is waited for one stage too late", "conv_pipeline.h", "cp_wait<kStages - 2>()", "cp_wait<kStages - 1>()"),
    ("no barrier before a stage is read", "conv_pipeline.h", "    __syncthreads();  ", "    "),
    ("the sums overwrite operands still in use", "conv_gemm.cu", "  __syncthreads();  // the sums take", "  // the sums take"),
    ("rows beyond the last pixel are stored", "conv_gemm.cu", "m0 + r < g.pixels ? g.dest_pixel(m0 + r) : -1", "g.dest_pixel(m0 + r)"),
    ("the last slab keeps the width of the others", "conv_gather.h", "chunk = full_chunks + q - tap * rest", "chunk = full_chunks + j"),
    ("pixels left of the image are read", "conv_pipeline.h", "static_cast<unsigned>(column) < static_cast<unsigned>(g.w.source)", "column < g.w.source"),
    ("operand halves exchanged", "warp_product.h", "kLeft ? second : fourth", "kLeft ? fourth : second"),
    ("a reader forgets the swizzle", "warp_product.h", "row / kChunk + row_half", "row / kChunk + (row_half ^ 1)"),
    ("a split skips its last step", "conv_wgrad.cu", "pixels > 0 ? (pixels + Tile::kK - 1) / Tile::kK : 0", "pixels > 0 ? pixels / Tile::kK : 0"),
    ("the narrow kernel fetches a step too late", "conv_wgrad_narrow.cu", "first + (step + 1) * Tile::kK, end", "first + step * Tile::kK, end"),
    ("a tile of moments forgets its ragged end", "conv_resident.cu", "g.pixels - m0 < Tile::kM ? g.pixels - m0 : Tile::kM", "Tile::kM"),
    ("tiles overtake each other", "conv_resident.cu", "    __syncthreads();  // the weights are there", "    // the weights are there"),
    ("weights are quantised with the wrong channel", "conv_resident.cu", "c.exponents[out])", "c.exponents[0])"),
    ("padding holds something", "bf16_passes.cu", "first + e < p.channels ? from[e] : 0.0F", "from[e < p.channels - first ? e : 0]"),
    ("dead channels learn", "channel_update.cu", "bits > 0.0F || layer.revive", "true"),
    ("a clamped b keeps its momentum", "adam_math.h", "m = 0.0F;", "m *= 1.0F;"),
    ("integers of the old exponent", "channel_update.cu", "memory.exponent = exponent;", "memory.exponent = layer.exponents[channel] - 1.0F;"),
    ("weights decay as b does", "channel_update.cu", "layer.steps->weights", "layer.steps->bits"),
)


def fails(folder):
    """The line that says why the test failed, or None where it passed."""
    build = subprocess.run(["cmake", "--build", "--preset", "cpu-release", "--target", "test_cuda", "-j", "1"], cwd=folder,
                           capture_output=True, text=True)
    if build.returncode != 0:
        sys.exit(f"does not build:\n{build.stdout[-3000:]}")
    test = subprocess.run(["build/cpu-release/bin/test_cuda", FILTER], cwd=folder, capture_output=True, text=True)
    if test.returncode == 0:
        return None
    lines = [line.strip() for line in (test.stderr + test.stdout).splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("emulator")), lines[-1] if lines else f"exit {test.returncode}")


def main():
    wanted = [f for f in FAULTS if len(sys.argv) < 2 or sys.argv[1] in f[0]]
    unseen = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "scnn"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("build", "runs", ".git", "data"))
        subprocess.run(["cmake", "--preset", "cpu-release"], cwd=folder, check=True, capture_output=True)
        why = fails(folder)
        if why is not None:
            sys.exit(f"fails without any fault: {why}")
        for description, name, right, wrong in wanted:
            path = folder / "cuda" / name
            text = path.read_text()
            if right not in text:
                sys.exit(f"{name} no longer contains: {right}")
            path.write_text(text.replace(right, wrong, 1))
            why = fails(folder)
            path.write_text(text)
            print(f"{'seen  ' if why else 'UNSEEN'} {description}: {why or 'every test passed'}", flush=True)
            unseen += why is None
    print(f"{len(wanted) - unseen} of {len(wanted)} faults seen")
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
