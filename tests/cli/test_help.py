#!/usr/bin/env python3
"""What the program tells of itself: schema, completions, manual; a starter experiment; two runs compared.

usage: test_help.py PROGRAM [unittest arguments]
"""
import copy
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import program
from program import TINY, Case

try:
    import jsonschema
except ImportError:
    jsonschema = None
try:
    import yaml
except ImportError:
    yaml = None

if yaml:
    class Loader(yaml.SafeLoader):
        """Numbers as in YAML 1.2, where 1e-08 is one."""

    Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789"))

ROOT = Path(__file__).resolve().parents[2]


def places(schema):
    """Every key of a schema as a path, whatever the shape around it; a list's items are "[]"."""
    def walk(node, path):
        if not isinstance(node, dict):
            return
        for key, inner in node.get("properties", {}).items():
            found.add(f"{path}.{key}" if path else key)
            walk(inner, f"{path}.{key}" if path else key)
        for inner in [node.get("else"), *node.get("anyOf", [])]:
            walk(inner, path)
        walk(node.get("items"), path + "[]")

    found = set()
    walk({key: value for key, value in schema.items() if key != "else"}, "")
    for rule in schema["definitions"]["layer"]["allOf"]:
        walk(rule["then"], rule["if"]["properties"]["type"]["const"])
    walk(schema["definitions"]["layer"], "model.layers[]")
    return found


class Schema(Case):
    def test_the_page_of_settings_is_the_programs(self):
        page = (Path(__file__).resolve().parents[2] / "docs/settings.md").read_text()
        self.assertEqual(page, self.expect(0, "explain", "--markdown").stdout,
                         "docs/settings.md is not what `scnn explain --markdown` prints: write it anew")

    def schema(self):
        return json.loads(self.expect(0, "explain", "--schema").stdout)

    def test_every_setting_has_a_place_and_a_meaning(self):
        known = places(self.schema())
        self.expect(2, "explain", says="--schema")
        self.expect(2, "explain", "--schema", "gamma")
        listing = json.loads(self.expect(0, "list", "--json").stdout)
        wanted = {s["key"] for kind in listing.values() for component in kind for s in component["settings"]}
        wanted |= {"compression.gamma", "sweep.axes", "model.blocks", "extends", "logging.sinks"}
        self.assertGreater(len(wanted), 60)
        self.assertEqual(wanted - known, set())
        gamma = self.schema()["properties"]["compression"]["else"]["properties"]["gamma"]
        self.assertEqual((gamma["else"], "weight of the size loss" in gamma["description"]), ({"type": "number", "minimum": 0.0}, True))
        self.assertEqual(self.schema()["properties"]["seed"]["default"], 0)

    def test_it_takes_what_the_program_takes_and_refuses_wrong_keys(self):
        self.need(jsonschema and yaml, "the schema needs the Python packages jsonschema and PyYAML to be tried")
        validator = jsonschema.Draft7Validator(self.schema())
        validator.check_schema(validator.schema)
        files = sorted((ROOT / "experiments").glob("*.yaml"))
        for file in [*files, self.tiny, self.run_folder / "config.yaml"]:
            errors = [error.message for error in validator.iter_errors(yaml.load(file.read_text(), Loader))]
            self.assertEqual(errors, [], file)
        tiny = yaml.safe_load(TINY)

        def refused(change):
            document = copy.deepcopy(tiny)
            change(document)
            return not validator.is_valid(document)

        self.assertFalse(refused(lambda d: None))
        self.assertFalse(refused(lambda d: d["train"].update(epochs="${seed}")))
        self.assertTrue(refused(lambda d: d["compression"].update(gama=0.1)))
        self.assertTrue(refused(lambda d: d["compression"].update(type="none")))  # gamma belongs to self_compress
        self.assertTrue(refused(lambda d: d["compression"].update(gamma=-1)))
        self.assertTrue(refused(lambda d: d["data"].update(root="x")))  # synthetic has no files
        self.assertTrue(refused(lambda d: d["model"]["layers"][0].update(kernal=3)))
        self.assertTrue(refused(lambda d: d["model"]["layers"][7].pop("out")))
        self.assertTrue(refused(lambda d: d["train"]["optimizer"]["groups"][0].pop("match")))
        self.assertTrue(refused(lambda d: d["checkpoint"].update(every={"epochs": 1, "steps": 2})))
        self.assertTrue(refused(lambda d: d.pop("data")))
        self.assertTrue(refused(lambda d: d.update(logging={"sinks": ["radio"]})))


