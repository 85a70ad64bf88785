/** A fully connected layer's weights and constants as the columns' kernel reads them (`generators/columns.ts`). */
import type { ColumnsProof, Requantisation } from "./columns_proof.js";
import {
  type ColumnsKernel,
  columnBytes,
  constantBytes,
  constantSets,
  eachBytes,
} from "./generators/columns.js";
import { inEachLane } from "./generators/columns_layout.js";
import type { LaneConstants } from "./lane_constants.js";
import type { Convolution } from "./sliding_filter.js";

/** Blocks of as many outputs as the kernel sums up at once. */
export const blocksOf = (layer: Convolution, triples: number): number =>
  Math.ceil(layer.outputChannels / (triples * 3));

/** Bytes of the whole. */
export function packedBytes(layer: Convolution, kernel: ColumnsKernel, { parts }: ColumnsProof): number {
  const perBlock =
    layer.inputChannels * columnBytes(kernel.triples) + parts * kernel.triples * 8 + constantBytes(kernel);
  return blocksOf(layer, kernel.triples) * perBlock;
}

/** Per block: starts and columns of each part, then the constants. */
export function packBlocks(
  layer: Convolution,
  kernel: ColumnsKernel,
  proof: ColumnsProof,
  requantisation: Requantisation,
): Uint8Array {
  const { starts, part, parts, outputs } = proof;
  const { layout, triples } = kernel;
  const bytes = new Uint8Array(packedBytes(layer, kernel, proof));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let first = 0; first < outputs.length; first += triples * 3) {
    // Outputs that do not exist have weights of zero.
    const byte = (slot: number, tap: number) => (layer.filters[outputs[slot] ?? -1]?.[tap] ?? 0) + 128;
    const byteLanes = (triple: number, tap: number) =>
      inEachLane(layout, (lane) => BigInt(byte(first + triple * 3 + lane, tap)));
    const startLanes = (triple: number, index: number) =>
      inEachLane(layout, (lane) => BigInt(starts[first + triple * 3 + lane]?.[index] ?? 0));
    for (let index = 0; index < parts; index++) {
      for (let triple = 0; triple < triples; triple++, at += 8) {
        const other = triple % 2 === 0 && triple + 1 < triples ? startLanes(triple + 1, index) << 8n : 0n;
        // The sums of the first triple hold those of the second, too.
        const own = startLanes(triple, index) << (triple % 2 === 1 && layout.masked ? 8n : 0n);
        view.setBigUint64(at, BigInt.asUintN(64, own + other), true);
      }
      for (let tap = index * part; tap < Math.min((index + 1) * part, layer.inputChannels); tap++) {
        for (let triple = 0; triple < triples; triple += 2, at += 8) {
          const other = triple + 1 < triples ? byteLanes(triple + 1, tap) << 8n : 0n;
          view.setBigUint64(at, byteLanes(triple, tap) | other, true);
        }
      }
    }
    packConstants(view, at, kernel, requantisation, outputs.slice(first, first + triples * 3), first);
    at += constantBytes(kernel);
  }
  return bytes;
}

/** The constants of the block whose slots hold these outputs. */
function packConstants(
  view: DataView,
  from: number,
  kernel: ColumnsKernel,
  { constants, limits }: Requantisation,
  outputs: readonly number[],
  first: number,
): void {
  let at = from;
  if (kernel.rounding === "each") {
    for (const [slot, output] of outputs.entries()) {
      const { k, m, e, r } = constants[first + slot] as LaneConstants;
      view.setBigInt64(at, k, true);
      view.setInt32(at + 8, m, true);
      view.setUint16(at + 12, e, true);
      view.setUint16(at + 14, Math.max(output, 0), true);
      view.setBigInt64(at + 16, r, true);
      at += eachBytes;
    }
    return;
  }
  for (let set = 0; set < constantSets(kernel); set++, at += 16) {
    view.setBigInt64(at, (constants[set] as LaneConstants).k, true);
    view.setBigInt64(at + 8, BigInt(limits[set] as number), true);
  }
  if (!kernel.layout.masked) return;
  for (const [slot, output] of outputs.entries()) view.setUint16(at + slot * 2, output, true);
}
