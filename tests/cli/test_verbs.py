#!/usr/bin/env python3
"""Drives the built program as a user would: exit codes, JSON on stdout, runs that are stopped, killed and resumed.

usage: test_verbs.py PROGRAM [unittest arguments]
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
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
VERBS = ["run", "resume", "eval", "export", "inspect", "report", "validate", "list", "explain", "data", "doctor", "version"]


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
        if code == 1 or code < 0:
            self.fail(f"{words} crashed")
        return done

    def result(self, folder):
        """What a run came to, without what depends on the clock or the place."""
        result = json.loads((folder / "result.json").read_text())
        del result["time"], result["run"]
        return result


class Verbs(Case):
    def test_every_verb_has_help(self):
        self.assertEqual([verb for verb in VERBS if verb not in self.expect(0, "--help").stdout], [])
        for verb in VERBS:
            self.assertIn("--", self.expect(0, verb, "--help").stdout)

    def test_version(self):
        self.assertIn("scnn ", self.expect(0, "version").stdout)
        self.assertIn("oneDNN", json.loads(self.expect(0, "version", "--json").stdout)["libraries"])
        self.assertIn("scnn ", self.expect(0, "--version").stdout)

    def test_list_and_explain(self):
        self.assertIn("conv2d", self.expect(0, "list").stdout)
        listing = json.loads(self.expect(0, "--json", "list", "layers").stdout)
        self.assertIn("conv2d", [layer["name"] for layer in listing["layers"]])
        self.expect(2, "list", "colours")
        self.assertIn("gamma", self.expect(0, "explain", "compression.gamma").stdout)
        self.assertIn("text", json.loads(self.expect(0, "explain", "conv2d", "--json").stdout))
        self.expect(2, "explain", "compression.gama", says="gamma")

    def test_doctor(self):
        self.assertIn("CUDA", self.expect(0, "doctor").stdout)
        checks = json.loads(self.expect(0, "doctor", "--json").stdout)["checks"]
        self.assertTrue(any(check["what"] == "CPU backend" and check["ok"] for check in checks))

    def test_data(self):
        self.assertIn("fashion_mnist", self.expect(0, "data", "list").stdout)
        self.assertTrue(json.loads(self.expect(0, "data", "list", "--json").stdout)["data"])
        (self.place / "empty").mkdir(exist_ok=True)
        self.expect(4, "data", "verify", "cifar10", "--root", self.place / "empty", says="data fetch")
        self.expect(2, "data")

    def test_validate(self):
        self.assertIn("valid", self.expect(0, "validate", self.tiny).stdout)
        bad = self.place / "bad.yaml"
        bad.write_text(TINY.replace("gamma:", "gama:").replace("epochs: 6", "epochs: many"))
        done = self.expect(3, "validate", self.tiny, bad, says=["bad.yaml:17:", "did you mean 'gamma'", "epochs"])
        self.assertIn("tiny.yaml: valid", done.stdout)
        listing = json.loads(self.expect(3, "validate", bad, "--json").stdout)
        self.assertFalse(listing["valid"])
        wide = self.place / "wide.yaml"
        wide.write_text(TINY.replace("kernel: 3, stride: 2, padding: same", "kernel: 99, padding: valid"))
        self.expect(3, "validate", wide, says="conv1")
        self.expect(3, "validate", self.place / "absent.yaml", says="absent.yaml")

    def test_what_training_would_refuse_is_refused_before(self):
        override = "train.optimizer.groups=[{match: ['nothing*'], lr: 0.1}]"
        self.expect(3, "run", self.tiny, "--dry-run", override, says="fits no parameter")
        self.expect(3, "run", self.tiny, "--dry-run", "train.batch_size=100000", says="train.batch_size")
        self.expect(2, "inspect", self.tiny, says="scnn validate")
        self.expect(2, "data", "verify", "synthetic", says="no files")

    def test_dry_run(self):
        self.assertIn("conv1", self.expect(0, "run", self.tiny, "--dry-run").stdout)
        table = json.loads(self.expect(0, "run", self.tiny, "--dry-run", "--json", "train.epochs=2").stdout)
        self.assertEqual(table["epochs"], 2)
        self.assertEqual(table["data"]["train"], 224)
        layer = next(layer for layer in table["layers"] if layer["name"] == "conv1")
        # 3 * 3 * 1 weights for each of 8 channels, at 6 * 6 places.
        self.assertEqual((layer["output"], layer["parameters"], layer["macs"]), ("6 x 6 x 8", 72, 72 * 36))


class Refusals(Case):
    def test_usage_is_2(self):
        self.expect(2)
        self.expect(2, "fly")
        self.expect(2, "run")
        self.expect(2, "run", self.tiny, "--frobnicate")
        self.expect(2, "run", self.tiny, "train.epochs", says="key=value")
        self.expect(2, "run", self.tiny, "--max-time", "soon", says="no duration")
        self.expect(2, "run", self.tiny, "--progress", "party")
        self.expect(2, "-q", "-v", "version")
        self.expect(2, "eval", self.place / "absent", says="does not exist")
        self.expect(2, "eval", self.run_folder, "--expect", "beauty>1", says="top1")
        self.expect(2, "eval", self.run_folder, "--split", "exam")
        self.expect(2, "resume", self.place, says="run.json")
        self.expect(2, "report", self.place / "absent")
        self.expect(2, "export", self.run_folder, "--format", "npz", "--verify", "-o", "x.npz", says="--verify")
        self.expect(2, "inspect", self.run_folder, "--channels", "conv9", says="conv1")

    def test_experiment_is_3(self):
        self.expect(3, "run", self.tiny, "compression.gama=1", says="gamma")
        self.expect(3, "run", self.place / "absent.yaml", says="absent.yaml")
        self.expect(3, "run", self.tiny, "model.layers.fc.out=7", says="7")
        self.expect(3, "run", self.tiny, "train.batch_size=9999", "--out", self.place / "huge", says="batch_size")

    def test_data_is_4(self):
        (self.place / "empty").mkdir(exist_ok=True)
        self.expect(4, "run", self.tiny, "data={type: fashion_mnist, root: empty}", "model.input=[1, 28, 28]",
                    "model.layers.fc.out=10", says=["empty", "data fetch"])

    def test_device_is_5(self):
        reason = json.loads(scnn("doctor", "--json").stdout)["checks"]
        if any(check["what"] == "CUDA" and check["ok"] for check in reason):
            self.skipTest("CUDA can be used here")
        self.expect(5, "run", self.tiny, "--device", "cuda", says="CUDA")

    def test_failed_training_is_6(self):
        folder = self.place / "nan"
        self.expect(6, "run", self.tiny, "train.optimizer.lr=1e30", "--out", folder, says="step")
        state = json.loads((folder / "run.json").read_text())
        self.assertEqual((state["state"], state["exit_code"]), ("failed", 6))
        self.assertIn("failed", (folder / "report.html").read_text())

    def test_damage_is_7(self):
        whole = (self.run_folder / "model.scnn").read_bytes()
        broken = self.place / "broken.scnn"
        for bytes_ in (whole[:-3], whole[:40], b"", whole[:50] + bytes([whole[50] ^ 4]) + whole[51:]):
            broken.write_bytes(bytes_)
            self.expect(7, "inspect", broken, says="broken.scnn")
        checkpoint = max((self.run_folder / "checkpoints").glob("*.safetensors"))
        torn = self.place / "torn.safetensors"
        torn.write_bytes(checkpoint.read_bytes()[:-100])
        self.expect(7, "eval", torn, says="torn.safetensors")

    def test_unmet_check_is_8(self):
        done = self.expect(8, "eval", self.run_folder, "--expect", "top1>=1.1", "--json", says="expected top1>=1.1")
        self.assertIn("top1", json.loads(done.stdout))
        self.expect(0, "eval", self.run_folder, "--expect", "top1>=0", "--expect", "file_bytes<=20000")

    def test_run_folder_is_11(self):
        self.expect(11, "run", self.tiny, "--out", self.run_folder, says="scnn resume")
        self.expect(11, "run", self.tiny, "--out", "/dev/null/run", says="--out")


class Runs(Case):
    def test_json_is_one_object_and_the_folder_is_complete(self):
        self.assertEqual(self.first.returncode, 0, self.first.stderr)
        printed = json.loads(self.first.stdout)
        self.assertEqual(printed, json.loads((self.run_folder / "result.json").read_text()))
        self.assertEqual(set(printed), {"run", "device", "seed", "test", "size", "time", "removals"})
        self.assertEqual(printed["size"]["file_bytes"], (self.run_folder / "model.scnn").stat().st_size)
        self.assertIsNone(printed["size"]["entropy_bits"])
        self.assertEqual(len(printed["time"]["epoch_seconds"]), 6)
        for name in ("run.json", "config.yaml", "log.txt", "metrics.jsonl", "bits.jsonl", "epochs.csv", "report.html",
                     "checkpoints/index.json"):
            self.assertTrue((self.run_folder / name).stat().st_size > 0, name)
        state = json.loads((self.run_folder / "run.json").read_text())
        self.assertEqual((state["state"], state["exit_code"]), ("done", 0))
        self.assertEqual(len((self.run_folder / "epochs.csv").read_text().splitlines()), 7)
        self.assertIn("epoch 6", (self.run_folder / "log.txt").read_text())

    def test_the_kept_configuration_runs_to_the_same_result(self):
        again = self.place / "again"
        self.expect(0, "run", self.run_folder / "config.yaml", "--out", again)
        self.assertEqual(self.result(again), self.result(self.run_folder))
        self.assertEqual((again / "model.scnn").read_bytes(), (self.run_folder / "model.scnn").read_bytes())

    def test_default_folder_and_name(self):
        self.expect(0, "run", self.tiny, "train.epochs=1", "--name", "other", "-q")
        latest = self.place / "runs" / "other" / "latest"
        self.assertTrue(latest.is_symlink())
        self.assertTrue((latest / "result.json").exists())
        self.assertIn("latest", self.expect(0, "report", latest, "-o", "latest.html").stdout)

    def test_eval_agrees_on_file_checkpoint_and_run(self):
        result = self.result(self.run_folder)["test"]
        newest = max((self.run_folder / "checkpoints").glob("*.safetensors"), key=lambda p: int(p.stem.split("-")[1]))
        alone = self.place / "alone.scnn"
        shutil.copy(self.run_folder / "model.scnn", alone)
        for words in ([self.run_folder], [self.run_folder / "model.scnn"], [newest], [alone, "--experiment", self.tiny]):
            found = json.loads(self.expect(0, "eval", *words, "--json").stdout)
            self.assertEqual((found["top1"], found["loss"]), (result["top1"], result["loss"]), words)
            self.assertEqual(found["file_bytes"], alone.stat().st_size)
        self.assertEqual(json.loads(self.expect(0, "eval", alone, "--experiment", self.tiny, "--split", "validation",
                                                "--json").stdout)["images"], 32)
        self.expect(2, "eval", alone, says="--experiment")

    def test_export(self):
        self.expect(0, "export", self.run_folder, "--verify", "-o", "out.scnn", says="logits equal")
        self.assertEqual((self.place / "out.scnn").read_bytes(), (self.run_folder / "model.scnn").read_bytes())
        done = self.expect(0, "export", "out.scnn", "--format", "npz", "-o", "out.npz", "--json")
        self.assertEqual(json.loads(done.stdout)["file_bytes"], (self.place / "out.npz").stat().st_size)

    def test_inspect(self):
        newest = max((self.run_folder / "checkpoints").glob("*.safetensors"))
        for what in (self.run_folder, self.run_folder / "model.scnn", newest):
            found = json.loads(self.expect(0, "inspect", what, "--channels", "conv1", "--json").stdout)
            self.assertIn("conv1", [layer["name"] for layer in found["layers"]])
            layer = next(layer for layer in found["layers"] if layer["name"] == "conv1")
            self.assertEqual(len(found["channels"]["list"]), layer["channels"])
            self.assertIn("conv1", self.expect(0, "inspect", what, "--channels", "conv1").stdout)
        packed = json.loads(self.expect(0, "inspect", self.run_folder / "model.scnn", "--json").stdout)
        self.assertLess(sum(layer["file_bytes"] for layer in packed["layers"]), packed["file_bytes"])

    def test_report(self):
        page = self.expect(0, "report", self.run_folder, self.run_folder, "-o", "both.html").stdout.strip()
        text = (self.place / page).read_text()
        self.assertIn("2 runs side by side", text)
        self.assertNotIn("src=", text)


class Interruptions(Case):
    def start(self, folder, *words):
        return subprocess.Popen([PROGRAM, "run", str(self.tiny), "--out", str(folder), *words], cwd=self.place,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_for_checkpoint(self, folder, process):
        end = time.monotonic() + 120
        while not (folder / "checkpoints" / "index.json").exists():
            self.assertIsNone(process.poll(), "ended before its first checkpoint")
            self.assertLess(time.monotonic(), end, "no checkpoint in two minutes")
            time.sleep(0.002)

    def assert_resumes_like(self, folder, straight):
        self.expect(0, "resume", folder)
        self.assertEqual(self.result(folder), self.result(straight))
        self.assertEqual((folder / "model.scnn").read_bytes(), (straight / "model.scnn").read_bytes())
        steps = [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual(steps, sorted(steps))
        epochs = (folder / "epochs.csv").read_text().splitlines()
        self.assertEqual(len(epochs), len((straight / "epochs.csv").read_text().splitlines()))
        self.assertEqual(json.loads((folder / "run.json").read_text())["state"], "done")

    def test_max_time_stops_and_resumes_to_the_same_result(self):
        folder = self.place / "short"
        self.expect(75, "run", self.tiny, "--out", folder, "--max-time", "0.001s", says="scnn resume")
        state = json.loads((folder / "run.json").read_text())
        self.assertEqual((state["state"], state["exit_code"]), ("stopped", 75))
        self.assert_resumes_like(folder, self.run_folder)

    # Long enough to be caught in the middle, whatever the machine.
    long_run = "train.epochs=400"

    def test_signals(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 75)):
            folder = self.place / f"signal{int(number)}"
            with self.start(folder, self.long_run) as process:
                self.wait_for_checkpoint(folder, process)
                process.send_signal(number)
                _, errors = process.communicate(timeout=120)
            self.assertEqual(process.returncode, code, errors)
            self.assertIn("scnn resume", errors)
            self.assertEqual(json.loads((folder / "run.json").read_text())["state"], "stopped")

    def test_a_foreign_checkpoint_is_refused(self):
        other = self.place / "other"
        self.expect(0, "run", self.tiny, "--out", other, "seed=9", "train.epochs=1")
        foreign = sorted((other / "checkpoints").glob("step-*.safetensors"))[-1]
        self.expect(7, "resume", self.run_folder, "--from", foreign, says="another experiment")
        self.assertEqual(json.loads((self.run_folder / "run.json").read_text())["state"], "done")
        damaged = bytearray(foreign.read_bytes())
        damaged[-1] ^= 1
        foreign.write_bytes(damaged)
        self.expect(7, "eval", foreign, says="does not match its hash")

    def test_kill_leaves_a_run_that_resumes(self):
        folder = self.place / "killed"
        with self.start(folder) as process:
            self.wait_for_checkpoint(folder, process)
            process.kill()
            process.communicate(timeout=120)
        self.assertEqual(process.returncode, -signal.SIGKILL, "ended before it could be killed")
        self.assertIn("cut off", self.expect(0, "inspect", folder).stdout)
        self.assert_resumes_like(folder, self.run_folder)

    def test_a_damaged_checkpoint_falls_back_to_the_one_before(self):
        folder = self.place / "fallback"
        shutil.copytree(self.run_folder, folder)
        newest = max((folder / "checkpoints").glob("*.safetensors"), key=lambda p: int(p.stem.split("-")[1]))
        newest.write_bytes(newest.read_bytes()[:-50])
        self.assert_resumes_like(folder, self.run_folder)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
