/** Truncated, altered and hostile files: a typed error or a graph that keeps its promises, and soon. */

import { describe, expect, it } from "vitest";
import { WamletError } from "../../host/errors.js";
import { readModel } from "../../host/model/read_model.js";
import { expectPromisesKept } from "./graph_promises.js";
import { buildModel } from "./model_builder.js";
import { Random } from "./random.js";
import { convolutionSpec } from "./small_models.js";

/** Whether the bytes still are a model; fails the test on anything but a sound graph or a WamletError. */
function isModel(bytes: Uint8Array): boolean {
  try {
    expectPromisesKept(readModel(bytes));
    return true;
  } catch (error) {
    if (!(error instanceof WamletError)) throw error;
    expect(error.hint).not.toBe("");
    return false;
  }
}

const model = buildModel(convolutionSpec);

describe("readModel of damaged files", () => {
  it("gives a typed error for a model cut off at any byte", () => {
    // The Builder writes from the end of the file, so every byte but padding is needed.
    for (let length = 0; length < model.length - 4; length++)
      expect(isModel(model.slice(0, length))).toBe(false);
  });

  it("gives a typed error or a sound graph for 2000 seeded alterations", () => {
    let sound = 0;
    for (let seed = 0; seed < 2000; seed++) {
      const random = new Random(seed);
      const altered = model.slice();
      for (let count = random.integer(1, 4); count > 0; count--) alter(altered, random);
      if (isModel(altered)) sound++;
    }
    // Both kinds occur, so both sides of the promise were tried.
    expect(sound).toBeGreaterThan(100);
    expect(sound).toBeLessThan(1900);
  });

  it("gives a typed error or a sound graph for every byte set to 0 and 255", () => {
    for (let position = 0; position < model.length; position++) {
      for (const value of [0, 255]) {
        const altered = model.slice();
        altered[position] = value;
        isModel(altered);
      }
    }
  });

  it("reads no more than a file's worth of entries, however often tables are shared", () => {
    const bomb = sharedOperators(20_000);
    expect(bomb.length).toBeLessThan(200_000);
    expect(() => readModel(bomb)).toThrow(/far more entries than the file has bytes/);
  });
});

/** Alters one place as damage or an attacker would: a bit, a byte, a word, or a copied stretch. */
function alter(bytes: Uint8Array, random: Random): void {
  const position = random.integer(0, bytes.length - 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (random.integer(0, 3)) {
    case 0:
      view.setUint8(position, view.getUint8(position) ^ (1 << random.integer(0, 7)));
      break;
    case 1:
      view.setUint8(position, random.integer(0, 255));
      break;
    case 2:
      view.setInt32(
        position & ~3,
        random.pick([0, -1, 1, 2 ** 31 - 1, -(2 ** 31), random.integer(0, bytes.length)]),
        true,
      );
      break;
    default:
      bytes.copyWithin(position, random.integer(0, bytes.length - 4), random.integer(0, bytes.length));
  }
}

/** A model in which one operator with many inputs is listed many times: little to store, much to read. */
function sharedOperators(count: number): Uint8Array {
  const wide = { name: "CUSTOM:wide", inputs: Array<number>(count).fill(0), outputs: [5] };
  return buildModel({ ...convolutionSpec, operators: [wide], unusual: { repeatOperators: count } });
}
