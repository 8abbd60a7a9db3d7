#!/usr/bin/env python3
"""Sweeps as a user sees them: killed, stopped, sharded and resumed to the table of an undisturbed one; what fails, and what is
refused.

usage: test_sweep.py PROGRAM [unittest arguments]
"""
import csv
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time

import program
from program import TINY, Case

SWEEP = TINY.replace("epochs: 6", "epochs: 12") + """\
sweep:
  axes:
    compression.gamma: [0.05, 0.1, 0.2]
    seed: [1, 2]
  baseline: {compression.type: none}
"""
RUNS = [f"{point}-seed{seed}" for point in ("baseline", "p001", "p002", "p003") for seed in (1, 2)]


class Sweeps(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = cls.place / "sweep.yaml"
        cls.file.write_text(SWEEP)
        cls.straight = cls.place / "straight-sweep"
        cls.done = program.scnn("sweep", cls.file, "--out", cls.straight, "--json", cwd=cls.place)

    def table(self, folder):
        """results.csv without the seconds, which are its last columns."""
        lines = (folder / "results.csv").read_text().splitlines()
        self.assertTrue(lines[0].endswith(",train_seconds,train_seconds_deviation"))
        return [line.rsplit(",", 2)[0] for line in lines]

    def rows(self, folder):
        return list(csv.DictReader((folder / "results.csv").read_text().splitlines()))

    def summary(self, folder):
        """sweep.json without times and the folder's name."""
        summary = json.loads((folder / "sweep.json").read_text())
        del summary["sweep"]
        for point in summary["points"]:
            del point["train_seconds"]
        return summary

    def assert_like_straight(self, folder):
        self.assertEqual(self.table(folder), self.table(self.straight))
        self.assertEqual(self.summary(folder), self.summary(self.straight))
        for run in RUNS:
            self.assertEqual((folder / "runs" / run / "model.scnn").read_bytes(),
                             (self.straight / "runs" / run / "model.scnn").read_bytes(), run)

    def start(self, *words):
        return subprocess.Popen([program.PROGRAM, "sweep", *map(str, words)], cwd=self.place, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def wait_for(self, what, process):
        end = time.monotonic() + 120
        while not what():
            self.assertIsNone(process.poll(), "ended before it came to that")
            self.assertLess(time.monotonic(), end, "not in two minutes")
            time.sleep(0.002)

    def test_results(self):
        self.assertEqual(self.done.returncode, 0, self.done.stderr)
        printed = json.loads(self.done.stdout)
        self.assertEqual(printed, json.loads((self.straight / "sweep.json").read_text()))
        self.assertEqual((printed["runs"], printed["done"], printed["failures"]), (8, 8, []))
        rows = self.rows(self.straight)
        self.assertEqual([row["compression.gamma"] for row in rows], ["", "0.05", "0.1", "0.2"])
        self.assertEqual([row["compression.type"] for row in rows], ["none"] + 3 * ["self_compress"])
        for number, (row, point) in enumerate(zip(rows, printed["points"])):
            results = [json.loads((self.straight / run / "result.json").read_text()) for run in point["runs"]]
            self.assertEqual([result["seed"] for result in results], [1, 2])
            top1 = [result["test"]["top1"] for result in results]
            size = [result["size"]["file_bytes"] for result in results]
            self.assertAlmostEqual(float(row["top1"]), sum(top1) / 2, places=6)
            self.assertAlmostEqual(float(row["top1_deviation"]), abs(top1[0] - top1[1]) / 2**0.5, places=6)
            self.assertAlmostEqual(float(row["file_bytes"]), sum(size) / 2, places=1)
            self.assertEqual(point["removed_channels"]["mean"],
                             sum(removal["channels"] for result in results for removal in result["removals"]) / 2)
            behind = any(float(other["top1"]) >= float(row["top1"]) and float(other["file_bytes"]) < float(row["file_bytes"])
                         for other in rows)
            self.assertEqual(row["pareto"], str(not behind).lower(), number)
        page = (self.straight / "report.html").read_text()
        self.assertIn("a sweep of 4 points", page)
        self.assertNotIn("src=", page)

    def test_each_run_is_the_run_of_its_settings_alone(self):
        alone = self.place / "alone"
        self.expect(0, "run", self.file, "compression.gamma=0.1", "seed=2", "--out", alone)
        self.assertEqual(self.result(alone), self.result(self.straight / "runs" / "p002-seed2"))

    def test_killed_twice_and_resumed(self):
        folder = self.place / "killed"
        words = [self.file, "--out", folder, "--jobs", 2]
        for run in ("p001-seed1", "p003-seed1"):
            with self.start(*words) as process:
                self.wait_for((folder / "runs" / run / "checkpoints" / "index.json").exists, process)
                process.kill()
                process.communicate(timeout=120)
            self.assertEqual(process.returncode, -signal.SIGKILL)
            words = ["--resume", folder, "--jobs", 2]
        self.expect(0, *["sweep", *words])
        self.assert_like_straight(folder)
        resumed = [json.loads((folder / "runs" / run / "run.json").read_text())["resumed"] for run in RUNS]
        self.assertGreater(sum(resumed), 0)

    def test_killed_before_a_run_folder_was_complete(self):
        folder = self.place / "torn"
        shutil.copytree(self.straight, folder)
        (folder / "runs" / "p001-seed2" / "run.json").unlink()
        (folder / "runs" / "p002-seed1" / "result.json").write_text("{")
        shutil.rmtree(folder / "runs" / "p002-seed2")
        self.expect(0, "sweep", "--resume", folder)
        self.assert_like_straight(folder)

    def test_two_shards_at_once_equal_one(self):
        folder = self.place / "sharded"
        shards = [self.start(self.file, "--out", folder, "--shard", f"{i}/2") for i in (1, 2)]
        for shard in shards:
            _, errors = shard.communicate(timeout=120)
            self.assertEqual(shard.returncode, 0, errors)
        self.assert_like_straight(folder)

    def test_shards_in_two_folders_copied_together(self):
        one, two = self.place / "machine1", self.place / "machine2"
        self.expect(0, "sweep", self.file, "--out", one, "--shard", "1/2")
        self.assertEqual(self.summary(one)["done"], 4)
        self.expect(0, "sweep", self.file, "--out", two, "--shard", "2/2", "--jobs", 3)
        shutil.copytree(two, one, dirs_exist_ok=True)
        self.expect(0, "sweep", "--resume", one)
        self.assert_like_straight(one)

    def test_signals_stop_all_and_resume(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 75)):
            folder = self.place / f"signal{int(number)}"
            with self.start(self.file, "--out", folder, "--jobs", 2) as process:
                self.wait_for((folder / "runs" / RUNS[1] / "checkpoints" / "index.json").exists, process)
                process.send_signal(number)
                output, errors = process.communicate(timeout=120)
            self.assertEqual(process.returncode, code, errors)
            self.assertIn(f"scnn sweep --resume {folder}", errors)
            states = [json.loads(file.read_text())["state"] for file in (folder / "runs").glob("*/run.json")]
            self.assertNotIn("running", states, output)
        self.expect(0, "sweep", "--resume", folder, "--jobs", 2)
        self.assert_like_straight(folder)
        self.expect(75, "sweep", self.file, "--out", self.place / "short", "--max-time", "0.001s", says="0 of 8 runs are done, 0 failed")

    def test_a_run_is_its_sweeps_before_its_folder_is_complete(self):
        folder = self.place / "claimed"
        shutil.copytree(self.straight, folder)
        run = folder / "runs" / RUNS[2]
        shutil.rmtree(run)
        (run / "checkpoints").mkdir(parents=True)  # as scnn run makes it, before it locks it
        self.resume_while_locked(folder, f"{run}.lock", lambda: self.assertTrue((run / "checkpoints").exists()))

    def test_a_run_that_a_user_resumes_is_waited_for(self):
        folder = self.place / "resumed"
        shutil.copytree(self.straight, folder)
        run = folder / "runs" / RUNS[2]
        (run / "result.json").unlink()
        before = (run / "run.json").read_text()
        self.resume_while_locked(folder, run / ".lock", lambda: self.assertEqual((run / "run.json").read_text(), before))

    def resume_while_locked(self, folder, lock, check):
        with open(lock, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            process = self.start("--resume", folder)
            self.assertTrue(any(f"{RUNS[2]} is at work in another process: waiting" in line for line in process.stdout))
            check()
        _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, errors)
        self.assert_like_straight(folder)

    def test_a_run_that_another_process_has_is_waited_for(self):
        folder = self.place / "twice"
        first = self.start(self.file, "--out", folder, "--shard", "1/1")
        self.wait_for((folder / "runs" / RUNS[0] / ".lock").exists, first)
        second = self.start("--resume", folder)
        for process in (first, second):
            _, errors = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 0, errors)
        self.assert_like_straight(folder)

    failing = ["sweep.axes.seed=[1]", "sweep.axes.train.optimizer.lr=[1e30, 0.003]", "sweep.axes.compression.gamma=[0.05]",
               "train.epochs=2"]

    def test_a_failing_point_is_9_and_the_others_finish(self):
        folder = self.place / "failing"
        done = self.expect(9, "sweep", self.file, "--out", folder, "--json", *self.failing,
                           says=["1 of 3 runs failed", "p001-seed1: exit code 6", "step", f"scnn sweep --resume {folder}"])
        printed = json.loads(done.stdout)
        self.assertEqual((printed["runs"], printed["done"]), (3, 2))
        self.assertEqual([(f["run"], f["exit_code"]) for f in printed["failures"]], [("runs/p001-seed1", 6)])
        self.assertEqual([point["done"] for point in printed["points"]], [1, 0, 1])
        self.assertEqual([row["top1"] == "" for row in self.rows(folder)], [False, True, False])
        self.assertIn("Failed runs", (folder / "report.html").read_text())
        # It fails again, the others stay.
        before = (folder / "runs" / "p002-seed1" / "run.json").read_text()
        self.expect(9, "sweep", "--resume", folder, says="exit code 6")
        self.assertEqual((folder / "runs" / "p002-seed1" / "run.json").read_text(), before)

    def test_fail_fast(self):
        folder = self.place / "fast"
        self.expect(9, "sweep", self.file, "--out", folder, "--fail-fast", *self.failing, says="exit code 6")
        self.assertFalse((folder / "runs" / "p002-seed1").exists())

    def test_a_run_killed_alone_is_told(self):
        folder = self.place / "alone-killed"
        with self.start(self.file, "--out", folder, "train.epochs=400", "sweep.axes.compression.gamma=[0.05]",
                        "sweep.axes.seed=[1]", "sweep.baseline.train.epochs=1") as process:
            state = folder / "runs" / "p001-seed1" / "run.json"
            self.wait_for(state.exists, process)
            os.kill(json.loads(state.read_text())["process"], signal.SIGKILL)
            _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 9, errors)
        self.assertIn("ended by signal 9", errors)

    def test_dry_run_writes_nothing(self):
        text = self.expect(0, "sweep", self.file, "--dry-run", says=["gamma=0.05", "p002-seed2", "4 points, 8 runs"])
        self.assertEqual(text.stderr, "")
        plan = json.loads(self.expect(0, "sweep", self.file, "--dry-run", "--json").stdout)
        self.assertEqual([point["settings"]["compression.gamma"] for point in plan["points"]], [None, "0.05", "0.1", "0.2"])
        self.assertFalse((self.place / "sweeps").exists())

    def test_default_folder(self):
        self.expect(0, "sweep", self.file, "train.epochs=1", "sweep.axes.seed=[1]", "-q")
        latest = self.place / "sweeps" / "tiny" / "latest"
        self.assertTrue(latest.is_symlink())
        self.assertEqual(json.loads(self.expect(0, "sweep", "--resume", latest, "--json").stdout)["done"], 4)
        self.assertIn("report.html", self.expect(0, "report", latest).stdout)
        shutil.rmtree(self.place / "sweeps")

    def test_threads_are_shared_and_kept(self):
        folder = self.place / "threads"
        self.expect(0, "sweep", self.file, "--out", folder, "device.threads=auto", "train.epochs=1", "--jobs", 64)
        self.assertIn("threads: 1\n", (folder / "runs" / "p001-seed1" / "config.yaml").read_text())
        self.assertEqual(json.loads((folder / "plan.json").read_text())["threads"], 1)

    def test_refusals(self):
        bad = self.place / "bad.yaml"
        bad.write_text(SWEEP.replace("[0.05, 0.1, 0.2]", "[0.05, -1, many]") + "  smaples: 3\n")
        says = ["bad.yaml:28:31", "bad.yaml:28:35", "must be at least 0", "must be a number", "did you mean 'samples'?"]
        for words in (["sweep", bad, "--out", self.place / "never"], ["validate", bad]):
            self.expect(3, *words, says=says if words[0] == "sweep" else says[-1:])
        self.assertFalse((self.place / "never").exists())
        self.expect(3, "sweep", self.tiny, says="the key 'sweep' is missing")
        self.expect(3, "sweep", self.file, "compression.gamma=1", says="sweep.axes.compression.gamma=[values]")
        self.expect(3, "sweep", self.file, "train.batch_size=225", says="225")
        (self.place / "empty").mkdir(exist_ok=True)
        self.expect(4, "sweep", self.file, "data={type: fashion_mnist, root: empty}", "model.input=[1, 28, 28]",
                    "model.layers.fc.out=10", says="data fetch")
        self.expect(2, "sweep")
        self.expect(2, "sweep", self.file, "train.epochs", says="key=value")
        self.expect(2, "sweep", self.file, "--shard", "1/2", says="--out")
        for shard in ("0/2", "3/2", "1", "1/", "/2", "a/b", "1/2/3"):
            self.expect(2, "sweep", self.file, "--shard", shard, "--out", self.place / "never", says="no shard")
        self.expect(2, "sweep", self.file, "--jobs", "0")
        self.expect(2, "sweep", self.file, "--resume", self.straight, says="--resume DIR")
        self.expect(2, "sweep", "--resume", self.place / "absent", says="does not exist")
        self.expect(2, "sweep", "--resume", self.run_folder, says="plan.json")
        self.expect(2, "report", self.straight, self.run_folder, says="report it alone")
        self.expect(11, "sweep", self.file, "--out", self.straight, says="scnn sweep --resume")
        self.expect(11, "sweep", self.file, "--out", self.straight, "--shard", "1/2", "train.epochs=1", says="another sweep")
        self.expect(11, "sweep", self.file, "--out", self.run_folder, "--shard", "1/2", says="not empty")
        damaged = self.place / "damaged"
        damaged.mkdir()
        whole = (self.straight / "plan.json").read_text()
        for text in ("", "[]", "{}", whole[:200], whole.replace("gamma: 0.05", "gama: 0.05")):
            (damaged / "plan.json").write_text(text)
            self.expect(7, "sweep", "--resume", damaged, says="plan.json is damaged")


if __name__ == "__main__":
    program.main(__doc__)
