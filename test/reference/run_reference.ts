/**
 * The oracle: runs a graph in TensorFlow Lite Micro's exact arithmetic (reference kernels, double rounding),
 * slowly and plainly. It shares nothing with the compiler or the AssemblyScript kernels, so that what agrees
 * with it agrees for a reason.
 */

import type { Graph, Operator, Tensor } from "../../host/model/graph.js";
import { add } from "./add.js";
import { conv2d } from "./conv_2d.js";
import { depthwiseConv2d } from "./depthwise_conv_2d.js";
import { dequantize } from "./dequantize.js";
import { fullyConnected } from "./fully_connected.js";
import { mean } from "./mean.js";
import { pad } from "./pad.js";
import { averagePool2d, maxPool2d } from "./pool.js";
import { quantize } from "./quantize.js";
import { relu } from "./relu.js";
import { relu6 } from "./relu6.js";
import { reshape } from "./reshape.js";
import { softmax } from "./softmax.js";
import { bytesOf, type KernelCall, type Values, valuesOf } from "./tensor_values.js";

const kernels: Readonly<Record<string, (call: KernelCall) => void>> = {
  ADD: add,
  AVERAGE_POOL_2D: averagePool2d,
  CONV_2D: conv2d,
  DEPTHWISE_CONV_2D: depthwiseConv2d,
  DEQUANTIZE: dequantize,
  FULLY_CONNECTED: fullyConnected,
  MAX_POOL_2D: maxPool2d,
  MEAN: mean,
  PAD: pad,
  QUANTIZE: quantize,
  RELU: relu,
  RELU6: relu6,
  RESHAPE: reshape,
  SOFTMAX: softmax,
};

/** The operators that the oracle runs. */
export const referenceOperators: readonly string[] = Object.keys(kernels);

/**
 * Runs a graph once.
 * @param inputs bytes of the graph inputs, in their order
 * @returns the bytes of every tensor that has a value (constants, inputs, results), by its index
 */
export function runReference(graph: Graph, inputs: readonly Uint8Array[]): Map<number, Uint8Array> {
  const bytes = new Map<number, Uint8Array>();
  for (const tensor of graph.tensors) if (tensor.data !== null) bytes.set(tensor.index, tensor.data);
  graph.inputs.forEach((tensor, position) => {
    const given = inputs[position];
    if (given?.length !== tensor.bytes) {
      throw new Error(`Input '${tensor.name}' needs ${tensor.bytes} bytes, not ${given?.length ?? 0}.`);
    }
    bytes.set(tensor.index, given);
  });
  for (const operator of graph.operators) {
    const output = runOperator(operator, (tensor) => {
      const known = bytes.get(tensor.index);
      if (known === undefined) throw new Error(`Tensor '${tensor.name}' has no value.`);
      return valuesOf(tensor, known);
    });
    bytes.set(output.tensor.index, bytesOf(output));
  }
  return bytes;
}

function runOperator(operator: Operator, valuesOfTensor: (tensor: Tensor) => Values): Values {
  const kernel = kernels[operator.name];
  if (kernel === undefined) throw new Error(`The reference interpreter does not run ${operator.name}.`);
  const [target] = operator.outputs;
  if (target === undefined || operator.outputs.length > 1)
    throw new Error(`${operator.name} needs one output.`);
  const output = valuesOf(target, new Uint8Array(target.bytes));
  const optionalInput = (position: number) => {
    const tensor = operator.inputs[position];
    return tensor ? valuesOfTensor(tensor) : null;
  };
  const input = (position: number) => {
    const values = optionalInput(position);
    if (values === null) throw new Error(`${operator.name} needs input ${position}.`);
    return values;
  };
  kernel({ operator, input, optionalInput, output });
  return output;
}
