#!/usr/bin/env python3
"""The sink `tensorboard`: its files, read by tools/read_events.py and, where it is installed, by TensorBoard.

usage: test_tensorboard.py PROGRAM [unittest arguments]
"""
import json
import math
import struct
import sys
from pathlib import Path

import program
from program import Case

sys.path.append(str(Path(__file__).resolve().parents[2] / "tools"))
from read_events import read

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    EventAccumulator = None

SINKS = "logging.sinks=[jsonl, tensorboard]"


def doubles(packed):
    return list(struct.unpack(f"<{len(packed) // 8}d", packed))


class TensorBoard(Case):
    def test_off_by_default(self):
        self.assertFalse((self.run_folder / "tb").exists())
        self.assertIn("tensorboard", self.expect(0, "explain", "logging.sinks").stdout)

    def straight(self):
        folder = self.place / "events"
        if not folder.exists():
            self.expect(0, "run", self.tiny, SINKS, "--out", folder)
        return folder

    def test_numbers_are_those_of_the_metrics(self):
        folder = self.straight()
        events = read(folder / "tb")
        for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()):
            if line["type"] == "removal":
                self.assertEqual(events["removed_channels/" + line["layer"]].pop(line["step"]), line["channels"])
            if line["type"] != "epoch":
                continue
            step = line["step"]
            wanted = {"loss/train": line["train_loss"], "top1/validation": line["evaluation"]["top1"],
                      "train/gamma": line["gamma"], "size/learned_bits": line["size"]["learned_bits"],
                      "size/packed_bits": line["size"]["packed_bits"], "size/live_channels": line["size"]["live_channels"],
                      "time/train_seconds": line["train_seconds"]}
            for tag, value in wanted.items():
                self.assertTrue(math.isclose(events[tag][step], value, rel_tol=1e-6), (tag, step))
        for line in map(json.loads, (folder / "bits.jsonl").read_text().splitlines()):
            for layer in line["layers"]:
                self.assertEqual(events["channels/" + layer["layer"]][line["step"]], len(layer["channels"]))
                if not layer["bits"]:
                    continue
                histogram = events["bits/" + layer["layer"]][line["step"]]
                self.assertAlmostEqual(histogram[1], min(layer["bits"]), 5)
                self.assertAlmostEqual(histogram[2], max(layer["bits"]), 5)
                self.assertEqual(histogram[3], len(layer["bits"]))
                limits, counts = doubles(histogram[6]), doubles(histogram[7])
                below = [sum(bits < limit for bits in layer["bits"]) for limit in limits]
                self.assertEqual([sum(counts[:i + 1]) for i in range(len(counts))], below)
        removed = {tag: steps for tag, steps in events.items() if tag.startswith("removed_channels/")}
        self.assertEqual(list(map(len, removed.values())), [0] * len(removed))  # all were told, none twice
        self.assertGreater(len(removed), 0)
        self.assertEqual(sorted(events["loss/batch"]), list(range(10, 43, 10)))

    def resumed(self):
        """A run that went on from a checkpoint of the middle, with a torn record at the end of its first event file."""
        folder = self.place / "resumed"
        if not folder.exists():
            self.expect(0, "run", self.tiny, SINKS, "checkpoint.keep_last=99", "--out", folder)
            torn = next((folder / "tb").iterdir())
            torn.write_bytes(torn.read_bytes()[:-7])
            self.expect(75, "resume", folder, "--from", folder / "checkpoints" / "step-15.safetensors", "--max-time", "0.001")
            # What the first attempt wrote of later steps is void, though nothing stands in its place yet.
            self.assertEqual({max(steps) for steps in read(folder / "tb").values()}, {10, 14})
            self.expect(0, "resume", folder)
        return folder

    def test_a_resumed_run_reads_as_the_straight_one(self):
        folder = self.resumed()
        self.assertEqual(len(list((folder / "tb").iterdir())), 3)
        straight, resumed = read(self.straight() / "tb"), read(folder / "tb")
        drop_times = lambda events: {tag: steps for tag, steps in events.items() if not tag.startswith("time/")}
        self.assertEqual(drop_times(straight), drop_times(resumed))

    def test_a_fork_has_the_whole_curves(self):
        fork = lambda name, *words: self.expect(0, "resume", self.straight(), "--fork", self.place / name, *words)
        earlier = min((self.straight() / "checkpoints").glob("*.safetensors"), key=lambda p: int(p.stem.split("-")[1]))
        fork("forked", "--from", earlier)
        straight, forked = read(self.straight() / "tb"), read(self.place / "forked" / "tb")
        drop_times = lambda events: {tag: steps for tag, steps in events.items() if not tag.startswith("time/")}
        self.assertEqual(drop_times(straight), drop_times(forked))
        # What stood before the fork is the run's own, times too.
        step = int(earlier.stem.split("-")[1])
        before = lambda events: {at: value for at, value in events["time/train_seconds"].items() if at <= step}
        self.assertEqual(before(straight), before(forked))
        self.assertGreater(len(before(straight)), 0)
        fork("without", "--from", earlier, "logging.sinks=[jsonl]")
        self.assertFalse((self.place / "without" / "tb").exists())

    def test_tensorboard_reads_the_same(self):
        self.need(EventAccumulator, "TensorBoard's own reader needs the Python package tensorboard")
        for folder in (self.straight(), self.resumed()):
            own = read(folder / "tb")
            board = EventAccumulator(str(folder / "tb"), size_guidance={"scalars": 0, "histograms": 0, "tensors": 0})
            board.Reload()
            for tag in board.Tags()["scalars"]:
                self.assertEqual({event.step: event.value for event in board.Scalars(tag)}, own[tag], tag)
            for tag in board.Tags()["histograms"]:
                self.assertEqual({e.step: e.histogram_value.num for e in board.Histograms(tag)},
                                 {step: histogram[3] for step, histogram in own[tag].items()})
            self.assertEqual(sorted(board.Tags()["scalars"] + board.Tags()["histograms"]), sorted(own))


if __name__ == "__main__":
    program.main(__doc__)
