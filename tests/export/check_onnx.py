"""Checks every ONNX file of a folder, <n>.<form>.onnx with <n>.pixels.npy (NHWC) and <n>.logits.npy (the program's).

onnx.checker with strict shapes, then ONNX Runtime; of a file with QONNX nodes, which it lacks, these are computed in NumPy
first.  Logits have to be within 1e-5 of the largest, with the same top class.
usage: check_onnx.py FOLDER; prints what it compared, exits 1 at the first difference.
"""

import pathlib
import sys
from collections import Counter

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-5
QONNX = "qonnx.custom_op.general"


def quant(x, scale, zeropt, bitwidth, signed, narrow, rounding_mode):
    """The QONNX operator, by its page (rounding to nearest, ties to even)."""
    assert (signed, narrow, rounding_mode) == (1, 0, b"ROUND"), (signed, narrow, rounding_mode)
    low, high = -(2.0 ** (bitwidth - 1)), 2.0 ** (bitwidth - 1) - 1
    y = np.round(np.clip(x / scale + zeropt, low, high))
    return ((y - zeropt) * scale).astype(np.float32)


def without_quant(model):
    """The model with each Quant replaced by what it gives."""
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        if node.op_type != "Quant":
            model.graph.node.append(node)
            continue
        options = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        value = quant(*(constants[name] for name in node.input), **options)
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, node.output[0]))
    return model


def quant_nodes_are_well_formed(model, file):
    """One width for each node, which its integers fit and need."""
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "Quant":
            continue
        values, scale, _, bits = (constants[name] for name in node.input)
        integers = np.round(values / scale)
        if bits.shape != () or not np.array_equal(values, (integers * scale).astype(np.float32)):
            sys.exit(f"{file}: {node.name}: values that are not whole multiples of the scale")
        least = np.maximum(np.abs(integers + 0.5) + 0.5, 1).reshape(len(values), -1).max(axis=1)
        needed = np.maximum(np.ceil(np.log2(least)).astype(int) + 1, 2)
        if not (needed == int(bits)).all():
            sys.exit(f"{file}: {node.name}: {bits} bits, its rows need {needed}")


def dequantized_types(model):
    types = {t.name: t.data_type for t in model.graph.initializer}
    return [types[node.input[0]] for node in model.graph.node if node.op_type == "DequantizeLinear"]


def check(file, counts):
    model = onnx.load(file)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if metadata["input_range"] != "[0,255]" or "normalizes" not in metadata["input"]:
        sys.exit(f"{file}: does not say what it reads")
    stem = file.parent / file.name.split(".")[0]
    pixels = np.ascontiguousarray(np.load(f"{stem}.pixels.npy").transpose(0, 3, 1, 2))
    expected = np.load(f"{stem}.logits.npy")
    opset = {entry.domain: entry.version for entry in model.opset_import}
    if QONNX in opset:
        quant_nodes_are_well_formed(model, file)
        onnx.checker.check_model(model)
        counts["Quant nodes"] += sum(node.op_type == "Quant" for node in model.graph.node)
        model = without_quant(model)
    else:
        onnx.checker.check_model(model, full_check=True)
        allowed = {onnx.TensorProto.INT8} | ({onnx.TensorProto.INT4} if opset[""] >= 21 else set())
        types = dequantized_types(model)
        if not set(types) <= allowed:
            sys.exit(f"{file}: integers of the types {types}")
        counts["int4 layers"] += types.count(onnx.TensorProto.INT4)
        counts["int8 layers"] += types.count(onnx.TensorProto.INT8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3 if QONNX in opset else 2  # what Quant nodes read is left over
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    got = session.run(["logits"], {"image": pixels})[0]
    one = session.run(["logits"], {"image": pixels[:1]})[0]  # the batch is free
    if one.shape != got[:1].shape:
        sys.exit(f"{file}: logits {one.shape} of one image")
    for node in model.graph.node:
        counts[node.op_type] += 1
    if got.shape != expected.shape:
        sys.exit(f"{file}: logits {got.shape}, not {expected.shape}")
    error = np.abs(got - expected).max() / max(np.abs(expected).max(), 1e-30)
    if not error <= TOLERANCE:
        sys.exit(f"{file}: logits differ by {error:.2e} of the largest")
    top = np.sort(expected, axis=1)
    clear = top[:, -1] - top[:, -2] > TOLERANCE * np.abs(expected).max() if expected.shape[1] > 1 else np.array([False])
    if not np.array_equal(got.argmax(axis=1)[clear], expected.argmax(axis=1)[clear]):
        sys.exit(f"{file}: another top class")
    return error


def main(folder):
    counts = Counter()
    files = sorted(folder.glob("*.onnx"))
    errors = [check(file, counts) for file in files]
    if not files:
        sys.exit(f"no ONNX files in {folder}")
    print(f"{len(files)} ONNX files agree, worst logit error {max(errors):.2e}")
    print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    missing = {"int4 layers", "int8 layers", "Quant nodes", "Conv", "Gemm", "Add", "Concat", "Gather", "Pad", "AveragePool",
               "MaxPool", "GlobalAveragePool", "GlobalMaxPool", "Expand", "Unsqueeze"} - set(counts)
    if missing:
        sys.exit(f"never seen: {missing}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
