/** DEQUANTIZE: int8 or int16 → float32. Kernels: quantize.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { defineOperator, type KernelForm, type LoweredLayer } from "../layer.js";
import { float32Bits, input, output, perTensor, requireShape, requireType } from "../operands.js";
import { elementTypes } from "../requantize.js";

interface Dequantize extends LoweredLayer {
  readonly scale: number;
  readonly zeroPoint: number;
}

const plain: KernelForm<Dequantize> = {
  name: "dequantize_plain",
  applies: () => true,
  cost: (layer) => ({ opcodes: 10 + (layer.outputs[0] as Tensor).elements * 10, bytesMoved: 0 }),
  scratch: () => [],
  weights: () => [],
  emit: (layer, places) => [
    {
      file: "kernels/quantize",
      function: "dequantize",
      types: [elementTypes[(layer.inputs[0] as Tensor).type] as string],
      arguments: [
        ["input", places.address(layer.inputs[0] as Tensor)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ["elements", (layer.outputs[0] as Tensor).elements],
        ["scale", float32Bits(layer.scale)],
        ["zeroPoint", layer.zeroPoint],
      ],
    },
  ],
};

function lower(operator: Operator): Dequantize {
  const x = input(operator, 0);
  const y = output(operator);
  requireType(operator, x, "int8", "uint8", "int16");
  requireType(operator, y, "float32");
  requireShape(operator, y, x.shape);
  return { inputs: [x], outputs: [y], macs: 0, parameters: 0, ...perTensor(operator, x) };
}

export const dequantize = defineOperator({ name: "DEQUANTIZE", lower, forms: [plain] });
