"""The figures of docs/figures: drawn again, those from tables are the committed files, so they cannot drift from their tables."""
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def draw(*arguments):
    return subprocess.run([sys.executable, str(ROOT / "tools/front_figures.py"), *map(str, arguments)], capture_output=True, text=True,
                          check=False)


class FrontFigures(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = Path(folder.name, "figure.svg")

    def test_figures_of_tables_are_the_committed_ones(self):
        for kind, name in (("accuracy", "accuracy_bytes.svg"), ("budget", "byte_budget.svg")):
            done = draw(kind, self.out)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.out.read_text(), (ROOT / "docs/figures" / name).read_text(), f"draw {name} again")

    def test_every_figure_is_svg_on_white(self):
        figures = sorted((ROOT / "docs/figures").glob("*.svg"))
        self.assertTrue(figures)
        for path in figures:
            tree = ElementTree.parse(path).getroot()
            width, height = tree.get("viewBox").split()[2:]
            rectangles = [r.attrib for r in tree.iter("{http://www.w3.org/2000/svg}rect")]
            self.assertIn({"width": width, "height": height, "fill": "#ffffff"}, rectangles, path.name)

    def test_white_gives_a_chart_background_and_colour(self):
        chart = self.out.with_name("chart.svg")
        chart.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 30" width="48"><text fill="currentColor">a</text></svg>')
        self.assertEqual(draw("white", chart, self.out).returncode, 0)
        self.assertEqual(self.out.read_text(), '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 30" width="48" color="#111111">\n'
                         '<rect width="48" height="30" fill="#ffffff"/><text fill="currentColor">a</text></svg>')

    def test_refusals(self):
        self.assertEqual(draw("pie", self.out).returncode, 2)
        chart = self.out.with_name("chart.svg")
        chart.write_text("<html/>")
        done = draw("white", chart, self.out)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not a chart of", done.stderr)


if __name__ == "__main__":
    unittest.main()
