"""For every <n>.scnn of a folder, calibrated, with <n>.npz, <n>.images.npy and <n>.logits.npy: compares the logits with a
NumPy network in double precision that rounds activations as the file says."""

import json
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "export")]
import read_scnn  # noqa: E402
from numpy_network import run  # noqa: E402


def main(folder):
    errors = []
    for file in sorted(folder.glob("*.scnn")):
        model = read_scnn.read_model(file.read_bytes())
        quantization = {layer["name"]: layer["quantization"] for layer in model["layers"] if "quantization" in layer}
        with np.load(file.with_suffix(".npz")) as archive:
            arrays = {name: archive[name] for name in archive.files}
        network = json.loads(arrays.pop("network").tobytes())["layers"]
        images = np.load(file.with_suffix(".images.npy")).astype(np.float64)
        found = np.load(file.with_suffix(".logits.npy")).astype(np.float64)
        scale = max(np.abs(found).max(), 1e-30)
        error = np.abs(run(network, arrays, images, quantization) - found).max() / scale
        in_floats = np.abs(run(network, arrays, images) - found).max() / scale
        errors.append((error, in_floats, file.name))
    near = sum(error < 1e-5 for error, _, _ in errors)
    worst = max(errors)
    print(f"{len(errors)} models, {near} within 1e-5, worst {worst[0]:.1e} ({worst[2]}); in floats farther away: "
          f"{sum(away >= 1e-5 for _, away, _ in errors)}")
    # Where rounding of floats decides between two bytes, the runtime may take the other one.
    if near < 0.95 * len(errors):
        sys.exit("the runtime's bytes are not what the file says")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
