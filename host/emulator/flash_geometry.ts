/** The shape of a board's module flash, and what of it the store can use. */
import type { Board } from "../descriptor/board.js";

export interface FlashGeometry {
  /** Bytes that one erase covers. */
  readonly sectorBytes: number;
  /** Bytes that one programming step covers, and that every address and length is a multiple of. */
  readonly wordBytes: number;
  readonly sectors: number;
}

/** The flash that a board's descriptor gives to the store: two pointer sectors, then the slots. */
export function flashGeometry(store: Board["store"]): FlashGeometry {
  const { sectorBytes, wordBytes, slotBytes, slots } = store;
  return { sectorBytes, wordBytes, sectors: 2 + slots * Math.floor(slotBytes / sectorBytes) };
}
