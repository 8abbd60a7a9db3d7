"""tools/check_prose.py: planted sentences are found, innocent ones are not."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import check_prose  # noqa: E402

LONG = "one " + "two " * 29 + "end."   # 31 words


def found(text):
    return [what for what, _ in check_prose.findings(text)]


class CheckProse(unittest.TestCase):
    def test_31_words_are_too_many_and_30_are_not(self):
        self.assertEqual(found(LONG), ["31 words, at most 30"])
        self.assertEqual(found(LONG.replace("one ", "", 1)), [])

    def test_sentences_end_at_full_stops_and_semicolons(self):
        self.assertEqual(len(check_prose.sentences("It is 0.5 of 2.  `Code` runs.  Then e.g. this; and that.")), 4)

    def test_riddles_and_spellings(self):
        self.assertEqual(found("What of them is not their papers' is listed."), ["'What of them' reads as a riddle"])
        self.assertEqual(found("All layers but for the last one."), ["'but for the' reads as a riddle"])
        self.assertEqual(found("It quantises weights."), ["'quantises': write -ize"])
        self.assertEqual(found("It quantizes weights, otherwise precise."), [])

    def test_markdown_is_read_as_prose(self):
        lines = ["# Head", "", "A text", "over two lines.", "```sh", LONG, "```", "| a cell | " + LONG + " |", "- an item", "", "See [here](a/b.md) and `x " + LONG + "`."]
        pieces = check_prose.paragraphs(lines)
        self.assertIn((3, "A text over two lines."), pieces)
        self.assertIn((9, "an item"), pieces)
        self.assertEqual([number for number, text in pieces if found(text)], [8])

    def test_the_program_names_the_place(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "docs").mkdir()
            (root / "experiments").mkdir()
            (root / "README.md").write_text("Fine.\n")
            (root / "docs/page.md").write_text("Fine.\n\n" + LONG + "\n")
            (root / "experiments/x.yaml").write_text("# on:  " + LONG + "\nversion: 1\n")
            done = subprocess.run([sys.executable, ROOT / "tools/check_prose.py", "--root", root], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("docs/page.md:3: 31 words, at most 30: one two", done.stdout)
        self.assertIn("experiments/x.yaml:1: 31 words", done.stdout)
        self.assertIn("prose: 2 findings", done.stdout)


if __name__ == "__main__":
    unittest.main()
