#!/usr/bin/env python3
"""Time of a PyTorch training step of Page's CIFAR-10 network with self-compression, as its users would write it: eager and
compiled, channels last, bf16 autocast.  One JSON object on stdout.  Needs PyTorch.

  python3 tools/bench/torch_page_step.py --device cuda
"""
import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional as F

from torch_model import Quantized


class ConvBn(nn.Sequential):
    def __init__(self, channels, out, layers):
        convolution = Quantized(nn.Conv2d(channels, out, 3, padding=1, bias=False), 8, 0, 8)
        layers.append(convolution)
        super().__init__(convolution, nn.BatchNorm2d(out), nn.ReLU(inplace=True))


class Residual(nn.Module):
    def __init__(self, channels, layers):
        super().__init__()
        self.branch = nn.Sequential(ConvBn(channels, channels, layers), ConvBn(channels, channels, layers))

    def forward(self, x):
        return x + self.branch(x)


class Page(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.quantized = []
        q, w = self.quantized, width
        self.features = nn.Sequential(
            ConvBn(3, w, q), ConvBn(w, 2 * w, q), nn.MaxPool2d(2), Residual(2 * w, q), ConvBn(2 * w, 4 * w, q), nn.MaxPool2d(2),
            ConvBn(4 * w, 8 * w, q), nn.MaxPool2d(2), Residual(8 * w, q), nn.MaxPool2d(4), nn.Flatten())
        self.fc = Quantized(nn.Linear(8 * w, 10, bias=False), 8, 1, 8)
        q.append(self.fc)
        self.weights = sum(layer.layer.weight.numel() for layer in q)

    def forward(self, x):
        return 0.125 * self.fc(self.features(x))

    def size_loss(self):
        """Eq. 4; the counts of live channels, constants to the gradient, cost nothing next to it."""
        return sum(layer.bits.sum() * layer.layer.weight[0].numel() for layer in self.quantized) / self.weights


def measure(arguments, compiled):
    device = torch.device(arguments.device)
    torch.manual_seed(0)
    network = Page(arguments.width).to(device, memory_format=torch.channels_last)
    bits = [p for layer in network.quantized for p in (layer.bits, layer.exponent)]
    others = [p for p in network.parameters() if all(p is not b for b in bits)]
    options = {"fused": True} if device.type == "cuda" else {}
    optimizer = torch.optim.Adam([{"params": others, "lr": 1e-3, "eps": 1e-5}, {"params": bits, "lr": 0.5, "eps": 1e-3}], **options)
    x = torch.randn(arguments.batch, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    y = torch.randint(10, (arguments.batch,), device=device)

    def loss():
        with torch.autocast(device.type, torch.bfloat16):
            logits = network(x)
        return F.cross_entropy(logits.float(), y) + 0.015 * network.size_loss()

    loss = torch.compile(loss) if compiled else loss

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        for layer in network.quantized:
            layer.freeze_dead()
        optimizer.step()
        for layer in network.quantized:
            layer.clamp(optimizer)

    wait = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)
    for _ in range(min(10, arguments.steps)):
        step()
    wait()
    start = time.perf_counter()
    for _ in range(arguments.steps):
        step()
    wait()
    return {"ms": 1000 * (time.perf_counter() - start) / arguments.steps}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--steps", type=int, default=50)
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("this PyTorch sees no GPU")
    steps = {"eager": measure(arguments, False)}
    notes = []
    if hasattr(torch, "compile"):
        try:
            steps["compiled"] = measure(arguments, True)
        except Exception as error:  # noqa: BLE001 - the compiler needs a working toolchain; eager is still a result
            notes.append(f"torch.compile: {error}".splitlines()[0])
    else:
        notes.append("this PyTorch has no torch.compile")
    print(json.dumps({"framework": f"torch {torch.__version__}", "network": f"Page's, width {arguments.width}, batch {arguments.batch}",
                      "steps": steps, "notes": notes}))


if __name__ == "__main__":
    main()
