#!/usr/bin/env python3
"""Reads a packed model (model.scnn) with nothing but NumPy, from src/deploy/FORMAT.md alone.

    tools/read_scnn.py model.scnn                  print the layers
    tools/read_scnn.py model.scnn --npz out.npz    also write the weights as NumPy arrays
"""

import argparse
import sys
import zlib

import numpy as np

TYPES = ("input", "conv2d", "linear", "affine", "relu", "pool", "flatten", "scale", "add", "concat")
PADDINGS = ("explicit", "same", "valid")


class Damaged(Exception):
    pass


class Stream:
    """The alphabet of the format: bytes, LEB128 numbers, little-endian floats, bits lowest first."""

    def __init__(self, data):
        self.data = data
        self.place = 0

    def raw(self, size):
        if self.place + size > len(self.data):
            raise Damaged(f"ends too early at byte {self.place}")
        self.place += size
        return self.data[self.place - size:self.place]

    def byte(self):
        return self.raw(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def pair(self):
        return self.varint(), self.varint()

    def floats(self, count):
        return np.frombuffer(self.raw(4 * count), "<f4").astype(np.float32)

    def string(self):
        return self.raw(self.varint()).decode("utf-8", "replace")

    def bits(self, count):
        raw = np.frombuffer(self.raw((count + 7) // 8), np.uint8)
        return np.unpackbits(raw, bitorder="little")[:count]


def read_options(s, kind, layer):
    if kind == "input":
        layer["size"] = s.pair()
    elif kind == "conv2d":
        flags = layer["flags"] = s.varint()
        layer["padding"] = PADDINGS[flags >> 3 & 3]
        layer["kernel"] = s.pair()
        layer["stride"] = s.pair() if flags & 0x20 else (1, 1)
        layer["dilation"] = s.pair() if flags & 0x80 else (1, 1)
        layer["pad"] = s.pair() if layer["padding"] == "explicit" else (0, 0)
        layer["depthwise"] = bool(flags & 0x40)
        layer["groups"] = s.varint() if flags & 0x100 else 1
    elif kind == "linear":
        layer["flags"] = s.varint()
        layer["kernel"] = s.pair()
    elif kind == "pool":
        flags = s.byte()
        kind = "avg" if flags & 1 else "max"
        if flags & 2:
            return f"global_{kind}_pool"
        layer["padding"] = PADDINGS[flags >> 2]
        layer["kernel"], layer["stride"] = s.pair(), s.pair()
        layer["pad"] = s.pair() if layer["padding"] == "explicit" else (0, 0)
        return f"{kind}_pool2d"
    elif kind == "scale":
        layer["factor"] = float(s.floats(1)[0])
    return kind


def read_set(s):
    code = s.varint()
    original = code >> 1
    live = np.flatnonzero(s.bits(original)) if code & 1 else np.arange(original)
    return original, live.astype(np.int32)


def read_range(s):
    code = s.byte()
    width, low = code & 15, code >> 4
    if width == 15:
        width += s.varint()
    if low == 15:
        low += s.varint()
    return width, (low >> 1) ^ -(low & 1)


def read_weights(s, layer, source):
    flags, (h, w) = layer["flags"], layer["kernel"]
    outputs, inputs = len(layer["live"]), len(source["live"])
    if layer.get("depthwise"):
        inputs = 1
    elif layer.get("groups", 1) > 1:
        inputs = source["original"] // layer["groups"]
    shape = outputs, h, w, inputs
    if flags & 1:
        layer["bias"] = s.floats(outputs)
    if not flags & 2:
        layer["weight"] = s.floats(int(np.prod(shape))).reshape(shape)
        return
    columns = s.bits(inputs).astype(bool) if flags & 4 else np.ones(inputs, bool)
    ranges = [read_range(s) for _ in range(outputs)]
    exponents = np.zeros(outputs, np.float32)
    for o, (width, low) in enumerate(ranges):
        if width or low:
            exponents[o] = s.floats(1)[0]
    stored = h * w * int(columns.sum())
    bits = s.bits(stored * sum(width for width, _ in ranges))
    integers = np.zeros(shape, np.int64)
    place = 0
    for o, (width, low) in enumerate(ranges):
        chunk = bits[place:place + stored * width].reshape(stored, width).astype(np.int64)
        place += stored * width
        values = low + (chunk << np.arange(width, dtype=np.int64)).sum(axis=1)
        integers[o][:, :, columns] = values.reshape(h, w, -1)
    layer["integers"] = integers.astype(np.int32)
    layer["exponent"] = exponents
    layer["widths"] = np.array([width for width, _ in ranges], np.int32)
    layer["columns"] = columns
    layer["weight"] = (np.exp2(exponents)[:, None, None, None] * integers).astype(np.float32)


def read_model(data):
    if data[:4] != b"SCNN":
        raise Damaged("does not begin with SCNN")
    s = Stream(data)
    s.raw(4)
    if s.byte() != 1:
        raise Damaged("another version of the format")
    body = s.varint()
    if len(data) != s.place + body + 4:
        raise Damaged("another length than it states")
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise Damaged("the checksum is wrong")
    model = {"name": s.string()}
    model["classes"] = [s.string() for _ in range(s.varint())]
    channels = s.varint()
    model["mean"], model["std"] = s.floats(channels), s.floats(channels)
    layers = model["layers"] = []
    for index in range(s.varint()):
        head = s.byte()
        kind = TYPES[head & 15]
        layer = {}
        if head & 0x10:
            layer["inputs"] = [index - s.varint() for _ in range(s.varint())]
        else:
            layer["inputs"] = [index - 1] if index else []
        layer["type"] = read_options(s, kind, layer)
        stem = "batch_norm" if kind == "affine" else layer["type"]
        layer["name"] = s.string() if head & 0x20 else f"{stem}_{s.varint()}"
        if kind in ("input", "conv2d", "linear", "add", "concat"):
            layer["original"], layer["live"] = read_set(s)
        else:
            source = layers[layer["inputs"][0]]
            layer["original"], layer["live"] = source["original"], source["live"]
        if kind in ("conv2d", "linear"):
            read_weights(s, layer, layers[layer["inputs"][0]])
        elif kind == "affine":
            layer["a"], layer["c"] = s.floats(len(layer["live"])), s.floats(len(layer["live"]))
        layers.append(layer)
    if s.place != len(data) - 4:
        raise Damaged("bytes are left over")
    return model


def arrays(model):
    """The arrays that `scnn export --format npz` writes, but for the learned bits, which the file does not hold."""
    out = {}
    if len(model["mean"]):
        out["input.mean"], out["input.std"] = model["mean"], model["std"]
    for layer in model["layers"]:
        out["channels." + layer["name"]] = layer["live"]
        for key in ("weight", "integers", "exponent", "bias", "a", "c"):
            if key in layer and not (key == "bias" and not len(layer["bias"])):
                out[f"{layer['name']}.{key}"] = layer[key]
    return out


def describe(model, size):
    print(f"{model['name']}: {size} bytes, classes: {', '.join(model['classes']) or 'unnamed'}")
    for layer in model["layers"]:
        reads = ", ".join(model["layers"][i]["name"] for i in layer["inputs"])
        line = f"{layer['name']:16} {layer['type']:16} {len(layer['live'])} of {layer['original']} channels"
        if "weight" in layer:
            line += f", weights {'x'.join(map(str, layer['weight'].shape))}"
        if "integers" in layer and len(layer["live"]):
            kept = int(layer["columns"].sum())
            line += f", {layer['widths'].min()}..{layer['widths'].max()} bits, {kept} of {len(layer['columns'])} columns"
        print(line + (f"  <- {reads}" if reads else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--npz", help="write the arrays to this file")
    options = parser.parse_args()
    with open(options.model, "rb") as file:
        data = file.read()
    try:
        model = read_model(data)
    except (Damaged, IndexError, ValueError) as error:
        sys.exit(f"{options.model}: {error}; export or copy the file again")
    describe(model, len(data))
    if options.npz:
        np.savez(options.npz, **arrays(model))


if __name__ == "__main__":
    main()
