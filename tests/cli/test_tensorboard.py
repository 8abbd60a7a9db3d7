#!/usr/bin/env python3
"""The sink `tensorboard`: its files, read by a reader of the test's own and, where it is installed, by TensorBoard.

usage: test_tensorboard.py PROGRAM [unittest arguments]
"""
import json
import math
import struct

import program
from program import Case

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    EventAccumulator = None

SINKS = "logging.sinks=[jsonl, tensorboard]"


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(content):
    """The data of every whole TFRecord; a torn last one is left out."""
    at = 0
    while at + 12 <= len(content):
        length, check = struct.unpack_from("<QI", content, at)
        if masked(content[at:at + 8]) != check:
            raise ValueError(f"bad length at {at}")
        data = content[at + 12:at + 12 + length]
        if at + 16 + length > len(content):
            return
        if masked(data) != struct.unpack_from("<I", content, at + 12 + length)[0]:
            raise ValueError(f"bad data at {at}")
        yield data
        at += 16 + length


def fields(message):
    """(number, value) of a protobuf message: int, float or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            length = varint()
            yield key >> 3, message[at:at + length]
            at += length
        else:
            size, code = {1: (8, "<d"), 5: (4, "<f")}[key & 7]
            yield key >> 3, struct.unpack_from(code, message, at)[0]
            at += size


def doubles(packed):
    return list(struct.unpack(f"<{len(packed) // 8}d", packed))


def read(folder):
    """{tag: {step: value}}, after dropping what a later attempt made void; a histogram is a dict."""
    out = {}
    for file in sorted(folder.iterdir()):
        for number, data in enumerate(records(file.read_bytes())):
            event = dict(fields(data))
            if number == 0 and event[3] != b"brain.Event:2":
                raise ValueError("no file version")
            if 7 in event and dict(fields(event[7]))[1] == 1:
                for steps in out.values():
                    for step in [step for step in steps if step >= event[2]]:
                        del steps[step]
            for _, value in fields(event.get(5, b"")):
                one = dict(fields(value))
                histogram = dict(fields(one[5])) if 5 in one else None
                out.setdefault(one[1].decode(), {})[event[2]] = histogram or one[2]
    return {tag: steps for tag, steps in out.items() if steps}


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
