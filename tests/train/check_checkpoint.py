"""A checkpoint's weights, bits and exponents in a NumPy network of its own: reads checkpoint.safetensors and
probe.safetensors (images, logits) of a folder and compares logits.  The network is that of training.h."""

import json
import pathlib
import sys

import numpy as np


def read_safetensors(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    kinds = {"F32": "<f4", "I32": "<i4", "U8": "u1"}
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], kinds[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def quantized(tensors, layer):
    """q(w, b, e) of the paper's eq. 1, a pair (b, e) for each output channel."""
    w = tensors[f"model.{layer}.weight"]
    shape = (-1,) + (1,) * (w.ndim - 1)
    b = tensors[f"model.{layer}.bits"].reshape(shape)
    scale = np.exp2(tensors[f"model.{layer}.exponent"]).reshape(shape)
    s = np.exp2(-tensors[f"model.{layer}.exponent"]).reshape(shape) * w
    half = np.exp2(b - np.float32(1))
    return (scale * np.rint(np.clip(s, -half, half - 1))).astype(np.float64)


def conv3x3(x, w):
    x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return np.einsum("nhwcij,oijc->nhwo", view, w)


def batch_norm(x, t, layer):
    get = lambda role: t[f"model.{layer}.{role}"].astype(np.float64)
    a = np.where(get("frozen") != 0, 0, get("scale") / np.sqrt(get("running_var") + 1e-5))
    c = np.where(get("frozen") != 0, get("shift"), get("shift") - a * get("running_mean"))
    return a * x + c


def spread(x, live, original):
    out = np.zeros(x.shape[:-1] + (original,))
    out[..., live] = x
    return out


def main(folder):
    t = read_safetensors(folder / "checkpoint.safetensors")
    probe = read_safetensors(folder / "probe.safetensors")
    x = probe["images"].astype(np.float64)
    for layer in ("conv1", "conv2"):
        x = np.maximum(batch_norm(conv3x3(x, quantized(t, layer)), t, layer + "_bn"), 0)
    y = conv3x3(x, quantized(t, "sum_in"))
    total = spread(x, t["channels.conv2"], 12) + spread(y, t["channels.sum_in"], 12)
    pooled = total[..., t["channels.sum"]].mean(axis=(1, 2))
    logits = np.einsum("nc,oc->no", pooled, quantized(t, "fc")[:, 0, 0, :]) + t["model.fc.bias"]
    error = np.abs(logits - probe["logits"]).max() / np.abs(probe["logits"]).max()
    print(f"largest difference {error:.2e} of the largest logit; "
          f"{len(t['channels.conv1'])} of 8, {len(t['channels.conv2'])} of 12 channels")
    if not error < 1e-4:
        sys.exit("the logits differ")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
