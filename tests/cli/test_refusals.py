#!/usr/bin/env python3
"""What the built program does with what it cannot use: the documented exit code, the place, the remedy, nothing lost.

usage: test_refusals.py PROGRAM [unittest arguments]
"""
import json
import os
import resource
import shutil
import subprocess
import zlib

import program
from program import TINY, Case, scnn


class Refusals(Case):
    def test_what_training_would_refuse_is_refused_before(self):
        override = "train.optimizer.groups=[{match: ['nothing*'], lr: 0.1}]"
        self.expect(3, "run", self.tiny, "--dry-run", override, says="fits no parameter")
        self.expect(3, "run", self.tiny, "--dry-run", "train.batch_size=100000", says="train.batch_size")
        self.expect(3, "run", self.tiny, "train.batch_size=225", "--out", self.place / "none", says=["225", "224 training"])
        self.assertFalse((self.place / "none").exists())
        self.expect(2, "inspect", self.tiny, says="scnn validate")
        self.expect(2, "data", "verify", "synthetic", says="no files")

    def test_a_wrong_network_is_refused_alike_with_line_and_remedy(self):
        """validate, a dry run and a run print the same; nothing is trained or written."""
        shape = self.place / "shape.yaml"
        shape.write_text(TINY.replace("kernel: 3, stride: 2, padding: same", "kernel: 99, padding: valid"))
        classes = self.place / "classes.yaml"
        classes.write_text(TINY.replace("out: 3}", "out: 7}"))
        image = self.place / "image.yaml"
        image.write_text(TINY.replace("input: [1, 12, 12]", "input: [3, 12, 12]"))
        wanted = {shape: ["error[E112] layer 'conv1' (conv2d)", "shape.yaml:9:7", "|       ^", "lower the kernel"],
                  classes: ["error[E112] layer 'fc' makes 7 logits, synthetic has 3 classes", "classes.yaml:16:37",
                            "^ set out to 3"],
                  image: ["error[E115]", "image.yaml:7:10", "^ write input: [1, 12, 12]"]}
        for file, texts in wanted.items():
            words = (["validate", file], ["run", file, "--dry-run"], ["run", file, "--out", self.place / "never"])
            printed = [self.expect(3, *one, says=texts).stderr for one in words]
            self.assertEqual(len(set(printed)), 1, printed)
        self.assertFalse((self.place / "never").exists())
        known = self.place / "known.yaml"
        known.write_text("version: 1\ndata: {type: cifar100}\nmodel:\n  input: [3, 32, 32]\n  layers:\n"
                         "    - {type: flatten}\n    - {type: linear, out: 10}\n")
        self.expect(3, "validate", known, says=["known.yaml:7:27", "cifar100 has 100 classes", "set out to 100"])

    def test_ten_mistakes_are_reported_in_one_go(self):
        """Each with its line, its column and what to do."""
        ten = self.place / "ten.yaml"
        ten.write_text("""\
version: 1
name: ten mistakes
sed: 1
device: {type: gpu}
data: {type: synthetic, train: -5, classes: 3}
model:
  input: [1, 16, 16]
  layers:
    - {name: conv1, type: conv2d, out: many, kernel: 3}
    - {type: batch_nrom}
    - {type: flatten}
    - {name: fc, type: linear, out: 3, input: conv7}
compression: {type: self_compress, gamma: 0.05, gama: 1}
train:
  epochs: 010
  batch_size: 32
  batch_size: 64
""")
        printed = self.expect(3, "validate", ten).stderr
        wanted = {"2:7": "it names a folder", "3:1": "did you mean 'seed'?", "4:16": "known: auto, cpu, cuda",
                  "5:32": "must be in [1, 10000000]", "9:40": "must be a whole number", "10:14": "did you mean 'batch_norm'?",
                  "12:47": "did you mean 'conv1'?", "13:49": "did you mean 'gamma'?", "15:11": "write 10, or put quotes",
                  "17:3": "already given at"}
        mistakes = [mistake for mistake in printed.split("\n\n") if mistake.strip()]
        self.assertEqual(len(mistakes), 10, printed)
        for mistake, (place, remedy) in zip(mistakes, wanted.items()):
            self.assertRegex(mistake, rf"^error\[E\d+\] .*\n  .*ten.yaml:{place}\b")
            self.assertIn(remedy, mistake)

    def test_names_in_a_model_file_do_not_reach_the_terminal_raw(self):
        whole = (self.run_folder / "model.scnn").read_bytes()
        crafted = self.place / "crafted.scnn"
        for name, shown in ((b"\x1b[31m", "\\x1b[31m"), (b"a\xc2\x9bmb", "a\\x9bmb"), (b"\x00\x07\r\x7fx", "\\x00\\x07\\x0d\\x7fx"),
                            (b"\xff\xfe12\x1b", "12\\x1b")):
            self.assertIn(b"conv1", whole)
            body = whole[:-4].replace(b"conv1", name)
            crafted.write_bytes(body + zlib.crc32(body).to_bytes(4, "little"))
            for code, words in ((0, []), (0, ["--json"]), (2, ["--channels", "none"])):
                done = subprocess.run([program.PROGRAM, "inspect", crafted, *words], capture_output=True, check=False)
                self.assertEqual(done.returncode, code, done.stderr)
                printed = (done.stdout + done.stderr).decode(errors="replace")
                for character in printed:
                    self.assertFalse(character != "\n" and (ord(character) < 32 or 127 <= ord(character) < 160), ascii(printed))
                if words != ["--json"]:
                    self.assertIn(shown, printed)

    def test_usage_is_2(self):
        self.expect(2)
        self.expect(2, "fly", says=["fly", "scnn --help"])
        self.expect(2, "exprot", says="did you mean 'export'?")
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
        self.expect(2, "export", self.run_folder, "--format", "onnx", "--style", "qonnx", "--verify", says="has no Quant")
        self.expect(2, "export", self.run_folder, "--format", "onnx", "--opset", "14", says="--opset")
        self.expect(2, "export", self.run_folder, "--format", "npz", "--opset", "13", says="--format onnx")
        self.expect(2, "export", self.run_folder, "--style", "qonnx", says="--format onnx")
        self.expect(5, "export", self.run_folder, "--format", "onnx", "--verify", says="tools/setup --with-onnx",
                    env={**os.environ, "SCNN_PYTHON": str(self.place / "no-python")})
        self.expect(2, "inspect", self.run_folder, "--channels", "conv9", says="conv1")
        self.expect(2, "resume", self.run_folder, "--from", "nothing.safetensors", says="checkpoints of this run are in")
        self.expect(2, "data", "verify", "emnist", says="fashion_mnist")
        self.expect(2, "data", "fetch", "emnist", says="fashion_mnist")
        self.expect(2, "inspect", "a" * 5000)
        for nonsense in ("top1", "top1=0.9", "top1>=", "top1>=x", ">=1", "top1>=nan", "top1>=inf", "top1>=0.9%", ""):
            self.expect(2, "eval", self.run_folder, "--expect", nonsense, says="METRIC>=VALUE")

    def test_control_characters_do_not_cut_the_list_of_mistakes(self):
        self.expect(3, "run", self.tiny, 'seed="\\0\\e[31m"', "train.epochs=many", says=["\\x00\\x1b[31m", "epochs"])

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

    def test_damaged_run_folders_are_7_or_mended(self):
        folder = self.place / "damaged"
        shutil.copytree(self.run_folder, folder)
        whole = (folder / "config.yaml").read_text()
        for text in ("nonsense", whole[:100], ""):
            (folder / "config.yaml").write_text(text)
            self.expect(0, "eval", folder, says=["config.yaml is damaged", "going by the copy in"])
        self.expect(0, "resume", folder, says="going by the copy in")
        self.assertEqual((folder / "config.yaml").read_text(), whole)
        self.assertEqual((folder / "config.yaml.damaged").read_text(), "")
        self.assertEqual(self.result(folder), self.result(self.run_folder))
        # No index: each checkpoint has a hash of its own.
        (folder / "checkpoints" / "index.json").unlink()
        self.expect(0, "resume", folder, says="index.json is missing")
        (folder / "config.yaml").write_text("nonsense")
        shutil.rmtree(folder / "checkpoints")
        self.expect(7, "eval", folder, says=["config.yaml is damaged", "start anew"])
        self.expect(7, "resume", folder, says=["config.yaml is damaged", "start anew"])
        state = json.loads((folder / "run.json").read_text())
        for text in ("", "[]", "{}", "null", json.dumps({**state, "state": "asleep"}), json.dumps({**state, "seed": "x"})):
            (folder / "run.json").write_text(text)
            self.expect(7, "resume", folder, says=["run.json is damaged", "scnn eval"])
        (self.run_folder / "result.json").rename(self.place / "kept.json")
        try:
            (self.run_folder / "result.json").write_text("{}")
            self.expect(7, "report", self.run_folder, "-o", "page.html", says=["result.json is damaged", "scnn resume"])
        finally:
            (self.place / "kept.json").rename(self.run_folder / "result.json")

    def test_checkpoints_need_no_temporary_folder(self):
        newest = max((self.run_folder / "checkpoints").glob("*.safetensors"))
        self.expect(0, "eval", newest, env={**os.environ, "TMPDIR": "/nowhere"})

    def test_unmet_check_is_8(self):
        done = self.expect(8, "eval", self.run_folder, "--expect", "top1>=1.1", "--json", says="expected top1>=1.1")
        self.assertIn("top1", json.loads(done.stdout))
        self.expect(0, "eval", self.run_folder, "--expect", "top1>=0", "--expect", "file_bytes<=20000")

    def test_a_full_disk_is_11_and_loses_nothing(self):
        def little_room():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

        folder = self.place / "full"
        self.expect(11, "run", self.tiny, "--out", folder, preexec_fn=little_room,
                    says=["step-5.safetensors", "free some space"])
        self.assertEqual(list(folder.rglob("*.tmp")), [])
        state = json.loads((folder / "run.json").read_text())
        self.assertEqual((state["state"], state["exit_code"]), ("failed", 11))
        self.expect(0, "resume", folder)
        self.assertEqual(self.result(folder), self.result(self.run_folder))

    def test_out_of_memory_names_what_training_needs(self):
        def little_memory():
            resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))

        if scnn("version", preexec_fn=little_memory).returncode != 0:
            self.skipTest("skipped: this build (a sanitizer's) does not start in so little memory")
        folder = self.place / "wide"
        wide = self.place / "wide.yaml"
        wide.write_text(TINY.replace("conv1, type: conv2d, out: 8", "conv1, type: conv2d, out: 20000"))
        self.expect(10, "run", wide, "train.batch_size=224", "--out", folder, preexec_fn=little_memory,
                    says=["out of memory", "train.batch_size 224", "MiB of activations", "lower train.batch_size"])
        state = json.loads((folder / "run.json").read_text())
        self.assertEqual((state["state"], state["exit_code"]), ("failed", 10))

    def test_closed_streams_reach_no_file(self):
        """The next file opened must not become stdout or stderr."""
        def close():
            for descriptor in range(3):
                os.close(descriptor)

        folder = self.place / "closed"
        done = subprocess.run([program.PROGRAM, "run", self.tiny, "--out", folder], preexec_fn=close, timeout=300, check=False)
        self.assertEqual(done.returncode, 11)
        self.assertEqual(self.result(folder), self.result(self.run_folder))
        self.assertEqual((folder / ".lock").read_bytes(), b"")
        self.assertNotIn("channels  -", (folder / "log.txt").read_text())

    def test_run_folder_is_11(self):
        self.expect(11, "run", self.tiny, "--out", self.run_folder, says="scnn resume")
        self.expect(11, "run", self.tiny, "--out", "/dev/null/run", says="--out")
        (self.place / "else" / "checkpoints").mkdir(parents=True)
        self.expect(11, "run", self.tiny, "--out", self.place / "else", says="holds no run")


if __name__ == "__main__":
    program.main(__doc__)
