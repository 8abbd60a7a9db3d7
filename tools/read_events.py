#!/usr/bin/env python3
"""Reads the TensorBoard events of a run with nothing but Python, as TensorBoard does: what a resumed run made void is left out.

    tools/read_events.py RUN/tb     every series: its name, its points, its last step and value
"""
import struct
import sys
from pathlib import Path


def table_entry(byte):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    return byte


TABLE = [table_entry(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(content):
    """The data of every whole TFRecord; a torn last one is left out."""
    at = 0
    while at + 12 <= len(content):
        length, check = struct.unpack_from("<QI", content, at)
        if masked(content[at:at + 8]) != check:
            raise ValueError(f"bad length at {at}")
        data = content[at + 12:at + 12 + length]
        if at + 16 + length > len(content):
            return
        if masked(data) != struct.unpack_from("<I", content, at + 12 + length)[0]:
            raise ValueError(f"bad data at {at}")
        yield data
        at += 16 + length


def fields(message):
    """(number, value) of a protobuf message: int, float or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        elif key & 7 == 2:
            length = varint()
            yield key >> 3, message[at:at + length]
            at += length
        else:
            size, code = {1: (8, "<d"), 5: (4, "<f")}[key & 7]
            yield key >> 3, struct.unpack_from(code, message, at)[0]
            at += size


def read(folder):
    """{tag: {step: value}} of a folder tb, after dropping what a later attempt made void; a histogram is a dict of its fields."""
    out = {}
    for file in sorted(folder.iterdir()):
        for number, data in enumerate(records(file.read_bytes())):
            event = dict(fields(data))
            if number == 0 and event[3] != b"brain.Event:2":
                raise ValueError("no file version")
            if 7 in event and dict(fields(event[7]))[1] == 1:
                for steps in out.values():
                    for step in [step for step in steps if step >= event[2]]:
                        del steps[step]
            for _, value in fields(event.get(5, b"")):
                one = dict(fields(value))
                histogram = dict(fields(one[5])) if 5 in one else None
                out.setdefault(one[1].decode(), {})[event[2]] = histogram or one[2]
    return {tag: steps for tag, steps in out.items() if steps}


def main():
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(__doc__)
    for tag, steps in sorted(read(Path(sys.argv[1])).items()):
        step, value = max(steps.items())
        print(f"{tag:<32} {len(steps):>6}  step {step}: {'a histogram' if isinstance(value, dict) else value}")


if __name__ == "__main__":
    main()
