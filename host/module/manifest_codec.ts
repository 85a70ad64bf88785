/**
 * The manifest as bytes: tag–length–value fields with the tags of docs/MODULE.md, at most 512 bytes, so that an
 * agent in C parses it in place without allocating. Unknown tags are skipped; a known one that is missing, comes
 * twice or holds what cannot be is refused.
 */
import { WamletError } from "../errors.js";
import type { Manifest, TensorPlace } from "./manifest.js";
import { type Field, FieldWriter, fieldInteger, fieldText, readFields } from "./tlv.js";

/** Longest manifest, so that a board can keep one in a buffer of fixed size. */
export const manifestLimit = 512;

/** docs/MODULE.md, chapter Manifest. A number once given is never given again. */
export const manifestTag = {
  kind: 1,
  abi: 2,
  name: 3,
  version: 4,
  payloadBytes: 5,
  payloadSha256: 6,
  linearMemoryBytes: 7,
  runtimeBytes: 8,
  input: 9,
  output: 10,
  features: 11,
  opcodeBudget: 12,
  layers: 13,
} as const;

const kindWasm = 1;
const namePattern = /^[a-z0-9_.-]{1,31}$/;
const textLimit = 31;
const largest32 = 0xffffffff;

/**
 * @returns the manifest's bytes
 * @throws WamletError WAMLET_INVALID_MANIFEST where a value cannot be, or the bytes exceed 512
 */
export function encodeManifest(manifest: Manifest): Uint8Array {
  checkValues(manifest);
  const writer = new FieldWriter()
    .integer(manifestTag.kind, kindWasm)
    .integer(manifestTag.abi, manifest.abi)
    .text(manifestTag.name, manifest.name)
    .text(manifestTag.version, manifest.version)
    .integer(manifestTag.payloadBytes, manifest.payloadBytes)
    .bytes(manifestTag.payloadSha256, manifest.payloadSha256)
    .integer(manifestTag.linearMemoryBytes, manifest.linearMemoryBytes)
    .integer(manifestTag.runtimeBytes, manifest.runtimeBytes);
  for (const place of manifest.inputs) writer.bytes(manifestTag.input, placeBytes(place));
  for (const place of manifest.outputs) writer.bytes(manifestTag.output, placeBytes(place));
  const bytes = writer
    .integer(manifestTag.features, manifest.features)
    .integer(manifestTag.opcodeBudget, manifest.opcodeBudget)
    .integer(manifestTag.layers, manifest.layers)
    .finish();
  if (bytes.length > manifestLimit) {
    throw invalid(`it takes ${bytes.length} bytes where ${manifestLimit} are allowed`);
  }
  return bytes;
}

/**
 * @param bytes a manifest, no more and no less
 * @throws WamletError WAMLET_INVALID_MANIFEST; WAMLET_UNSUPPORTED_MODULE for a kind of payload that this release
 *   does not know
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > manifestLimit) {
    throw invalid(`it has ${bytes.length} bytes where ${manifestLimit} are allowed`);
  }
  const fields = fieldsByTag(bytes);
  const one = <Value>(name: keyof typeof manifestTag, read: (field: Field) => Value): Value => {
    const found = fields.get(manifestTag[name]) ?? [];
    const field = found[0];
    if (field === undefined) throw invalid(`the field ${name} is missing`);
    if (found.length > 1) throw invalid(`the field ${name} comes ${found.length} times`);
    return guarded(() => read(field));
  };
  const places = (tag: number): TensorPlace[] => (fields.get(tag) ?? []).map(readPlace);
  const kind = one("kind", fieldInteger);
  if (kind !== kindWasm) {
    throw new WamletError(
      "WAMLET_UNSUPPORTED_MODULE",
      `The manifest announces a payload of kind ${kind}, which this release does not know.`,
      "Update Wamlet to the release that compiled the module.",
    );
  }
  const manifest: Manifest = {
    kind: "wasm",
    abi: one("abi", fieldInteger),
    name: one("name", fieldText),
    version: one("version", fieldText),
    payloadBytes: one("payloadBytes", fieldInteger),
    // A copy, even where the bytes are a Buffer, whose slice is a view.
    payloadSha256: one("payloadSha256", (field) => Uint8Array.from(field.value)),
    linearMemoryBytes: one("linearMemoryBytes", fieldInteger),
    runtimeBytes: one("runtimeBytes", fieldInteger),
    inputs: places(manifestTag.input),
    outputs: places(manifestTag.output),
    features: one("features", fieldInteger),
    opcodeBudget: one("opcodeBudget", fieldInteger),
    layers: one("layers", fieldInteger),
  };
  checkValues(manifest);
  return manifest;
}

function fieldsByTag(bytes: Uint8Array): Map<number, Field[]> {
  const byTag = new Map<number, Field[]>();
  for (const field of guarded(() => readFields(bytes))) {
    const others = byTag.get(field.tag);
    if (others === undefined) byTag.set(field.tag, [field]);
    else others.push(field);
  }
  return byTag;
}

/** Gives the field codec's errors the manifest's code. */
function guarded<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof WamletError) throw invalid(error.message, error);
    throw error;
  }
}

