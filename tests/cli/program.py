"""What the tests of the command line share: the program, a tiny experiment, and a run of it."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = ""
TINY = """\
version: 1
name: tiny
seed: 1
device: {type: cpu, threads: 1}
data: {type: synthetic, train: 256, test: 64, height: 12, width: 12, classes: 3, validation: {fraction: 0.125}}
model:
  input: [1, 12, 12]
  layers:
    - {name: conv1, type: conv2d, out: 8, kernel: 3, stride: 2, padding: same, bias: false}
    - {name: bn1, type: batch_norm}
    - {type: relu}
    - {name: conv2, type: conv2d, out: 8, kernel: 3, padding: same, bias: false}
    - {name: bn2, type: batch_norm}
    - {type: relu}
    - {type: flatten}
    - {name: fc, type: linear, out: 3}
compression: {type: self_compress, gamma: 0.05}
train:
  epochs: 6
  batch_size: 32
  optimizer:
    type: adam
    lr: 0.003
    groups: [{match: ["*.bits", "*.exponent"], lr: 0.5, eps: 0.001}]
checkpoint: {every: {steps: 5}, keep_last: 2}
"""


def scnn(*words, **more):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=300, check=False, **more)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = Path(tempfile.mkdtemp(prefix="scnn-cli-"))
        cls.tiny = cls.place / "tiny.yaml"
        cls.tiny.write_text(TINY)
        cls.run_folder = cls.place / "straight"
        cls.first = scnn("run", cls.tiny, "--out", cls.run_folder, "--json", cwd=cls.place)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.place, ignore_errors=True)

    def expect(self, code, *words, says=(), **more):
        done = scnn(*words, cwd=self.place, **more)
        self.assertEqual(done.returncode, code, f"{words}: {done.stdout}{done.stderr}")
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.stdout + done.stderr)
        self.assertNotIn("json.exception", done.stdout + done.stderr)  # a library's words for nobody
        if code == 1 or code < 0:
            self.fail(f"{words} crashed")
        return done

    def need(self, there, reason):
        """Skips the test, in the words that tools/test lists, where `there` is false."""
        if not there:
            print(f"\nskipped: {reason}", flush=True)
            self.skipTest(reason)

    def result(self, folder):
        """What a run came to, without what depends on the clock or the place."""
        result = json.loads((folder / "result.json").read_text())
        del result["time"], result["run"]
        return result


def main(usage):
    """Runs the tests of the calling file on the program that is its first argument."""
    global PROGRAM
    if len(sys.argv) < 2:
        sys.exit(usage)
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__")
