/**
 * The frame that a model is measured on. Beside a model with golden outputs (`index.json`, as in the conformance data)
 * lies a real one, and what must come out; any other model gets random bytes by a fixed seed.
 */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SeededRandom } from "../emulator/seeded_random.js";
import type { Graph, Tensor } from "../model/graph.js";
import { readSuite } from "./suite.js";

export interface BenchInput {
  /** The bytes of each input, in their order. */
  readonly inputs: readonly Uint8Array[];
  /** The bytes of all outputs, one after the other; null where nobody knows them. */
  readonly golden: Uint8Array | null;
  /** `in_00.bin`, or what the random bytes are. */
  readonly source: string;
}

const seed = 1;

/** @param path of the .tflite */
export async function benchInput(path: string, graph: Graph): Promise<BenchInput> {
  const index = join(dirname(path), "index.json");
  const cases = existsSync(index) ? await readSuite(index) : [];
  const sample = cases.find(({ modelPath }) => modelPath === resolve(path))?.samples[0];
  if (sample === undefined) {
    const random = new SeededRandom(seed);
    const inputs = graph.inputs.map((tensor) => randomBytes(tensor, random));
    return { inputs, golden: null, source: `random, seed ${seed}` };
  }
  const whole = await sample.input();
  let from = 0;
  const inputs = graph.inputs.map(({ bytes }) => {
    const part = whole.subarray(from, from + bytes);
    from += bytes;
    return part;
  });
  return { inputs, golden: await sample.golden(), source: sample.name };
}

/** Integers of all values; of wider types than int8 the low byte and its sign, which no arithmetic can overflow. */
function randomBytes({ type, bytes, elements }: Tensor, random: SeededRandom): Uint8Array {
  const made = new Uint8Array(bytes);
  const view = new DataView(made.buffer);
  for (let index = 0; index < elements; index++) {
    const value = random.below(256) - 128;
    if (type === "float32") view.setFloat32(4 * index, value / 128, true);
    else if (type === "bool") view.setUint8(index, value & 1);
    else if (type === "int16") view.setInt16(2 * index, value, true);
    else if (type === "int32") view.setInt32(4 * index, value, true);
    else if (type === "int64") view.setBigInt64(8 * index, BigInt(value), true);
    else view.setInt8(index, value);
  }
  return made;
}
