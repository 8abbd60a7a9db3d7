#!/usr/bin/env python3
"""Draws the figures of docs/figures from tables and reports, with a white background for dark pages.

usage: tools/front_figures.py accuracy OUT.svg        accuracy against file bytes, from experiments/results/paper_medium/README.md
       tools/front_figures.py budget OUT.svg          budgets beside gammas, from experiments/results/budget/README.md
       tools/front_figures.py white CHART.svg OUT.svg  a chart of `scnn report --figures`, on white
"""
import math
import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "experiments/results"
WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 56, 52
# Wong's colours, which people with a colour deficiency can tell apart too.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#9b5aa5", "#555555"
METHODS = (  # name in the table, label, colour, shape; the point with the label, and the label's x, y and anchor from there
    ("self-compression", "scnn: self-compression", BLUE, "circle", 1, (-10, -8, "end")),
    ("DiffQ", "DiffQ", GREEN, "square", 1, (0, 26, "middle")),
    ("pruned channels, fixed bits", "pruned channels, 4 bits", RED, "triangle", 0, (-4, 22, "start")),
    ("LSQ", "LSQ", PURPLE, "diamond", 0, (-10, 0, "end")),
    ("fixed bits", "fixed bits", ORANGE, "cross", 2, (0, 24, "middle")),
)


def number(text):
    return float(text.replace(",", ""))


