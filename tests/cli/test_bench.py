"""`scnn bench`: rows, ratios, medians and what is told where ONNX Runtime is not there.

usage: test_bench.py PROGRAM; run by ctest.
"""
import json
import os
import shutil
import subprocess

import program
from program import Case, scnn

# Answers as tools/bench/onnx_deploy.py does: timings of 1 to 7 in disorder for the exported file, three times
# (at 64: six times) that for the one before compression.
PYTHON = """#!/bin/sh
if [ "$1" = -c ] && [ "$2" = "import numpy, onnxruntime" ]; then exit 0; fi
i=0
n=0
case "$3" in *before.onnx) one=3 many=6 ;; *) one=1 many=1 ;; esac
while read -r command batch seconds; do
  case "$command" in
    memory) echo '{"bytes": 1000}' ;;
    load) i=$((i + 1)); n=$((i * 3 % 7 + 1)); echo '{"seconds": 0.5}' ;;
    run) if [ "$batch" = 1 ]; then echo "{\\"seconds\\": $((n * one))}"; else echo "{\\"seconds\\": $((n * many))}"; fi ;;
  esac
done
"""


class Bench(Case):
    def bench(self, *models, python, **more):
        done = scnn("bench", "deploy", *models, "--rounds", "7", "--seconds", "0.001", "--json", "-q", cwd=self.place,
                    env={**os.environ, "SCNN_PYTHON": str(python)}, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def stand_in(self, text):
        python = self.place / "python"
        python.write_text(text)
        python.chmod(0o755)
        return python

    def test_medians_and_ratios(self):
        found = self.bench(self.run_folder, python=self.stand_in(PYTHON))
        one_thread = [row for row in found["rows"] if row["threads"] == 1]
        self.assertEqual([row["engine"] for row in one_thread], ["scnn runtime", "scnn runtime, bytes", "ONNX Runtime, int8", "ONNX Runtime, before"])
        ours, in_bytes, exported, before = one_thread
        self.assertEqual([row["missing"] for row in one_thread], [None] * 4)
        self.assertTrue(0 < in_bytes["file_bytes"] - ours["file_bytes"] < 40)
        self.assertEqual((exported["latency_seconds"], before["latency_seconds"]), (4, 12))  # the middle of 1 to 7
        self.assertEqual((exported["times_as_fast_at_1"], exported["times_as_fast_at_64"]), (3, 6))
        self.assertEqual((before["times_as_fast_at_1"], before["times_as_fast_at_64"]), (1, 1))
        self.assertEqual((exported["images_per_second"], exported["memory_bytes"], exported["load_seconds"]), (16, 1000, 0.5))
        self.assertEqual(ours["file_bytes"], (self.run_folder / "model.scnn").stat().st_size)
        self.assertGreater(ours["times_as_fast_at_1"], 1000)  # seconds of the stand-in against microseconds
        self.assertGreater(before["file_bytes"], 4 * exported["file_bytes"] / 3)
        self.assertEqual(len(found["rows"]), 4 if len(os.sched_getaffinity(0)) == 1 else 8)

    def test_without_onnx_runtime(self):
        page = self.place / "page.html"
        bare = self.place / "bare.scnn"
        shutil.copy(self.run_folder / "model.scnn", bare)
        rows = self.bench(self.run_folder, bare, "-o", page, python=self.place / "no-python")["rows"]
        self.assertGreater(rows[3]["file_bytes"], 0)
        rows = rows[len(rows) // 2:][:4]
        self.assertIsNone(rows[0]["missing"])
        self.assertGreater(rows[0]["images_per_second"], 0)
        self.assertGreater(rows[0]["memory_bytes"], 0)
        self.assertIsNone(rows[0]["times_as_fast_at_1"])
        self.assertIn("not calibrated, and there is no run", rows[1]["missing"])
        self.assertIn("tools/setup --with-onnx", rows[2]["missing"])
        self.assertIsNone(rows[2]["latency_seconds"])
        self.assertIn("no run around", rows[3]["missing"])
        self.assertIsNone(rows[3]["file_bytes"])
        self.assertNotIn("src=", page.read_text())

    def test_with_onnx_runtime(self):
        done = scnn("bench", "deploy", self.run_folder, "--rounds", "7", "--seconds", "0.001", "--json", cwd=self.place)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        if any("--with-onnx" in (row["missing"] or "") for row in found["rows"]):
            self.skipTest("no Python with onnxruntime; tools/setup --with-onnx makes one")
        self.assertGreater(found["onnx_call_seconds"], 0)
        for row in found["rows"]:
            self.assertTrue(all(row[key] > 0 for key in ("load_seconds", "memory_bytes", "latency_seconds")), row)

    def test_an_engine_that_fails_is_5(self):
        python = self.stand_in('#!/bin/sh\n[ "$2" = "import numpy, onnxruntime" ] && exit 0\nread -r line\necho oops\n')
        self.expect(5, "bench", "deploy", self.run_folder, env={**os.environ, "SCNN_PYTHON": str(python)}, says="oops")
        python.write_text('#!/bin/sh\n[ "$2" = "import numpy, onnxruntime" ]\n')
        self.expect(5, "bench", "deploy", self.run_folder, env={**os.environ, "SCNN_PYTHON": str(python)}, says="without an answer")

    def test_training(self):
        trace = self.place / "trace.json"
        found = json.loads(self.expect(0, "bench", "train", self.tiny, "--warmup", "2", "--steps", "8", "--keep", "0.3,0.6",
                                       "--trace", trace, "--json").stdout)
        self.assertEqual((found["name"], found["device"], found["batch_size"], found["warmup"], found["steps_per_epoch"]),
                         ("tiny", "cpu", 32, 2, 7))
        whole, *smaller = found["networks"]
        self.assertEqual([network["keep"] for network in found["networks"]], [1, 0.6, 0.3])
        self.assertEqual((whole["macs_percent"], whole["efficiency"], whole["steps"]), (100, 1, 8))
        for network in found["networks"]:
            step = network["step_ms"]
            self.assertTrue(0 < step["low"] <= step["median"] <= step["high"])
            self.assertAlmostEqual(sum(part["ms"] for part in network["parts"]), step["mean"], places=6)
            self.assertAlmostEqual(sum(part["outside_kernels_ms"] for part in network["parts"]), network["outside_kernels_ms"])
            kernels = sum(kernel["ms"] for kernel in network["kernels"])
            self.assertAlmostEqual(kernels + network["outside_kernels_ms"], step["mean"], places=6)
            self.assertGreater(network["preparation_ms"], 0)
        for network in smaller:
            self.assertLessEqual(network["macs_percent"], 100 * network["keep"])
            self.assertGreater(network["replanning_percent_of_epoch"], 0)
        self.assertEqual({"removal", "statistics", "evaluation"}, {part["name"] for part in whole["between_steps"]})
        events = json.loads(trace.read_text())["traceEvents"]
        self.assertEqual(sum(event["name"] == "step" for event in events), 24)
        self.assertTrue(any(event["name"] == "kernel/conv2d_forward" for event in events))
        text = self.expect(0, "bench", "train", self.tiny, "--epochs", "1", "--warmup", "0", "train.batch_size=16").stdout
        for words in ("14 steps of 16 images after 0 to warm up", "waiting for data", "outside of kernels", "conv2d_backward_data"):
            self.assertIn(words, text)
        self.assertFalse((self.place / "runs").exists() or (self.place / "profiles").exists())

    def test_training_refusals(self):
        self.expect(2, "bench", "train", self.tiny, "--keep", "0.5", "compression={type: lsq, bits: 4}", says="never do")
        for words in (["--steps", "0"], ["--epochs", "0"], ["--warmup", "-1"], ["--keep", "1"], ["--keep", "0"], ["--keep", "half"],
                      ["--device", "tpu"]):
            self.expect(2, "bench", "train", self.tiny, *words, says=words[0])
        self.expect(2, "bench", "train", self.tiny, "--steps", "3", "--epochs", "1", says="--epochs")
        self.expect(2, "bench", "train", self.tiny, "--steps", "33", says=["42 steps", "--steps", "train.epochs"])
        self.expect(2, "bench", "train", self.tiny, "--epochs", "7", "--warmup", "0", says="42 steps")
        self.expect(2, "bench", "train")
        self.expect(3, "bench", "train", self.tiny, "train.epoch=1", says="epochs")
        self.expect(11, "bench", "train", self.tiny, "--trace", "/dev/null/trace.json", says="--trace")
        failed = self.expect(6, "bench", "train", self.tiny, "train.optimizer.lr=1e30", "--json", says="step")
        self.assertEqual(failed.stdout, "")

    def test_refusals(self):
        self.expect(2, "bench")
        self.expect(2, "bench", "deploy")
        self.expect(2, "bench", "deploy", self.place / "absent", says="does not exist")
        self.expect(2, "bench", "deploy", self.run_folder, "--rounds", "6", says="--rounds")
        self.expect(2, "bench", "runtime", self.run_folder / "model.scnn", "0")
        damaged = self.place / "damaged.scnn"
        damaged.write_bytes(b"SCNN\x02nonsense")
        self.expect(7, "bench", "deploy", damaged)
        self.expect(7, "bench", "runtime", damaged, "1", input="load\n", says="damaged.scnn")

    def test_the_runtime_serves(self):
        done = subprocess.run([program.PROGRAM, "bench", "runtime", str(self.run_folder / "model.scnn"), "1"], check=True,
                              capture_output=True, text=True, timeout=60, input="memory\nload\nrun 64 0.01\n")
        memory, load, run = (json.loads(line) for line in done.stdout.splitlines())
        self.assertGreater(memory["bytes"], 0)
        self.assertTrue(0 < load["seconds"] < 1)
        self.assertTrue(0 < run["seconds"] < 1)


if __name__ == "__main__":
    program.main(__doc__)
