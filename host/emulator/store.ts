/**
 * The module store: named modules in flash that survive a power cut at any moment. docs/MODULE.md, "Store", fixes
 * its bytes and the order of its writes, so that the C agent's store is the same.
 *
 * What it promises: a deploy writes a free slot and never the active one; a module counts from the moment its commit
 * mark stands, which is after its hash was read back from flash; whatever moment the power goes, after the reboot
 * the active module is the old one or the new one, whole.
 */
import { createHash } from "node:crypto";
import type { Board } from "../descriptor/board.js";
import { WamletError } from "../errors.js";
import type { Manifest } from "../module/manifest.js";
import { decodeManifest } from "../module/manifest_codec.js";
import { Deployment } from "./deployment.js";
import type { Flash } from "./flash.js";
import {
  encodePointer,
  encodeSlotRecord,
  firstSectorOfSlot,
  markOffset,
  NO_SLOT,
  type PointerRecord,
  payloadOffset,
  type StoreLayout,
  slotOffset,
  storeLayout,
} from "./store_layout.js";
import { newestPointer, type PointerCopies, readPointers, readSlot, type Slot } from "./store_scan.js";

export interface StoredModule {
  readonly slot: number;
  /** Counts deploys: the larger, the later. */
  readonly sequence: number;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
  readonly active: boolean;
  /** It trapped or ran away once; deploying it again clears this. */
  readonly faulted: boolean;
}

export class ModuleStore {
  readonly layout: StoreLayout;
  readonly #flash: Flash;
  #pointers: PointerCopies;
  #slots: Slot[];
  #deployment: Deployment | undefined;

  /**
   * Mounts the store: reads it, and finishes what a power cut interrupted.
   * @param flash of the geometry that `flashGeometry(store)` gives
   */
  constructor(flash: Flash, store: Board["store"]) {
    this.#flash = flash;
    this.layout = storeLayout(store);
    this.#pointers = readPointers(flash, this.layout);
    this.#slots = Array.from({ length: this.layout.slots }, (_, slot) => readSlot(flash, this.layout, slot));
    for (const { manifest, sequence } of this.list()) this.#retireOlder(manifest.name, sequence);
  }

