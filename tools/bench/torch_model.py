"""Self-compressing layers and networks in plain PyTorch (arXiv 2301.13142), built from a complete experiment's layer list."""
import torch
from torch import nn
from torch.nn import functional as F


def quantize(w, bits, exponent):
    """Eq. 1 with the straight-through estimator for `round` alone; one (bits, exponent) for each slice of the first axis."""
    shape = (-1,) + (1,) * (w.dim() - 1)
    bits, exponent = bits.view(shape), exponent.view(shape)
    half = torch.exp2(bits - 1)
    clamped = torch.min(torch.max(torch.exp2(-exponent) * w, -half), half - 1)
    rounded = clamped + (clamped.round() - clamped).detach()
    return torch.exp2(exponent) * rounded


class Quantized(nn.Module):
    """Adds learned bits and exponents to a convolution or linear layer."""

    def __init__(self, layer, init_bits, min_bits, max_bits):
        super().__init__()
        self.layer, self.min_bits, self.max_bits = layer, min_bits, max_bits
        weight = layer.weight.detach()
        self.bits = nn.Parameter(torch.full((weight.shape[0],), float(init_bits)))
        # The largest weight of each channel just fits.
        largest = weight.flatten(1).abs().amax(1).clamp(min=1e-12)
        self.exponent = nn.Parameter(torch.log2(largest / (2 ** (init_bits - 1) - 1)))

    def forward(self, x):
        weight = quantize(self.layer.weight, self.bits, self.exponent)
        if isinstance(self.layer, nn.Conv2d):
            return F.conv2d(x, weight, self.layer.bias, self.layer.stride, self.layer.padding, self.layer.dilation, self.layer.groups)
        return F.linear(x, weight, self.layer.bias)

    def freeze_dead(self):
        """A channel at zero bits gets no gradient at all; called between backward and the optimizer's step."""
        dead = self.bits.detach() <= 0
        self.bits.grad[dead] = 0
        self.exponent.grad[dead] = 0
        self.layer.weight.grad[dead] = 0

    @torch.no_grad()
    def clamp(self, optimizer):
        """Keeps bits in range; a channel at either end forgets its first moment, or it would stick there."""
        at_end = (self.bits <= self.min_bits) | (self.bits >= self.max_bits)
        self.bits.clamp_(self.min_bits, self.max_bits)
        optimizer.state[self.bits]["exp_avg"][at_end] = 0


class Add(nn.Module):
    def forward(self, *inputs):
        return sum(inputs[1:], inputs[0])


class Concat(nn.Module):
    def forward(self, *inputs):
        return torch.cat(inputs, 1)


class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


class Value:
    """What flows between layers: its shape, and for runs of its channels the quantized layers that make them.

    `sources` is [(channels, [index of Network.quantized, ...])]; none where something that is always live makes them.
    """

    def __init__(self, height, width, sources, flat=1):
        self.height, self.width, self.sources, self.flat = height, width, sources, flat

    @property
    def channels(self):
        return sum(count for count, _ in self.sources)


