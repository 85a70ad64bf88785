"""What both examples share: int8 conversion, reference inference and the report.

Nothing here knows about digits or motion. The report is computed from the
`.tflite` file itself, not from the Keras model, so that the READMEs describe
what the converter really wrote.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

ALLOWED = frozenset(
    "ADD AVERAGE_POOL_2D CONV_2D DEPTHWISE_CONV_2D DEQUANTIZE FULLY_CONNECTED "
    "MAX_POOL_2D MEAN PAD QUANTIZE RELU RELU6 RESHAPE SOFTMAX".split()
)
OPERATOR_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}


@dataclass(frozen=True)
class Operator:
    """One operator of the graph, in execution order."""

    name: str
    kernel: str
    output: tuple[int, ...]
    parameters: int
    macs: int


def make_deterministic(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and ask for reproducible kernels."""
    tf.keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def convert(model: tf.keras.Model, representative: np.ndarray) -> bytes:
    """Convert `model` to a full-integer .tflite file with a fixed batch of one.

    Tracing one concrete function of shape [1, ...] is what keeps SHAPE,
    STRIDED_SLICE and PACK out of the graph.
    """
    spec = tf.TensorSpec([1, *representative.shape[1:]], tf.float32, name="input")
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec)
    frozen = convert_variables_to_constants_v2(function)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([frame[None]] for frame in representative)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def reference_interpreter(tflite: bytes) -> tf.lite.Interpreter:
    """Return the interpreter with TFLite's plain reference kernels."""
    resolver = tf.lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = tf.lite.Interpreter(
        model_content=tflite, experimental_op_resolver_type=resolver
    )
    interpreter.allocate_tensors()
    return interpreter


def quantise(frames: np.ndarray, scale: float, zero_point: int) -> tuple[np.ndarray, float]:
    """Return int8 frames, and how near any value came to a rounding tie.

    A margin well above float32's rounding error (about 1e-5 here) means that
    every reasonable implementation of "round to nearest" gives these bytes.
    """
    exact = frames.astype(np.float64) / scale
    nearest = np.rint(exact)
    margin = float(np.min(0.5 - np.abs(exact - nearest)))
    return np.clip(nearest + zero_point, -128, 127).astype(np.int8), margin


def run_reference(tflite: bytes, frames: np.ndarray) -> tuple[np.ndarray, float]:
    """Quantise and run `frames`; return raw int8 scores [N, classes], and the margin."""
    interpreter = reference_interpreter(tflite)
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    quantised, margin = quantise(frames, *source["quantization"])
    scores = []
    for frame in quantised:
        interpreter.set_tensor(source["index"], frame[None])
        interpreter.invoke()
        scores.append(interpreter.get_tensor(result["index"])[0])
    return np.stack(scores), margin


def read_operators(tflite: bytes) -> list[Operator]:
    """List the operators stored in the file, with weights and multiply-accumulates."""
    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    graph = model.subgraphs[0]
    operators = []
    for op in graph.operators:
        code = model.operatorCodes[op.opcodeIndex]
        name = OPERATOR_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        output = tuple(int(n) for n in graph.tensors[op.outputs[0]].shape)
        kernel, parameters, macs = "", 0, 0
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            tensors = [graph.tensors[i] for i in op.inputs[1:] if i >= 0]
            weights = [int(n) for n in tensors[0].shape]
            parameters = sum(int(np.prod(t.shape)) for t in tensors)
            # Weights are [out, h, w, in], [1, h, w, channels] or [out, in].
            reach = weights[1:3] if name == "DEPTHWISE_CONV_2D" else weights[1:]
            macs = int(np.prod(output) * np.prod(reach))
            kernel = window(weights[1], weights[2], op) if len(weights) == 4 else ""
        elif name in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
            kernel = window(op.builtinOptions.filterHeight, op.builtinOptions.filterWidth, op)
        operators.append(Operator(name, kernel, output, parameters, macs))
    unexpected = {op.name for op in operators} - ALLOWED
    if unexpected or len(model.subgraphs) != 1:
        raise SystemExit(f"the converter wrote operators outside the set: {unexpected}")
    return operators


def window(height: int, width: int, op: Any) -> str:
    """Format a kernel window and its stride, for example `3×3` or `5×1 /2×1`."""
    stride = (op.builtinOptions.strideH, op.builtinOptions.strideW)
    return f"{height}×{width}" + ("" if stride == (1, 1) else f" /{stride[0]}×{stride[1]}")


def markdown_table(operators: list[Operator]) -> str:
    """Format the network as the Markdown table that the README quotes."""
    rows = ["| # | Operator | Kernel | Output | Parameters | MACs |",
            "| -: | :-- | :-- | :-- | -: | -: |"]
    for number, op in enumerate(operators, 1):
        shape = "×".join(str(n) for n in op.output)
        rows.append(f"| {number} | `{op.name}` | {op.kernel or '—'} | {shape} "
                    f"| {op.parameters or '—'} | {op.macs or '—'} |")
    total = sum(op.parameters for op in operators), sum(op.macs for op in operators)
    rows.append(f"| | **Total** | | | **{total[0]}** | **{total[1]}** |")
    return "\n".join(rows)


def confusion_table(labels: np.ndarray, predicted: np.ndarray, names: list[str]) -> str:
    """Format a confusion matrix: one row per true class, one column per answer."""
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, predicted), 1)
    rows = ["| true \\ answer | " + " | ".join(names) + " |",
            "| :-- |" + " -: |" * len(names)]
    for name, row in zip(names, counts):
        rows.append(f"| {name} | " + " | ".join(str(n) for n in row) + " |")
    return "\n".join(rows)


def accuracy(title: str, predicted: np.ndarray, labels: np.ndarray) -> str:
    """Format how many answers are right, as a count and in per cent."""
    right = int(np.sum(predicted == labels))
    return f"{title}: {right}/{len(labels)} = {right / len(labels):.2%}"


def finish(
    folder: Path, model: tf.keras.Model, tflite: bytes,
    frames: np.ndarray, labels: np.ndarray, names: list[str],
) -> None:
    """Write the model and the expected answers, and print what the README quotes."""
    scores, margin = run_reference(tflite, frames)
    answers = scores.argmax(axis=1)
    floats = model.predict(frames, verbose=0, batch_size=64).argmax(axis=1)

    (folder / f"{folder.name}.tflite").write_bytes(tflite)
    (folder / "classes.txt").write_text("\n".join(names) + "\n")
    np.savetxt(folder / "expected.csv", answers, "%d", header="argmax", comments="")
    np.save(folder / "expected_int8.npy", scores)

    print(markdown_table(read_operators(tflite)), end="\n\n")
    interpreter = reference_interpreter(tflite)
    for title, tensor in (
        ("input", interpreter.get_input_details()[0]),
        ("output", interpreter.get_output_details()[0]),
    ):
        scale, zero_point = tensor["quantization"]
        print(f"{title}: {tensor['dtype'].__name__} {[int(n) for n in tensor['shape']]}, "
              f"scale {scale:.10g}, zero point {zero_point}")
    print(f"file: {len(tflite)} bytes")
    print(f"closest held-out value to a rounding tie: {margin:.6f} of a step")
    second, best = np.sort(scores, axis=1)[:, -2:].T
    print(f"frames whose two best scores tie: {int(np.sum(second == best))}")
    print(accuracy("float32, Keras", floats, labels))
    print(accuracy("int8, TFLite reference kernels", answers, labels))
    print(f"float32 and int8 agree: {int(np.sum(floats == answers))}/{len(labels)}\n")
    print(confusion_table(labels, answers, names))
