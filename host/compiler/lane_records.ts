/** A channel's constants as the epilogue of the three-lane kernels reads them (`generators/lane_epilogue.ts`). */
import { recordBytes } from "./generators/lane_epilogue.js";
import type { LaneConstants } from "./lane_constants.js";

/**
 * Writes one record.
 * @param base what entry 0 of the clamp's table stands for; 0 without a table
 * @param rectified whether there is one rounding, and k and m are all
 * @returns where the next one goes
 */
export function writeRecord(
  view: DataView,
  at: number,
  { k, m, e, r }: LaneConstants,
  base: number,
  rectified: boolean,
): number {
  const first = BigInt(base) << BigInt(e);
  if (rectified) {
    view.setBigInt64(at, k - first, true);
    view.setBigInt64(at + 8, BigInt(m), true);
  } else {
    view.setBigInt64(at, k, true);
    view.setInt32(at + 8, m, true);
    view.setInt32(at + 12, e, true);
    view.setBigInt64(at + 16, r - first, true);
  }
  return at + recordBytes({ rectified });
}
