"""For every <n>.scnn of a folder, calibrated, with <n>.npz, <n>.images.npy and <n>.logits.npy: compares the logits with a
NumPy network in double precision that rounds activations as the file's levels say."""

import json
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "deploy")]
import read_scnn  # noqa: E402
from numpy_network import run  # noqa: E402


def main(folder):
    errors = []
    for file in sorted(folder.glob("*.scnn")):
        model = read_scnn.read_model(file.read_bytes())
        levels = {layer["name"]: layer["levels"] for layer in model["layers"] if "levels" in layer}
        with np.load(file.with_suffix(".npz")) as archive:
            arrays = {name: archive[name] for name in archive.files}
        network = json.loads(arrays.pop("network").tobytes())["layers"]
        images = np.load(file.with_suffix(".images.npy")).astype(np.float64)
        found = np.load(file.with_suffix(".logits.npy")).astype(np.float64)
        scale = max(np.abs(found).max(), 1e-30)
        error = np.abs(run(network, arrays, images, levels) - found).max() / scale
        in_floats = np.abs(run(network, arrays, images) - found).max() / scale
        errors.append((error, in_floats, file.name))
    near = sum(error < 2e-3 for error, _, _ in errors)
    worst = max(errors)
    print(f"{len(errors)} models, {near} within 2e-3, worst {worst[0]:.1e} ({worst[2]}); in floats at least 2e-3 away: "
          f"{sum(away >= 2e-3 for _, away, _ in errors)}")
    # A number near the middle of two bytes may become either: base and scale are rounded to 32 bits here.
    if near < 0.9 * len(errors) or worst[0] > 0.05:
        sys.exit("the runtime's bytes are not what the levels say")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
