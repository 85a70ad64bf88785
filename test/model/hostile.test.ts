/** Truncated, altered and hostile files: a typed error or a graph that keeps its promises, and soon. */

import { describe, expect, it } from "vitest";
import { WamletError } from "../../host/errors.js";
import { readModel } from "../../host/model/read_model.js";
import { altered } from "../fuzz/mutations.js";
import { describeSurvival } from "../fuzz/survival.js";
import { randomModel } from "../reference/random_graph.js";
import { expectPromisesKept } from "./graph_promises.js";
import { buildModel } from "./model_builder.js";
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
const models = {
  "a model with a bit of everything": model,
  "a model with state": randomModel("UNIDIRECTIONAL_SEQUENCE_LSTM", 1).bytes,
  "a model with constants for bounds": randomModel("STRIDED_SLICE", 1).bytes,
};

for (const [name, file] of Object.entries(models)) {
  describeSurvival({ name, file, mutate: altered, read: (bytes) => expectPromisesKept(readModel(bytes)) });
}

describe("readModel of damaged files", () => {
  it("gives a typed error for a model cut off at any byte", () => {
    // The Builder writes from the end of the file, so every byte but padding is needed.
    for (let length = 0; length < model.length - 4; length++)
      expect(isModel(model.slice(0, length))).toBe(false);
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

/** A model in which one operator with many inputs is listed many times: little to store, much to read. */
function sharedOperators(count: number): Uint8Array {
  const wide = { name: "CUSTOM:wide", inputs: Array<number>(count).fill(0), outputs: [5] };
  return buildModel({ ...convolutionSpec, operators: [wide], unusual: { repeatOperators: count } });
}
