/** QUANTIZE: float32 or another integer quantisation → int8, int16, int32. Kernels: quantize.ts, lookup.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { typeRange } from "../activation.js";
import {
  multiplyByQuantizedMultiplier,
  type QuantizedMultiplier,
  quantizeMultiplier,
} from "../fixed_point.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { lookupForm } from "../lookup.js";
import {
  float32Bits,
  input,
  output,
  perTensor,
  requireShape,
  requireType,
  unsupported,
} from "../operands.js";
import { elementTypes, requantizeForm } from "../requantize.js";

interface Quantize extends LoweredLayer {
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly outputScale: number;
  /** From integers: inputScale / outputScale. */
  readonly multiplier: QuantizedMultiplier;
  readonly minimum: number;
  readonly maximum: number;
}

const fromFloat: KernelForm<Quantize> = {
  name: "quantize_plain",
  when: "from float32",
  applies: (layer) => layer.inputs[0]?.type === "float32",
  cost: (layer) => ({ opcodes: 10 + (layer.outputs[0] as Tensor).elements * 23, bytesMoved: 0 }),
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/quantize",
      function: "quantize",
      types: [elementTypes[(layer.outputs[0] as Tensor).type] as string],
      arguments: [
        ["input", places.address(layer.inputs[0] as Tensor)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ["elements", (layer.outputs[0] as Tensor).elements],
        ["scale", float32Bits(layer.outputScale)],
        ["zeroPoint", layer.outputZeroPoint],
        ["minimum", layer.minimum],
        ["maximum", layer.maximum],
      ],
    },
  ],
};

const fromInteger = requantizeForm<Quantize>(
  "requantize_plain",
  "from an integer",
  (layer) => layer.inputs[0]?.type !== "float32",
);

const table = lookupForm<Quantize>("quantize_table", (layer, value) => {
  const scaled = multiplyByQuantizedMultiplier(value - layer.inputZeroPoint, layer.multiplier);
  return Math.min(Math.max(scaled + layer.outputZeroPoint, layer.minimum), layer.maximum);
});

/** Pairs of types that TensorFlow Lite Micro's QUANTIZE takes and whose results are known here bit for bit. */
const targets: Readonly<Record<string, readonly string[]>> = {
  float32: ["int8", "uint8", "int16"],
  int8: ["int8", "uint8", "int16", "int32"],
  uint8: ["int8", "uint8"],
  int16: ["int8", "int16", "int32"],
  int32: ["int8", "int16"],
};

function lower(operator: Operator): Quantize {
  const x = input(operator, 0);
  const y = output(operator);
  requireType(operator, x, "float32", "int8", "uint8", "int16", "int32");
  requireType(operator, y, "int8", "uint8", "int16", "int32");
  if (!targets[x.type]?.includes(y.type)) {
    throw unsupported(
      operator,
      `${x.type} to ${y.type}`,
      `From ${x.type} supported are ${targets[x.type]?.join(", ")}.`,
    );
  }
  requireShape(operator, y, x.shape);
  const to = perTensor(operator, y);
  const from = x.type === "float32" ? { scale: 1, zeroPoint: 0 } : perTensor(operator, x);
  const multiplier =
    x.type === "float32" ? { multiplier: 0, shift: 0 } : quantizeMultiplier(from.scale / to.scale);
  // TensorFlow Lite shifts an int32 to the left before it multiplies, and leaves open what becomes of an overflow.
  if (x.type === "int32" && (multiplier.shift > 0 || from.zeroPoint !== 0)) {
    throw unsupported(
      operator,
      `int32 of scale ${from.scale} and zero point ${from.zeroPoint} to scale ${to.scale}`,
      "From int32, the input's zero point must be 0 and its scale below the output's.",
    );
  }
  return {
    inputs: [x],
    outputs: [y],
    ...(x.bytes === y.bytes ? { inPlace: [x] } : {}),
    macs: 0,
    parameters: 0,
    inputZeroPoint: from.zeroPoint,
    outputZeroPoint: to.zeroPoint,
    outputScale: to.scale,
    multiplier,
    ...typeRange(y.type),
  };
}

const limits = ["from int32: zero point 0, and a scale below the output's"];

export const quantize = defineOperator({
  name: "QUANTIZE",
  limits,
  lower,
  forms: [fromFloat, fromInteger, table],
});
