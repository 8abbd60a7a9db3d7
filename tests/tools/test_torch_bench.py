"""The PyTorch comparison computes the method: formula, derivatives and size loss against plain numbers.  Needs torch."""
import math
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools/bench"))

try:
    import torch
    from torch_model import Network, quantize
    from torch_selfcompress import factor
except ImportError as missing:
    torch = None
    print(f"skipped: PyTorch comparison not checked: {missing}", file=sys.stderr)


@unittest.skipIf(torch is None, "no torch")
class TorchBench(unittest.TestCase):
    def test_derivatives_are_those_of_the_paper(self):
        bits, exponent = 3.3, -1.7
        ln2, scale, half = math.log(2), 2**exponent, 2 ** (bits - 1)
        for w in (-3.0, -0.4, 0.05, 0.31, 2.0):
            s = w / scale
            r = float(torch.tensor(min(max(s, -half), half - 1), dtype=torch.float64).round())
            if s < -half:
                want = (0, -ln2 * half * scale, ln2 * scale * r)
            elif s > half - 1:
                want = (0, ln2 * half * scale, ln2 * scale * r)
            else:
                want = (1, 0, ln2 * scale * (r - s))
            leaves = [torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in (w, bits, exponent)]
            q = quantize(*leaves)
            q.backward()
            self.assertAlmostEqual(float(q), scale * r, 12)
            for leaf, value in zip(leaves, want):
                self.assertAlmostEqual(float(leaf.grad), value, 12)

    def test_size_loss_by_hand(self):
        model = {"input": [1, 4, 4], "layers": [
            {"type": "conv2d", "out": 3, "kernel": 3, "padding": "same"}, {"type": "relu"}, {"type": "max_pool2d", "kernel": 2},
            {"type": "flatten"}, {"type": "linear", "out": 2}]}
        network = Network(model, {"type": "self_compress"})
        with torch.no_grad():
            network.quantized[0].bits.copy_(torch.tensor([2.0, 0.0, 4.0]))
            network.quantized[1].bits.copy_(torch.tensor([5.0, 1.0]))
        q = network.size_loss()
        weights = 3 * 9 + 2 * 3 * 4
        # conv: 9 * 1 live input * (2 + 4); linear: 4 * 2 live inputs * (5 + 1) + 4 * 2 live outputs * (2 + 4)
        self.assertAlmostEqual(float(q), (54 + 48 + 48) / weights, 5)
        q.backward()
        self.assertAlmostEqual(float(network.quantized[0].bits.grad[0]), (9 + 8) / weights, 6)
        self.assertAlmostEqual(float(network.quantized[1].bits.grad[1]), 8 / weights, 6)
        self.assertEqual(network.learned_bits(), 54 + 48)

    def test_size_loss_of_a_graph_by_hand(self):
        model = {"input": [2, 4, 4], "layers": [
            {"name": "a", "type": "conv2d", "out": 2, "kernel": 1}, {"name": "b", "type": "conv2d", "out": 2, "kernel": 3, "padding": "same"},
            {"name": "sum", "type": "add", "input": ["a", "b"]},
            {"name": "deep", "type": "conv2d", "out": 4, "kernel": 3, "padding": "same", "groups": "depthwise"},
            {"name": "both", "type": "concat", "input": ["deep", "sum"]}, {"type": "global_avg_pool"}, {"type": "flatten"},
            {"name": "fc", "type": "linear", "out": 3}, {"type": "scale", "factor": 0.5}]}
        network = Network(model, {"type": "self_compress"})
        a, b, deep, fc = network.quantized
        with torch.no_grad():
            a.bits.copy_(torch.tensor([2.0, 0.0]))
            b.bits.copy_(torch.tensor([3.0, 0.0]))
            deep.bits.copy_(torch.tensor([1.0, 2.0, 4.0, 0.0]))
            fc.bits.copy_(torch.tensor([5.0, 0.0, 1.0]))
        self.assertEqual(network(torch.ones(2, 2, 4, 4)).shape, (2, 3))
        weights = 2 * 2 + 9 * 2 * 2 + 9 * 4 + 3 * 6
        # Live: channel 0 of the sum, by a and b; 0, 1 and 2 of deep, of which 2 reads a dead channel.
        own = 2 * 2 + 9 * 1 * 3 + 9 * (1 + 2) + 4 * (5 + 1)
        columns = (9 * 1 * 2  # a's channel 0, read by b
                   + (9 * 2 + 2) * (2 + 3) / 2  # a and b share the sum's, read by two of deep and two of fc
                   + 2 * (1 + 2 + 4))  # deep's, read by two of fc
        self.assertAlmostEqual(float(network.size_loss()), (own + columns) / weights, 5)
        self.assertEqual(network.learned_bits(), own)

    def test_schedules(self):
        anneal = {"type": "anneal_end", "fraction": 0.25}
        self.assertEqual([factor(anneal, e, 8) for e in (0, 6, 7, 8)], [1, 1, 0.5, 0])
        self.assertAlmostEqual(factor({"type": "cosine"}, 4, 8), 0.5)
        self.assertEqual(factor({"type": "cosine", "warmup_epochs": 2}, 1, 8), 0.5)


if __name__ == "__main__":
    unittest.main()
