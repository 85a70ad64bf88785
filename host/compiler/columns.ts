/**
 * The forms of FULLY_CONNECTED for a single vector that go through its inputs one by one, and skip those at their zero
 * point. Kernels: generated (`generators/columns.ts`); exactness: `columns_proof.ts`.
 */
import type { Tensor } from "../model/graph.js";
import { blocksOf, packBlocks, packedBytes } from "./columns_pack.js";
import { type ColumnsProof, proveColumns, type Requantisation } from "./columns_proof.js";
import {
  type ColumnsKernel,
  columnBytes,
  columnsName,
  columnsSource,
  constantBytes,
  constantSets,
  scratchBytes,
} from "./generators/columns.js";
import { type ColumnsLayout, maskedLayout, shiftedLayout } from "./generators/columns_layout.js";
import type { LaneConstants } from "./lane_constants.js";
import type { KernelForm } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";

/** A tile of columns that is brought in at once takes about this many bytes, */
const tileBytes = 1536;
/** and holds no more columns than this. */
const mostColumns = 64;
/** Locals of two cells a sum stay where they cost nothing (`generators/lanes.ts`). */
const mostTriples = 72;

/** Places of outputs are stored in 16 bits. */
const mostOutputs = 65_536;

/** A form: what is open of its kernel until the layer is known. */
interface Shape extends Pick<ColumnsKernel, "layout" | "triples" | "inParts"> {
  /** Whether it rounds once, as a rectifier allows; without, its kernel serves layers with and without a rectifier. */
  readonly once: boolean;
}

/** Where `applies` found a proof. */
const proofOf = (layer: Convolution, { layout, triples }: Pick<Shape, "layout" | "triples">) =>
  proveColumns(layer, layout, triples) as ColumnsProof;

const requantisationOf = (layer: Convolution, shape: Shape): Requantisation =>
  proofOf(layer, shape).requantisations.at(shape.once ? 0 : -1) as Requantisation;

const kernelOf = (layer: Convolution, shape: Shape): ColumnsKernel => ({
  layout: shape.layout,
  triples: shape.triples,
  inParts: shape.inParts,
  rounding: requantisationOf(layer, shape).rounding,
  // A call costs as much as bringing in a column of 20 words.
  single: assumedZeros(layer) > 0 && columnBytes(shape.triples) >= 80,
});

/** Columns that are brought in at once. */
function chunkOf(layer: Convolution, { triples, single }: ColumnsKernel): number {
  if (single) return 1;
  const fitting = Math.floor(tileBytes / columnBytes(triples));
  return Math.min(Math.max(fitting, 1), mostColumns, layer.inputChannels);
}

function tileSize(layer: Convolution, kernel: ColumnsKernel): number {
  const columns = chunkOf(layer, kernel) * columnBytes(kernel.triples);
  return Math.max(columns, kernel.triples * 8, constantBytes(kernel));
}

/**
 * The share of inputs that are assumed to be at their zero point, for the cost: half of those whose range begins there,
 * as behind a rectifier (46 to 60 % in ad01_int8, 74 % in micro_speech_quantized); none of any other input.
 */
export function assumedZeros(layer: Convolution): number {
  return layer.inputZeroPoint === -128 ? 0.5 : 0;
}

