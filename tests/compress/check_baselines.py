"""LSQ and DiffQ after their papers, in PyTorch with double precision and automatic differentiation: reads case.safetensors
of a folder (inputs, and what the program computed) and compares."""

import json
import math
import pathlib
import sys

import numpy as np
import torch


def read_safetensors(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    meta = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        assert entry["dtype"] == "F32"
        values = np.frombuffer(data[begin:end], "<f4").astype(np.float64).reshape(entry["shape"])
        tensors[name] = torch.tensor(values)
    return meta, tensors


def lsq(meta, t):
    """The paper's appendix: gradscale and roundpass."""
    bits = int(meta["bits"])
    low, high = -2 ** (bits - 1), 2 ** (bits - 1) - 1
    w, s = t["weight"].requires_grad_(), t["step"].requires_grad_()
    scale = 1 / math.sqrt(w.numel() * high)
    step = (s - s * scale).detach() + s * scale
    v = (w / step).clamp(low, high)
    v = (v.round() - v).detach() + v
    q = v * step
    (t["upstream"] * q).sum().backward()
    start = 2 * t["start_weight"].abs().mean() / math.sqrt(high)
    return {"effective": q, "weight_gradient": w.grad, "step_gradient": s.grad, "start": start.reshape(1)}


def diffq(meta, t):
    low, high, size, gamma = (float(meta[key]) for key in ("min_bits", "max_bits", "group_size", "gamma"))
    w, logit = t["weight"].requires_grad_(), t["logit"].requires_grad_()
    rows = w.reshape(w.shape[0], -1)
    bits = low + (high - low) * torch.sigmoid(logit)
    index = torch.arange(rows.shape[1]) // int(size or rows.shape[1])
    of_weight = bits[:, index]  # each weight's own
    step = 2 * rows.detach().abs().max() / 2 ** of_weight
    # The noise that was drawn: what it is cannot be known here, how it acts can.
    noise = ((t["noisy"].reshape(rows.shape) - rows) / step).detach()
    penalty = gamma * of_weight.mean()
    ((t["upstream"].reshape(rows.shape) * (rows + step * noise)).sum() + penalty).backward()
    whole = of_weight.detach().round()
    unit = 2 * rows.detach().abs().max() / 2 ** whole
    k = torch.minimum(torch.maximum((rows.detach() / unit).round(), -2 ** (whole - 1)), 2 ** (whole - 1) - 1)
    return {"weight_gradient": w.grad, "logit_gradient": logit.grad, "mean_bits": of_weight.mean(1),
            "quantized": (k * unit).reshape(w.shape)}, noise


def main():
    meta, tensors = read_safetensors(pathlib.Path(sys.argv[1]) / "case.safetensors")
    if meta["type"] == "lsq":
        expected = lsq(meta, tensors)
    else:
        expected, noise = diffq(meta, tensors)
        deviation = 0.5 if meta["noise"] == "gaussian" else 1 / math.sqrt(12)
        count = noise.numel()
        assert abs(noise.mean()) < 5 * deviation / math.sqrt(count), noise.mean()
        assert abs(noise.std() / deviation - 1) < 5 / math.sqrt(count), noise.std()
        assert (noise.abs().max() > 1) == (meta["noise"] == "gaussian"), noise.abs().max()
    wrong = 0
    for name, value in expected.items():
        got, value = tensors["result." + name], value.detach()
        error = float((got - value).abs().max() / (value.abs().max() + 1e-12))
        print(f"{name}: {error:.1e} of the largest")
        wrong += not error < 2e-5
    sys.exit(1 if wrong else 0)


main()
