"""Data for torch_selfcompress.py: Fashion-MNIST or MNIST in IDX files, or made-up images, held in memory as tensors."""
import gzip
import os
from pathlib import Path

import numpy as np
import torch

FOLDERS = {"fashion_mnist": ("fashion-mnist", "fashion_mnist"), "mnist": ("mnist",)}


def read_idx(folder, name):
    for file in (folder / f"{name}.gz", folder / name):
        if file.exists():
            data = gzip.open(file, "rb").read() if file.suffix == ".gz" else file.read_bytes()
            rank = data[3]
            shape = np.frombuffer(data, ">i4", rank, 4)
            return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)
    return None


def find_folder(options):
    roots = [options.get("root", "auto")]
    if roots == ["auto"]:
        roots = [os.environ.get("SCNN_DATA", ""), "data", "/usr/share/datasets", "/usr/share"]
    tried = [Path(root) / name for root in roots if root for name in ("", *FOLDERS[options["type"]])]
    for folder in tried:
        if read_idx(folder, "train-labels-idx1-ubyte") is not None:
            return folder
    raise SystemExit(f"{options['type']} not found; tried {', '.join(map(str, tried))}; tools/setup installs Fashion-MNIST")


def load(options, seed):
    """(images [n, c, h, w] normalised, labels) of the training and the test split; options: an experiment's `data` section."""
    kind = options.get("type", "fashion_mnist")
    if kind not in FOLDERS:
        raise SystemExit(f"data type '{kind}' is not handled here; handled: {', '.join(FOLDERS)}")
    folder = find_folder({**options, "type": kind})
    train_x, train_y, test_x, test_y = (
        torch.from_numpy(read_idx(folder, name).copy())
        for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"))
    generator = torch.Generator().manual_seed(seed)
    kept = torch.randperm(len(train_x), generator=generator)
    if options.get("train_limit") not in (None, 0, "all"):
        kept = kept[:options["train_limit"]]
    validation = options.get("validation") or {}
    kept = kept[round(len(kept) * float(validation.get("fraction", 0))):]
    train_x, train_y = train_x[kept], train_y[kept]

    def scaled(images):
        return images.unsqueeze(1).float() / 255

    train_x, test_x = scaled(train_x), scaled(test_x)
    given = options.get("normalize", "auto")
    mean, std = (train_x.mean(), train_x.std()) if given == "auto" else (given["mean"][0], given["std"][0])
    return ((train_x - mean) / std, train_y.long()), ((test_x - mean) / std, test_y.long())


def augment(images, steps):
    """The experiment's `augment` list over one batch: pad_crop (one offset a batch row) and horizontal_flip."""
    for step in steps or []:
        step = {"type": step} if isinstance(step, str) else step
        n, _, h, w = images.shape
        if step["type"] == "horizontal_flip":
            flip = torch.rand(n, 1, 1, 1) < float(step.get("probability", 0.5))
            images = torch.where(flip, images.flip(3), images)
        elif step["type"] == "pad_crop":
            pad = int(step.get("pad", 4))
            padded = torch.nn.functional.pad(images, (pad,) * 4)
            rows = torch.randint(2 * pad + 1, (n, 1)) + torch.arange(h)
            columns = torch.randint(2 * pad + 1, (n, 1)) + torch.arange(w)
            images = padded[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
        else:
            raise SystemExit(f"augmentation '{step['type']}' is not handled here; handled: pad_crop, horizontal_flip")
    return images
