#!/usr/bin/env python3
"""The self-compression of an scnn experiment in plain PyTorch, to compare training time with.

Same method, network, data, epochs, batch size, optimizer groups and schedules, all read from the complete experiment: a run's
config.yaml, or what tools/bench/compare hands over.  No channel removal, as PyTorch has none.  Needs PyTorch, NumPy and
PyYAML: on Debian `tools/setup --with-torch` and /usr/bin/python3.

  /usr/bin/python3 tools/bench/torch_selfcompress.py runs/quickstart/latest/config.yaml --steps 50

With --serve it takes step counts on stdin, a line each, and answers {"seconds": ...} that so many steps took.
"""
import argparse
import fnmatch
import json
import math
import os
import re
import sys
import time

import torch
import yaml
from torch.nn import functional as F

from torch_data import augment, load
from torch_model import Network


def numbers(value):
    """PyYAML reads 1e-05 as text; a run's config.yaml writes such numbers."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d*)?e[+-]?\d+", value):
        return float(value)
    return value


def factor(schedule, epoch, epochs):
    """The learning rate's factor at `epoch` (a real number) of `epochs`."""
    kind = schedule.get("type", "constant")
    warmup, final = schedule.get("warmup_epochs", 0), schedule.get("final_factor", 0)
    if epoch < warmup:
        return epoch / warmup
    if kind == "constant":
        return 1.0
    if kind == "cosine":
        share = (epoch - warmup) / max(epochs - warmup, 1e-9)
        return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
    if kind == "anneal_end":
        fraction = schedule.get("fraction", 0.15)
        left = (epochs - epoch) / (fraction * epochs) if fraction else 1.0
        return final + (1 - final) * min(1.0, left)
    if kind == "step":
        return schedule.get("factor", 0.1) ** math.floor(epoch / schedule.get("every_epochs", 30))
    raise SystemExit(f"schedule '{kind}' is not handled here; handled: constant, cosine, anneal_end, step")


def make_optimizer(network, train):
    """Adam with one group per set of settings; a later group of the file wins, weight decay is for weights only."""
    options = train.get("optimizer") or {}
    if options.get("type", "adam") != "adam":
        raise SystemExit(f"optimizer '{options['type']}' is not handled here; handled: adam")
    groups = {}
    for name, parameter in network.parameter_names.items():
        setting = {"lr": options.get("lr", 1e-3), "eps": options.get("eps", 1e-8), "weight_decay": options.get("weight_decay", 0),
                   "schedule": train.get("schedule") or {}}
        for group in options.get("groups") or []:
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in group["match"]):
                setting.update({key: value for key, value in group.items() if key in setting and value is not None})
        if not name.endswith(".weight"):
            setting["weight_decay"] = 0
        setting["base_lr"] = setting["lr"]
        setting["format"] = name.endswith((".bits", ".exponent"))
        groups.setdefault(json.dumps(setting, sort_keys=True), {**setting, "params": []})["params"].append(parameter)
    betas = (options.get("beta1", 0.9), options.get("beta2", 0.999))
    return torch.optim.Adam(list(groups.values()), betas=betas)


class Training:
    """An experiment's training, step by step."""

    def __init__(self, experiment, arguments):
        self.train, self.compression = experiment["train"], experiment.get("compression") or {"type": "none"}
        self.epochs = arguments.epochs or self.train["epochs"]
        self.device = torch.device(arguments.device)
        threads = arguments.threads or (experiment.get("device") or {}).get("threads", "auto")
        torch.set_num_threads(threads if isinstance(threads, int) and threads > 0 else len(os.sched_getaffinity(0)))
        seed = experiment.get("seed", 0) if arguments.seed is None else arguments.seed
        torch.manual_seed(seed)
        self.train_set, self.test_set = load(experiment["data"], seed)
        self.augmentation = experiment["data"].get("augment")
        self.memory_format = torch.channels_last if arguments.channels_last else torch.contiguous_format
        self.network = Network(experiment["model"], self.compression).to(self.device, memory_format=self.memory_format)
        self.optimizer = make_optimizer(self.network, self.train)
        self.autocast = arguments.bf16
        self.loss = torch.compile(self.plain_loss) if arguments.compile else self.plain_loss
        self.steps, self.steps_per_epoch = 0, len(self.train_set[1]) // self.train["batch_size"]
        self.losses, self.order = 0.0, None
        self.settle = self.compression.get("freeze", self.compression.get("settle"))
        self.settle = self.settle if isinstance(self.settle, dict) else {"fraction": 0}
        total = self.epochs * self.steps_per_epoch
        self.compressing_steps = total - round(self.settle["fraction"] * total)

    def placed(self, images):
        return images.to(self.device).contiguous(memory_format=self.memory_format)

    def plain_loss(self, images, labels, gamma):
        """(task loss, task loss + gamma * size loss)"""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            logits = self.network(images)
        task = F.cross_entropy(logits.float(), labels, label_smoothing=self.train.get("label_smoothing", 0))
        return task, task + gamma * self.network.size_loss() if self.network.quantized else task

    def step(self):
        batch, size = self.steps % self.steps_per_epoch, self.train["batch_size"]
        if batch == 0:
            self.order, self.losses = torch.randperm(len(self.train_set[1])), 0.0
        indices = self.order[batch * size:(batch + 1) * size]
        images, labels = self.placed(augment(self.train_set[0][indices], self.augmentation)), self.train_set[1][indices].to(self.device)
        now, ramp = self.steps / self.steps_per_epoch, (self.compression.get("gamma_ramp") or {}).get("epochs", 0)
        settling = self.steps - self.compressing_steps
        for group in self.optimizer.param_groups:
            if settling < 0:
                group["lr"] = group["base_lr"] * factor(group["schedule"], now, self.compressing_steps / self.steps_per_epoch)
            else:
                share = settling / (self.epochs * self.steps_per_epoch - self.compressing_steps)
                restart = self.settle.get("lr", 0.5) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
                group["lr"] = 0.0 if group["format"] else group["base_lr"] * restart
        gamma = self.compression.get("gamma", 0) * (min(1.0, now / ramp) if ramp else 1.0) if settling < 0 else 0.0
        task, loss = self.loss(images, labels, gamma)
        self.losses += float(task.detach())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if settling >= 0:  # formats are held: their gradients count nowhere
            for group in self.optimizer.param_groups:
                if group["format"]:
                    for parameter in group["params"]:
                        parameter.grad.zero_()
        if self.train.get("clip_gradient") not in (None, 0, "none"):
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.train["clip_gradient"])
        for layer in self.network.quantized:
            layer.freeze_dead()
        self.optimizer.step()
        for layer in self.network.quantized:
            layer.clamp(self.optimizer)
        self.steps += 1

    def timed(self, steps):
        """Seconds that so many steps take."""
        wait = torch.cuda.synchronize if self.device.type == "cuda" else (lambda: None)
        wait()
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        wait()
        return time.perf_counter() - start


