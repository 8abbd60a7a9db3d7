"""What leaves the program: C source and predictions, without NumPy."""
import json
import shutil
import struct
import subprocess
import zipfile
import zlib

import program
from program import Case, scnn


def png(width, height, pixels):
    """A grey image of 8 bits."""
    rows = b"".join(b"\0" + bytes(pixels[y * width:(y + 1) * width]) for y in range(height))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def npy(kind, shape, body):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body


class Deploy(Case):
    def setUp(self):
        self.pixels = [(x * 7 + y * 31) % 256 for y in range(12) for x in range(12)]
        (self.place / "image.png").write_bytes(png(12, 12, self.pixels))
        (self.place / "images.npy").write_bytes(npy("|u1", (2, 12, 12), bytes(self.pixels) + bytes(144)))

    def top(self, *words):
        found = json.loads(self.expect(0, "predict", *words, "--json").stdout)
        return [{entry["index"]: entry["logit"] for entry in image["top"]} for image in found["images"]]

    def test_predict_takes_images_and_arrays(self):
        model = self.run_folder / "model.scnn"
        image = self.top(model, "image.png") if self.reads_png() else self.top(model, "images.npy")[:1]
        arrays = self.top(model, "images.npy")
        self.assertEqual(len(arrays), 2)
        self.assertEqual(image[0], arrays[0])
        self.assertEqual(set(arrays[0]), {0, 1, 2})
        self.assertNotEqual(arrays[0], arrays[1])
        self.assertEqual(self.top(self.run_folder, "images.npy", "--threads", "2"), arrays)
        self.assertEqual([len(image) for image in self.top(model, "images.npy", "images.npy", "--top", "1")], [1] * 4)
        newest = max((self.run_folder / "checkpoints").glob("*.safetensors"))
        self.assertEqual(self.top(newest, "images.npy"), arrays)
        text = self.expect(0, "predict", model, "images.npy").stdout.splitlines()
        self.assertEqual([line for line in text if line.startswith("images.npy")], ["images.npy[0]", "images.npy[1]"])
        self.assertIn("%", text[1])

    def reads_png(self):
        return scnn("predict", self.run_folder, "image.png", cwd=self.place).returncode == 0

    def test_floats_are_taken_as_normalized(self):
        # The same image, normalized by hand as the model says, alone and in an archive.
        archive = self.place / "export.npz"
        self.expect(0, "export", self.run_folder / "model.scnn", "--format", "npz", "-o", archive)
        with zipfile.ZipFile(archive) as file:
            mean, std = (struct.unpack("<f", file.read(f"input.{name}.npy")[-4:])[0] for name in ("mean", "std"))
        floats = struct.pack("<144f", *[(v / 255 - mean) / std for v in self.pixels])
        (self.place / "floats.npy").write_bytes(npy("<f4", (12, 12, 1), floats))
        with zipfile.ZipFile(self.place / "floats.npz", "w") as file:
            file.writestr("labels.npy", npy("|u1", (1,), b"0"))
            file.writestr("images.npy", npy("<f4", (1, 12, 12), floats))
        expected = self.top(self.run_folder, "images.npy")[0]
        for found in self.top(self.run_folder, "floats.npy", "floats.npz"):
            for index, logit in expected.items():
                self.assertAlmostEqual(found[index], logit, delta=1e-5)
        with zipfile.ZipFile(self.place / "two.npz", "w") as file:
            for name in ("a", "b"):
                file.writestr(f"{name}.npy", npy("<f4", (1, 12, 12), floats))
        self.expect(4, "predict", self.run_folder, "two.npz", says=["a, b", "x, images or x_test"])

    def test_predict_refuses(self):
        model = self.run_folder / "model.scnn"
        damaged = self.place / "damaged.scnn"
        damaged.write_bytes(model.read_bytes()[:-1] + b"\0")
        self.expect(7, "predict", damaged, "images.npy", says="checksum")
        self.expect(4, "predict", model, "absent.png", says="absent.png")
        (self.place / "text.png").write_bytes(b"no image")
        self.expect(4, "predict", model, "text.png", says="text.png")
        (self.place / "small.npy").write_bytes(npy("|u1", (2, 5, 5), bytes(50)))
        self.expect(4, "predict", model, "small.npy", says=["12x12x1", "(2, 5, 5)"])
        self.expect(2, "predict", model)
        self.expect(2, "predict", model, "images.npy", "--top", "0")
        self.expect(2, "predict", self.place / "absent", "images.npy")

    def test_verify_on_test_images(self):
        for format, count, images in (("packed", "all", 64), ("npz", "5", 5), ("c", "all", 64), ("onnx", "all", 64)):
            done = scnn("export", self.run_folder, "--format", format, "-o", f"verified_{format}", "--verify-images", count, "--json",
                        cwd=self.place)
            if done.returncode == 5 and "tools/setup --with-onnx" in done.stderr:
                print("\nskipped: no Python with onnxruntime; tools/setup --with-onnx makes one", flush=True)
                continue
            self.assertEqual(done.returncode, 0, done.stderr)
            found = json.loads(done.stdout)
            if found["max_diff"] is None:  # no C compiler
                continue
            self.assertEqual((found["images"], found["top1_differ"]), (images, found["near_ties"]))
            self.assertLess(found["max_diff"], 1e-5)
        said = self.expect(0, "export", self.run_folder, "-o", "verified", "--verify-images", "9").stdout
        self.assertIn("on 9 test images, of which 0 have another top-1", said)
        for wrong in ("0", "some", "-1", "1.5"):
            self.expect(2, "export", self.run_folder, "--verify-images", wrong, says="--verify-images")
        self.expect(2, "export", self.place / "verified", "--verify-images", "all", says="images are unknown")

    def test_activations_of_bytes(self):
        model, calibrated = self.run_folder / "model.scnn", self.run_folder / "bytes.scnn"
        self.addCleanup(calibrated.unlink)
        self.expect(0, "export", self.run_folder, "--calibrate", "64", "-o", calibrated, "--verify-images", "all", says="logits equal")
        self.assertTrue(0 < calibrated.stat().st_size - model.stat().st_size < 40)
        found = json.loads(self.expect(0, "eval", calibrated, "--json").stdout)
        self.assertLess(abs(found["bytes"]["top1"] - found["top1"]), 0.05)
        self.assertLess(abs(found["bytes"]["loss"] - found["loss"]), 0.05)
        self.assertNotIn("bytes", json.loads(self.expect(0, "eval", model, "--json").stdout))
        self.expect(0, "eval", calibrated, "--expect", "bytes_top1>=0", "--expect", "bytes_loss>=0", says="with activations of bytes")
        self.expect(8, "eval", calibrated, "--expect", "bytes_top1>1", says="bytes_top1")
        self.expect(2, "eval", model, "--expect", "bytes_top1>=0", says="--calibrate")
        floats = self.top(model, "images.npy")
        self.assertEqual(self.top(calibrated, "images.npy", "--activations", "floats"), floats)
        in_bytes = self.top(calibrated, "images.npy")
        self.assertEqual(in_bytes, self.top(calibrated, "images.npy", "--activations", "bytes"))
        self.assertNotEqual(in_bytes, floats)
        largest = max(abs(logit) for image in floats for logit in image.values())
        for image, other in zip(in_bytes, floats):
            for index, logit in other.items():
                self.assertAlmostEqual(image[index], logit, delta=0.05 * largest)
        self.expect(2, "predict", model, "images.npy", "--activations", "bytes", says="--calibrate")
        self.expect(2, "export", self.run_folder, "--format", "onnx", "--calibrate", "64", says="--calibrate")
        self.expect(2, "export", self.run_folder, "--calibrate", "0", says="--calibrate")
        bare = self.place / "bare.scnn"
        shutil.copy(model, bare)
        self.expect(2, "export", bare, "--calibrate", "64", says="its images are unknown")

    def test_export_c(self):
        done = json.loads(self.expect(0, "export", self.run_folder, "--format", "c", "-o", "source", "--json").stdout)
        self.assertEqual(done["files"], ["tiny.h", "tiny.c", "main.c"])
        self.assertNotIn("malloc", (self.place / "source/tiny.c").read_text())
        self.need(shutil.which("cc"), "no C compiler")
        model = self.run_folder / "model.scnn"
        checked = json.loads(self.expect(0, "export", model, "--format", "c", "-o", "source", "--verify", "--json").stdout)
        self.assertLess(checked["max_diff"], 1e-4)
        flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2"]
        subprocess.run(["cc", *flags, "-o", "example", "main.c", "tiny.c"], cwd=self.place / "source", check=True)
        said = subprocess.run([self.place / "source/example"], input=bytes(self.pixels), capture_output=True, check=True).stdout
        logits = {int(line.split()[0]): float(line.split()[-1]) for line in said.decode().splitlines()}
        for index, logit in self.top(model, "images.npy")[0].items():
            self.assertAlmostEqual(logits[index], logit, delta=1e-4 * max(map(abs, logits.values())))

    def test_export_c_without_a_compiler_says_so(self):
        done = self.expect(0, "export", self.run_folder, "--format", "c", "-o", "unverified", "--verify",
                           env={"PATH": "/nowhere", "HOME": str(self.place)})
        self.assertIn("not verified: no C compiler", done.stdout)


if __name__ == "__main__":
    program.main(__doc__)
