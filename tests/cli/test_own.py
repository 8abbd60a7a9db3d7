#!/usr/bin/env python3
"""Data and networks of the user's own: NumPy arrays, folders of images, weights from PyTorch.

usage: test_own.py PROGRAM [unittest arguments]
"""
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
import zipfile
import zlib
from pathlib import Path

import program
from program import Case

try:
    import numpy as np
except ImportError:
    np = None
try:
    import torch
except ImportError:
    torch = None

NETWORK = """
model:
  input: [3, 8, 8]
  init: {from: %s}
  layers:
    - {name: conv, type: conv2d, out: 6, kernel: 3, padding: 1, bias: false}
    - {name: norm, type: batch_norm, momentum: 1.0e-30}
    - {type: relu}
    - {type: max_pool2d, kernel: 2}
    - {type: flatten}
    - {name: head, type: linear, out: 5}
device: {type: cpu, threads: 1}
compression: {type: none}
train:
  epochs: 1
  batch_size: 16
  statistics_batches: 0
  optimizer: {type: sgd, lr: 0}
"""


def png(pixels):
    """An 8-bit RGB image, pixels[row][column] = (r, g, b)."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    rows = b"".join(b"\0" + bytes(v for pixel in row for v in pixel) for row in pixels)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def safetensors(arrays):
    """The bytes of a .safetensors file, float32 and int64, as PyTorch's users save it."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in arrays.items():
        kind = {"float32": "F32", "int64": "I64"}[str(array.dtype)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Own(Case):
    @classmethod
    def setUpClass(cls):
        cls.place = Path(tempfile.mkdtemp(prefix="scnn-own-"))
        os.environ["XDG_CACHE_HOME"] = str(cls.place / "cache")

    def write(self, name, text):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


@unittest.skipIf(np is None, "skipped: no NumPy")
class Arrays(Own):
    def arrays(self):
        random = np.random.default_rng(4)
        return {"x_train": random.integers(0, 256, (64, 8, 8, 3), dtype=np.uint8), "y_train": np.arange(64) % 5,
                "x_test": random.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8), "y_test": random.integers(0, 5, 40)}

    def test_archive_and_folder_are_the_same(self):
        arrays = self.arrays()
        np.savez(self.place / "plain.npz", **arrays)
        np.savez_compressed(self.place / "packed.npz", **arrays)
        # As where an archive is larger than 32 bits can say: Python begins to use 64 at its own limit.
        limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 100
        self.addCleanup(setattr, zipfile, "ZIP64_LIMIT", limit)
        np.savez(self.place / "wide.npz", **arrays)
        zipfile.ZIP64_LIMIT = limit
        self.assertIn(b"PK\6\6", (self.place / "wide.npz").read_bytes())
        (self.place / "folder").mkdir()
        for name, array in arrays.items():
            np.save(self.place / "folder" / name, array)
        results = []
        for root in ("plain.npz", "packed.npz", "wide.npz", "folder"):
            text = "name: a\ndata: {type: arrays, root: %s}\n" % root + NETWORK.replace("  init: {from: %s}\n", "")
            self.expect(0, "run", self.write("a.yaml", text.replace("lr: 0}", "lr: 0.1}")), "--out", self.place / ("run-" + root))
            results.append(self.result(self.place / ("run-" + root)))
        for result in results[1:]:
            self.assertEqual(result["test"], results[0]["test"])

    def test_refusals(self):
        text = "data: {type: arrays, root: bad.npz}\n" + NETWORK.replace("  init: {from: %s}\n", "")
        file = self.write("bad.yaml", text)
        self.expect(0, "validate", file, says="its data are not on this machine: there is no ")
        self.write("bad.npz", "not an archive")
        self.expect(4, "run", file, says="no zip archive")
        np.savez(self.place / "bad.npz", **dict(self.arrays(), x_test=np.zeros((40, 8, 8, 3))))
        self.expect(4, "run", file, says=["bad.npz: x_test: its dtype is float64, expected uint8", "np.uint8"])
        np.savez(self.place / "bad.npz", **{name: array[:, :4] if array.ndim == 4 else array for name, array in self.arrays().items()})
        self.expect(3, "run", file, says=["images of bad.npz are [3, 4, 8]", "write input: [3, 4, 8]"])

    def test_pytorch_weights_give_pytorchs_results(self):
        if torch is None:
            self.skipTest("skipped: no PyTorch (tools/setup --with-torch)")
        torch.manual_seed(2)
        model = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3, padding=1, bias=False), torch.nn.BatchNorm2d(6), torch.nn.ReLU(),
                                    torch.nn.MaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(96, 5))
        with torch.no_grad():
            model[1].running_mean.uniform_(-0.5, 0.5)
            model[1].running_var.uniform_(0.5, 2)
            model[1].weight.uniform_(-1, 1)
            model[1].bias.uniform_(-1, 1)
        model.eval()
        arrays = self.arrays()
        np.savez(self.place / "set.npz", **arrays)
        x = torch.tensor(arrays["x_test"].transpose(0, 3, 1, 2) / 255.0, dtype=torch.float32)
        x = (x - torch.tensor([0.5, 0.4, 0.3]).reshape(1, 3, 1, 1)) / torch.tensor([0.2, 0.3, 0.4]).reshape(1, 3, 1, 1)
        with torch.no_grad():
            logits = model(x)
        y = torch.tensor(arrays["y_test"])
        loss = float(torch.nn.functional.cross_entropy(logits, y))
        top1 = float((logits.argmax(1) == y).float().mean())

        state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
        np.savez(self.place / "weights.npz", **state)
        self.write("weights.safetensors", safetensors(state))
        names = '%s, map: [{from: "0", to: conv}, {from: "1", to: norm}, {from: "5", to: head}]'
        data = "name: pt\ndata: {type: arrays, root: set.npz, normalize: {mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4]}}\n"
        for kind in ("npz", "safetensors"):
            file = self.write("pt.yaml", data + NETWORK % (names % ("weights." + kind)))
            run = self.place / ("pt-" + kind)
            self.expect(0, "validate", file)
            self.expect(0, "run", file, "--out", run)
            found = json.loads(self.expect(0, "eval", run, "--json").stdout)
            self.assertAlmostEqual(found["loss"], loss, delta=2e-6)
            self.assertAlmostEqual(found["top1"], top1, delta=1e-6)

        # A checkpoint of this program, exported or not, is a file of weights as well.
        checkpoint = next((self.place / "pt-npz" / "checkpoints").glob("*.safetensors"))
        file = self.write("own.yaml", data + NETWORK % f"{checkpoint}, layout: scnn")
        self.expect(0, "run", file, "--out", self.place / "pt-own")
        self.assertAlmostEqual(json.loads(self.expect(0, "eval", self.place / "pt-own", "--json").stdout)["loss"], loss, delta=2e-6)
        exported = self.place / "exported.npz"
        self.expect(0, "export", checkpoint, "--format", "npz", "--output", exported)
        file = self.write("exported.yaml", data + NETWORK % f"{exported}, layout: scnn")
        self.expect(3, "validate", file, says=["exported arrays have batch norm folded in", "exported.yaml:"])

        # What does not fit is said at once, and damage has its own code.
        file = self.write("misfit.yaml", data + NETWORK % 'weights.npz, map: [{from: "0", to: conv}, {from: "5", to: norm}]')
        said = self.expect(3, "validate", file, says=["misfit.yaml:", "5.weight for norm.scale is [5, 96], expected [6]",
                                                      "missing in the file:", "head.weight [5, 6, 4, 4] or [5, 96]", "left over in the file:",
                                                      "1.running_var [6]"])
        self.assertNotIn("num_batches_tracked", said.stderr)
        self.write("weights.npz", b"PK\x03\x04 and no more")
        self.expect(7, "validate", self.write("damaged.yaml", data + NETWORK % "weights.npz"), says="weights.npz: no zip archive")

    def test_exported_arrays_are_weights(self):
        np.savez(self.place / "x.npz", **self.arrays())
        plain = NETWORK.replace("    - {name: norm, type: batch_norm, momentum: 1.0e-30}\n", "").replace("bias: false", "bias: true")
        data = "data: {type: arrays, root: x.npz}\n"
        first = self.write("x.yaml", data + plain.replace("  init: {from: %s}\n", "").replace("lr: 0}", "lr: 0.1}"))
        self.expect(0, "run", first, "--out", self.place / "x")
        self.expect(0, "export", self.place / "x", "--format", "npz", "--output", self.place / "x-weights.npz")
        self.expect(0, "run", self.write("y.yaml", data + plain % "x-weights.npz, layout: scnn"), "--out", self.place / "y")
        before, after = (json.loads(self.expect(0, "eval", self.place / name, "--json").stdout)["loss"] for name in "xy")
        self.assertAlmostEqual(before, after, delta=1e-6)

    def test_resume_needs_no_weights(self):
        np.savez(self.place / "r.npz", **self.arrays())
        random = np.random.default_rng(1)
        state = {"conv.weight": random.normal(size=(6, 3, 3, 3)), "head.weight": random.normal(size=(5, 96)), "head.bias": np.zeros(5)}
        for name in ("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"):
            state[name] = np.ones(6)
        np.savez(self.place / "r-weights.npz", **state)
        file = self.write("r.yaml", "data: {type: arrays, root: r.npz}\ncheckpoint: {every: {steps: 1}}\n" + NETWORK % "r-weights.npz")
        run = self.place / "r"
        self.expect(75, "run", file, "train.epochs=1000000", "--out", run, "--max-time", "1s")
        (self.place / "r-weights.npz").unlink()
        self.expect(75, "resume", run, "--max-time", "1s")
        self.expect(3, "run", file, says=["there is no file", "r.yaml:"])


