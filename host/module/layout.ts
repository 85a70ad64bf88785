/**
 * The file that `wamlet compile` writes and everything else reads: the payload, then the custom section
 * `wamlet.model` (JSON for people), then `wamlet.manifest`, last. The payload is what a board stores: the file's
 * beginning, without both. Its weights lie 4-aligned, so that a board that maps its flash reads them by words.
 */
import { createHash } from "node:crypto";
import { WamletError } from "../errors.js";
import { type AbiSummary, abiVersion, checkAbi } from "./abi.js";
import { malformed } from "./byte_reader.js";
import { ByteWriter } from "./byte_writer.js";
import type { ModelDescription, TensorDescription } from "./description.js";
import { decodeDescription, descriptionLimit, encodeDescription } from "./description_codec.js";
import type { Manifest, TensorPlace } from "./manifest.js";
import { decodeManifest, encodeManifest } from "./manifest_codec.js";
import { runtimeMemory } from "./runtime_memory.js";
import { readSections, type Section, sectionId, wasmHeader } from "./sections.js";

/** Names of the two custom sections. */
export const modelSection = "wamlet.model";
export const manifestSection = "wamlet.manifest";

/** Alignment of the weights in file and payload. */
export const weightAlignment = 4;

/** A module file, taken apart and verified. */
export interface WamletModule {
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** What a board stores and WAMR loads: a view of the file's beginning. */
  readonly payload: Uint8Array;
  /** The manifest's bytes as they stand in the file: what a deploy sends first. */
  readonly manifestBytes: Uint8Array;
  readonly manifest: Manifest;
  readonly description: ModelDescription;
  readonly sections: readonly Section[];
  /** What the ABI check found in the payload. */
  readonly abi: AbiSummary;
}

/**
 * What the compiler says of a module. The rest of the manifest (kind, ABI, lengths, hash, features, what the runtime
 * takes) follows from the payload; where it is given all the same, it must agree.
 */
export type ManifestFields = Pick<
  Manifest,
  "name" | "version" | "inputs" | "outputs" | "opcodeBudget" | "layers"
> &
  Partial<Pick<Manifest, "kind" | "abi" | "linearMemoryBytes" | "runtimeBytes" | "features">>;

/**
 * Writes a module file. Custom sections of the input (names, producers) are dropped: they would cost flash.
 * @param wasm core WebAssembly as the toolchain emitted it
 * @returns the file; the same input gives the same bytes
 * @throws WamletError where the module breaks the ABI, or manifest and description do not fit it
 */
export function writeModule(
  wasm: Uint8Array,
  description: ModelDescription,
  fields: ManifestFields,
): Uint8Array {
  const payload = layPayload(wasm);
  const abi = checkAbi(payload);
  const manifest: Manifest = {
    kind: "wasm",
    abi: abiVersion,
    payloadBytes: payload.length,
    payloadSha256: sha256(payload),
    linearMemoryBytes: abi.linearMemoryBytes,
    runtimeBytes: runtimeMemory(abi.module, fields).totalBytes,
    features: abi.features,
    ...fields,
  };
  verify(payload, abi, manifest, description);
  const model = encodeDescription(description);
  if (model.length > descriptionLimit) {
    throw disagreement(`its description takes ${model.length} bytes where ${descriptionLimit} are allowed`);
  }
  return new ByteWriter()
    .raw(payload)
    .section(sectionId.custom, new ByteWriter().name(modelSection).raw(model).finish())
    .section(sectionId.custom, new ByteWriter().name(manifestSection).raw(encodeManifest(manifest)).finish())
    .finish();
}

/**
 * Reads a module file and verifies it: WebAssembly, ABI, both custom sections and their place, lengths, SHA-256,
 * alignment, tensors inside linear memory, manifest and description in agreement.
 * @throws WamletError WAMLET_INVALID_MODULE, WAMLET_INVALID_MANIFEST, WAMLET_HASH_MISMATCH or
 *   WAMLET_UNSUPPORTED_MODULE
 */
export function readModule(bytes: Uint8Array): WamletModule {
  const sections = readSections(bytes);
  const manifestAt = only(sections, manifestSection);
  const modelAt = only(sections, modelSection);
  if (sections.at(-1) !== manifestAt || sections.at(-2) !== modelAt) {
    throw malformed(modelAt.offset, `${modelSection} and ${manifestSection} are not the last two sections`);
  }
  const manifest = decodeManifest(manifestAt.body);
  const payload = bytes.subarray(0, modelAt.offset);
  if (manifest.payloadBytes !== payload.length) {
    throw disagreement(
      `its manifest says ${manifest.payloadBytes} bytes of payload, it has ${payload.length}`,
    );
  }
  if (!Buffer.from(manifest.payloadSha256).equals(sha256(payload))) {
    throw new WamletError(
      "WAMLET_HASH_MISMATCH",
      "The module's payload does not have the SHA-256 that its manifest says.",
      "The file was changed or damaged after it was compiled; compile the model again with `wamlet compile`.",
    );
  }
  const abi = checkAbi(payload);
  const description = decodeDescription(modelAt.body);
  verify(payload, abi, manifest, description);
  return { bytes, payload, manifestBytes: manifestAt.body, manifest, description, sections, abi };
}

