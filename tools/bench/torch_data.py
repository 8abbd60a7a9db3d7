"""Data for torch_selfcompress.py, held in memory as tensors: Fashion-MNIST or MNIST in IDX files, CIFAR-10's binaries, made-up images."""
import gzip
import os
from pathlib import Path

import numpy as np
import torch

FOLDERS = {"fashion_mnist": ("fashion-mnist", "fashion_mnist"), "mnist": ("mnist",),
           "cifar10": ("cifar10", "cifar-10", "cifar-10-batches-bin")}


def read_idx(folder, name):
    for file in (folder / f"{name}.gz", folder / name):
        if file.exists():
            data = gzip.open(file, "rb").read() if file.suffix == ".gz" else file.read_bytes()
            rank = data[3]
            shape = np.frombuffer(data, ">i4", rank, 4)
            return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)
    return None


def read_cifar(folder):
    """(images [n, 3, 32, 32], labels) of both splits, or None."""
    names = [f"data_batch_{i}.bin" for i in range(1, 6)], ["test_batch.bin"]
    for place in (folder, folder / "cifar-10-batches-bin"):
        if (place / "test_batch.bin").exists():
            splits = [np.concatenate([np.fromfile(place / name, np.uint8).reshape(-1, 3073) for name in files]) for files in names]
            return [(torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32)), torch.from_numpy(rows[:, 0].copy())) for rows in splits]
    return None


def read_mnist(folder):
    files = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    arrays = [read_idx(folder, name) for name in files]
    if any(array is None for array in arrays):
        return None
    train_x, train_y, test_x, test_y = (torch.from_numpy(array.copy()) for array in arrays)
    return (train_x.unsqueeze(1), train_y), (test_x.unsqueeze(1), test_y)


def read(options):
    """Both splits of a data set in files: pixels of 0 to 255, [n, c, h, w]."""
    roots = [options.get("root", "auto")]
    if roots == ["auto"]:
        roots = [os.environ.get("SCNN_DATA", ""), "data", "/usr/share/datasets", "/usr/share"]
    tried = [Path(root) / name for root in roots if root for name in ("", *FOLDERS[options["type"]])]
    for folder in tried:
        splits = read_cifar(folder) if options["type"] == "cifar10" else read_mnist(folder)
        if splits is not None:
            return splits
    raise SystemExit(f"{options['type']} not found; tried {', '.join(map(str, tried))}; tools/setup installs Fashion-MNIST")


def made_up(options):
    shape = [int(options.get(key, default)) for key, default in (("channels", 1), ("height", 28), ("width", 28))]
    return [(torch.randint(256, (count, *shape), dtype=torch.uint8), torch.randint(int(options.get("classes", 10)), (count,)))
            for count in (int(options.get("train", 1024)), int(options.get("test", 256)))]


def load(options, seed):
    """(images [n, c, h, w] normalized, labels) of the training and the test split; options: an experiment's `data` section."""
    kind = options.get("type", "fashion_mnist")
    if kind not in (*FOLDERS, "synthetic"):
        raise SystemExit(f"data type '{kind}' is not handled here; handled: {', '.join(FOLDERS)}, synthetic")
    (train_x, train_y), (test_x, test_y) = made_up(options) if kind == "synthetic" else read({**options, "type": kind})
    generator = torch.Generator().manual_seed(seed)
    kept = torch.randperm(len(train_x), generator=generator)
    if options.get("train_limit") not in (None, 0, "all"):
        kept = kept[:options["train_limit"]]
    validation = options.get("validation") or {}
    kept = kept[round(len(kept) * float(validation.get("fraction", 0))):]
    train_x, train_y = train_x[kept].float() / 255, train_y[kept]
    test_x = test_x.float() / 255
    given = options.get("normalize", "auto")
    if given == "auto":
        mean, std = train_x.mean((0, 2, 3)), train_x.std((0, 2, 3))
    else:
        mean, std = torch.tensor(given["mean"]), torch.tensor(given["std"])
    mean, std = mean.view(1, -1, 1, 1), std.view(1, -1, 1, 1)
    return ((train_x - mean) / std, train_y.long()), ((test_x - mean) / std, test_y.long())


def augment(images, steps):
    """The experiment's `augment` list over one batch: pad_crop and cutout (one offset a batch row), horizontal_flip."""
    for step in steps or []:
        step = {"type": step} if isinstance(step, str) else step
        n, _, h, w = images.shape
        if step["type"] == "horizontal_flip":
            flip = torch.rand(n, 1, 1, 1, device=images.device) < float(step.get("probability", 0.5))
            images = torch.where(flip, images.flip(3), images)
        elif step["type"] == "pad_crop":
            pad = int(step.get("pad", 4))
            padded = torch.nn.functional.pad(images, (pad,) * 4)
            rows = torch.randint(2 * pad + 1, (n, 1)) + torch.arange(h)
            columns = torch.randint(2 * pad + 1, (n, 1)) + torch.arange(w)
            images = padded[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
        elif step["type"] == "cutout":
            size = int(step.get("size", 8))
            top, left = torch.randint(h - size + 1, (n, 1, 1)), torch.randint(w - size + 1, (n, 1, 1))
            rows, columns = torch.arange(h).view(1, h, 1), torch.arange(w).view(1, 1, w)
            hole = (rows >= top) & (rows < top + size) & (columns >= left) & (columns < left + size)
            images = images.masked_fill(hole.unsqueeze(1).to(images.device), 0)
        else:
            raise SystemExit(f"augmentation '{step['type']}' is not handled here; handled: pad_crop, horizontal_flip, cutout")
    return images
