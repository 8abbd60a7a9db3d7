#!/usr/bin/env python3
"""Reports: the figures as files against the run's own records, and the pages as a browser shows them, at the width of a desktop and
of a phone.  The pages of old, cut off, tiny and huge runs too.

usage: test_report.py PROGRAM [unittest arguments]
"""
import csv
import json
import os
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import browser
import program
from program import TINY, Case

CHARTS = ["accuracy", "size", "seconds", "left", "efficiency", "channels", "layer-bits", "fall"]
SWEEP = TINY + "sweep: {axes: {compression.gamma: [0.05, 0.1], seed: [1, 2]}, baseline: {compression.type: none}}\n"
# What a page shows: each chart's size and painted pixels, and each cell of the heat map, null where it is empty.
PROBE = """(() => {
  const pixels = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const heat = document.querySelector("#bits canvas");
  const cells = [];
  if (heat && heat.width) {
    const data = pixels(heat);
    for (let y = 0; y < heat.height; ++y)
      cells.push(Array.from({ length: heat.width }, (_, x) => data[4 * (y * heat.width + x) + 3]
        ? [...data.slice(4 * (y * heat.width + x), 4 * (y * heat.width + x) + 3)] : null));
  }
  return {
    charts: Object.fromEntries([...document.querySelectorAll(".plot canvas")].map((canvas) => [canvas.id, {
      width: canvas.offsetWidth, height: canvas.offsetHeight, colours: new Set(new Uint32Array(pixels(canvas).buffer)).size }])),
    drawings: [...document.querySelectorAll(".plot svg")].filter((svg) => svg.getBoundingClientRect().height > 0).length,
    cells, heat: heat && [heat.offsetWidth, heat.offsetHeight],
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
})()"""


def choose(layer):
    return f"""(() => {{
      const select = document.querySelector("#bits select");
      select.value = {json.dumps(layer)};
      select.dispatchEvent(new Event("change"));
      return select.value;
    }})()"""


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def table(path):
    return list(csv.reader(path.read_text().splitlines()))


