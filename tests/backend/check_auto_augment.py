"""AutoAugment's CIFAR-10 policy by the Python Imaging Library, beside what the program made: reads cases.txt of a folder,
a line a case (sub-policy, operation, side, probability, height, width, channels, file before, file after).  Policy,
magnitudes and matrices are written down here again, after torchvision.transforms.AutoAugment."""

import math
import pathlib
import sys

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

POLICY = """
Invert .1 - Contrast .2 6; Rotate .7 2 TranslateX .3 9; Sharpness .8 1 Sharpness .9 3; ShearY .5 8 TranslateY .7 9;
AutoContrast .5 - Equalize .9 -; ShearY .2 7 Posterize .3 7; Color .4 3 Brightness .6 7; Sharpness .3 9 Brightness .7 9;
Equalize .6 - Equalize .5 -; Contrast .6 7 Sharpness .6 5; Color .7 7 TranslateX .5 8; Equalize .3 - AutoContrast .4 -;
TranslateY .4 3 Sharpness .2 6; Brightness .9 6 Color .2 8; Solarize .5 2 Invert 0 -; Equalize .2 - AutoContrast .6 -;
Equalize .2 - Equalize .6 -; Color .9 9 Equalize .6 -; AutoContrast .8 - Solarize .2 8; Brightness .1 3 Color .7 0;
Solarize .4 5 AutoContrast .9 -; TranslateY .9 9 TranslateY .7 9; AutoContrast .9 - Solarize .8 3; Equalize .8 - Invert .1 -;
TranslateY .7 9 AutoContrast .9 -"""


def operations(text):
    words = text.split()
    return [tuple(words[i:i + 3]) for i in range(0, len(words), 3)]


def affine(image, translate=(0, 0), shear=(0.0, 0.0), center=None):
    """torchvision's inverse affine matrix at angle 0 and scale 1, in its order of operations."""
    cx, cy = center or (image.width * 0.5, image.height * 0.5)
    sx, sy = (math.radians(s) for s in shear)
    a = math.cos(-sy) / math.cos(sy)
    b = -math.cos(-sy) * math.tan(sx) / math.cos(sy)
    c = math.sin(-sy) / math.cos(sy)
    d = -math.sin(-sy) * math.tan(sx) / math.cos(sy) + math.cos(0)
    m = [d, -b, 0.0, -c, a, 0.0]
    m[2] += m[0] * (-cx - translate[0]) + m[1] * (-cy - translate[1]) + cx
    m[5] += m[3] * (-cx - translate[0]) + m[4] * (-cy - translate[1]) + cy
    return image.transform(image.size, Image.AFFINE, m, Image.NEAREST)


def linspace(low, high):
    """torch.linspace(low, high, 10), in its own single precision where PyTorch is not there."""
    try:
        import torch
        return torch.linspace(low, high, 10).numpy()
    except ImportError:
        f = np.float32
        step = (f(high) - f(low)) / f(9)
        return [f(low) + step * f(i) if i < 5 else f(high) - step * f(9 - i) for i in range(10)]


def magnitude(name, level, image):
    def between(low, high):
        return float(linspace(low, high)[level])
    if name in ("AutoContrast", "Equalize", "Invert"):
        return 0.0
    if name == "Posterize":
        return 8 - round(level / (9 / 4))
    return {"ShearY": lambda: between(0, 0.3), "Rotate": lambda: between(0, 30), "Solarize": lambda: between(255, 0),
            "TranslateX": lambda: between(0, 150 / 331 * image.width),
            "TranslateY": lambda: between(0, 150 / 331 * image.height)}.get(name, lambda: between(0, 0.9))()


def expected(name, level, negative, image):
    m = magnitude(name, None if level == "-" else int(level), image)
    if negative and name not in ("Posterize", "Solarize", "AutoContrast", "Equalize", "Invert"):
        m = -m
    if name == "ShearY":
        return affine(image, shear=(0.0, math.degrees(math.atan(m))), center=(0, 0))
    if name == "TranslateX":
        return affine(image, translate=(int(m), 0))
    if name == "TranslateY":
        return affine(image, translate=(0, int(m)))
    if name == "Rotate":
        return image.rotate(m, Image.NEAREST)
    if name in ("Brightness", "Color", "Contrast", "Sharpness"):
        return getattr(ImageEnhance, name)(image).enhance(1.0 + m)
    if name == "Posterize":
        return ImageOps.posterize(image, m)
    if name == "Solarize":
        return ImageOps.solarize(image, m)
    return {"AutoContrast": ImageOps.autocontrast, "Equalize": ImageOps.equalize, "Invert": ImageOps.invert}[name](image)


def main():
    folder = pathlib.Path(sys.argv[1])
    policy = [operations(text) for text in POLICY.split(";")]
    assert len(policy) == 25
    wrong = 0
    lines = (folder / "cases.txt").read_text().splitlines()
    for line in lines:
        sub, place, negative, probability, h, w, channels, before, after = line.split()
        name, chance, level = policy[int(sub)][int(place)]
        shape = (int(h), int(w)) if channels == "1" else (int(h), int(w), int(channels))
        image = Image.fromarray(np.fromfile(folder / before, np.uint8).reshape(shape))
        want = np.asarray(expected(name, level, negative == "1", image))
        got = np.fromfile(folder / after, np.uint8).reshape(shape)
        if abs(float(probability) - float(chance)) > 1e-6 or not np.array_equal(want, got):
            wrong += 1
            print(f"{name} at {level}, negative {negative}, {before}: {np.count_nonzero(want != got)} of {want.size} values "
                  f"differ, probability {probability} for {chance}")
    print(f"{len(lines)} cases, {wrong} wrong")
    sys.exit(1 if wrong else 0)


main()