/**
 * The payload of a module: its standard sections in their order, the weights aligned by a nameless custom section
 * of zeros before the data section where they need it.
 * @throws WamletError WAMLET_INVALID_MODULE
 */
export function layPayload(wasm: Uint8Array): Uint8Array {
  const writer = new ByteWriter().raw(wasmHeader);
  for (const section of readSections(wasm)) {
    if (section.id === sectionId.custom) continue;
    if (section.id === sectionId.data) {
      const start = firstSegmentByte(section.body);
      const prefix = new ByteWriter().u8(section.id).u32(section.body.length).length + start;
      const missing = (weightAlignment - ((writer.length + prefix) % weightAlignment)) % weightAlignment;
      // The padding section itself takes three bytes (id, length, empty name); zeros fill up to the alignment.
      const zeros = (missing + weightAlignment - 3) % weightAlignment;
      if (missing > 0) writer.section(sectionId.custom, new Uint8Array(1 + zeros));
    }
    writer.section(section.id, section.body);
  }
  return writer.finish();
}

/** Bytes of a data section's body before the first byte of its one passive segment; 0 where it has another form. */
function firstSegmentByte(body: Uint8Array): number {
  if (body[0] !== 1 || body[1] !== 1) return 0;
  let position = 2;
  while (position < body.length && (body[position] as number) >= 0x80) position++;
  return position + 1;
}

function only(sections: readonly Section[], name: string): Section {
  const found = sections.filter((section) => section.id === sectionId.custom && section.name === name);
  const section = found[0];
  if (section === undefined) {
    throw new WamletError(
      "WAMLET_INVALID_MODULE",
      `The file is WebAssembly without the section ${name}: no module of Wamlet's.`,
      "Give the .wasm that `wamlet compile` wrote, unchanged by other tools, or the .tflite it was made from.",
    );
  }
  if (found.length > 1) throw malformed(found[1]?.offset ?? 0, `the section ${name} occurs twice`);
  return section;
}

/** What manifest and description say must be true of the payload. */
function verify(
  payload: Uint8Array,
  abi: AbiSummary,
  manifest: Manifest,
  description: ModelDescription,
): void {
  if (manifest.abi !== abiVersion) {
    throw new WamletError(
      "WAMLET_UNSUPPORTED_MODULE",
      `The module is of ABI ${manifest.abi}; this release runs ABI ${abiVersion}.`,
      "Compile the model again with this release's `wamlet compile`, or use the release that compiled it.",
    );
  }
  const hex = (features: number) => `0x${features.toString(16)}`;
  const facts: [boolean, string][] = [
    [
      manifest.linearMemoryBytes === abi.linearMemoryBytes,
      `its manifest says ${manifest.linearMemoryBytes} bytes of linear memory, it takes ${abi.linearMemoryBytes}`,
    ],
    [
      manifest.features === abi.features,
      `its manifest says the features ${hex(manifest.features)}, it needs ${hex(abi.features)}`,
    ],
    [
      manifest.payloadBytes === payload.length,
      `its manifest says ${manifest.payloadBytes} bytes of payload, it has ${payload.length}`,
    ],
    [
      abi.layers ? manifest.layers > 0 : manifest.layers === 0,
      abi.layers
        ? "it imports wamlet.layer and its manifest names no layers"
        : "its manifest names layers and it does not import wamlet.layer",
    ],
    [
      abi.weights === null || abi.weights.bytes === 0 || abi.weights.offset % weightAlignment === 0,
      `its weights begin at byte ${abi.weights?.offset}, no multiple of ${weightAlignment}`,
    ],
    [agree(manifest.inputs, description.inputs), "manifest and description disagree on its inputs"],
    [agree(manifest.outputs, description.outputs), "manifest and description disagree on its outputs"],
    [
      description.memory.linearMemoryBytes === abi.linearMemoryBytes,
      `its description says ${description.memory.linearMemoryBytes} bytes of linear memory, ` +
        `it takes ${abi.linearMemoryBytes}`,
    ],
  ];
  const broken = facts.find(([holds]) => !holds);
  if (broken !== undefined) throw disagreement(broken[1]);
}

function agree(places: readonly TensorPlace[], tensors: readonly TensorDescription[]): boolean {
  return (
    places.length === tensors.length &&
    places.every(({ offset, bytes }, index) => {
      const tensor = tensors[index];
      return tensor !== undefined && tensor.offset === offset && tensor.bytes === bytes;
    })
  );
}

function disagreement(what: string): WamletError {
  return new WamletError(
    "WAMLET_INVALID_MODULE",
    `The module contradicts itself: ${what}.`,
    "Compile the model again with `wamlet compile`; other tools must not change the file.",
  );
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