class Chart:
    """One panel with the logarithm of the bytes to the right and top-1 upwards."""

    def __init__(self, title, subtitle, x_range, y_range, x_ticks, y_ticks, x_label):
        self.x_range, self.y_range = x_range, y_range
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
            'font-family="Helvetica, Arial, sans-serif" font-size="13">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        ]
        self.text(LEFT, 24, title, size=16, weight="bold")
        self.text(LEFT, 43, subtitle, colour=GREY, size=12)
        for value in y_ticks:
            y = self.y(value)
            self.line(LEFT, y, WIDTH - RIGHT, y, "#e4e4e4")
            self.text(LEFT - 8, y + 4, f"{value}%", anchor="end", colour="#333333")
        for value, label in x_ticks:
            x = self.x(value)
            self.line(x, TOP, x, HEIGHT - BOTTOM, "#e4e4e4")
            self.text(x, HEIGHT - BOTTOM + 18, label, anchor="middle", colour="#333333")
        self.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#333333")
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label, anchor="middle", colour="#333333")

    def x(self, value):
        low, high = (math.log(end) for end in self.x_range)
        return LEFT + (math.log(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        low, high = self.y_range
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def line(self, x1, y1, x2, y2, colour, width=1.0, dashes=""):
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" stroke-width="{width}"{dash}/>')

    def text(self, x, y, words, anchor="start", colour="#111111", size=13, weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}" '
                          f'font-weight="{weight}">{escape(words)}</text>')

    def mark(self, x, y, shape, colour):
        shapes = {
            "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>',
            "square": f'<path d="M{x - 4.5:.1f} {y - 4.5:.1f}h9v9h-9z" fill="{colour}"/>',
            "triangle": f'<path d="M{x:.1f} {y - 6:.1f}l6 10.5h-12z" fill="{colour}"/>',
            "diamond": f'<path d="M{x:.1f} {y - 6.5:.1f}l6 6.5l-6 6.5l-6 -6.5z" fill="{colour}"/>',
            "cross": f'<path d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10" stroke="{colour}" stroke-width="3" fill="none"/>',
            "ring": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" stroke="{colour}" stroke-width="2" fill="#ffffff"/>',
        }
        self.parts.append(shapes[shape])

    def series(self, points, colour, shape, width=2.0, dashes=""):
        """Points (bytes, top-1, standard error or None), joined in the order of their bytes."""
        points = sorted(points)
        path = "L".join(f"{self.x(size):.1f} {self.y(top1):.1f}" for size, top1, _ in points)
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(f'<path d="M{path}" stroke="{colour}" stroke-width="{width}" fill="none"{dash}/>')
        for size, top1, error in points:
            if error:
                self.line(self.x(size), self.y(top1 - error), self.x(size), self.y(top1 + error), colour, 1.5)
            self.mark(self.x(size), self.y(top1), shape, colour)

    def write(self, path):
        Path(path).write_text("\n".join([*self.parts, "</svg>\n"]), encoding="utf-8")


def accuracy(out):
    """The methods of the table at the end of paper_medium: name, settings | seeds | top-1 ± error | bytes ± error | ..."""
    row = re.compile(r"^\| ([^|=]*?)(?: [\w.]+=[^|]*)? \| (\d+) \| ([\d.]+) ± ([\d.]+) \| ([\d,]+) ± [\d,]+ \|", re.M)
    table = {}
    for name, _, top1, error, size in row.findall((RESULTS / "paper_medium/README.md").read_text(encoding="utf-8")):
        table.setdefault(name, []).append((number(size), number(top1), number(error)))
    ticks = [(v * 1000, f"{v} kB") for v in (20, 30, 50, 70, 100, 150, 200)]
    chart = Chart("Accuracy against file size, CIFAR-10 (JPEG)",
                  "Page's ResNet at width 16, 10,000 images, 20 epochs; mean and standard error of three seeds",
                  (17500, 240000), (62, 77), ticks, range(62, 77, 2), "model.scnn, bytes (logarithmic)")
    size, top1, _ = table["float"][0]
    chart.line(LEFT, chart.y(top1), WIDTH - RIGHT, chart.y(top1), GREY, 1.5, "5 4")
    chart.text(LEFT + 8, chart.y(top1) - 7, f"float32: {top1}% in {size / 1e6:.2f} MB", colour=GREY)
    for name, label, colour, shape, labelled, (dx, dy, anchor) in reversed(METHODS):
        points = sorted(table[name])
        ours = name == "self-compression"
        chart.series(points, colour, shape, 3.0 if ours else 1.8)
        x, y = chart.x(points[labelled][0]) + dx, chart.y(points[labelled][1]) + dy
        chart.text(x, y, label, anchor, colour, weight="bold" if ours else "normal")
    chart.write(out)


def budget(out):
    """Both tables of results/budget: gamma | file | top-1 | beside the front, or nothing | budget | file | below | top-1 | ..."""
    text = (RESULTS / "budget/README.md").read_text(encoding="utf-8")
    gamma, target = [], []
    for part, table in enumerate(re.split(r"^## Frozen formats$", text, flags=re.M)[:2]):
        gamma.append([])
        target.append([])
        for line in table.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) < 9 or not re.match(r"^[\d,]+$", cells[-4]):
                continue
            target[part].append((number(cells[-4]), number(cells[-2].rstrip("%")), None))
            if cells[1]:
                files = [number(size) for size in cells[1].split(", ")]
                tops = [float(top.rstrip("%")) for top in cells[2].split(", ")]
                gamma[part].append((sum(files) / len(files), sum(tops) / len(tops), None))
    ticks = [(v * 1000, f"{v} kB") for v in (5, 7, 10, 15, 20, 30, 40, 60)]
    chart = Chart("A byte budget beside a constant gamma, Fashion-MNIST",
                  "The quickstart's network, 12 epochs; seed 0, gammas with frozen formats: mean of two or three seeds",
                  (4800, 70000), (90, 93), ticks, (90, 91, 92, 93), "model.scnn, bytes (logarithmic)")
    drawn = (("constant gamma", gamma[0], GREY, "circle", "5 4"), ("byte budget", target[0], ORANGE, "square", "5 4"),
             ("constant gamma, formats frozen for the last 15%", gamma[1], BLUE, "circle", ""),
             ("byte budget, formats frozen for the last 15%", target[1], GREEN, "square", ""))
    for place, (label, points, colour, shape, dashes) in enumerate(drawn):
        chart.series(points, colour, shape, 2.0, dashes)
        y = HEIGHT - BOTTOM - 82 + 20 * place
        chart.line(WIDTH - 408, y - 4, WIDTH - 380, y - 4, colour, 2.0, dashes)
        chart.mark(WIDTH - 394, y - 4, shape, colour)
        chart.text(WIDTH - 370, y, label, colour="#111111")
    chart.write(out)


def white(chart, out):
    """A report's chart has no background and takes the page's colour of text; here both are given."""
    text = Path(chart).read_text(encoding="utf-8")
    opening = re.match(r'<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>', text)
    if opening is None:
        raise SystemExit(f"{chart}: not a chart of `scnn report --figures`")
    background = f'\n<rect width="{opening.group(1)}" height="{opening.group(2)}" fill="#ffffff"/>'
    Path(out).write_text(opening.group(0)[:-1] + ' color="#111111">' + background + text[opening.end():], encoding="utf-8")


def main():
    commands = {"accuracy": (accuracy, 1), "budget": (budget, 1), "white": (white, 2)}
    function, count = commands.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if function is None or len(sys.argv) != 2 + count:
        print(__doc__, file=sys.stderr)
        return 2
    function(*sys.argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