  /** Committed modules, by slot. */
  list(): StoredModule[] {
    const active = this.#activeSlot();
    return this.#slots.flatMap((content, slot) =>
      content.state === "stored"
        ? [
            {
              slot,
              sequence: content.sequence,
              manifest: content.manifest,
              manifestBytes: content.manifestBytes,
              faulted: content.faulted,
              active: slot === active,
            },
          ]
        : [],
    );
  }

  active(): StoredModule | undefined {
    return this.list().find((module) => module.active);
  }

  /** @throws WamletError WAMLET_UNKNOWN_MODULE */
  find(name: string): StoredModule {
    const found = this.list().find(({ manifest }) => manifest.name === name);
    if (found !== undefined) return found;
    const names = this.list().map(({ manifest }) => manifest.name);
    throw new WamletError(
      "WAMLET_UNKNOWN_MODULE",
      `The board has no module ${name}; it has ${names.join(", ") || "none"}.`,
      "Deploy it with `wamlet deploy`, or choose one that `wamlet modules` lists.",
    );
  }

  /** The payload as flash has it now. */
  payload(module: StoredModule): Uint8Array {
    return this.#flash.read(payloadOffset(this.layout, module.slot), module.manifest.payloadBytes);
  }

  /** Whether the payload in flash is still what was committed. */
  intact(module: StoredModule): boolean {
    return sameBytes(sha256(this.payload(module)), module.manifest.payloadSha256);
  }

  /**
   * Begins a deploy, or resumes one of the very same manifest. Nothing else is written while it runs.
   * @returns the deploy, whose `offset` says from which byte of the payload it goes on
   * @throws WamletError WAMLET_INVALID_MANIFEST, WAMLET_DOES_NOT_FIT, WAMLET_STORE_FULL: before anything is written
   */
  begin(manifestBytes: Uint8Array): Deployment {
    this.#deployment = undefined;
    const manifest = decodeManifest(manifestBytes);
    this.#checkSize(manifest);
    this.#slots = this.#slots.map((slot, index) =>
      slot.state === "partial" ? readSlot(this.#flash, this.layout, index) : slot,
    );
    const resumable = this.#findResumable(manifest.name, manifestBytes);
    const slot = resumable?.slot ?? this.#writeRecord(manifest, manifestBytes);
    const sectors = resumable?.sectors ?? 0;
    this.#deployment = new Deployment(this.#flash, this.layout, slot, manifest, sectors);
    return this.#deployment;
  }

  /** The deploy under way, if one was begun since the store was mounted. */
  get deployment(): Deployment | undefined {
    return this.#deployment;
  }

  /**
   * Ends a deploy: reads the payload back, checks its hash, and makes it count. A module of the same name is replaced,
   * and where that one was active the new one is.
   * @throws WamletError WAMLET_HASH_MISMATCH (and forgets the deploy), WAMLET_INVALID_PACKET where bytes are missing
   */
  commit(): StoredModule {
    const deployment = this.#deployment;
    if (deployment === undefined || !deployment.complete) {
      throw new WamletError(
        "WAMLET_INVALID_PACKET",
        deployment === undefined
          ? "There is no deploy to commit."
          : `The deploy has ${deployment.offset} of ${deployment.manifest.payloadBytes} bytes.`,
        "Begin the deploy again: the board says from which byte it goes on.",
      );
    }
    this.#deployment = undefined;
    const { slot, manifest } = deployment;
    const payload = this.#flash.read(payloadOffset(this.layout, slot), manifest.payloadBytes);
    if (!sameBytes(sha256(payload), manifest.payloadSha256)) {
      this.#eraseHeader(slot);
      throw new WamletError(
        "WAMLET_HASH_MISMATCH",
        `What the flash gives back of ${manifest.name} is not what its manifest says (SHA-256 differs).`,
        "Deploy it again; if it happens twice, the module file or the board's flash is damaged.",
      );
    }
    this.#setMark(slot, "commit");
    this.#slots[slot] = readSlot(this.#flash, this.layout, slot);
    const stored = this.list().find((module) => module.slot === slot);
    if (stored === undefined) throw unreadableAfterWrite(manifest.name);
    this.#retireOlder(manifest.name, stored.sequence);
    return this.find(manifest.name);
  }

  /** Makes a module the one that runs after a reset. @throws WamletError WAMLET_UNKNOWN_MODULE */
  activate(name: string): void {
    const { slot, sequence, active } = this.find(name);
    if (!active) this.#writePointer(slot, sequence);
  }

  /** Removes a module; where it was active, none is. @throws WamletError WAMLET_UNKNOWN_MODULE */
  remove(name: string): void {
    const { slot, active } = this.find(name);
    if (active) this.#writePointer(NO_SLOT, 0);
    this.#eraseHeader(slot);
  }

  /** Marks a module as one that trapped or ran away; the mark survives a reset. */
  markFaulted(slot: number): void {
    const content = this.#slots[slot];
    if (content?.state !== "stored" || content.faulted) return;
    this.#setMark(slot, "fault");
    this.#slots[slot] = readSlot(this.#flash, this.layout, slot);
  }

  #checkSize(manifest: Manifest): void {
    const { payloadBytes } = this.layout;
    if (manifest.payloadBytes > payloadBytes) {
      throw new WamletError(
        "WAMLET_DOES_NOT_FIT",
        `${manifest.name} has ${manifest.payloadBytes} bytes where a slot of this board keeps ${payloadBytes}.`,
        "Use a smaller model, or a board with larger slots.",
      );
    }
  }

  /**
   * A deploy of the very same manifest that was begun and not committed. One that is older than the committed module
   * of its name does not go on: its number would lose against that one's.
   */
  #findResumable(name: string, manifestBytes: Uint8Array): { slot: number; sectors: number } | undefined {
    const committed = this.list().find(({ manifest }) => manifest.name === name)?.sequence ?? 0;
    for (const [slot, content] of this.#slots.entries()) {
      if (content.state !== "partial" || content.sequence < committed) continue;
      if (sameBytes(content.manifestBytes, manifestBytes)) return { slot, sectors: content.sectors };
    }
    return undefined;
  }

  /** Takes a slot for a new deploy and writes its record. */
  #writeRecord(manifest: Manifest, manifestBytes: Uint8Array): number {
    const slot = this.#chooseSlot(manifest.name);
    const sequence = this.#nextSequence();
    this.#eraseHeader(slot);
    const record = encodeSlotRecord({ sequence, manifestBytes }, this.layout.wordBytes);
    this.#flash.program(slotOffset(this.layout, slot), record);
    this.#slots[slot] = readSlot(this.#flash, this.layout, slot);
    return slot;
  }

  /**
   * The first free slot after the one written last, which spreads the wear; where there is none, the oldest deploy
   * that was never committed gives way.
   */
  #chooseSlot(name: string): number {
    const { slots } = this.layout;
    const last = this.#slots.reduce(
      (best, slot, index) =>
        slot.state !== "free" && slot.sequence > best.sequence ? { ...slot, index } : best,
      { sequence: 0, index: slots - 1 },
    ).index;
    for (let step = 1; step <= slots; step++) {
      const slot = (last + step) % slots;
      if (this.#slots[slot]?.state === "free") return slot;
    }
    const oldest = this.#slots
      .flatMap((slot, index) => (slot.state === "partial" ? [{ index, sequence: slot.sequence }] : []))
      .sort((first, second) => first.sequence - second.sequence)[0];
    if (oldest !== undefined) return oldest.index;
    const names = this.list().map(({ manifest }) => manifest.name);
    throw new WamletError(
      "WAMLET_STORE_FULL",
      `All ${slots} slots hold modules (${names.join(", ")}), and a deploy needs a free one` +
        `${names.includes(name) ? " even where it replaces a module" : ""}.`,
      "Remove a module first: `wamlet modules remove NAME`.",
    );
  }

  #nextSequence(): number {
    const ofSlots = this.#slots.map((slot) => (slot.state === "free" ? 0 : slot.sequence));
    const ofPointers = this.#pointers.map((pointer) => pointer?.slotSequence ?? 0);
    return Math.max(0, ...ofSlots, ...ofPointers) + 1;
  }

  /** Of two committed modules of one name the older goes, after handing over the pointer. */
  #retireOlder(name: string, sequence: number): void {
    for (const older of this.list()) {
      if (older.manifest.name !== name || older.sequence >= sequence) continue;
      const newer = this.list().find((module) => module.sequence === sequence);
      if (older.active && newer !== undefined) this.#writePointer(newer.slot, sequence);
      this.#eraseHeader(older.slot);
    }
  }

  #activeSlot(): number | undefined {
    const pointer = this.#pointer();
    const slot = pointer === undefined ? undefined : this.#slots[pointer.slot];
    return slot?.state === "stored" && slot.sequence === pointer?.slotSequence ? pointer.slot : undefined;
  }

  #pointer(): PointerRecord | undefined {
    const newest = newestPointer(this.#pointers);
    return newest === undefined ? undefined : this.#pointers[newest];
  }

  /** Writes the copy that does not count, which then counts. */
  #writePointer(slot: number, slotSequence: number): void {
    const copy = newestPointer(this.#pointers) === 0 ? 1 : 0;
    const sequence = (this.#pointer()?.sequence ?? 0) + 1;
    this.#flash.erase(copy);
    const record = encodePointer({ sequence, slot, slotSequence }, this.layout.wordBytes);
    this.#flash.program(copy * this.layout.sectorBytes, record);
    this.#pointers = readPointers(this.#flash, this.layout);
  }

  #eraseHeader(slot: number): void {
    const first = firstSectorOfSlot(this.layout, slot);
    for (let sector = 0; sector < this.layout.headerSectors; sector++) this.#flash.erase(first + sector);
    this.#slots[slot] = { state: "free" };
  }

  #setMark(slot: number, mark: "commit" | "fault"): void {
    this.#flash.program(markOffset(this.layout, slot, mark), new Uint8Array(this.layout.wordBytes));
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function sameBytes(first: Uint8Array, second: Uint8Array): boolean {
  return first.length === second.length && first.every((byte, index) => byte === second[index]);
}

function unreadableAfterWrite(name: string): WamletError {
  return new WamletError(
    "WAMLET_STORE_CORRUPT",
    `The flash does not give back what was written of ${name}.`,
    "Deploy it again; if it happens twice, the board's flash is worn out.",
  );
}