class Images(Own):
    def setUp(self):
        said = program.scnn("doctor").stdout
        for line in said.splitlines():
            if "image files" in line and not line.startswith("ok"):
                self.skipTest("skipped: " + line)

    def test_folder_of_images(self):
        for split, count in (("train", 8), ("test", 3)):
            for name, colour in (("night", (10, 20, 40)), ("day", (240, 220, 200))):
                for i in range(count):
                    shape = 9 + i, 20 - i
                    self.write(f"sky/{split}/{name}/{i}.png", png([[tuple(v + i for v in colour)] * shape[1]] * shape[0]))
        text = ("data: {type: image_folder, root: sky, height: 8, width: 8, channels: 3}\n" +
                NETWORK.replace("  init: {from: %s}\n", "").replace("out: 5}", "out: 2}").replace("lr: 0}", "lr: 0.1}").replace("epochs: 1", "epochs: 4"))
        file = self.write("sky.yaml", text)
        self.expect(0, "validate", file)
        # Two at once make one cache.
        both = [subprocess.Popen([program.PROGRAM, "run", str(file), "--out", str(self.place / f"sky-{i}")], cwd=self.place,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for i in range(2)]
        for one in both:
            printed = one.communicate(timeout=120)
            self.assertEqual(one.returncode, 0, printed)
        self.assertEqual(self.result(self.place / "sky-0"), self.result(self.place / "sky-1"))
        self.assertEqual([path.suffix for path in (self.place / "cache" / "scnn").iterdir()], [".safetensors"])
        self.assertEqual(json.loads(self.expect(0, "inspect", self.place / "sky-0" / "model.scnn", "--json").stdout)["classes"],
                         ["day", "night"])
        self.expect(0, "eval", self.place / "sky-0", "--expect", "top1>=0.9")
        self.expect(3, "validate", self.write("three.yaml", text.replace("out: 2}", "out: 3}")), says="makes 3 logits, image_folder has 2 classes")
        self.expect(3, "validate", self.write("no.yaml", text.replace("height: 8, ", "")), says="the key 'height' is missing")
        self.write("sky/train/day/broken.jpg", b"\xff\xd8\xff\xe0 is all there is")
        self.expect(4, "run", file, says=["1 image cannot be read", "sky/train/day/broken.jpg: ", "replace or remove them"])
        shutil.rmtree(self.place / "sky")
        self.expect(4, "run", file, says="there is no such folder")

    def test_decoding_shows_how_far_it_is(self):
        """A line on a terminal after two seconds, gone when it is done.  The seconds go by while the process is stopped."""
        first = self.write("many/train/a/0.png", png([[(9, 8, 7)] * 900] * 900) + bytes(100_000))
        for name in ("a", "b"):
            (self.place / "many/train" / name).mkdir(exist_ok=True)
            for i in range(1, 61):
                os.link(first, self.place / f"many/train/{name}/{i}.png")
        file = self.write("many.yaml", "data: {type: image_folder, root: many, height: 8, width: 8, channels: 3}\n" +
                          NETWORK.replace("  init: {from: %s}\n", "").replace("out: 5}", "out: 2}"))
        master, slave = pty.openpty()
        words = [program.PROGRAM, "run", file, "--out", self.place / "many-run"]
        cache = {**os.environ, "XDG_CACHE_HOME": str(self.place / "many-cache")}
        with subprocess.Popen(words, cwd=self.place, stdin=slave, stdout=slave, stderr=slave, env=cache) as process:
            os.close(slave)
            read = lambda: int(Path(f"/proc/{process.pid}/io").read_text().split("rchar: ")[1].split()[0])
            while read() < 2_000_000 and process.poll() is None:  # the first images: each has 100,000 bytes
                time.sleep(0.001)
            process.send_signal(signal.SIGSTOP)
            time.sleep(2.1)
            process.send_signal(signal.SIGCONT)
            text = ""
            while select.select([master], [], [], 60)[0]:
                try:
                    text += os.read(master, 65536).decode()
                except OSError:  # the process has ended
                    break
            self.assertEqual(process.wait(timeout=60), 0, text)
        os.close(master)
        done = re.search(r"\rdecoding images: (\d+) of 121\x1b\[K\r\x1b\[K", text)
        self.assertIsNotNone(done, text)
        self.assertTrue(1 <= int(done[1]) <= 121, text)

    def test_words(self):
        self.expect(0, "doctor", says=["image files", "JPEG (libjpeg", "PNG (libpng"])
        self.expect(0, "list", "data", says=["image_folder", "arrays"])
        self.expect(0, "explain", "image_folder", says=["data.fit", "data.test_fraction", "data.height"])
        self.expect(0, "explain", "model.init", says=["model.init.from", "model.init.layout", "model.init.map[].to", "model.init.skip"])


if __name__ == "__main__":
    program.main(__doc__)
