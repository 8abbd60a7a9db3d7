#!/usr/bin/env python3
"""`scnn profile` as a user sees it: the built-in timer's files, the tools' commands, what is refused.

usage: test_profile.py PROGRAM [unittest arguments]
"""
import json
import os
import shlex
import signal
import subprocess

import program
from program import Case, scnn


class Builtin(Case):
    def test_table_numbers_and_trace(self):
        folder = self.place / "profile"
        done = self.expect(0, "profile", self.tiny, "--tool", "builtin", "--warmup", "4", "--steps", "5", "--out", folder, "--json")
        found = json.loads(done.stdout)
        self.assertEqual(found, json.loads((folder / "profile.json").read_text()))
        self.assertEqual((found["tool"], found["warmup"], found["steps"], found["device"]), ("builtin", 4, 5, "cpu"))
        # No run, and no checkpoint left of the one that fell due at step 5.
        self.assertEqual(sorted(path.name for path in folder.iterdir()), ["profile.json", "trace.json"])
        ranges = {tuple(one["path"]): one for one in found["ranges"]}
        step = ranges["epoch", "step"]
        self.assertEqual(step["calls"], 5)
        for name in ("batch wait", "forward", "loss", "backward", "size_loss", "update"):
            self.assertEqual(ranges["epoch", "step", name]["calls"], 5, name)
        for name in ("removal", "statistics", "evaluation", "checkpoint"):
            self.assertEqual(ranges["epoch", name]["calls"], 1, name)  # 7 steps an epoch, a checkpoint every 5
        inside = sum(one["total_ms"] for path, one in ranges.items() if path[:-1] == ("epoch", "step"))
        self.assertAlmostEqual(inside + step["self_ms"], step["total_ms"], places=6)
        self.assertLess(abs(step["percent_of_step"] - 100), 1e-9)
        self.assertLessEqual(step["min_ms"], step["ms_per_step"])
        self.assertLessEqual(step["ms_per_step"], step["max_ms"])
        conv = next(layer for layer in found["layers"] if layer["name"] == "conv2")
        self.assertGreater(conv["forward_ms_per_step"], 0)
        self.assertGreater(conv["backward_ms_per_step"], 0)
        trace = json.loads((folder / "trace.json").read_text())["traceEvents"]
        names = [event["name"] for event in trace if event["ph"] == "X"]
        self.assertEqual(len(names), sum(one["calls"] for one in found["ranges"]))
        self.assertEqual(names.count("backward/conv2"), 5)

    def test_default_folder_and_text(self):
        done = self.expect(0, "profile", self.tiny, "--steps", "3", "name=other")
        for text in ("3 steps of 32 images after 10 to warm up", "% of step", "conv1", "forward ms/step", "trace.json"):
            self.assertIn(text, done.stdout)
        latest = self.place / "profiles" / "other" / "latest"
        self.assertTrue(latest.is_symlink())
        self.assertEqual(json.loads((latest / "profile.json").read_text())["steps"], 3)

    def test_interrupted_leaves_nothing(self):
        command = [program.PROGRAM, "profile", str(self.tiny), "--steps", "100000", "train.epochs=100000", "name=stopped"]
        with subprocess.Popen(command, cwd=self.place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            self.assertIn("to measure", process.stderr.readline())
            process.send_signal(signal.SIGINT)
            printed, errors = process.communicate(timeout=120)
        self.assertEqual((process.returncode, printed), (130, ""), errors)
        self.assertIn("no profile", errors)
        self.assertFalse((self.place / "profiles" / "stopped").exists())


class Tools(Case):
    def path_with(self, *names):
        """An environment whose PATH holds nothing but these programs, each of which notes that it ran."""
        folder = self.place / ("tools" + "-".join(names))
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).write_text(f"#!/bin/sh\n/usr/bin/touch {self.place}/ran\n")
            (folder / name).chmod(0o755)
        return {**os.environ, "PATH": str(folder)}

    def test_print_shows_the_exact_command_and_runs_nothing(self):
        name = self.place / "it's a test.yaml"
        name.write_text(self.tiny.read_text())
        for tool, start in (("nsys", ["nsys", "profile", "--trace=cuda,nvtx,cublas,cudnn", "--capture-range=cudaProfilerApi",
                                      "--capture-range-end=stop", "--output=some where/profile"]),
                            ("ncu", ["ncu", "--profile-from-start", "off", "--nvtx", "--export", "some where/profile"])):
            steps = "20" if tool == "nsys" else "1"
            words = ["profile", name.name, "train.batch_size=16", "--tool", tool, "--print", "--out", "some where", "--device", "cuda"]
            wanted = [*start, program.PROGRAM, "profile", name.name, "train.batch_size=16", "--tool", "nvtx", "--warmup", "10",
                      "--steps", steps, "--device", "cuda"]
            lines = self.expect(0, *words, env=self.path_with(tool)).stdout.splitlines()
            self.assertEqual([shlex.split(line) for line in lines], [["mkdir", "-p", "some where"], wanted])
            found = json.loads(self.expect(0, *words, "--json").stdout)
            self.assertEqual((found["command"], found["profile"], found["tool"]), (wanted, "some where", tool))
        default = self.expect(0, "profile", self.tiny, "--print", "name=printed").stdout
        self.assertIn("nsys profile", default)
        self.assertIn("--output=profiles/printed/", default)
        self.assertFalse((self.place / "some where").exists() or (self.place / "profiles" / "printed").exists())
        self.assertFalse((self.place / "ran").exists())

    def test_a_missing_tool_is_5_and_names_package_and_alternative(self):
        for tool, package in (("nsys", "nsight-systems"), ("ncu", "nsight-compute")):
            self.expect(5, "profile", self.tiny, "--tool", tool, env=self.path_with(), says=[tool, package, "--tool builtin"])

    def test_what_runs_on_the_cpu_is_no_work_for_nvidias_tools(self):
        self.expect(5, "profile", self.tiny, "--tool", "nsys", env=self.path_with("nsys"), says=["CPU", "--tool builtin"])
        self.expect(5, "profile", self.tiny, "--tool", "nvtx", says=["CPU", "--tool builtin"])
        self.assertIn("trace.json", self.expect(0, "profile", self.tiny, "--steps", "1", env=self.path_with("nsys")).stdout)
        self.assertFalse((self.place / "ran").exists())

    def test_refusals(self):
        for words in (["--steps", "0"], ["--steps", "-1"], ["--steps", "many"], ["--steps", "1e3"], ["--warmup", "-1"],
                      ["--warmup", "1.5"], ["--tool", "gprof"], ["--device", "tpu"], ["--frobnicate"]):
            self.expect(2, "profile", self.tiny, *words, says=words[0])
        self.expect(2, "profile", self.tiny, "--print", "--tool", "builtin", says="--tool nsys")
        self.expect(2, "profile", self.tiny, "--steps", "33", says=["42 steps", "--steps", "train.epochs"])
        self.expect(2, "profile", self.tiny, "train.epochs", says="key=value")
        self.expect(2, "profile")
        self.expect(3, "profile", self.tiny, "train.epoch=1", says="epochs")
        self.expect(3, "profile", self.tiny, "train.epoch=1", "--print", says="epochs")
        self.expect(3, "profile", self.place / "absent.yaml", says="absent.yaml")
        self.expect(11, "profile", self.tiny, "--out", self.run_folder, says="not empty")
        self.expect(11, "profile", self.tiny, "--out", "/dev/null/profile", says="--out")
        failed = self.expect(6, "profile", self.tiny, "train.optimizer.lr=1e30", "name=failed", "--json", says="step")
        self.assertEqual(failed.stdout, "")
        reason = json.loads(scnn("doctor", "--json").stdout)["checks"]
        if not any(check["what"] == "CUDA" and check["ok"] for check in reason):
            self.expect(5, "profile", self.tiny, "--device", "cuda", "--tool", "builtin", says="CUDA")
        self.assertFalse((self.place / "profiles").exists())


if __name__ == "__main__":
    program.main(__doc__)
