/**
 * Clamping by a table: where a layer's weights bound what requantisation can give, one load takes the place of two
 * comparisons and two selects. Kernel: assembly/kernels/clamp_table.ts.
 */
import type { KernelCall } from "./layer.js";

/** Values before the clamp, over all channels and inputs. */
export interface ValueRange {
  readonly lowest: number;
  readonly highest: number;
}

export interface ClampTable {
  readonly bytes: number;
  /** What entry 0 stands for: subtracted from every value by way of the folded constants. */
  readonly base: number;
  readonly below: number;
  readonly minimum: number;
  readonly values: number;
  readonly above: number;
}

/** Larger tables cost more RAM than they are worth, and more time to fill. */
const mostBytes = 8192;

/** The table for a layer, or null where it would be too large. */
export function clampTable(
  { lowest, highest }: ValueRange,
  clamp: { readonly minimum: number; readonly maximum: number },
): ClampTable | null {
  const { minimum, maximum } = clamp;
  const base = Math.min(lowest, minimum);
  const below = minimum - base;
  const values = maximum - minimum + 1;
  const above = Math.max(0, highest - maximum);
  // The kernel writes eight values at a time.
  const bytes = below + Math.max(values + above, Math.ceil(values / 8) * 8);
  return bytes <= mostBytes ? { bytes, base, below, minimum, values, above } : null;
}

/** The call that fills it. */
export function fillClampTable(table: ClampTable, address: number): KernelCall {
  return {
    file: "kernels/clamp_table",
    function: "fillClampTable",
    arguments: [
      ["table", address],
      ["below", table.below],
      ["minimum", table.minimum],
      ["values", table.values],
      ["above", table.above],
    ],
  };
}

/** Opcodes and bytes of filling it. */
export function fillCost(table: ClampTable): { opcodes: number; bytesMoved: number } {
  return {
    opcodes: 18 + Math.ceil(table.values / 8) * 6,
    bytesMoved: table.below + table.above,
  };
}
