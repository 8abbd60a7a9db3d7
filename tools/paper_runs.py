"""Reads finished runs and sweeps of scnn, and the digitized figures of the self-compression paper, for tools/reproduce_paper."""
import csv
import json
import math
import re
import statistics
from pathlib import Path

PAPER = Path(__file__).resolve().parent.parent / "experiments/paper/figures"
FROZEN = "self_compress, frozen"   # formats frozen for the last share of training; the paper does not do this
METHODS = {"self_compress": "self-compression", FROZEN: "self-compression, frozen formats", "none": "float", "diffq": "DiffQ",
           "fixed_bits": "fixed bits", "lsq": "LSQ", "magnitude_prune": "pruned channels, fixed bits"}


def rows(path):
    """The rows of a CSV file.  Lines that start with # are comments."""
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def paper(name):
    return rows(PAPER / f"{name}.csv")


class Damaged(Exception):
    """Files of a finished run or sweep that cannot be read."""


class Run:
    """The folder of a finished run: its epochs, its layers at the end and its result."""

    def __init__(self, folder):
        self.folder = Path(folder)
        try:
            self.read()
            if not self.epochs:
                raise ValueError("epochs.csv has no epoch")
            self.sizes(), self.seconds(), self.macs(), self.top1, self.seed, self.learned_percent, self.file_bytes, self.live_percent
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise Damaged(f"{self.folder} is no finished run, or damaged: {type(error).__name__}: {error}") from error

    def read(self):
        self.result = json.loads((self.folder / "result.json").read_text(encoding="utf-8"))
        self.epochs = rows(self.folder / "epochs.csv")
        lines = (self.folder / "bits.jsonl").read_text(encoding="utf-8").splitlines()
        self.layers = json.loads(lines[-1])["layers"] if lines else []
        # config.yaml has every default written out: without freezing it says "none".  `settle` is the older name of `freeze`.
        self.frozen = re.search(r"^  (freeze|settle): \{", (self.folder / "config.yaml").read_text(encoding="utf-8"), re.MULTILINE) is not None

    @property
    def top1(self):
        return 100 * self.result["test"]["top1"]

    @property
    def seed(self):
        return self.result["seed"]

    @property
    def learned_percent(self):
        """Learned bits of the weights that are left, as a percentage of 32 bits for every original weight."""
        return self.result["size"]["learned_percent"]

    @property
    def file_bytes(self):
        return self.result["size"]["file_bytes"]

    @property
    def live_percent(self):
        return 100 * self.result["size"]["live_weights"] / self.result["size"]["original_weights"]

    def sizes(self):
        """(epoch, learned bits as a share of 32 bits for every original weight)."""
        return [(int(row["epoch"]), float(row["learned_bits"]) / 32 / float(row["original_weights"])) for row in self.epochs]

    def seconds(self):
        """Seconds of each epoch's training, including the wait for batches."""
        return [(int(row["epoch"]), float(row["train_seconds"]) + float(row["wait_seconds"])) for row in self.epochs]

    def macs(self):
        return [float(row["macs"]) for row in self.epochs]


class Point:
    """Runs that differ only in their seed."""

    def __init__(self, method, settings, runs):
        self.method, self.settings, self.runs = method, settings, runs

    def mean(self, figure):
        return statistics.fmean(getattr(run, figure) for run in self.runs)

    def error(self, figure):
        """The standard error of the mean.  None for one run."""
        values = [getattr(run, figure) for run in self.runs]
        return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None

    def error_by(self, deviation):
        """The standard error of the mean, given the deviation between seeds."""
        return deviation / math.sqrt(len(self.runs))

    @property
    def label(self):
        return f"{METHODS.get(self.method, self.method)} {self.settings}".strip()


def sweep_state(folder):
    """The content of a sweep's sweep.json."""
    try:
        state = json.loads((Path(folder) / "sweep.json").read_text(encoding="utf-8"))
        state["runs"], state["done"], [(point["runs"], point["settings"], point["baseline"]) for point in state["points"]]
        return state
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{folder}/sweep.json is damaged: {type(error).__name__}: {error}") from error


def sweep_points(folder):
    """The points of a sweep that have finished runs."""
    points = []
    for point in sweep_state(folder)["points"]:
        runs = [Run(Path(folder) / run) for run in point["runs"] if (Path(folder) / run / "result.json").exists()]
        settings = {key.removeprefix("compression."): value for key, value in point["settings"].items() if value not in ("", None)}
        method = settings.pop("type", "none" if point["baseline"] else "self_compress")
        if runs:
            if method == "self_compress" and runs[0].frozen:
                method = FROZEN
            words = " ".join(f"{key}={value}" for key, value in settings.items()) if method != "none" else ""
            points.append(Point(method, words, runs))
    return points


def write_runs(file, points):
    """Writes runs.csv, the numbers behind the table and figure 3: one row for each run."""
    with open(file, "w", encoding="utf-8", newline="") as out:
        csv_rows = csv.writer(out, lineterminator="\n")
        csv_rows.writerow(["method", "settings", "seed", "top1_percent", "file_bytes", "learned_percent", "live_percent", "train_seconds"])
        for point in points:
            for run in point.runs:
                csv_rows.writerow([METHODS.get(point.method, point.method), point.settings, run.seed, f"{run.top1:.2f}", run.file_bytes,
                                   f"{run.learned_percent:.3f}", f"{run.live_percent:.2f}", f"{run.result['time']['train_seconds']:.1f}"])
