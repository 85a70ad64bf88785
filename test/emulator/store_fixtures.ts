/** Small flashes, manifests and payloads for the tests of the module store. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { Board } from "../../host/descriptor/board.js";
import { Flash } from "../../host/emulator/flash.js";
import { flashGeometry } from "../../host/emulator/flash_geometry.js";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import { ModuleStore } from "../../host/emulator/store.js";
import type { Manifest } from "../../host/module/manifest.js";
import { encodeManifest } from "../../host/module/manifest_codec.js";

export type StoreFigures = Board["store"];

/** Two payload sectors for each of three slots: every kind of operation, and few of each. */
export const smallStore: StoreFigures = { slots: 3, slotBytes: 6144, sectorBytes: 2048, wordBytes: 4 };

export interface Deployable {
  readonly name: string;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
  readonly payload: Uint8Array;
}

/** A module of random bytes; the store does not care what a payload means. */
export function deployable(name: string, seed: number, payloadBytes: number): Deployable {
  const random = new SeededRandom(seed);
  const payload = Uint8Array.from({ length: payloadBytes }, () => random.below(256));
  const manifest: Manifest = {
    kind: "wasm",
    abi: 1,
    name,
    version: String(seed),
    payloadBytes,
    payloadSha256: new Uint8Array(createHash("sha256").update(payload).digest()),
    linearMemoryBytes: 4096,
    runtimeBytes: 0,
    inputs: [{ offset: 0, bytes: 4 }],
    outputs: [{ offset: 4, bytes: 4 }],
    features: 0,
    opcodeBudget: 1000,
    layers: 0,
  };
  return { name, manifest, manifestBytes: encodeManifest(manifest), payload };
}

export function newFlash(figures: StoreFigures = smallStore): Flash {
  return new Flash(flashGeometry(figures));
}

export function mount(flash: Flash, figures: StoreFigures = smallStore): ModuleStore {
  return new ModuleStore(flash, figures);
}

/** Deploys in chunks of `chunkBytes`, as the wire does. */
export function deploy(store: ModuleStore, module: Deployable, chunkBytes = 700): void {
  const deployment = store.begin(module.manifestBytes);
  while (!deployment.complete) {
    const { offset } = deployment;
    deployment.write(offset, module.payload.subarray(offset, offset + chunkBytes));
  }
  store.commit();
}

/** Names with their version, the active one with a star: a store's content for comparison. */
export function content(store: ModuleStore): string {
  return store
    .list()
    .map(({ manifest, active }) => `${manifest.name} ${manifest.version}${active ? " *" : ""}`)
    .sort()
    .join(", ");
}

/** Vitest's own comparison of arrays takes most of a minute for what these tests compare. */
export function expectSame(found: Uint8Array, expected: Uint8Array, context?: string): void {
  expect(Buffer.compare(found, expected), context).toBe(0);
}
