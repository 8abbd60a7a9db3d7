#!/usr/bin/env python3
"""Reads a packed model (model.scnn) with nothing but NumPy, from docs/file-format.md alone.

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


def unzigzag(value):
    return (value >> 1) ^ -(value & 1)


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
        values = np.frombuffer(self.raw(4 * count), "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise Damaged("a number is not finite")
        return values

    def reals(self, count):
        if not count:
            return np.zeros(0, np.float32)
        form = self.byte()
        if form == 0:
            return self.floats(count)
        if form == 1:
            k = np.frombuffer(self.raw(1), np.int8)[0]
            halves = np.frombuffer(self.raw(2 * count), "<f2").astype(np.float32)
            values = np.ldexp(halves, k)
            if not (np.isfinite(values) & ((values == 0) | (np.abs(values) >= np.finfo(np.float32).tiny))).all():
                raise Damaged("a number has no place in float32")
            return values
        if form == 2:
            powers = np.frombuffer(self.raw(count), np.int8)
            if (powers < -126).any():
                raise Damaged("a power of two has no place in float32")
            return np.ldexp(np.float32(1), powers).astype(np.float32)
        raise Damaged("the form of its numbers is unknown")

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
    return width, unzigzag(low)


def read_weights(s, layer, source):
    """All but the integers, which lie at the end of the body."""
    flags, (h, w) = layer["flags"], layer["kernel"]
    outputs, inputs = len(layer["live"]), len(source["live"])
    if layer.get("depthwise"):
        inputs = 1
    elif layer.get("groups", 1) > 1:
        inputs = source["original"] // layer["groups"]
    layer["shape"] = outputs, h, w, inputs
    if flags & 1:
        layer["bias"] = s.reals(outputs)
    if not flags & 2:
        layer["weight"] = s.reals(outputs * h * w * inputs).reshape(layer["shape"])
        return
    layer["scales"] = s.reals(outputs)
    layer["columns"] = s.bits(inputs).astype(bool) if flags & 4 else np.ones(inputs, bool)


def bit_rows(s, rows, stored):
    """The plain form: rows of integers of one layer."""
    ranges = [read_range(s) for _ in range(rows)]
    bits = s.bits(stored * sum(width for width, _ in ranges))
    place = 0
    for width, low in ranges:
        chunk = bits[place:place + stored * width].reshape(stored, width).astype(np.int64)
        place += stored * width
        yield low + (chunk << np.arange(width, dtype=np.int64)).sum(axis=1)


class RangeDecoder:
    """The coded form."""

    def __init__(self, s, end):
        count = s.varint()
        self.ranges = []
        for _ in range(count):
            low = unzigzag(s.varint())
            self.ranges.append((low, low + s.varint()))
        self.data, self.place = s.raw(end - s.place), 0
        self.range, self.code = 0xFFFFFFFF, 0
        for _ in range(4):
            self.code = self.code << 8 | self.next()
        self.range_counts = {}
        self.counts = [{} for _ in self.ranges]

    def next(self):
        self.place += 1
        return self.data[self.place - 1] if self.place <= len(self.data) else 0

    def bit(self, p):
        bound = (self.range >> 15) * p
        one = self.code < bound
        if one:
            self.range = bound
        else:
            self.code -= bound
            self.range -= bound
        while self.range < 1 << 24:
            self.range <<= 8
            self.code = self.code << 8 | self.next()
        return one

    def value(self, low, high, shared, local):
        node = 1
        while low < high:
            middle = low + (high - low + 1) // 2
            above, below = high - middle + 1, middle - low
            if node >= 64:
                one = self.bit((above << 15) // (above + below))
            else:
                if node not in shared:
                    ones = max(1, 64 * above // (above + below))
                    shared[node] = [max(1, 64 - ones), ones]
                all_, own = shared[node], local.setdefault(node, [0, 0])
                prior = (all_[1] << 15) // sum(all_)
                p = ((own[1] << 15) + 8 * prior) // (sum(own) + 8)
                one = self.bit(min(max(p, 32), 32768 - 32))
                all_[one] += 16
                own[one] += 1
                if sum(all_) >= 1 << 16:
                    all_[:] = [(count + 1) // 2 for count in all_]
                if sum(own) >= 1 << 12:
                    own[:] = [(count + 1) // 2 for count in own]
            low, high = (middle, high) if one else (low, middle - 1)
            node = 2 * node + one
        return low

    def rows(self, rows, stored):
        ranges_here = {}
        for _ in range(rows):
            number = self.value(0, len(self.ranges) - 1, self.range_counts, ranges_here)
            low, high = self.ranges[number]
            local = {}
            yield np.array([self.value(low, high, self.counts[number], local) for _ in range(stored)], np.int64)


def read_activations(s, layers):
    """(step, zero) of activations: a byte stands for step * (byte - zero)."""
    chosen = [layer for layer, one in zip(layers, s.bits(len(layers))) if one]
    steps = s.reals(len(chosen))
    for layer, step, zero in zip(chosen, steps, s.raw(len(chosen))):
        layer["quantization"] = float(step), zero


def read_integers(s, layers, end):
    form = s.byte()
    if form > 3:
        raise Damaged("the form of its integers is unknown")
    if form & 2:
        read_activations(s, layers)
    coded = form & 1
    decoder = RangeDecoder(s, end) if coded else None
    for layer in layers:
        if "scales" not in layer:
            continue
        rows, h, w, inputs = layer["shape"]
        stored = h * w * int(layer["columns"].sum())
        integers = np.zeros(layer["shape"], np.int64)
        for o, row in enumerate(decoder.rows(rows, stored) if coded else bit_rows(s, rows, stored)):
            integers[o][:, :, layer["columns"]] = row.reshape(h, w, -1)
        layer["integers"] = integers.astype(np.int32)
        layer["weight"] = layer["scales"][:, None, None, None] * layer["integers"].astype(np.float32)
    if coded and decoder.place < len(decoder.data):
        raise Damaged("bytes are left over behind the last integer")


def read_model(data):
    if data[:4] != b"SCNN":
        raise Damaged("does not begin with SCNN")
    s = Stream(data)
    s.raw(4)
    if s.byte() != 2:
        raise Damaged("another version of the format")
    body = s.varint()
    if len(data) != s.place + body + 4:
        raise Damaged("another length than it states")
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise Damaged("the checksum is wrong")
    model = {"name": s.string()}
    model["classes"] = [s.string() for _ in range(s.varint())]
    channels = s.varint()
    model["mean"], model["std"] = s.reals(channels), s.reals(channels)
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
            layer["a"], layer["c"] = s.reals(len(layer["live"])), s.reals(len(layer["live"]))
        layers.append(layer)
    read_integers(s, layers, len(data) - 4)
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
        for key in ("weight", "integers", "scales", "bias", "a", "c"):
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
        if "integers" in layer and layer["integers"].size:
            kept = int(layer["columns"].sum())
            line += f", integers {layer['integers'].min()} to {layer['integers'].max()}, {kept} of {len(layer['columns'])} columns"
        if "quantization" in layer:
            line += ", bytes stand for {:.4g} * (byte - {})".format(*layer["quantization"])
        print(line + (f"  <- {reads}" if reads else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--npz", help="write the arrays to this file")
    options = parser.parse_args()
    try:
        with open(options.model, "rb") as file:
            data = file.read()
        model = read_model(data)
    except OSError as error:
        sys.exit(f"{options.model}: {error.strerror}")
    except (Damaged, IndexError, ValueError) as error:
        sys.exit(f"{options.model}: {error}; export or copy the file again")
    describe(model, len(data))
    if options.npz:
        np.savez(options.npz, **arrays(model))


if __name__ == "__main__":
    main()