def evaluate(training):
    """Top-1 on the test split, batch-norm statistics re-estimated on the first `statistics_batches` first."""
    network, train, train_set, test_set = training.network, training.train, training.train_set, training.test_set
    norms = [m for m in network.modules() if isinstance(m, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d))]
    count, batch = train.get("statistics_batches", 16), train["batch_size"]
    with torch.no_grad():
        if count:
            kept = [m.momentum for m in norms]
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # a plain average
            network.train()
            for images in train_set[0][:count * batch].split(batch):
                network(training.placed(images))
            for norm, momentum in zip(norms, kept):
                norm.momentum = momentum
        network.eval()
        hits = sum(int((network(training.placed(x)).argmax(1).cpu() == y).sum())
                   for x, y in zip(test_set[0].split(1000), test_set[1].split(1000)))
        network.train()
    return hits / len(test_set[1])


def forget_peak():
    """From here on the process's peak memory is that of training: loading the data, as written here, took more.
    Where the system has no such file the peak stays that of the whole process."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def serve(training):
    forget_peak()
    print(json.dumps({"framework": f"torch {torch.__version__}", "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"seconds": training.timed(int(line))}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", help="a complete experiment, such as the config.yaml of a run")
    parser.add_argument("--epochs", type=int, help="instead of the file's; schedules fit themselves to it")
    parser.add_argument("--steps", type=int, help="stop after N steps: times a part, evaluates nothing")
    parser.add_argument("--serve", action="store_true", help="time steps on request")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--threads", type=int, help="default: the file's device.threads, or all cores")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--channels-last", action="store_true", help="NHWC activations")
    parser.add_argument("--bf16", action="store_true", help="autocast to bf16")
    parser.add_argument("--compile", action="store_true", help="torch.compile, where this PyTorch has it")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, the rest on stderr")
    arguments = parser.parse_args()
    log = sys.stderr if arguments.json else sys.stdout
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("this PyTorch sees no GPU")
    if arguments.compile and not hasattr(torch, "compile"):
        raise SystemExit(f"PyTorch {torch.__version__} has no torch.compile")

    with open(arguments.experiment, encoding="utf-8") as file:
        training = Training(numbers(yaml.safe_load(file)), arguments)
    if arguments.serve:
        serve(training)
        return

    per_epoch, epoch_seconds, top1 = training.steps_per_epoch, [], None
    for epoch in range(training.epochs):
        left = min(per_epoch, (arguments.steps or math.inf) - training.steps)
        epoch_seconds.append(training.timed(left))
        if training.steps == arguments.steps:
            break
        top1 = evaluate(training)
        live = "/".join(str(int((q.bits > 0).sum())) for q in training.network.quantized)
        print(f"epoch {epoch + 1:3}  loss {training.losses / per_epoch:.4f}  test top1 {top1:.4f}  {epoch_seconds[-1]:.2f} s"
              f"  live {live}  learned {training.network.learned_bits() / 8:.0f} bytes", file=log, flush=True)

    steps = training.steps
    result = {"framework": f"torch {torch.__version__}", "threads": torch.get_num_threads(), "channels_last": arguments.channels_last,
              "steps": steps, "steps_per_epoch": per_epoch, "epochs": training.epochs, "epoch_seconds": epoch_seconds,
              "train_seconds": sum(epoch_seconds), "seconds_per_step": sum(epoch_seconds) / steps, "top1": top1,
              "learned_bits": training.network.learned_bits()}
    if arguments.json:
        print(json.dumps(result))
    else:
        print(f"{steps} steps in {result['train_seconds']:.2f} s: {1000 * result['seconds_per_step']:.1f} ms a step, "
              f"{result['seconds_per_step'] * per_epoch:.2f} s an epoch of {per_epoch} steps, {result['threads']} threads")


if __name__ == "__main__":
    main()
