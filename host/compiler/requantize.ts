/** The kernel form that rescales integers and clamps them: QUANTIZE between integer types, RELU. Kernel: quantize.ts. */
import type { Tensor } from "../model/graph.js";
import { type QuantizedMultiplier, shifts } from "./fixed_point.js";
import type { KernelForm, LoweredLayer } from "./layer.js";

/** What the form needs to know of a layer. */
export interface Requantization extends LoweredLayer {
  readonly inputZeroPoint: number;
  readonly outputZeroPoint: number;
  readonly multiplier: QuantizedMultiplier;
  readonly minimum: number;
  readonly maximum: number;
}

/** AssemblyScript's names of the element types that kernels are generic over. */
export const elementTypes: Readonly<Record<string, string>> = {
  int8: "i8",
  uint8: "u8",
  int16: "i16",
  int32: "i32",
};

export function requantizeForm<L extends Requantization>(
  name: string,
  when: string | null,
  applies: (layer: L) => boolean,
): KernelForm<L> {
  return {
    name,
    ...(when ? { when } : {}),
    applies,
    cost: (layer) => ({ opcodes: 12 + (layer.outputs[0] as Tensor).elements * 24, bytesMoved: 0 }),
    scratch: () => [],
    weights: () => [],
    emit(layer, places) {
      const x = layer.inputs[0] as Tensor;
      const y = layer.outputs[0] as Tensor;
      const { left, right } = shifts(layer.multiplier.shift);
      return [
        {
          file: "kernels/quantize",
          function: "requantize",
          types: [elementTypes[x.type] as string, elementTypes[y.type] as string],
          arguments: [
            ["input", places.address(x)],
            ["output", places.address(y)],
            ["elements", y.elements],
            ["inputZeroPoint", layer.inputZeroPoint],
            ["outputZeroPoint", layer.outputZeroPoint],
            ["multiplier", layer.multiplier.multiplier],
            ["left", left],
            ["right", right],
            ["minimum", layer.minimum],
            ["maximum", layer.maximum],
          ],
        },
      ];
    },
  };
}
