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
import type { Manifest } from "../module/manifest.js";
import { decodeManifest } from "../module/manifest_codec.js";
import { Deployment } from "./deployment.js";
import type { Flash } from "./flash.js";
import { Refusal } from "./refusal.js";
import {
  encodePointer,
  encodeSlotRecord,
  firstSectorOfSlot,
  isModuleName,
  markOffset,
  NO_SLOT,
  type PointerRecord,
  payloadOffset,
  type StoreLayout,
  slotOffset,
  storeLayout,
} from "./store_layout.js";
import {
  chooseSlot,
  newestPointer,
  type PointerCopies,
  readPointers,
  readSlot,
  type Slot,
} from "./store_scan.js";

export interface StoredModule {
  readonly slot: number;
  /** Counts deploys: the larger, the later. */
  readonly sequence: number;
  /** What it is called on this board. */
  readonly name: string;
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
    for (const { name, sequence } of this.list()) this.#retireOlder(name, sequence);
  }

  /** Committed modules, by slot. */
  list(): StoredModule[] {
    const active = this.#activeSlot();
    return this.#slots.flatMap((content, slot) => {
      if (content.state !== "stored") return [];
      const { sequence, name, manifest, manifestBytes, faulted } = content;
      return [{ slot, sequence, name, manifest, manifestBytes, faulted, active: slot === active }];
    });
  }

  /** Deploys that were begun and not committed, by slot. */
  listPartial(): { readonly slot: number; readonly name: string; readonly manifest: Manifest }[] {
    return this.#slots.flatMap((content, slot) =>
      content.state === "partial" ? [{ slot, name: content.name, manifest: content.manifest }] : [],
    );
  }

  active(): StoredModule | undefined {
    return this.list().find((module) => module.active);
  }

  /** @throws Refusal unknown-module */
  find(name: string): StoredModule {
    const found = this.list().find((module) => module.name === name);
    if (found !== undefined) return found;
    const names = this.list().map((module) => module.name);
    throw new Refusal(
      "unknown-module",
      [],
      `There is no module ${name}; there are: ${names.join(", ") || "none"}.`,
      "Deploy it with `wamlet deploy`, or choose one that `wamlet modules` lists.",
    );
  }

  /** The payload as flash has it now. */
  payload(module: { readonly slot: number; readonly manifest: Manifest }): Uint8Array {
    return this.#flash.read(payloadOffset(this.layout, module.slot), module.manifest.payloadBytes);
  }

  /** Whether the payload in flash is what the manifest says. */
  intact(module: { readonly slot: number; readonly manifest: Manifest }): boolean {
    const digest = createHash("sha256").update(this.payload(module)).digest();
    return sameBytes(digest, module.manifest.payloadSha256);
  }

  /**
   * Begins a deploy, or resumes one of the very same name and manifest; one that is committed already is complete
   * from the start. Only one deploy is under way at a time: beginning another one leaves the first to be resumed.
   * @param name what to call it on this board; empty for the manifest's name
   * @returns the deploy, whose `offset` says from which byte of the payload it goes on
   * @throws WamletError WAMLET_INVALID_MANIFEST, Refusal too-large-for-slot or store-full: before anything is written
   */
  begin(manifestBytes: Uint8Array, name = ""): Deployment {
    this.#deployment = undefined;
    const manifest = decodeManifest(manifestBytes);
    const ownName = name === "" ? manifest.name : name;
    this.#check(manifest, ownName);
    this.#slots = this.#slots.map((slot, index) =>
      slot.state === "partial" ? readSlot(this.#flash, this.layout, index) : slot,
    );
    const found = this.#findSame(ownName, manifestBytes);
    const slot = found?.slot ?? this.#writeRecord(ownName, manifestBytes);
    this.#deployment = new Deployment(this.#flash, this.layout, slot, ownName, manifest, found?.sectors ?? 0);
    return this.#deployment;
  }

  /** The deploy under way, if one was begun since the store was mounted. */
  get deployment(): Deployment | undefined {
    return this.#deployment;
  }

  /**
   * Ends a deploy: reads the payload back, checks its hash, and makes it count. A module of the same name is replaced,
   * and where that one was active the new one is.
   * @throws Refusal no-deploy, wrong-offset where bytes are missing, hash-mismatch (and forgets the deploy)
   */
  commit(): StoredModule {
    const deployment = this.#deployment;
    if (deployment === undefined) throw new Refusal("no-deploy", [], "There is no deploy to commit.");
    const { slot, name, manifest } = deployment;
    if (!deployment.complete) {
      const { payloadBytes } = manifest;
      const text = `The deploy of ${name} has ${deployment.offset} of ${payloadBytes} bytes.`;
      throw new Refusal("wrong-offset", [deployment.offset, payloadBytes], text);
    }
    this.#deployment = undefined;
    if (!this.intact(deployment)) {
      this.#eraseHeader(slot);
      throw new Refusal(
        "hash-mismatch",
        [],
        `What the flash gives back of ${name} has another SHA-256 than its manifest says.`,
        "Deploy it again; if it happens twice, the module file or the board's flash is damaged.",
      );
    }
    if (this.#slots[slot]?.state !== "stored") this.#setMark(slot, "commit");
    const stored = this.list().find((module) => module.slot === slot);
    if (stored === undefined) {
      throw new Refusal("flash-failed", [slotOffset(this.layout, slot)], `The flash does not keep ${name}.`);
    }
    this.#retireOlder(name, stored.sequence);
    return this.find(name);
  }

  /** Makes a module the active one, which it stays over a reset. @throws Refusal unknown-module */
  activate(name: string): void {
    const { slot, sequence, active } = this.find(name);
    if (!active) this.#writePointer(slot, sequence);
  }

  /** Removes a module; where it was active, none is. @throws Refusal unknown-module */
  remove(name: string): void {
    const { slot, active } = this.find(name);
    if (active) this.#writePointer(NO_SLOT, 0);
    this.#eraseHeader(slot);
  }

  /** Marks a module as one that trapped or ran away; the mark survives a reset. */
  markFaulted(slot: number): void {
    const content = this.#slots[slot];
    if (content?.state === "stored" && !content.faulted) this.#setMark(slot, "fault");
  }

  #check(manifest: Manifest, name: string): void {
    if (!isModuleName(name)) {
      throw new Refusal(
        "invalid-manifest",
        [],
        `The name ${JSON.stringify(name)} is not 1 to 31 of [a-z0-9_.-].`,
      );
    }
    const { payloadBytes } = this.layout;
    if (manifest.payloadBytes > payloadBytes) {
      throw new Refusal(
        "too-large-for-slot",
        [manifest.payloadBytes, payloadBytes],
        `${name} has ${manifest.payloadBytes} bytes where a slot keeps ${payloadBytes}.`,
        "Use a smaller model, or a board with larger slots.",
      );
    }
  }

  /**
   * A slot with the very same name and manifest, committed or partial. A partial one that is older than the committed
   * module of its name does not go on: its number would lose against that one's. Nor does a faulted one: deploying it
   * again is how its fault is forgiven.
   */
  #findSame(name: string, manifestBytes: Uint8Array): { slot: number; sectors: number } | undefined {
    const committed = this.list().find((module) => module.name === name)?.sequence ?? 0;
    for (const [slot, content] of this.#slots.entries()) {
      if (content.state === "free" || content.name !== name || content.sequence < committed) continue;
      if (!sameBytes(content.manifestBytes, manifestBytes)) continue;
      if (content.state === "partial") return { slot, sectors: content.sectors };
      if (!content.faulted) return { slot, sectors: this.layout.payloadSectors };
    }
    return undefined;
  }

  /** Takes a slot for a new deploy and writes its record. */
  #writeRecord(name: string, manifestBytes: Uint8Array): number {
    const slot = chooseSlot(this.#slots);
    if (slot === undefined) throw this.#full(name);
    const sequence = this.#nextSequence();
    this.#eraseHeader(slot);
    const record = encodeSlotRecord({ sequence, name, manifestBytes }, this.layout.wordBytes);
    this.#flash.program(slotOffset(this.layout, slot), record);
    this.#slots[slot] = readSlot(this.#flash, this.layout, slot);
    return slot;
  }

  #full(name: string): Refusal {
    const { slots } = this.layout;
    const names = this.list().map((module) => module.name);
    const replacing = names.includes(name) ? ", and replacing one takes a free slot" : "";
    return new Refusal(
      "store-full",
      [slots],
      `All ${slots} slots hold modules (${names.join(", ")})${replacing}.`,
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
      if (older.name !== name || older.sequence >= sequence) continue;
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
    this.#slots[slot] = readSlot(this.#flash, this.layout, slot);
  }
}

function sameBytes(first: Uint8Array, second: Uint8Array): boolean {
  return first.length === second.length && first.every((byte, index) => byte === second[index]);
}
