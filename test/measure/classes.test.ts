import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestClass, Confusion, confusionMatrix, topAnswers } from "../../host/measure/classes.js";
import { refusal, tensorOf } from "../frames/material.js";
import { answerOf, scores } from "./material.js";

const bytesOf = (codes: readonly number[]) => answerOf(codes).outputs[0] ?? new Uint8Array(0);

describe("topAnswers", () => {
  it("gives the best classes first, dequantised and named", () => {
    expect(topAnswers(bytesOf([-128, 127, 0]), scores, ["a", "b", "c"], 2)).toEqual([
      { index: 1, label: "b", value: 255 / 256, quantised: 127 },
      { index: 2, label: "c", value: 0.5, quantised: 0 },
    ]);
  });

  it("gives the lower index first where scores are equal, and no name where none is known", () => {
    const top = topAnswers(bytesOf([5, 9, 9]), scores, ["a"], 9);
    expect(top.map(({ index, label }) => [index, label])).toEqual([
      [1, null],
      [2, null],
      [0, "a"],
    ]);
  });

  it("puts a float model's NaN last", () => {
    const floats = tensorOf("float32", [4]);
    const bytes = new Uint8Array(new Float32Array([Number.NaN, -1, 2, Number.NaN]).buffer);
    expect(topAnswers(bytes, floats, [], 4).map(({ index }) => index)).toEqual([2, 1, 0, 3]);
    expect(bestClass(bytes, floats)).toBe(2);
  });

  it("refuses bytes of another tensor", async () => {
    expect((await refusal(() => topAnswers(new Uint8Array(2), scores, [], 1))).code).toBe(
      "WAMLET_WRONG_SHAPE",
    );
  });

  it("agrees with bestClass on the first place, whatever the scores", () => {
    const code = fc.integer({ min: -128, max: 127 });
    fc.assert(
      fc.property(fc.array(code, { minLength: 1, maxLength: 20 }), (codes) => {
        const tensor = tensorOf("int8", [codes.length], 0.1, 0);
        const bytes = bytesOf(codes);
        expect(topAnswers(bytes, tensor, [], 1)[0]?.index).toBe(codes.indexOf(Math.max(...codes)));
        expect(bestClass(bytes, tensor)).toBe(codes.indexOf(Math.max(...codes)));
      }),
      { seed: 2026, numRuns: 300 },
    );
  });
});

describe("Confusion", () => {
  it("counts right and wrong answers by class", () => {
    const confusion = new Confusion(3);
    expect(confusion.summary()).toBeNull();
    for (const [expected, answered] of [
      [2, 2],
      [0, 0],
      [0, 1],
      [2, 2],
    ] as const) {
      confusion.add(expected, answered);
    }
    const summary = confusion.summary();
    expect(summary).toEqual({
      labelled: 4,
      correct: 3,
      fraction: 0.75,
      classes: 3,
      confusion: [
        { expected: 0, answered: 0, frames: 1 },
        { expected: 0, answered: 1, frames: 1 },
        { expected: 2, answered: 2, frames: 2 },
      ],
    });
    expect(summary === null ? null : confusionMatrix(summary)).toEqual([
      [1, 1, 0],
      [0, 0, 0],
      [0, 0, 2],
    ]);
  });

  it.each([3, -1, 0.5])("refuses class %d of a model with three", async (expected) => {
    const wrong = await refusal(() => new Confusion(3).add(expected, 0));
    expect(wrong.code).toBe("WAMLET_INVALID_LABELS");
    expect(wrong.message).toContain("3 classes, 0 to 2");
  });
});
