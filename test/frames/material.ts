/** What the tests of frames share: tensors, files in memory, seeded randomness. */

import { type ElementType, elementBytes } from "../../host/element_type.js";
import { type ErrorCode, WamletError } from "../../host/errors.js";
import type { TensorDescription } from "../../host/module/description.js";

/** An input tensor as a module describes it. */
export function tensorOf(
  type: ElementType,
  shape: readonly number[],
  scale: number | null = null,
  zeroPoint: number | null = scale === null ? null : 0,
  name = "input",
): TensorDescription {
  const bytes = shape.reduce((product, length) => product * length, 1) * elementBytes[type];
  return { name, type, shape, scale, zeroPoint, offset: 0, bytes };
}

export function textFile(name: string, text: string): { name: string; bytes: Uint8Array } {
  return { name, bytes: new TextEncoder().encode(text) };
}

/** An NPY file with a header as given, whatever its sense. */
export function npyFile(literal: string, data: Uint8Array, version = 1): { name: string; bytes: Uint8Array } {
  const text = new TextEncoder().encode(`${literal}\n`);
  const lengthBytes = version === 1 ? 2 : 4;
  const bytes = new Uint8Array(8 + lengthBytes + text.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  bytes.set(text, 8 + lengthBytes);
  bytes.set(data, 8 + lengthBytes + text.length);
  return { name: "frames.npy", bytes };
}

/** The header that numpy.save writes. */
export function npyLiteral(descriptor: string, shape: readonly number[], fortran = false): string {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  return `{'descr': '${descriptor}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': ${tuple}, }`;
}

/** The code and message of the WamletError that `run` ends in; anything else fails the test. */
export async function refusal(run: () => unknown): Promise<{ code: ErrorCode; message: string }> {
  try {
    await run();
  } catch (error) {
    if (error instanceof WamletError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("nothing was refused");
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
