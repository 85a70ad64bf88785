/**
 * The form of FULLY_CONNECTED for a single vector and few outputs, or weights whose sums fit no lanes: four outputs at a
 * time, zeros left out. Kernel: generated (`generators/quads.ts`).
 */
import type { Tensor } from "../model/graph.js";
import { assumedZeros } from "./columns.js";
import { quadsName, quadsSource, quadsTailBytes } from "./generators/quads.js";
import type { KernelForm } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";

/** Columns that are brought in at once, a multiple of what is unrolled. */
const mostColumns = 256;

const chunkOf = (layer: Convolution) => Math.min(mostColumns, (layer.inputChannels + 7) & ~7);
const blocksOf = (layer: Convolution) => Math.ceil(layer.outputChannels / 4);
const blockBytes = (layer: Convolution) => layer.inputChannels * 4 + 48;

/** Per block its columns, four bytes an input, then bias, multiplier and shift of each output. */
function packBlocks(layer: Convolution): Uint8Array {
  const { inputChannels: depth } = layer;
  const bytes = new Uint8Array(blocksOf(layer) * blockBytes(layer));
  const view = new DataView(bytes.buffer);
  for (let channel = 0; channel < blocksOf(layer) * 4; channel++) {
    const at = Math.floor(channel / 4) * blockBytes(layer);
    const place = channel % 4;
    // Outputs that do not exist have weights of zero, and are not written.
    for (let tap = 0; tap < depth; tap++)
      bytes[at + tap * 4 + place] = (layer.filters[channel]?.[tap] ?? 0) + 128;
    const constants = at + depth * 4 + place * 12;
    const { multiplier, shift } = layer.multipliers[channel] ?? { multiplier: 0, shift: 0 };
    view.setInt32(constants, layer.bias[channel] ?? 0, true);
    view.setInt32(constants + 4, multiplier, true);
    view.setInt32(constants + 8, shift, true);
  }
  return bytes;
}

export const quads: KernelForm<Convolution> = {
  name: "quads",
  when: "int8, one vector, any weights; assumed: half of a rectified input is zero",
  applies: (layer) => layer.inputHeight === 1 && layer.inputs[0]?.type === "int8",
  generated: () => quadsName,
  codeBytes: () => 1150,
  cost(layer) {
    const depth = layer.inputChannels;
    const taps = depth * (3 + 14 * (1 - assumedZeros(layer))) + (Math.floor(depth / 8) + (depth % 8)) * 4;
    const perBlock = taps + Math.ceil(depth / chunkOf(layer)) * 16 + 34;
    return {
      opcodes: Math.round(blocksOf(layer) * perBlock + layer.outputChannels * 44),
      bytesMoved: blocksOf(layer) * blockBytes(layer),
    };
  },
  scratch: (layer) => [{ kind: "weights", bytes: Math.max(chunkOf(layer) * 4, quadsTailBytes) }],
  weights: (layer) => [packBlocks(layer)],
  emit: (layer, places) => [
    {
      file: `generated/${quadsName}`,
      function: quadsName,
      source: quadsSource,
      arguments: [
        ["input", places.address(layer.inputs[0] as Tensor)],
        ["output", places.address(layer.outputs[0] as Tensor)],
        ["weights", places.weights[0] as number],
        ["tile", places.scratch[0] as number],
        ["depth", layer.inputChannels],
        ["chunk", chunkOf(layer)],
        ["outputs", layer.outputChannels],
        ["zeroPoint", layer.inputZeroPoint],
        ["outputZeroPoint", layer.outputZeroPoint],
        ["minimum", layer.clamp.minimum],
        ["maximum", layer.clamp.maximum],
      ],
    },
  ],
};
