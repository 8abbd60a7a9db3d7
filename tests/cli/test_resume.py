#!/usr/bin/env python3
"""`scnn resume` beyond going on: changed settings, forks, runs that moved to another host.

usage: test_resume.py PROGRAM [unittest arguments]
"""
import json
import shutil

import program
from program import Case


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Changes(Case):
    def test_changed_settings_are_refused_by_key_with_the_remedy(self):
        before = contents(self.run_folder)
        self.expect(3, "resume", self.run_folder, "train.epochs=9", "compression.gamma=0.1",
                    says=["  train.epochs: 6 -> 9\n", "  compression.gamma: 0.05 -> 0.1\n", "--fork DIR", "data.root"])
        self.expect(3, "resume", self.run_folder, "model.layers.conv1.out=9", says="model.layers.conv1.out: 8 -> 9")
        self.expect(3, "resume", self.run_folder, "train.epoch=9", says=["unknown key", "epochs"])
        self.expect(2, "resume", self.run_folder, "train.epochs", says="key=value")
        self.assertEqual(contents(self.run_folder), before)

    def test_without_a_checkpoint_too(self):
        folder = self.place / "bare"
        shutil.copytree(self.run_folder, folder)
        shutil.rmtree(folder / "checkpoints")
        self.expect(3, "resume", folder, "seed=9", says=["config.yaml", "seed: 1 -> 9"])

    def test_safe_settings_may_change_and_are_kept(self):
        folder = self.place / "safe"
        shutil.copytree(self.run_folder, folder)
        self.expect(0, "resume", folder, "checkpoint.keep_last=5", "logging.sinks=[csv]")
        config = (folder / "config.yaml").read_text()
        self.assertIn("keep_last: 5", config)
        self.assertEqual(self.result(folder), self.result(self.run_folder))
        self.expect(0, "resume", folder)
        self.assertEqual((folder / "config.yaml").read_text(), config)


class Forks(Case):
    def run_json(self, folder):
        return json.loads((folder / "run.json").read_text())

    def fork(self, name, *words):
        folder = self.place / name
        self.expect(0, "resume", self.run_folder, "--fork", folder, *words)
        return folder

    def test_an_unchanged_fork_ends_like_its_origin_and_leaves_it_alone(self):
        before = contents(self.run_folder)
        earlier = min((self.run_folder / "checkpoints").glob("*.safetensors"), key=lambda p: int(p.stem.split("-")[1]))
        folder = self.fork("same", "--from", earlier)
        self.assertEqual(contents(self.run_folder), before)
        self.assertEqual(self.result(folder), self.result(self.run_folder))
        self.assertEqual((folder / "model.scnn").read_bytes(), (self.run_folder / "model.scnn").read_bytes())
        self.assertEqual((folder / "bits.jsonl").read_bytes(), (self.run_folder / "bits.jsonl").read_bytes())
        step = int(earlier.stem.split("-")[1])
        self.assertEqual(self.run_json(folder)["origin"],
                         {"run": str(self.run_folder), "checkpoint": earlier.name, "step": step, "changed": []})
        self.assertIsNone(self.run_json(self.run_folder)["origin"])

    def test_a_fork_trains_on_with_other_settings(self):
        folder = self.fork("longer", "train.epochs=8", "compression.gamma=0.2")
        self.assertEqual(self.run_json(folder)["origin"]["changed"], ["compression.gamma: 0.05 -> 0.2", "train.epochs: 6 -> 8"])
        epochs = (folder / "epochs.csv").read_text().splitlines()
        self.assertEqual(epochs[:7], (self.run_folder / "epochs.csv").read_text().splitlines())
        self.assertEqual(len(epochs), 1 + 8)
        self.expect(0, "inspect", folder, says=["forked from", "train.epochs: 6 -> 8"])
        # It is a run like any other: stopped and resumed it comes to the same.
        stopped = self.place / "stopped"
        words = ("train.epochs=8", "compression.gamma=0.2")
        self.expect(75, "resume", self.run_folder, "--fork", stopped, *words, "--max-time", "0.001s", says=f"scnn resume {stopped}")
        self.expect(0, "resume", stopped)
        self.assertEqual(self.result(stopped), self.result(folder))
        self.assertEqual(self.run_json(stopped)["origin"], self.run_json(folder)["origin"])

    def test_what_the_checkpoint_does_not_fit_is_refused_and_nothing_is_made(self):
        folder = self.place / "never"
        fits = ["does not fit the changed settings", "start anew"]
        sgd = "train.optimizer={type: sgd, groups: [{match: ['*.bits', '*.exponent'], lr: 0.1}]}"
        for changed, why in (("train.batch_size=64", "64 images an epoch"), ("data.train=512", "14 steps of 32 images"),
                             ("train.optimizer.groups=[]", "other schedules"), (sgd, "of another train.optimizer.type"),
                             ("compression.type=none", "compression.type"), ("model.layers.fc.name=last", "missing"),
                             ("model.layers.conv1.out=9", "'conv1' had 8 channels"), ("model.layers.conv2.kernel=5", "should be")):
            self.expect(3, "resume", self.run_folder, "--fork", folder, "train.epochs=9", changed, says=[*fits, why])
        self.expect(3, "resume", self.run_folder, "--fork", folder, "train.epochs=9", "model.init={from: other.npz}",
                    says="model.init is read when a run begins")
        self.expect(2, "resume", self.run_folder, "--fork", folder, says="raise train.epochs")
        self.expect(11, "resume", self.run_folder, "--fork", self.run_folder, "train.epochs=9", says="not empty")
        self.expect(2, "resume", self.run_folder, "--fork", folder, "--take-over")
        other = self.place / "other"
        self.expect(0, "run", self.tiny, "--out", other, "train.epochs=1")
        foreign = next((other / "checkpoints").glob("*.safetensors"))
        self.expect(2, "resume", self.run_folder, "--fork", folder, "--from", foreign, says="fork the run that it belongs to")
        shutil.rmtree(other / "checkpoints")
        self.expect(2, "resume", other, "--fork", folder, says=["no usable checkpoint", "scnn run"])
        self.assertFalse(folder.exists())

    def test_a_fork_without_its_first_checkpoint_does_not_start_at_step_0(self):
        folder = self.fork("cut", "train.epochs=7")
        shutil.rmtree(folder / "checkpoints")
        self.expect(7, "resume", folder, says=["make it again", "--fork"])


class Hosts(Case):
    def test_a_run_cut_off_on_another_host_goes_on(self):
        """The lock decides where file systems show it to everyone; tests/record/run_folder.cpp has the others."""
        folder = self.place / "moved"
        shutil.copytree(self.run_folder, folder)
        state = json.loads((folder / "run.json").read_text())
        state.update(state="running", host="another-host (Linux)", process=1)
        (folder / "run.json").write_text(json.dumps(state))
        self.expect(0, "resume", folder, "--take-over")
        self.assertEqual(self.result(folder), self.result(self.run_folder))
        self.assertEqual(json.loads((folder / "run.json").read_text())["state"], "done")


if __name__ == "__main__":
    program.main(__doc__)