class Network(nn.Module):
    """A graph of layers; `parameter_names` has scnn's names: <layer>.weight, .bits, .exponent, .bias, .scale, .shift."""

    def __init__(self, model, compression):
        super().__init__()
        self.kind = compression.get("type", "none")
        if self.kind not in ("none", "self_compress"):
            raise SystemExit(f"compression type '{self.kind}' is not handled here; handled: none, self_compress")
        if compression.get("revive") or compression.get("exclude") or compression.get("include", ["*"]) != ["*"]:
            raise SystemExit("compression.revive, include and exclude are not handled here")
        self.compression = compression
        self.own_inputs = compression.get("size_loss", "live_inputs") == "own_inputs"
        self.parameter_names, self.quantized, self.reads = {}, [], []  # reads: (sources, groups, taps) of each quantized layer
        channels, height, width = model["input"]
        values = {"input": Value(height, width, [(channels, [])])}
        self.layers, self.inputs, previous = nn.ModuleList(), [], "input"
        self.last_weighted = max(i for i, spec in enumerate(model["layers"]) if spec["type"] in ("conv2d", "linear"))
        names, self.readers = ["input"], {}
        for i, spec in enumerate(model["layers"]):
            read = spec.get("input", model["layers"][i - 1].get("name") if i else "input")
            for one in read if isinstance(read, list) else [read]:
                self.readers[one] = self.readers.get(one, 0) + 1
        for index, spec in enumerate(model["layers"]):
            name, inputs = spec.get("name", f"{spec['type']}_{index}"), spec.get("input", previous)
            inputs = inputs if isinstance(inputs, list) else [inputs]
            module, values[name] = self.make(index, name, spec, [values[i] for i in inputs])
            if isinstance(module, nn.ReLU):
                module.inplace = self.readers.get(inputs[0], 1) == 1  # as users write it where nobody else reads what it overwrites
            self.layers.append(module)
            self.inputs.append([names.index(i) for i in inputs])
            names.append(name)
            previous = name
        self.weights = sum(q.layer.weight.numel() for q in self.quantized)

    def make(self, index, name, spec, inputs):
        """The module of a layer, and its output."""
        kind, x = spec["type"], inputs[0]
        if kind == "add":
            if any([n for n, _ in other.sources] != [n for n, _ in x.sources] for other in inputs):
                raise SystemExit(f"layer '{name}': sums of concatenations with unequal parts are not handled here")
            sources = [(parts[0][0], [] if any(not made for _, made in parts) else sorted({m for _, made in parts for m in made}))
                       for parts in zip(*(v.sources for v in inputs))]
            return Add(), Value(x.height, x.width, sources)
        if kind == "concat":
            return Concat(), Value(x.height, x.width, [part for v in inputs for part in v.sources])
        if kind in ("conv2d", "linear"):
            return self.weighted(index, name, spec, x)
        if kind == "batch_norm":
            make = nn.BatchNorm2d if x.flat == 1 and x.height * x.width > 1 else nn.BatchNorm1d
            module = make(x.channels, eps=spec.get("eps", 1e-5), momentum=spec.get("momentum", 0.1))
            self.parameter_names[name + ".scale"], self.parameter_names[name + ".shift"] = module.weight, module.bias
            return module, x
        if kind == "relu":
            return nn.ReLU(), x
        if kind == "scale":
            return Scale(spec.get("factor", 1)), x
        if kind == "dropout":
            return nn.Dropout(spec.get("rate", 0.5)), x
        if kind == "flatten":
            return nn.Flatten(), Value(1, 1, x.sources, x.height * x.width)
        if kind == "global_avg_pool":
            return nn.AdaptiveAvgPool2d(1), Value(1, 1, x.sources)
        if kind in ("max_pool2d", "avg_pool2d"):
            if spec.get("padding", 0) not in (0, "valid"):
                raise SystemExit(f"layer '{name}': pools with padding are not handled here")
            kernel = pair(spec.get("kernel", 2))
            stride = pair(spec.get("stride") or kernel)
            module = (nn.MaxPool2d if kind == "max_pool2d" else nn.AvgPool2d)(kernel, stride)
            return module, Value((x.height - kernel[0]) // stride[0] + 1, (x.width - kernel[1]) // stride[1] + 1, x.sources)
        raise SystemExit(f"layer type '{kind}' is not handled here")

    def weighted(self, index, name, spec, x):
        if spec["type"] == "conv2d":
            module, (height, width) = convolution(spec, x.channels, x.height, x.width)
            groups, taps = module.groups, module.kernel_size[0] * module.kernel_size[1]
        else:
            module, height, width = nn.Linear(x.channels * x.flat, spec["out"], bias=spec.get("bias", True)), 1, 1
            groups, taps = 1, x.flat
        self.parameter_names[name + ".weight"] = module.weight
        if module.bias is not None:
            self.parameter_names[name + ".bias"] = module.bias
        out = [(module.weight.shape[0], [])]
        if self.kind == "self_compress":
            floor = self.compression.get("output_min_bits", 1) if index == self.last_weighted else 0
            init_bits = (self.compression.get("init") or {}).get("bits", 8)
            module = Quantized(module, init_bits, floor, self.compression.get("max_bits", 8))
            self.parameter_names[name + ".bits"] = module.bits
            self.parameter_names[name + ".exponent"] = module.exponent
            out = [(len(module.bits), [len(self.quantized)])]
            self.quantized.append(module)
            self.reads.append((x.sources, groups, taps))
        return module, Value(height, width, out)

    def forward(self, x):
        values = [x]
        for layer, inputs in zip(self.layers, self.inputs):
            values.append(layer(*(values[i] for i in inputs)))
        return values[-1]

    def live_inputs(self, sources):
        """For each channel, how many of the layers that make it are live in it; infinitely many where it is always there."""
        parts = []
        for count, made in sources:
            parts.append(sum((self.quantized[m].bits.detach() > 0).float() for m in made) if made else
                         torch.full((count,), torch.inf, device=self.quantized[0].bits.device))
        return torch.cat(parts)

    def size_loss(self):
        """Q of eq. 5 (or eq. 4): bits a weight, the counts of live channels without gradient."""
        total = 0
        for layer, (sources, groups, taps) in zip(self.quantized, self.reads):
            outputs, live = len(layer.bits), self.live_inputs(sources)
            readable = torch.ones_like(live) if self.own_inputs else (live > 0).float()
            own = readable.view(groups, -1).sum(1).repeat_interleave(outputs // groups)
            total = total + taps * (own * layer.bits).sum()
            if self.own_inputs:
                continue
            # The column of an input goes with the channel that makes it; several that are added share it.
            readers = (layer.bits.detach() > 0).float().view(groups, -1).sum(1).repeat_interleave(len(live) // groups)
            shares, at = readers / live.clamp(min=1), 0
            for count, made in sources:
                for m in made:
                    total = total + taps * (shares[at:at + count] * self.quantized[m].bits).sum()
                at += count
        return total / self.weights

    @torch.no_grad()
    def learned_bits(self):
        """Sum of bits over the weights whose output and input channels are both live."""
        total = 0
        for layer, (sources, groups, taps) in zip(self.quantized, self.reads):
            own = (self.live_inputs(sources) > 0).float().view(groups, -1).sum(1).repeat_interleave(len(layer.bits) // groups)
            total += float((own * layer.bits.clamp(min=0)).sum()) * taps
        return total


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def convolution(spec, channels, height, width):
    """The module and the size of its output."""
    kernel, stride, dilation = (pair(spec.get(key, 1)) for key in ("kernel", "stride", "dilation"))
    padding = spec.get("padding", 0)
    if padding == "same":
        padding = tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel))
    padding = (0, 0) if padding == "valid" else pair(padding)
    groups = channels if spec.get("groups", 1) == "depthwise" else spec.get("groups", 1)
    module = nn.Conv2d(channels, spec.get("out", channels), kernel, stride, padding, dilation, groups, spec.get("bias", True))
    size = [(extent + 2 * p - d * (k - 1) - 1) // s + 1
            for extent, p, d, k, s in zip((height, width), padding, dilation, kernel, stride)]
    return module, size
