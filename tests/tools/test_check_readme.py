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
  "validate "*) ;;
  "run --dry-run") case "$*" in *gama=*) echo "unknown key 'gama'" >&2; exit 3 ;; esac ;;
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

    def check(self, block):
        page = self.folder / "README.md"
        page.write_text(f"text\n```sh\n{block}\n```\n```yaml\ntools/absent\n```\n")
        done = subprocess.run([sys.executable, str(ROOT / "tools/check_readme.py"), str(self.program), str(page)],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def expect_failure(self, block, words):
        status, output = self.check(block)
        self.assertEqual(status, 1, output)
        self.assertIn(words, output)

    def test_in_order(self):
        status, output = self.check("# a comment\ntools/setup --print   # shows\nX=1 scnn run a.yaml \\\n  --out b -q --json && cmake --preset cpu-release")
        self.assertEqual(status, 0, output)
        self.assertIn("3 commands, 0 would fail", output)

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

    def test_unknown_preset(self):
        self.expect_failure("cmake --preset fast", "preset fast")

    def test_absent_experiment(self):
        self.expect_failure("scnn run experiments/absent.yaml", "experiments/absent.yaml does not exist")

    def test_page_without_commands(self):
        self.assertEqual(self.check("")[0], 1)


if __name__ == "__main__":
    unittest.main()
