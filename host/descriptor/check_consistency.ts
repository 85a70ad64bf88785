/** What a schema cannot say: the figures of a descriptor must agree with each other. */
import { WamletError } from "../errors.js";
import type { Board } from "./board.js";

/** The store keeps its active pointer twice, each copy in a sector of its own (docs/DESIGN.md, "Store"). */
const pointerSectors = 2;

/**
 * @param file what to call the file in an error
 * @throws WamletError WAMLET_INVALID_DESCRIPTOR naming the fields that contradict each other
 */
export function checkConsistency({ memory, store }: Board, file: string): void {
  const storeBytes = store.slots * store.slotBytes + pointerSectors * store.sectorBytes;
  if (memory.largestBlockBytes.value > memory.poolBytes.value) {
    throw contradiction(
      file,
      `memory.largestBlockBytes (${memory.largestBlockBytes.value}) is more than memory.poolBytes (${memory.poolBytes.value})`,
    );
  }
  if (store.slotBytes % store.sectorBytes !== 0) {
    throw contradiction(
      file,
      `store.slotBytes (${store.slotBytes}) is no multiple of store.sectorBytes (${store.sectorBytes})`,
    );
  }
  if (store.sectorBytes % store.wordBytes !== 0) {
    throw contradiction(
      file,
      `store.sectorBytes (${store.sectorBytes}) is no multiple of store.wordBytes (${store.wordBytes})`,
    );
  }
  if (storeBytes > memory.flashBytes.value) {
    throw contradiction(
      file,
      `store.slots × store.slotBytes and two sectors are ${storeBytes} bytes, more than memory.flashBytes (${memory.flashBytes.value})`,
    );
  }
}

function contradiction(file: string, what: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_DESCRIPTOR",
    `${file} contradicts itself: ${what}.`,
    "Correct one of the two figures; boards/schema.json says what each means.",
  );
}