class Reports(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.epochs = [line for line in lines(cls.run_folder / "metrics.jsonl") if line["type"] == "epoch"]
        cls.bits = lines(cls.run_folder / "bits.jsonl")

    def expected_bits(self, layer):
        """[channel][epoch] of the records; None where the channel is gone."""
        first = next(entry for entry in self.bits[0]["layers"] if entry["layer"] == layer)
        grid = [[None] * len(self.bits) for _ in range(first["original_channels"])]
        for column, record in enumerate(self.bits):
            for entry in record["layers"]:
                if entry["layer"] == layer:
                    for channel, bits in zip(entry["channels"], entry["bits"]):
                        grid[channel][column] = bits
        return grid


class Figures(Reports):
    def test_the_files_of_a_run_hold_its_records(self):
        folder = self.place / "figures"
        said = json.loads(self.expect(0, "report", self.run_folder, "-o", "run.html", "--figures", folder, "--json").stdout)
        names = {Path(path).name for path in said["figures"]}
        layers = [entry["layer"] for entry in self.bits[0]["layers"]]
        self.assertEqual(names, {f"{chart}.{kind}" for chart in [*CHARTS, "bits"] for kind in ("svg", "csv")}
                         | {f"bits-{layer}.svg" for layer in layers})
        self.assertEqual(names, {path.name for path in folder.iterdir()})

        accuracy = table(folder / "accuracy.csv")
        self.assertEqual(accuracy[0], ["epoch", "validation", "training"])
        for row, epoch in zip(accuracy[1:], self.epochs, strict=True):
            self.assertEqual(int(row[0]), epoch["epoch"])
            self.assertAlmostEqual(float(row[1]), 100 * epoch["evaluation"]["top1"], places=6)
            self.assertAlmostEqual(float(row[2]), 100 * epoch["train_top1"], places=6)
        size = table(folder / "size.csv")
        self.assertAlmostEqual(float(size[-1][1]), self.epochs[-1]["size"]["packed_bits"] / 8000, places=8)
        seconds = table(folder / "seconds.csv")
        self.assertEqual([round(float(row[1]), 6) for row in seconds[1:]], [round(e["train_seconds"], 6) for e in self.epochs])

        rows = table(folder / "bits.csv")
        self.assertEqual(rows[0], ["layer", "channel", *(str(record["epoch"]) for record in self.bits)])
        gone = 0
        for layer in layers:
            mine = [row for row in rows if row[0] == layer]
            for channel, (row, wanted) in enumerate(zip(mine, self.expected_bits(layer), strict=True)):
                self.assertEqual(int(row[1]), channel)
                for text, bits in zip(row[2:], wanted, strict=True):
                    gone += bits is None
                    self.assertTrue(text == "" if bits is None else abs(float(text) - bits) < 0.001 * (1 + bits), (row, wanted))
        self.assertGreater(gone, 0, "no channel goes: nothing is tested")

    def test_drawings_are_svg_that_needs_nothing(self):
        self.expect(0, "report", self.run_folder, "-o", "run.html", "--figures", "drawings")
        for path in (self.place / "drawings").glob("*.svg"):
            root = ElementTree.parse(path).getroot()
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
            box = [float(word) for word in root.get("viewBox").split()]
            texts = [node for node in root.iter() if node.tag.endswith("}text")]
            self.assertGreater(len(texts), 3, path)
            for node in texts:
                self.assertTrue(0 <= float(node.get("x")) <= box[2] and 0 <= float(node.get("y")) <= box[3], (path, node.text))
            self.assertNotIn("href", path.read_text())
            self.assertNotIn("nan", path.read_text())

    def test_a_folder_that_cannot_be(self):
        (self.place / "a file").write_text("")
        self.expect(11, "report", self.run_folder, "-o", "run.html", "--figures", self.place / "a file" / "below", says="a file/below")


class Pages(Reports):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = browser.Browser() if browser.PROGRAM else None

    @classmethod
    def tearDownClass(cls):
        if cls.browser:
            cls.browser.close()
        super().tearDownClass()

    def setUp(self):
        self.need(self.browser, "Chromium is not installed (tools/setup --full): pages are not looked at")

    def page(self, *what):
        path = self.place / f"page{len(list(self.place.glob('page*')))}.html"
        self.expect(0, "report", *what, "-o", path)
        return path

    def look(self, path, charts, width=1280, dark=False):
        """Opens a page and checks what every page must hold; what the probe saw."""
        self.browser.open(path, width, dark)
        seen = self.browser.run(PROBE)
        self.assertEqual(self.browser.problems, [])
        self.assertEqual(list(seen["charts"]), charts)
        for name, chart in seen["charts"].items():
            self.assertGreater(chart["colours"], 8, f"{name} is blank")
            self.assertTrue(150 < chart["width"] < width and 150 < chart["height"] < 700, (name, chart))
        self.assertEqual(seen["drawings"], 0, "drawings are for print")
        self.assertLessEqual(seen["overflow"], 0, f"wider than {width}")
        return seen

    def test_a_run(self):
        path = self.page(self.run_folder)
        for width, dark in ((1280, False), (390, True)):
            seen = self.look(path, CHARTS, width, dark)
            layers = [entry["layer"] for entry in self.bits[0]["layers"]]
            wanted = {layer: self.expected_bits(layer) for layer in layers}
            self.assert_cells(seen["cells"], [row for layer in layers for row in wanted[layer]])
            for layer in layers:
                self.assertEqual(self.browser.run(choose(layer)), layer)
                self.assert_cells(self.browser.run(PROBE)["cells"], wanted[layer])
        self.assertEqual(self.browser.problems, [])

    def assert_cells(self, cells, wanted):
        """Empty where the channel is gone; one colour for one number of bits, lighter for more."""
        self.assertEqual([[cell is None for cell in row] for row in cells], [[bits is None for bits in row] for row in wanted])
        light = sorted((bits, sum(cell)) for row, grid in zip(cells, wanted) for cell, bits in zip(row, grid) if cell)
        self.assertGreater(light[-1][0] - light[0][0], 0.5)
        self.assertGreater(light[-1][1], light[0][1])

    def test_what_a_reader_does(self):
        path = self.page(self.run_folder)
        self.look(path, CHARTS)
        tip = self.browser.run("""(() => {
          const canvas = document.querySelector("#bits canvas"), area = canvas.getBoundingClientRect();
          canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: area.left + 1, clientY: area.top + 1 }));
          return document.querySelector("#bits .tip").textContent;
        })()""")
        self.assertEqual(tip, f"conv1, channel 0, epoch 1: {self.expected_bits('conv1')[0][0]:.2f} bits")
        self.assertIn(f"validation: {100 * self.epochs[0]['evaluation']['top1']:.2f}", self.tooltip("accuracy", 0.12, 0.5))
        self.assertIn("bits on average", self.tooltip("layer-bits", 0.3, 0.6))
        # The files behind the buttons, taken where the browser would save them.
        saved = self.browser.run("""(async () => {
          const blobs = [];
          URL.createObjectURL = (blob) => { blobs.push(blob); return "data:,"; };
          HTMLAnchorElement.prototype.click = function () {};
          document.querySelectorAll("[data-save]").forEach((button) => button.click());
          return Promise.all(blobs.map((blob) => blob.text()));
        })()""")
        self.expect(0, "report", self.run_folder, "-o", path, "--figures", "saved")
        names = [f"{chart}.{kind}" for chart in CHARTS for kind in ("svg", "csv")] + ["bits.csv"]
        self.assertEqual(len(saved), len(names))
        for name, text in zip(names, saved):
            if name.endswith("csv"):
                self.assertEqual(text, (self.place / "saved" / name).read_text(), name)
            else:
                self.assertTrue(ElementTree.fromstring(text).tag.endswith("}svg"), name)
        order = self.browser.run("""(() => {
          const table = document.querySelector("table.sortable"), button = table.querySelectorAll("th button")[1];
          const column = () => [...table.tBodies[0].rows].map((row) => parseFloat(row.cells[1].textContent));
          button.click();
          const up = column();
          button.click();
          return [up, column()];
        })()""")
        self.assertEqual(order, [sorted(order[0]), sorted(order[0], reverse=True)])
        self.assertEqual(self.browser.problems, [])
        self.assertTrue(self.browser.pdf().startswith(b"%PDF"))

    def tooltip(self, chart, x, y):
        """What a chart says to a pointer at these shares of its width and height."""
        at = self.browser.run(f"""(() => {{
          const canvas = document.getElementById("{chart}");
          canvas.scrollIntoView({{ block: "center" }});
          const area = canvas.getBoundingClientRect();
          return [area.left + {x} * area.width, area.top + {y} * area.height];
        }})()""")
        self.browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=at[0], y=at[1])
        return self.browser.run(f"""new Promise((done) => requestAnimationFrame(() => {{
          const tooltip = Chart.getChart("{chart}").tooltip;
          done(tooltip.opacity ? JSON.stringify(tooltip.body.map((entry) => entry.lines.join(" "))) : "none");
        }}))""")

    def test_without_scripts_and_in_print_there_are_drawings(self):
        path = self.page(self.run_folder)
        plain = self.place / "plain.html"
        plain.write_text(path.read_text().replace("<script>", "<script type='text/plain'>"))
        self.browser.open(plain)
        self.assertEqual(self.browser.run(PROBE)["drawings"], len(CHARTS))
        self.look(path, CHARTS)
        self.browser.call("Emulation.setEmulatedMedia", media="print")
        seen = self.browser.run(PROBE)
        self.browser.call("Emulation.setEmulatedMedia", media="")
        self.assertEqual(seen["drawings"], len(CHARTS))
        self.assertEqual([chart["width"] for chart in seen["charts"].values()], [0] * len(CHARTS))

    def test_several_runs_and_a_sweep(self):
        file, folder = self.place / "sweep.yaml", self.place / "swept"
        file.write_text(SWEEP)
        self.expect(0, "sweep", file, "--out", folder)
        several = self.page(self.run_folder, folder / "runs/p002-seed1", folder / "runs/baseline-seed1")
        sweep = self.page(folder)
        self.browser.open(sweep, 700)  # the paper's width
        self.browser.call("Emulation.setEmulatedMedia", media="print")
        self.assertLessEqual(self.browser.run("Math.max(...[...document.querySelectorAll('table')].map((t) => t.offsetWidth))"), 700)
        self.browser.call("Emulation.setEmulatedMedia", media="")
        for width in (1280, 390):
            self.look(several, ["pareto", "accuracies", "sizes", "left", "times"], width)
            self.look(sweep, ["pareto"], width)

    def variant(self, name):
        folder = self.place / name
        shutil.copytree(self.run_folder, folder)
        return folder

    def test_runs_that_are_not_whole(self):
        one = self.variant("one epoch")
        for file in ("metrics.jsonl", "bits.jsonl"):
            kept = [line for line in lines(one / file) if line["epoch"] <= 1 and line.get("type", "epoch") == "epoch"]
            (one / file).write_text("".join(json.dumps(line) + "\n" for line in kept))
        self.assertEqual(len(self.look(self.page(one), CHARTS[:-1], 390)["cells"][0]), 1)

        training = self.variant("training")
        info = json.loads((training / "run.json").read_text())
        (training / "run.json").write_text(json.dumps({**info, "state": "running", "exit_code": None, "ended": None, "process": os.getpid()}))
        (training / "result.json").unlink()
        with (training / "metrics.jsonl").open("a") as file:
            file.write('{"type":"epoch","epo')  # being written
        self.look(self.page(training), CHARTS)

        failed = self.variant("failed")
        (failed / "run.json").write_text(json.dumps({**info, "state": "failed", "exit_code": 6, "message": "loss is <NaN>"}))
        for file in ("result.json", "model.scnn", "bits.jsonl"):
            (failed / file).unlink()
        path = self.page(failed)
        self.look(path, CHARTS[:5])
        self.assertIn("loss is &lt;NaN&gt;", path.read_text())

        for file in ("metrics.jsonl", "epochs.csv", "config.yaml"):
            (failed / file).unlink()
        del info["origin"], info["total_steps"]  # what older programs did not write
        (failed / "run.json").write_text(json.dumps(info))
        self.look(self.page(failed), [], 390)

    def test_a_huge_run(self):
        huge = self.variant("huge")
        names = [f"stage{stage}.block{block}.convolution" for stage in range(2) for block in range(2)]
        with (huge / "bits.jsonl").open("w") as bits, (huge / "metrics.jsonl").open("w") as metrics:
            for epoch in range(1, 301):
                live = list(range(0, 512, 1 + epoch // 150))
                entries = [{"layer": name, "original_channels": 512, "channels": live, "bits": [round(8 - epoch / 50, 2)] * len(live),
                            "original_weights": 512, "live_weights": len(live), "learned_bits": 5.0, "packed_bits": 6} for name in names]
                bits.write(json.dumps({"epoch": epoch, "step": epoch, "layers": entries}) + "\n")
                metrics.write(json.dumps({**self.epochs[-1], "epoch": epoch}) + "\n")
        path = self.page(huge)
        self.assertLess(path.stat().st_size, 20e6)
        seen = self.look(path, CHARTS, 390)
        self.assertEqual(len(seen["cells"]), 4 * 512)
        self.assertLessEqual(len(seen["cells"][0]), 250)
        self.browser.run(choose(names[0]))
        seen = self.browser.run(PROBE)
        self.assertEqual(len(seen["cells"]), 512)
        self.assertIsNone(seen["cells"][1][-1])
        self.assertIsNotNone(seen["cells"][3 * 2][-1])
        self.assertLess(seen["heat"][1], 1000)

    def test_faults_are_seen(self):
        """What this file is for, planted."""
        text = self.page(self.run_folder).read_text()
        planted = self.place / "planted.html"
        for fault in (text.replace('<canvas id="size"', '<canvas id="another"'),
                      text.replace("function sortable(table) {", "function sortable(table) { throw new Error('planted');"),
                      text.replace("</body>", '<img src="http://127.0.0.1:9/x.png"></body>'),
                      text.replace("chart.update(\"none\");\n", "chart.destroy();\n", 1),
                      text.replace("</body>", '<div style="width: 3000px">wide</div></body>')):
            self.assertNotEqual(fault, text)
            planted.write_text(fault)
            with self.assertRaises(AssertionError):
                self.look(planted, CHARTS)


if __name__ == "__main__":
    program.main(__doc__)
