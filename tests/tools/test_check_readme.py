"""Commands that would fail, planted in a page, with a small script in the program's place."""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = """#!/bin/sh
case "$1 $2" in
  "run --help") echo "  -q,--quiet less"; echo "  --out DIR  folder" ;;
  "bench --help") echo "  deploy  a verb of a verb" ;;
  "bench deploy") echo "  --rounds N  rounds" ;;
  "--help ") echo "  --json  one object" ;;
  "validate "*) if grep -q gama "$2" 2>/dev/null; then echo "unknown key 'gama'" >&2; exit 3; fi ;;
  "explain "*)
    case "$2" in
      --help|compression|data|model|train|checkpoint|logging|export|device|sweep) ;;
      *) echo "no setting $2" >&2; exit 2 ;;
    esac
    if [ "$2" = compression ]; then echo "compression.gamma  (number)"; echo "    strength"; fi ;;
  "run --dry-run")
    case "$*" in
      *gama=*) echo "unknown key 'gama'" >&2; exit 3 ;;
      *absent_data*) echo "CIFAR-10 was not found" >&2; exit 4 ;;
      *type=cuda*) echo "no CUDA" >&2; exit 5 ;;
      *type=crash*) exit 1 ;;
    esac ;;
  *) echo "no such verb" >&2; exit 2 ;;
esac
"""


class CheckReadme(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.program = self.folder / "scnn"
        self.program.write_text(PROGRAM)
        self.program.chmod(0o755)

    def check(self, block, mark="sh"):
        page = self.folder / "README.md"
        page.write_text(f"text\n```{mark}\n{block}\n```\n```text\ntools/absent\n```\n")
        return self.check_page(page)

    def check_page(self, page):
        done = subprocess.run([sys.executable, str(ROOT / "tools/check_readme.py"), str(self.program), str(page)],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def expect_failure(self, block, words, mark="sh"):
        status, output = self.check(block, mark)
        self.assertEqual(status, 1, output)
        self.assertIn(words, output)

    def test_in_order(self):
        status, output = self.check("# a comment\ntools/setup --print   # shows\nX=1 scnn run a.yaml \\\n  --out b -q --json && cmake --preset cpu-release")
        self.assertEqual(status, 0, output)
        self.assertIn("1 with 3 commands and 0 experiments, 0 would fail", output)

    def test_absent_tool(self):
        self.expect_failure("tools/absent", "README.md:3: tools/absent is not an executable file")

    def test_unknown_verb(self):
        self.expect_failure("scnn fly x", "`scnn fly --help` fails")

    def test_unknown_option(self):
        self.expect_failure("scnn run --outer x", "no option --outer")

    def test_options_of_a_verb_of_a_verb(self):
        self.assertEqual(self.check("scnn bench deploy x --rounds 7")[0], 0)
        self.expect_failure("scnn bench deploy x --circles 7", "no option --circles")

    def test_invalid_override(self):
        self.expect_failure("scnn run experiments/x.yaml compression.gama=1", "unknown key 'gama'")

    def test_missing_data_and_devices_are_listed_and_do_not_fail(self):
        for override, lacking in (("data.root=absent_data", "its data"), ("device.type=cuda", "its device")):
            status, output = self.check(f"scnn run experiments/quickstart.yaml {override}")
            self.assertEqual(status, 0, output)
            self.assertIn(f"cannot check `scnn run --dry-run experiments/quickstart.yaml {override}`: {lacking}", output)
            self.assertIn("0 would fail, 1 cannot be checked", output)
        self.expect_failure("scnn run experiments/quickstart.yaml data.root=absent_data compression.gama=1", "unknown key 'gama'")
        self.expect_failure("scnn run experiments/quickstart.yaml device.type=crash", "fails")

    def test_unknown_preset(self):
        self.expect_failure("cmake --preset fast", "preset fast")

    def test_absent_experiment(self):
        self.expect_failure("scnn run experiments/absent.yaml", "experiments/absent.yaml does not exist")

    def test_unknown_option_of_a_tool(self):
        self.expect_failure("tools/setup --printer", "tools/setup has no option --printer")

    def test_printing_commands_are_executed(self):
        self.assertEqual(self.check("scnn explain compression")[0], 0)
        self.expect_failure("scnn explain compression.gama", "no setting compression.gama")

    def test_key_of_an_override_without_an_experiment(self):
        self.assertEqual(self.check("scnn run runs/x compression.gamma=1")[0], 0)
        self.expect_failure("scnn run runs/x compression.gama=1", "does not know a key")

    def test_unchecked_commands_may_name_absent_experiments(self):
        self.assertEqual(self.check("scnn run mine.yaml --out b", "sh unchecked")[0], 0)
        self.expect_failure("scnn run mine.yaml --outer b", "no option --outer", "sh unchecked")

    def test_experiments(self):
        status, output = self.check("compression: {gamma: 1}", "yaml")
        self.assertEqual(status, 0, output)
        self.assertIn("0 commands and 1 experiments", output)
        self.expect_failure("compression: {gama: 1}", "README.md:3: not a valid experiment: unknown key 'gama'", "yaml")
        self.expect_failure("compression: {gama: 1}", "not a valid experiment", "yaml on=own_images.yaml")
        self.expect_failure("compression: {gamma: 1}", "unknown mark", "yaml of=own_images.yaml")

    def test_json(self):
        self.expect_failure('{"a": 1,}', "not JSON", "json")

    def test_unknown_marks(self):
        self.expect_failure("tools/setup", "marked bash is not checked", "bash")
        self.expect_failure("tools/setup", "unknown mark 'never'", "sh never")

    def test_sentences(self):
        page = self.folder / "README.md"
        for code, words in (("compression.gama", "no setting compression.gama"), ("scnn run --outer x", "no option --outer"),
                            ("tools/setup --printer", "no option --printer")):
            page.write_text(f"A sentence with `{code}`.\n```sh\ntools/setup\n```\n")
            status, output = self.check_page(page)
            self.assertEqual(status, 1, output)
            self.assertIn("README.md:1: ", output)
            self.assertIn(words, output)

    def test_page_without_commands(self):
        self.assertEqual(self.check("")[0], 1)


if __name__ == "__main__":
    unittest.main()
