#!/usr/bin/env python3
"""Every documented exit code, provoked; and the lists of them that must agree.

usage: test_exit_codes.py PROGRAM [unittest arguments]
"""
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import program
from program import TINY, Case

ROOT = Path(__file__).resolve().parents[2]
# Takes the place of zlib's: an exception that no part of the program knows.
PLANTED_BUG = """\
#include <stdexcept>
extern "C" unsigned long crc32_z(unsigned long, const unsigned char*, unsigned long) { throw std::logic_error("planted"); }
"""


class ExitCodes(Case):
    """`provoke_N` makes the program end with N."""

    def provoke_0(self):
        self.expect(0, "version")

    def provoke_1(self):
        source, library = self.place / "bug.cpp", self.place / "bug.so"
        source.write_text(PLANTED_BUG)
        compiler = shutil.which("c++")
        if compiler is None:
            self.skipTest("skipped: no C++ compiler to plant a bug with")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
        done = subprocess.run([program.PROGRAM, "inspect", self.run_folder / "model.scnn"], capture_output=True, text=True, check=False,
                              env={**os.environ, "LD_PRELOAD": str(library), "ASAN_OPTIONS": "verify_asan_link_order=0"})
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("error: planted\nthis is a bug of scnn: please report it", done.stderr)

    def provoke_2(self):
        self.expect(2, "run")

    def provoke_3(self):
        self.expect(3, "validate", self.tiny, self.place / "absent.yaml")

    def provoke_4(self):
        (self.place / "empty").mkdir()
        self.expect(4, "run", self.tiny, "data={type: mnist, root: empty}", "model.input=[1, 28, 28]", "model.layers.fc.out=10")

    def provoke_5(self):
        self.expect(5, "profile", self.tiny, "--tool", "nsys", env={**os.environ, "PATH": "/nowhere"})

    def provoke_6(self):
        self.expect(6, "run", self.tiny, "train.optimizer.lr=1e30", "--out", self.place / "nan")

    def provoke_7(self):
        (self.place / "damaged.scnn").write_bytes(b"SCNN")
        self.expect(7, "inspect", self.place / "damaged.scnn")

    def provoke_8(self):
        self.expect(8, "eval", self.run_folder, "--expect", "top1>=1.1")

    def provoke_9(self):
        sweep = self.place / "sweep.yaml"
        sweep.write_text(TINY + "sweep: {axes: {train.optimizer.lr: [0.003, 1.0e+30]}}\n")
        self.expect(9, "sweep", sweep, "--out", self.place / "sweep")

    def provoke_10(self):
        def little_memory():
            resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))

        if program.scnn("version", preexec_fn=little_memory).returncode != 0:
            self.skipTest("skipped: this build (a sanitizer's) does not start in so little memory")
        wide = self.place / "wide.yaml"
        wide.write_text(TINY.replace("conv1, type: conv2d, out: 8", "conv1, type: conv2d, out: 20000"))
        self.expect(10, "run", wide, "train.batch_size=224", "--out", self.place / "wide", preexec_fn=little_memory)

    def provoke_11(self):
        self.expect(11, "run", self.tiny, "--out", self.run_folder)

    def provoke_75(self):
        self.expect(75, "run", self.tiny, "--out", self.place / "short", "--max-time", "0.001s")

    def provoke_130(self):
        folder = self.place / "interrupted"
        with subprocess.Popen([program.PROGRAM, "run", self.tiny, "train.epochs=400", "--out", folder], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            end = time.monotonic() + 60
            while not (folder / "checkpoints" / "index.json").exists() and time.monotonic() < end:
                time.sleep(0.005)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=120), 130)

    def test_every_documented_code_is_provoked_and_all_lists_agree(self):
        page = (ROOT / "docs/exit-codes.md").read_text()
        self.assertEqual(page, program.scnn("explain", "exit-codes").stdout,
                         "docs/exit-codes.md is not what `scnn explain exit-codes` prints: write it anew")
        documented = {int(number) for number in re.findall(r"^\| (\d+) \|", page, re.M)}
        provoked = {int(name.removeprefix("provoke_")) for name in dir(self) if name.startswith("provoke_")}
        self.assertEqual(documented, provoked)
        listing = program.scnn("--help").stdout
        rows = re.findall(r"^ +(\d+)  ", listing[listing.index("Exit codes:"):], re.M)
        self.assertEqual({int(number) for number in rows}, provoked)
        kinds = (ROOT / "include/scnn/core/error.h").read_text()
        self.assertEqual({int(number) for number in re.findall(r"^  \w+ = (\d+),", kinds, re.M)}, provoked - {0})


def as_test(name):
    return lambda self: getattr(self, name)()


for _name in [name for name in dir(ExitCodes) if name.startswith("provoke_")]:
    setattr(ExitCodes, "test_" + _name.removeprefix("provoke_"), as_test(_name))

if __name__ == "__main__":
    program.main(__doc__)