function placeBytes(place: TensorPlace): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, place.offset, true);
  view.setUint32(4, place.bytes, true);
  return bytes;
}

function readPlace(field: Field): TensorPlace {
  const { value } = field;
  if (value.length !== 8) throw invalid(`a tensor's place has ${value.length} bytes, not 8`);
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return { offset: view.getUint32(0, true), bytes: view.getUint32(4, true) };
}

/** Whatever a manifest says must be possible; whether it is true of the payload, layout.ts checks. */
function checkValues(manifest: Manifest): void {
  const integers: [keyof Manifest, number, number][] = [
    ["abi", 1, 0xffff],
    ["payloadBytes", 8, largest32],
    ["linearMemoryBytes", 1, largest32],
    ["runtimeBytes", 0, largest32],
    ["features", 0, largest32],
    ["opcodeBudget", 1, Number.MAX_SAFE_INTEGER],
    ["layers", 0, 0xffff],
  ];
  for (const [name, smallest, largest] of integers) {
    const value = manifest[name] as number;
    if (!Number.isSafeInteger(value) || value < smallest || value > largest) {
      throw invalid(`${name} is ${value}, not an integer from ${smallest} to ${largest}`);
    }
  }
  if (!namePattern.test(manifest.name)) {
    throw invalid(`the name ${JSON.stringify(manifest.name)} is not 1 to 31 of [a-z0-9_.-]`);
  }
  const versionBytes = new TextEncoder().encode(manifest.version).length;
  if (versionBytes > textLimit)
    throw invalid(`the version has ${versionBytes} bytes, more than ${textLimit}`);
  if (manifest.payloadSha256.length !== 32) {
    throw invalid(`the payload's SHA-256 has ${manifest.payloadSha256.length} bytes, not 32`);
  }
  for (const [kind, places] of [
    ["input", manifest.inputs],
    ["output", manifest.outputs],
  ] as const) {
    if (places.length === 0) throw invalid(`it names no ${kind}`);
    places.forEach((place, index) => {
      const { offset, bytes } = place;
      const whole = [offset, bytes].every((value) => Number.isSafeInteger(value) && value >= 0);
      if (!whole || bytes === 0 || offset + bytes > manifest.linearMemoryBytes) {
        throw invalid(
          `${kind} ${index} at ${offset} with ${bytes} bytes is not inside the ` +
            `${manifest.linearMemoryBytes} bytes of linear memory`,
        );
      }
    });
  }
}

function invalid(what: string, cause?: unknown): WamletError {
  return new WamletError(
    "WAMLET_INVALID_MANIFEST",
    `Invalid manifest: ${what.replace(/\.$/, "")}.`,
    "Compile the model again with `wamlet compile`; docs/MODULE.md, chapter Manifest, fixes every field.",
    { cause },
  );
}
