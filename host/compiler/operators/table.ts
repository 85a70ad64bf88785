/** The operators that Wamlet compiles, by their names in the TensorFlow Lite schema. A new one is added here. */
import { WamletError } from "../../errors.js";
import type { Operator } from "../../model/graph.js";
import { type OperatorCompiler, where } from "../layer.js";
import { add } from "./add.js";
import { conv2d } from "./conv_2d.js";
import { depthwiseConv2d } from "./depthwise_conv_2d.js";
import { dequantize } from "./dequantize.js";
import { fullyConnected } from "./fully_connected.js";
import { mean } from "./mean.js";
import { pad } from "./pad.js";
import { averagePool2d, maxPool2d } from "./pool_2d.js";
import { quantize } from "./quantize.js";
import { relu, relu6 } from "./relu.js";
import { reshape } from "./reshape.js";
import { softmax } from "./softmax.js";

const table: ReadonlyMap<string, OperatorCompiler> = new Map(
  [
    add,
    averagePool2d,
    conv2d,
    depthwiseConv2d,
    dequantize,
    fullyConnected,
    maxPool2d,
    mean,
    pad,
    quantize,
    relu,
    relu6,
    reshape,
    softmax,
  ].map((operator) => [operator.name, operator]),
);

/** Names of the operators that can be compiled, sorted. */
export const supportedOperators: readonly string[] = [...table.keys()].sort();

/**
 * The table's entry for an operator of a model.
 * @throws WamletError WAMLET_UNSUPPORTED_OPERATOR, naming the operator and what is supported
 */
export function operatorCompiler(operator: Operator): OperatorCompiler {
  const found = table.get(operator.name);
  if (found) return found;
  throw new WamletError(
    "WAMLET_UNSUPPORTED_OPERATOR",
    `${where(operator)} is not supported.`,
    `Supported operators: ${supportedOperators.join(", ")}.`,
  );
}
