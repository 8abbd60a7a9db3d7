"""Compares tools/read_scnn.py and the exported archive with each other, for every <n>.scnn and <n>.npz of a folder,
and, where <n>.images.npy and <n>.logits.npy are there, a NumPy network on the archive with the program's logits."""

import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
import read_scnn  # noqa: E402
from numpy_network import run  # noqa: E402


def main(folder):
    files = sorted(folder.glob("*.scnn"))
    worst = 0.0
    for file in files:
        read = read_scnn.arrays(read_scnn.read_model(file.read_bytes()))
        with np.load(file.with_suffix(".npz")) as archive:
            exported = {name: archive[name] for name in archive.files}
        network = json.loads(exported.pop("network").tobytes())
        compared = {name: value for name, value in exported.items() if not name.endswith(".bits")}
        if sorted(read) != sorted(compared):
            sys.exit(f"{file}: the reader finds {sorted(set(read) ^ set(compared))} differently")
        for name, value in compared.items():
            if read[name].shape != value.shape or not np.array_equal(read[name], value):
                sys.exit(f"{file}: {name} differs")
        images = file.with_suffix(".images.npy")
        if not images.exists():
            continue
        expected = np.load(file.with_suffix(".logits.npy")).astype(np.float64)
        got = run(network["layers"], exported, np.load(images).astype(np.float64))
        error = np.abs(got - expected).max() / max(np.abs(expected).max(), 1e-30)
        worst = max(worst, error)
        if not error < 1e-4:
            sys.exit(f"{file}: logits differ by {error:g} of the largest")
    if not files:
        sys.exit(f"no models in {folder}")
    print(f"{len(files)} models agree, worst logit error {worst:.2e}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
