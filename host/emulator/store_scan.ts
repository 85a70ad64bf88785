/** What the module store's flash says, without changing it: the state of each slot, and what follows from it. */
import type { Manifest } from "../module/manifest.js";
import { decodeManifest } from "../module/manifest_codec.js";
import type { Flash } from "./flash.js";
import {
  decodePointer,
  decodeSlotRecord,
  MARKS_OFFSET,
  markOffset,
  type PointerRecord,
  type StoreLayout,
  slotOffset,
} from "./store_layout.js";

/** What one slot holds. */
export type Slot =
  /** Nothing that counts: erased, torn or removed. Its header is erased before it is used again. */
  | { readonly state: "free" }
  /** A deploy that was begun and not committed; `sectors` payload sectors are complete. */
  | (SlotContent & { readonly state: "partial"; readonly sectors: number })
  | (SlotContent & { readonly state: "stored"; readonly faulted: boolean });

export interface SlotContent {
  readonly sequence: number;
  readonly name: string;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
}

/** The two pointer sectors, each with its valid record if it has one. */
export type PointerCopies = readonly [PointerRecord | undefined, PointerRecord | undefined];

export function readPointers(flash: Flash, layout: StoreLayout): PointerCopies {
  return [decodePointer(flash.read(0, 20)), decodePointer(flash.read(layout.sectorBytes, 20))];
}

/** Which of the two copies counts: 0, 1, or undefined where neither is valid. */
export function newestPointer([first, second]: PointerCopies): 0 | 1 | undefined {
  if (first === undefined) return second === undefined ? undefined : 1;
  return second === undefined || first.sequence >= second.sequence ? 0 : 1;
}

export function readSlot(flash: Flash, layout: StoreLayout, slot: number): Slot {
  const record = decodeSlotRecord(flash.read(slotOffset(layout, slot), MARKS_OFFSET));
  if (record === undefined) return { state: "free" };
  let manifest: Manifest;
  try {
    manifest = decodeManifest(record.manifestBytes);
  } catch {
    return { state: "free" };
  }
  if (manifest.payloadBytes > layout.payloadBytes) return { state: "free" };
  const content = { ...record, manifest };
  const mark = (which: "commit" | "fault" | number) => readMark(flash, layout, slot, which);
  switch (mark("commit")) {
    case "set":
      return { ...content, state: "stored", faulted: mark("fault") !== "erased" };
    case "torn":
      return { state: "free" };
    case "erased": {
      // A torn progress mark counts: it is programmed only after its sector is complete.
      let sectors = 0;
      while (sectors < payloadSectors(manifest, layout) && mark(sectors) !== "erased") sectors++;
      return { ...content, state: "partial", sectors };
    }
  }
}

/**
 * The slot that a new deploy takes: the first free one after the one written last, which spreads the wear; where there
 * is none, that of the oldest deploy that was never committed; undefined where all hold modules.
 */
export function chooseSlot(slots: readonly Slot[]): number | undefined {
  const written = slots.flatMap((content, slot) =>
    content.state === "free" ? [] : [{ slot, sequence: content.sequence, state: content.state }],
  );
  written.sort((first, second) => first.sequence - second.sequence);
  const last = written.at(-1)?.slot ?? slots.length - 1;
  for (let step = 1; step <= slots.length; step++) {
    const slot = (last + step) % slots.length;
    if (slots[slot]?.state === "free") return slot;
  }
  return written.find(({ state }) => state === "partial")?.slot;
}

/** Sectors that a module's payload takes. */
export function payloadSectors(manifest: Manifest, layout: StoreLayout): number {
  return Math.ceil(manifest.payloadBytes / layout.sectorBytes);
}

function readMark(
  flash: Flash,
  layout: StoreLayout,
  slot: number,
  which: "commit" | "fault" | number,
): "erased" | "set" | "torn" {
  const word = flash.read(markOffset(layout, slot, which), layout.wordBytes);
  if (word.every((byte) => byte === 0xff)) return "erased";
  return word.every((byte) => byte === 0) ? "set" : "torn";
}
