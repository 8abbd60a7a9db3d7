"""Self-compressing layers and networks in plain PyTorch (arXiv 2301.13142), built from an experiment file's layer list."""
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
            return F.conv2d(x, weight, self.layer.bias, self.layer.stride, self.layer.padding, self.layer.dilation)
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


class Network(nn.Module):
    """A plain chain of layers; `parameter_names` has scnn's names: <layer>.weight, .bits, .exponent, .bias, .scale, .shift."""

    def __init__(self, model, compression):
        super().__init__()
        self.input_channels, height, width = model["input"]
        channels, flattened = self.input_channels, 1
        kind = compression.get("type", "none")
        if kind not in ("none", "self_compress"):
            raise SystemExit(f"compression type '{kind}' is not handled here; handled: none, self_compress")
        if compression.get("revive") or compression.get("exclude") or compression.get("include", ["*"]) != ["*"]:
            raise SystemExit("compression.revive, include and exclude are not handled here")
        layers, self.parameter_names, previous = [], {}, "input"
        self.quantized, self.columns = [], []  # columns: weights of one (output, input channel) pair
        last_weighted = max(i for i, spec in enumerate(model["layers"]) if spec["type"] in ("conv2d", "linear"))
        for index, spec in enumerate(model["layers"]):
            kind_of_layer, name = spec["type"], spec.get("name", f"{spec['type']}_{index}")
            if spec.get("input", previous) != previous:
                raise SystemExit(f"layer '{name}' has `input`: only plain chains are handled here")
            previous = name
            if kind_of_layer == "conv2d":
                module, (height, width) = convolution(spec, channels, height, width)
                channels, columns = spec["out"], module.kernel_size[0] * module.kernel_size[1]
            elif kind_of_layer == "linear":
                module = nn.Linear(channels * flattened, spec["out"], bias=spec.get("bias", True))
                channels, columns, flattened = spec["out"], flattened, 1
            elif kind_of_layer == "batch_norm":
                module = nn.BatchNorm2d(channels, eps=spec.get("eps", 1e-5), momentum=spec.get("momentum", 0.1))
                self.parameter_names[name + ".scale"], self.parameter_names[name + ".shift"] = module.weight, module.bias
            elif kind_of_layer == "relu":
                module = nn.ReLU(inplace=True)
            elif kind_of_layer == "max_pool2d":
                if spec.get("padding", 0) not in (0, "valid"):
                    raise SystemExit(f"layer '{name}': pools with padding are not handled here")
                kernel = pair(spec.get("kernel", 2))
                stride = pair(spec.get("stride", kernel))
                module = nn.MaxPool2d(kernel, stride)
                height, width = (height - kernel[0]) // stride[0] + 1, (width - kernel[1]) // stride[1] + 1
            elif kind_of_layer == "flatten":
                module, flattened = nn.Flatten(), height * width
            else:
                raise SystemExit(f"layer type '{kind_of_layer}' is not handled here")
            if kind_of_layer in ("conv2d", "linear"):
                self.parameter_names[name + ".weight"] = module.weight
                if module.bias is not None:
                    self.parameter_names[name + ".bias"] = module.bias
                if kind == "self_compress":
                    floor = compression.get("output_min_bits", 1) if index == last_weighted else 0
                    init_bits = (compression.get("init") or {}).get("bits", 8)
                    module = Quantized(module, init_bits, floor, compression.get("max_bits", 8))
                    self.parameter_names[name + ".bits"] = module.bits
                    self.parameter_names[name + ".exponent"] = module.exponent
                    self.quantized.append(module)
                    self.columns.append(columns)
            layers.append(module)
        self.layers = nn.Sequential(*layers)
        self.weights = sum(q.layer.weight.numel() for q in self.quantized)
        self.own_inputs = compression.get("size_loss", "live_inputs") == "own_inputs"

    def forward(self, x):
        return self.layers(x)

    def size_loss(self):
        """Q of eq. 5 (or eq. 4): bits a weight, the counts of live channels without gradient."""
        live = [self.input_channels] + [int((q.bits > 0).sum()) for q in self.quantized]
        every = [self.input_channels] + [len(q.bits) for q in self.quantized]
        total = 0
        for i, (layer, columns) in enumerate(zip(self.quantized, self.columns)):
            if self.own_inputs:
                total = total + columns * every[i] * layer.bits.sum()
                continue
            total = total + columns * live[i] * layer.bits.sum()
            if i > 0:
                total = total + columns * live[i + 1] * self.quantized[i - 1].bits.sum()
        return total / self.weights

    @torch.no_grad()
    def learned_bits(self):
        """Sum of bits over the weights whose output and input channels are both live."""
        live = [self.input_channels] + [int((q.bits > 0).sum()) for q in self.quantized]
        return sum(float(q.bits.clamp(min=0).sum()) * columns * live[i]
                   for i, (q, columns) in enumerate(zip(self.quantized, self.columns)))


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def convolution(spec, channels, height, width):
    """The module and the size of its output."""
    if spec.get("groups", 1) != 1:
        raise SystemExit("grouped convolutions are not handled here")
    kernel, stride, dilation = (pair(spec.get(key, 1)) for key in ("kernel", "stride", "dilation"))
    padding = spec.get("padding", 0)
    if padding == "same":
        padding = tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel))
    padding = (0, 0) if padding == "valid" else pair(padding)
    module = nn.Conv2d(channels, spec["out"], kernel, stride, padding, dilation, bias=spec.get("bias", True))
    size = [(extent + 2 * p - d * (k - 1) - 1) // s + 1
            for extent, p, d, k, s in zip((height, width), padding, dilation, kernel, stride)]
    return module, size
