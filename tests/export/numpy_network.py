"""A packed network in plain NumPy, in double precision: the arrays of an exported archive and its list of layers."""

import numpy as np


def windows(x, kernel, stride, dilation, pad, fill):
    """[n, out_h, out_w, c, kernel_h, kernel_w] views of x [n, h, w, c]."""
    x = np.pad(x, ((0, 0), (pad[0], pad[0]), (pad[1], pad[1]), (0, 0)), constant_values=fill)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    return view[:, ::stride[0], ::stride[1], :, ::dilation[0], ::dilation[1]]


def padding(layer):
    if layer["padding"] == "same":
        dilation = layer.get("dilation", (1, 1))
        return [d * (k - 1) // 2 for d, k in zip(dilation, layer["kernel"])]
    return layer["pad"] if layer["padding"] == "explicit" else (0, 0)


def spread(x, live, original):
    """x with its live channels at their original places and zeros between them."""
    out = np.zeros(x.shape[:-1] + (original,))
    out[..., live] = x
    return out


def conv2d(layer, weight, x, live, original, out_live):
    if layer["depthwise"] or layer["groups"] > 1:
        groups = original if layer["depthwise"] else layer["groups"]
        a_group, outputs = original // groups, layer["out"] // groups
        x = spread(x, live, original)
        dense = np.zeros(weight.shape[:3] + (original,))
        for o, channel in enumerate(out_live):
            first = channel // outputs * a_group
            dense[o, :, :, first:first + a_group] = weight[o]
        weight = dense
    view = windows(x, layer["kernel"], layer["stride"], layer["dilation"], padding(layer), 0.0)
    return np.einsum("nhwcij,oijc->nhwo", view, weight)


def pool(layer, x):
    largest = layer["type"].endswith("max_pool") or layer["type"].startswith("max")
    if layer["type"].startswith("global"):
        return (x.max if largest else x.mean)(axis=(1, 2), keepdims=True)
    view = windows(x, layer["kernel"], layer["stride"], (1, 1), padding(layer), -np.inf if largest else np.nan)
    return view.max(axis=(-2, -1)) if largest else np.nanmean(view, axis=(-2, -1))


def as_bytes(layers, arrays, layer, quantization, x):
    """x as a dense layer reads it whose integers fit bytes: what its bytes stand for."""
    integers = arrays.get(layer["name"] + ".integers")
    dense = layer["type"] == "linear" or (not layer["depthwise"] and layer["groups"] == 1)
    source = layers[layer["inputs"][0]]
    while source["type"] == "flatten":
        source = layers[source["inputs"][0]]
    if integers is None or not dense or source["name"] not in quantization or not integers.size:
        return x
    if integers.min() < -128 or integers.max() > 127:
        return x
    step, zero = quantization[source["name"]]
    return step * np.clip(np.rint(x / step), -zero, 255 - zero)


def run(layers, arrays, images, quantization=None):
    """Logits [n, classes] of images [n, h, w, c], already normalized; with quantization {name: (scale, zero_point)}, activations of
    bytes."""
    out = []
    for layer in layers:
        name, kind = layer["name"], layer["type"]
        inputs = [out[i] for i in layer["inputs"]]
        sources = [layers[i] for i in layer["inputs"]]
        lives = [arrays["channels." + source["name"]] for source in sources]
        live = arrays["channels." + name]
        if kind == "input":
            y = images
        elif kind in ("conv2d", "linear"):
            weight = arrays[name + ".weight"].astype(np.float64)
            inputs[0] = as_bytes(layers, arrays, layer, quantization or {}, inputs[0])
            if kind == "conv2d":
                y = conv2d(layer, weight, inputs[0], lives[0], sources[0]["channels"], live)
            else:
                y = np.einsum("nhwc,ohwc->no", inputs[0], weight)[:, None, None, :]
            y = y + arrays.get(name + ".bias", np.zeros(1 if len(live) else 0))
        elif kind == "affine":
            y = arrays[name + ".a"].astype(np.float64) * inputs[0] + arrays[name + ".c"]
        elif kind == "relu":
            y = np.maximum(inputs[0], 0)
        elif kind == "scale":
            y = layer["factor"] * inputs[0]
        elif kind == "flatten":
            y = inputs[0]  # a linear layer's weights keep h and w
        elif kind == "add":
            y = sum(spread(x, l, layer["channels"]) for x, l in zip(inputs, lives))[..., live]
        elif kind == "concat":
            whole = [spread(x, l, source["channels"]) for x, l, source in zip(inputs, lives, sources)]
            y = np.concatenate(whole, axis=-1)[..., live]
        else:
            y = pool(layer, inputs[0])
        out.append(y)
    return out[-1].reshape(len(images), -1)