function columnsForm(shape: Shape): KernelForm<Convolution> {
  const { layout, triples, inParts, once } = shape;
  const lanes = layout.masked ? "lanes of 18, 19 and 26 bits, sorted by their ranges" : "lanes of 21 bits";
  const sums = inParts ? "sums that fit, in 24 parts at most," : "sums that fit";
  return {
    name: `columns_${triples}${layout.masked ? "_masked" : ""}${inParts ? "_in_parts" : ""}${once ? "_once" : ""}`,
    when: `int8, one vector,${once ? " behind it a rectifier," : ""} shifts from 1 to 20, ${sums} ${lanes}; assumed: half of a rectified input is zero`,
    applies(layer) {
      // Blocks of even size; any other number of triples in as many blocks would compute more of nothing.
      const all = Math.ceil(layer.outputChannels / 3);
      if (triples !== Math.ceil(all / Math.ceil(all / triples))) return false;
      // A triple alone has a word of its own: there is nothing to mask.
      if (layout.masked && (triples < 2 || layer.outputChannels > mostOutputs)) return false;
      const proof = proveColumns(layer, layout, triples);
      if (proof === null || (proof.parts > 1 && !inParts)) return false;
      return !once || proof.requantisations[0]?.rounding === "once";
    },
    generated: (layer) => columnsName(kernelOf(layer, shape)),
    // Within a tenth of what kernels of 3 to 72 triples take.
    codeBytes: () => 900 + triples * 34 + (inParts ? 200 : 0),
    cost(layer) {
      const kernel = kernelOf(layer, shape);
      return {
        opcodes: opcodes(layer, kernel),
        bytesMoved: packedBytes(layer, kernel, proofOf(layer, shape)) + layer.outputChannels * 2,
      };
    },
    scratch: (layer) => {
      const kernel = kernelOf(layer, shape);
      return [
        { kind: "weights", bytes: tileSize(layer, kernel) },
        { kind: "scratch", bytes: scratchBytes(kernel, proofOf(layer, shape).parts) },
      ];
    },
    weights: (layer) => [
      packBlocks(layer, kernelOf(layer, shape), proofOf(layer, shape), requantisationOf(layer, shape)),
    ],
    emit(layer, places) {
      const kernel = kernelOf(layer, shape);
      const { part, parts } = proofOf(layer, shape);
      const { rounding, constants } = requantisationOf(layer, shape);
      const { m, e, r } = constants[0] as LaneConstants;
      const own = rounding === "each";
      const name = columnsName(kernel);
      const sumsAt = places.scratch[1] as number;
      return [
        {
          file: `generated/${name}`,
          function: name,
          source: () => columnsSource(kernel),
          arguments: [
            ["input", places.address(layer.inputs[0] as Tensor)],
            ["output", places.address(layer.outputs[0] as Tensor)],
            ["weights", places.weights[0] as number],
            ["tile", places.scratch[0] as number],
            ["sums", sumsAt],
            ["depth", layer.inputChannels],
            ["part", part],
            ["offsets", sumsAt + parts * triples * 8],
            ["chunk", chunkOf(layer, kernel)],
            ["outputs", layer.outputChannels],
            ["zeroPoint", layer.inputZeroPoint],
            ["multiplier", own ? 0 : m],
            ["rounding", own ? 0 : Number(r)],
            ["right", own ? 0 : e],
            ["minimum", layer.clamp.minimum],
            ["maximum", layer.clamp.maximum],
          ],
        },
      ];
    },
  };
}

/** Opcodes as the generated code has them, with `assumedZeros`. */
function opcodes(layer: Convolution, kernel: ColumnsKernel): number {
  const { layout, triples, inParts, rounding } = kernel;
  const { parts, part } = proofOf(layer, kernel);
  const { masked } = layout;
  const depth = layer.inputChannels;
  const pairs = Math.floor(triples / 2);
  const odd = triples % 2;
  const column = 3 + pairs * (masked ? 6 : 7) + odd * 3;
  const used = 1 - assumedZeros(layer);
  const chunks = kernel.single ? depth * used * 0.1 : parts * Math.ceil(part / chunkOf(layer, kernel));
  // From sums to lanes: words, then the lanes of six outputs or of three; in parts with their own addition each.
  const pair = 6 + (inParts ? (masked ? 22 : 21) : 8);
  const alone = 2 + (inParts ? 11 : 4);
  const steps = inParts ? 5 : 0;
  const taking = parts * (pairs * (pair + steps) + odd * (alone + steps)) + (inParts ? triples * 3 : 0);
  // Of outputs with one multiplier, half are at the minimum of a rectifier.
  const rectified = layer.clamp.minimum >= layer.outputZeroPoint ? 0.5 : 1;
  const place = masked ? 2 : 0;
  const perOutput = {
    once: 2 + (8 + place) * rectified,
    twice: 2 + (11 + place) * rectified,
    each: 17 + place,
  };
  const finish = taking + triples * 3 * perOutput[rounding] + pairs * 5;
  const perPart = triples * 2 + 16 + (inParts ? 6 : 0);
  const constants = rounding === "each" ? 0 : constantSets(kernel) * 2;
  const perBlock = depth * (7 + column * used) + chunks * 10 + parts * perPart + finish + constants + 20;
  return Math.round(blocksOf(layer, triples) * perBlock);
}

/** The forms, one per number of words; each layout with sums in their lanes to the end, and in parts; each rounding. */
export const columnsForms: readonly KernelForm<Convolution>[] = Array.from(
  { length: mostTriples },
  (_, index) =>
    [shiftedLayout, maskedLayout].flatMap((layout: ColumnsLayout) =>
      [false, true].flatMap((inParts) =>
        [false, true].map((once) => columnsForm({ layout, triples: index + 1, inParts, once })),
      ),
    ),
).flat();
