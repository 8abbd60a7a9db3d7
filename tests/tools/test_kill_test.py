"""tools/kill_test must see what a resumed run may get wrong: each fault is planted into a copy of a run folder."""
import importlib.machinery
import importlib.util
import json
import shutil
import struct
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools/kill_test"
sys.path.append(str(TOOL.parent))
LOADER = importlib.machinery.SourceFileLoader("kill_test", str(TOOL))
kill_test = importlib.util.module_from_spec(importlib.util.spec_from_loader("kill_test", LOADER))
LOADER.exec_module(kill_test)
from read_events import masked


def checkpoint(seconds=1.5, step=9, data=b"\1\2\3\4"):
    state = json.dumps({"step": step, "train_seconds": seconds, "epoch_seconds": [seconds]})
    header = json.dumps({"__metadata__": {"xxh3": str(seconds), "state": state}, "t": {"dtype": "U8"}}).encode()
    return struct.pack("<Q", len(header)) + header + data


def record(data):
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked(length)) + data + struct.pack("<I", masked(data))


def scalar(step, tag, value):
    one = bytes([10, len(tag)]) + tag.encode() + b"\x15" + struct.pack("<f", value)
    return record(bytes([16, step, 42, len(one) + 2, 10, len(one)]) + one)


def events(*points, void_from=None):
    """An event file; from a step on, what earlier files hold is void."""
    version, start = record(b"\x1a\x0dbrain.Event:2"), record(bytes([16, void_from or 0, 58, 2, 8, 1]))
    return version + (start if void_from else b"") + b"".join(scalar(*point) for point in points)


def make_run(folder, seconds):
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "tb").mkdir()
    (folder / "tb/events.out.tfevents.1.scnn").write_bytes(
        events((1, "loss", 0.5), (2, "loss", 0.25), (2, "time/train_seconds", seconds)))
    (folder / "model.scnn").write_bytes(b"model")
    (folder / "bits.jsonl").write_text('{"epoch":1}\n')
    (folder / "epochs.csv").write_text(f"epoch,loss,train_seconds\n1,0.5,{seconds}\n")
    (folder / "metrics.jsonl").write_text(json.dumps({"step": 1, "loss": 2, "images_per_second": seconds}) + "\n")
    (folder / "result.json").write_text(json.dumps({"run": str(folder), "test": {"top1": 1}, "time": {"x": seconds}}))
    (folder / "run.json").write_text(str(seconds))
    (folder / "checkpoints/step-9.safetensors").write_bytes(checkpoint(seconds))
    (folder / "checkpoints/index.json").write_text(
        json.dumps({"checkpoints": [{"step": 9, "file": "step-9.safetensors", "xxh3": str(seconds)}]}))


class KillTest(unittest.TestCase):
    def setUp(self):
        self.place = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.place)
        self.one, self.other = self.place / "one", self.place / "other"
        make_run(self.one, 1.25)
        make_run(self.other, 20.5)

    def found(self):
        return kill_test.differences(self.one, self.other)

    def test_times_alone_are_no_difference(self):
        self.assertEqual(self.found(), [])

    def test_every_fault_is_found(self):
        faults = {"model.scnn": b"modem", "bits.jsonl": b'{"epoch":1}\n{"epoch":1}\n',
                  "epochs.csv": b"epoch,loss,train_seconds\n1,0.6,20.5\n",
                  "metrics.jsonl": b'{"step":1,"loss":2}\n{"step":1,"loss":2}\n',
                  "result.json": b'{"test":{"top1":0}}', "checkpoints/index.json": b'{"checkpoints":[]}',
                  "checkpoints/step-9.safetensors": checkpoint(20.5, step=10), "epochs.csv.tmp": b""}
        for name, content in faults.items():
            whole = (self.other / name).read_bytes() if (self.other / name).exists() else None
            (self.other / name).write_bytes(content)
            self.assertEqual(self.found(), [name])
            (self.other / name).unlink() if whole is None else (self.other / name).write_bytes(whole)
        (self.other / "checkpoints/step-9.safetensors").write_bytes(checkpoint(20.5, data=b"\1\2\3\5"))
        self.assertEqual(self.found(), ["checkpoints/step-9.safetensors"])

    def test_event_files_are_compared_by_what_they_show(self):
        first, second = (self.other / f"tb/events.out.tfevents.{i}.scnn" for i in (1, 2))
        first.write_bytes(events((1, "loss", 0.5), (2, "loss", 9), (3, "more", 1)) + scalar(4, "loss", 1)[:-1])  # torn
        for resumed, differ in ((events((2, "loss", 0.25), void_from=2), []), (events((2, "loss", 0.5), void_from=2), ["tb/loss"]),
                                (events(void_from=2), ["tb/loss"]), (events((2, "loss", 0.25), void_from=3), []),
                                (events((2, "loss", 0.25), void_from=4), ["tb/more"]), (events((2, "loss", 0.25)), ["tb/more"])):
            second.write_bytes(resumed)
            self.assertEqual(self.found(), differ)
        shutil.rmtree(self.other / "tb")
        self.assertEqual(self.found(), ["tb/loss"])

    def test_the_kernel_tells_what_happens_to_a_file(self):
        with kill_test.Watch(self.one) as watch:
            (self.one / "model.scnn.tmp").write_bytes(b"x")
            (self.one / "model.scnn.tmp").rename(self.one / "model.scnn")
            events = watch.events(1)
        for event in ((kill_test.CREATED, "model.scnn.tmp"), (kill_test.MODIFIED, "model.scnn.tmp"), (kill_test.MOVED_TO, "model.scnn")):
            self.assertIn(event, events)


if __name__ == "__main__":
    unittest.main()
