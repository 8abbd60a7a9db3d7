#!/usr/bin/env python3
"""Drives the built program as a user would: exit codes, JSON on stdout, runs that are stopped, killed and resumed.

usage: test_commands.py PROGRAM [unittest arguments]
"""
import json
import shutil
import signal
import subprocess
import time

import program
from program import TINY, Case, scnn

COMMANDS = ["run", "resume", "eval", "export", "predict", "inspect", "report", "compare", "watch", "profile", "bench", "sweep", "init", "completion", "man", "validate", "list", "explain", "data", "doctor", "version"]


class Commands(Case):
    def test_every_verb_has_help(self):
        self.assertEqual([command for command in COMMANDS if command not in self.expect(0, "--help").stdout], [])
        for command in COMMANDS:
            self.assertIn("--", self.expect(0, command, "--help").stdout)

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
        self.expect(0, "doctor", says=["CUDA", "ONNX Runtime"])
        checks = json.loads(self.expect(0, "doctor", "--json").stdout)["checks"]
        self.assertTrue(any(check["what"] == "CPU backend" and check["ok"] for check in checks))
        self.assertIn("profilers", [check["what"] for check in checks])

    def test_data(self):
        self.assertIn("fashion_mnist", self.expect(0, "data", "list").stdout)
        self.assertTrue(json.loads(self.expect(0, "data", "list", "--json").stdout)["data"])
        (self.place / "empty").mkdir(exist_ok=True)
        self.expect(4, "data", "verify", "cifar10", "--root", self.place / "empty", says="data fetch")
        self.expect(2, "data")

    def test_a_byte_budget_holds_for_the_whole_file(self):
        for target in (380, 450):
            folder = self.place / f"budget{target}"
            done = self.expect(0, "run", self.tiny, f"compression.target_bytes={target}", "--out", folder)
            size = (folder / "model.scnn").stat().st_size
            self.assertLessEqual(size, target)
            self.assertEqual(size, json.loads((folder / "result.json").read_text())["size"]["file_bytes"])
            self.assertEqual("more than 2% below" in done.stderr, size < target - target // 50, done.stderr)

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

    def test_dry_run(self):
        self.assertIn("conv1", self.expect(0, "run", self.tiny, "--dry-run").stdout)
        table = json.loads(self.expect(0, "run", self.tiny, "--dry-run", "--json", "train.epochs=2").stdout)
        self.assertEqual(table["epochs"], 2)
        self.assertEqual(table["data"]["train"], 224)
        layer = next(layer for layer in table["layers"] if layer["name"] == "conv1")
        # 3 * 3 * 1 weights for each of 8 channels, at 6 * 6 places.
        self.assertEqual((layer["output"], layer["parameters"], layer["macs"]), ("6 x 6 x 8", 72, 72 * 36))


class Runs(Case):
    def test_json_is_one_object_and_the_folder_is_complete(self):
        self.assertEqual(self.first.returncode, 0, self.first.stderr)
        printed = json.loads(self.first.stdout)
        self.assertEqual(printed, json.loads((self.run_folder / "result.json").read_text()))
        self.assertEqual(set(printed), {"run", "device", "seed", "test", "size", "export", "time", "gpu", "removals"})
        self.assertEqual(printed["size"]["file_bytes"], (self.run_folder / "model.scnn").stat().st_size)
        self.assertGreater(printed["size"]["entropy_bits"], 0)
        self.assertLess(printed["size"]["entropy_bits"], 8 * printed["size"]["file_bytes"])
        self.assertLess(printed["export"]["max_diff"], 1e-2)
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
        done = self.expect(0, "export", "out.scnn", "--format", "npz", "-o", "out.npz", "--verify", "--json")
        self.assertEqual(json.loads(done.stdout)["max_diff"], 0)

    def test_export_onnx(self):
        self.expect(0, "export", self.run_folder, "--format", "onnx", "-o", "out.onnx", says=["layers with weights", "int8"])
        done = self.expect(0, "export", self.run_folder, "--format", "onnx", "--style", "qonnx", "-o", "q.onnx", "--json")
        self.assertEqual(set(json.loads(done.stdout)["weights"].values()), {"quant"})
        self.assertIn(b"qonnx.custom_op.general", (self.place / "q.onnx").read_bytes())
        model = self.run_folder / "model.scnn"
        for opset in ("13", "21"):
            words = ["export", model, "--format", "onnx", "--opset", opset, "-o", f"out{opset}.onnx", "--json"]
            done = scnn(*words, "--verify", cwd=self.place)
            if done.returncode == 5 and "--with-onnx" in done.stderr:
                self.skipTest("no Python with onnxruntime; tools/setup --with-onnx makes one")
            self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(done.stdout)
            self.assertLess(found["max_diff"], 1e-5)
            self.assertEqual(found["file_bytes"], (self.place / f"out{opset}.onnx").stat().st_size)

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
        return subprocess.Popen([program.PROGRAM, "run", str(self.tiny), "--out", str(folder), *words], cwd=self.place,
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

    def test_a_reader_that_goes_away_stops_nothing(self):
        folder = self.place / "unread"
        with self.start(folder) as process:
            process.stdout.close()
            self.assertEqual(process.wait(timeout=120), 11)  # the result could not be printed
        self.assertEqual(self.result(folder), self.result(self.run_folder))

    def test_one_process_at_a_time_works_on_a_run(self):
        folder = self.place / "busy"
        with self.start(folder, self.long_run) as process:
            self.wait_for_checkpoint(folder, process)
            self.expect(2, "resume", folder, says=f"at work: process {process.pid}")
            process.kill()
            process.communicate(timeout=120)

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

    def test_what_a_kill_left_among_the_checkpoints_goes(self):
        """Between the last index and the removal of what it has forgotten: nothing is saved after that."""
        folder = self.place / "leftovers"
        shutil.copytree(self.run_folder, folder)
        kept = sorted(path.name for path in (folder / "checkpoints").iterdir())
        for name in ("step-3.safetensors", "step-9.safetensors.tmp"):
            (folder / "checkpoints" / name).write_bytes(b"x")
        self.assert_resumes_like(folder, self.run_folder)
        self.assertEqual(sorted(path.name for path in (folder / "checkpoints").iterdir()), kept)

    def test_a_damaged_checkpoint_falls_back_to_the_one_before(self):
        folder = self.place / "fallback"
        shutil.copytree(self.run_folder, folder)
        newest = max((folder / "checkpoints").glob("*.safetensors"), key=lambda p: int(p.stem.split("-")[1]))
        newest.write_bytes(newest.read_bytes()[:-50])
        self.assert_resumes_like(folder, self.run_folder)


if __name__ == "__main__":
    program.main(__doc__)