class Completion(Case):
    def test_bash(self):
        (self.place / "some folder").mkdir(exist_ok=True)
        script = self.place / "completion.bash"
        script.write_text(self.expect(0, "completion", "bash").stdout)
        ask = ('source "$1"; COMP_LINE="$2"; COMP_POINT=${#2}; COMP_WORDBREAKS="$3"; _scnn; printf "%s\\n" "${COMPREPLY[@]}"')

        def words(line, breaks=" =:"):
            done = subprocess.run(["bash", "--norc", "-c", ask, "bash", script, line, breaks], cwd=self.place, text=True,
                                  capture_output=True, check=True)
            self.assertEqual(done.stderr, "")
            return done.stdout.split()

        self.assertEqual(words("scnn ru"), ["run"])
        self.assertIn("watch", words("scnn "))
        self.assertEqual(words("scnn --json --progress plain val"), ["validate"])
        self.assertEqual(words("scnn run --dev"), ["--device"])
        self.assertEqual(words("scnn run --device c"), ["cpu", "cuda"])
        self.assertEqual(words("scnn run --device=c"), ["cpu", "cuda"])
        self.assertEqual(words("scnn run tin"), ["tiny.yaml"])
        self.assertEqual(words("scnn run tiny.yaml compression.gamma_"), ["compression.gamma_ramp.epochs="])
        self.assertEqual(words("scnn run tiny.yaml seed=3 --device cpu train.bat"), ["train.batch_size="])
        self.assertEqual(words("scnn run tiny.yaml compression.type=self"), ["self_compress"])
        self.assertEqual(words("scnn run tiny.yaml compression.type=self", " "), ["compression.type=self_compress"])
        self.assertEqual(words("scnn run tiny.yaml compression.revive="), ["true", "false"])
        self.assertEqual(words("scnn data fetch cifar100"), ["cifar100"])
        self.assertEqual(words("scnn data v"), ["verify"])
        self.assertEqual(words("scnn explain conv"), ["conv2d"])
        self.assertEqual(words("scnn list opt"), ["optimizers"])
        self.assertEqual(words("scnn resume strai"), ["straight"])
        self.assertEqual(words("scnn version x"), [])
        self.expect(2, "completion", "tcsh")

    def test_other_shells_take_their_scripts(self):
        for shell in ("zsh", "fish"):
            script = self.place / f"completion.{shell}"
            script.write_text(self.expect(0, "completion", shell).stdout)
            self.assertIn("compression.gamma", script.read_text())
            if shutil.which(shell):
                subprocess.run([shell, "-n", script], check=True)
        if shutil.which("zsh"):
            stubs = 'compadd() { print -r -- "$@" }; compdef() { : }; compset() { : }; source "$1"; words=("${@:2}"); CURRENT=$#words; '
            ask = [shutil.which("zsh"), "-f", "-c", stubs + 'PREFIX=$words[-1]; _scnn', "zsh", self.place / "completion.zsh"]
            for line, wanted in {"data fetch x": "cifar100", "run x.yaml compression.type=s": "self_compress", "run --device c": "cuda"}.items():
                done = subprocess.run([*ask, "scnn", *line.split()], capture_output=True, text=True, check=True)
                self.assertIn(wanted, done.stdout.split(), line)
        if shutil.which("fish"):
            command = "set -x PATH $argv[2] $PATH; source $argv[1]; complete -C 'scnn run x.yaml compression.ty'"
            done = subprocess.run(["fish", "--no-config", "-c", command, script, Path(program.PROGRAM).parent], text=True,
                                  capture_output=True, check=True, env={**os.environ, "HOME": str(self.place)})
            self.assertIn("compression.type=self_compress", done.stdout.split())


class Manual(Case):
    def test_it_knows_all_and_is_clean(self):
        page = self.expect(0, "man").stdout
        plain = re.sub(r"\\f[BIR]|\\&", "", page).replace("\\-", "-")
        for wanted in ["scnn run FILE", "--max-time TIME", "compression.gamma", "fixed_bits", "conv2d.kernel", "EXIT STATUS", "data fetch"]:
            self.assertIn(wanted, plain)
        self.assertEqual([line for line in page.splitlines() if len(line) > 80 and not line.startswith(".")], [])
        file = self.place / "scnn.1"
        file.write_text(page)
        if shutil.which("mandoc"):
            done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", file], text=True, capture_output=True, check=False)
            # No date: the same program always writes the same page.
            self.assertEqual([line for line in done.stdout.splitlines() if "missing date" not in line], [])
        if shutil.which("groff"):
            done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-z", file], text=True, capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


class Init(Case):
    def test_a_starter_is_valid_and_never_overwrites(self):
        place = self.place / "fresh"
        place.mkdir()
        self.assertIn("scnn run experiment.yaml", self.expect(0, "init", "--json").stdout + self.expect(0, "init", place / "experiment.yaml").stdout.replace(str(place) + "/", ""))
        self.expect(0, "validate", place / "experiment.yaml")
        text = (place / "experiment.yaml").read_text()
        self.assertLess(len(text.splitlines()), 50)
        (place / "experiment.yaml").write_text("mine")
        self.expect(2, "init", place / "experiment.yaml", says="exists")
        self.assertEqual((place / "experiment.yaml").read_text(), "mine")
        self.expect(2, "init", place / "absent" / "e.yaml", says="no folder")
        made_up = "data={type: synthetic, classes: 10, height: 28, width: 28, train: 64, test: 32}"
        self.expect(0, "run", self.place / "experiment.yaml", made_up, "train.epochs=1", "train.batch_size=16", "--out", place / "run")


class Compare(Case):
    def test_only_what_differs_then_the_metrics(self):
        other = self.place / "other"
        self.expect(0, "run", self.tiny, "train.epochs=2", "compression.gamma=0.5", "model.layers.conv1.out=6", "--out", other)
        table = json.loads(self.expect(0, "compare", self.run_folder, other, "--json").stdout)
        self.assertEqual(table["settings"], {"compression.gamma": {"a": "0.05", "b": "0.5"},
                                             "model.layers.conv1.out": {"a": "8", "b": "6"},
                                             "train.epochs": {"a": "6", "b": "2"}})
        results = [json.loads((folder / "result.json").read_text()) for folder in (self.run_folder, other)]
        for side, result in zip("ab", results):
            self.assertEqual(table["metrics"]["test_top1"][side], result["test"]["top1"])
            self.assertEqual(table["metrics"]["file_bytes"][side], result["size"]["file_bytes"])
            self.assertEqual(table["metrics"]["learned_bits"][side], result["size"]["learned_bits"])
            self.assertEqual(table["metrics"]["channels_removed"][side], sum(r["channels"] for r in result["removals"]))
        text = self.expect(0, "compare", self.run_folder, other).stdout
        self.assertRegex(text, r"compression\.gamma +0\.05 +0\.5")
        self.assertRegex(text, r"epochs +6 +2 +-4")
        self.assertNotIn("train.batch_size", text)
        self.assertIn("all settings are equal", self.expect(0, "compare", other, other).stdout)

    def test_checkpoints_and_what_is_none(self):
        checkpoint = sorted((self.run_folder / "checkpoints").glob("*.safetensors"))[0]
        table = json.loads(self.expect(0, "compare", checkpoint, self.run_folder, "--json").stdout)
        self.assertEqual(table["settings"], {})
        self.assertGreater(table["metrics"]["live_weights"]["a"], 0)
        self.assertIsNone(table["metrics"]["test_top1"]["a"])
        self.assertIsNone(table["metrics"]["file_bytes"]["a"])
        lone = self.place / "lone.scnn"
        shutil.copy(self.run_folder / "model.scnn", lone)
        self.expect(2, "compare", lone, self.run_folder, says="name the run")
        self.expect(2, "compare", self.place / "absent", self.run_folder)
        self.expect(2, "compare", self.run_folder)


if __name__ == "__main__":
    program.main(__doc__)
