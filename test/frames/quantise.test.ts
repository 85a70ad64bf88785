import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ElementType } from "../../host/element_type.js";
import { dequantise, quantiseFrame, quantiseValues, storeQuantised } from "../../host/frames/quantise.js";
import { refusal, tensorOf } from "./material.js";

const signed = (bytes: Uint8Array) => Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));

describe("quantiseFrame", () => {
  it("rounds halves away from zero, on both sides", () => {
    const tensor = tensorOf("int8", [8], 0.5, 0);
    const bytes = quantiseFrame([0.25, -0.25, 0.75, -0.75, 0.2499, -0.2499, 1.25, -1.25], tensor);
    expect(signed(bytes)).toEqual([1, -1, 2, -2, 0, 0, 3, -3]);
  });

  it("divides in float32, where float64 would round to the other side", () => {
    const scale = Math.fround(0.1);
    const value = 0.25;
    expect(Math.round(value / scale)).toBe(2);
    expect(signed(quantiseFrame([value], tensorOf("int8", [1], scale, 0)))).toEqual([3]);
  });

  it("rounds just below a half down, although adding a half in float32 would round up", () => {
    const tensor = tensorOf("int8", [1], 1, 0);
    expect(signed(quantiseFrame([0.49999997], tensor))).toEqual([0]);
  });

  it.each<[ElementType, number, number]>([
    ["int8", -128, 127],
    ["uint8", 0, 255],
    ["int16", -32768, 32767],
    ["int32", -(2 ** 31), 2 ** 31 - 1],
  ])("clamps %s to its range and counts what it clamped", (type, lowest, highest) => {
    const tensor = tensorOf(type, [3], 1, type === "uint8" ? 128 : 0);
    const { bytes, clamped } = quantiseValues([-1e30, 1e30, 1], tensor);
    expect(Array.from(dequantise(bytes, { ...tensor, scale: null }))).toEqual([
      lowest,
      highest,
      1 + (tensor.zeroPoint ?? 0),
    ]);
    expect(clamped).toBe(2);
  });

  it("does not count a value one step outside: calibration often leaves the largest there", () => {
    const tensor = tensorOf("int8", [2], 1 / 256, -128);
    expect(quantiseValues([1, 0], tensor)).toEqual({ bytes: new Uint8Array([127, 128]), clamped: 0 });
    expect(quantiseValues([1.01, -0.01], tensor).clamped).toBe(2);
  });

  it("stores float32 values as they are", () => {
    const tensor = tensorOf("float32", [2]);
    expect(Array.from(dequantise(quantiseFrame([0.1, -3], tensor), tensor))).toEqual([Math.fround(0.1), -3]);
  });

  it("takes whole numbers for integer tensors without a scale, and 0 or 1 for bool", async () => {
    expect(Array.from(quantiseFrame([7, -1], tensorOf("int32", [2])))).toEqual([
      7, 0, 0, 0, 255, 255, 255, 255,
    ]);
    expect(Array.from(quantiseFrame([0, 1], tensorOf("bool", [2])))).toEqual([0, 1]);
    const wrong = await refusal(() => quantiseFrame([0, 2], tensorOf("bool", [2]), "frame 5"));
    expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
    expect(wrong.message).toContain("Value 2 of frame 5 is 2");
    expect(wrong.message).toContain("from 0 to 1");
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "refuses %s and says where it is",
    async (value) => {
      for (const tensor of [
        tensorOf("int8", [3], 0.1, 0),
        tensorOf("float32", [3]),
        tensorOf("int32", [3]),
      ]) {
        const wrong = await refusal(() => quantiseFrame([0, value, 0], tensor, "line 7"));
        expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
        expect(wrong.message).toContain(`Value 2 of line 7 is ${value}`);
      }
    },
  );

  it("refuses a number that float32 cannot hold where the tensor is float32", async () => {
    expect((await refusal(() => quantiseFrame([1e300], tensorOf("float32", [1])))).code).toBe(
      "WAMLET_INVALID_FRAMES",
    );
  });

  it("refuses another number of values and names both", async () => {
    const wrong = await refusal(() => quantiseFrame([1, 2], tensorOf("int8", [1, 3], 1, 0)));
    expect(wrong.code).toBe("WAMLET_WRONG_SHAPE");
    expect(wrong.message).toContain("takes 3 values [1, 3]");
    expect(wrong.message).toContain("has 2");
  });

  it("gives the nearest code: within half a step of every value in range", () => {
    const scales = fc.double({ min: 1e-6, max: 1e3, noNaN: true }).map(Math.fround);
    const codes = fc.integer({ min: -128, max: 127 });
    const offsets = fc.double({ min: -0.499, max: 0.499, noNaN: true });
    fc.assert(
      fc.property(scales, codes, codes, offsets, (scale, zeroPoint, code, offset) => {
        const tensor = tensorOf("int8", [1], scale, zeroPoint);
        expect(signed(quantiseFrame([(code - zeroPoint + offset) * scale], tensor))).toEqual([code]);
      }),
      { seed: 2026, numRuns: 500 },
    );
  });

  it("takes back what dequantise gave, for every code", () => {
    const scales = fc.double({ min: 1e-6, max: 1e3, noNaN: true }).map(Math.fround);
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    fc.assert(
      fc.property(scales, fc.integer({ min: -128, max: 127 }), (scale, zeroPoint) => {
        const tensor = tensorOf("int8", [256], scale, zeroPoint);
        expect(quantiseFrame(dequantise(all, tensor), tensor)).toEqual(all);
      }),
      { seed: 2026, numRuns: 100 },
    );
  });
});

describe("storeQuantised", () => {
  it("stores codes without scale and refuses what is no code", async () => {
    const tensor = tensorOf("int8", [2], 0.1, 5);
    expect(signed(storeQuantised([-128, 127], tensor))).toEqual([-128, 127]);
    expect((await refusal(() => storeQuantised([0, 128], tensor))).message).toContain("from -128 to 127");
    expect((await refusal(() => storeQuantised([0.5, 0], tensor))).message).toContain("Value 1");
  });
});

const suite = join(process.env.WAMLET_CONFORMANCE ?? "../shared/conformance", "ops");

interface Case {
  id: string;
  op: string;
  input: string;
  output: string;
  samples: number;
  inputs: { shape: number[]; dtype: ElementType; scale?: number; zeroPoint?: number }[];
  outputs: { shape: number[]; dtype: ElementType; scale?: number; zeroPoint?: number }[];
}

// The suite is too large for the repository; without it these tests say that they were skipped.
describe.skipIf(!existsSync(join(suite, "index.json")))(
  "TFLite Micro's own answers (conformance suite)",
  () => {
    const cases = existsSync(join(suite, "index.json"))
      ? (JSON.parse(readFileSync(join(suite, "index.json"), "utf8")) as Case[])
      : [];
    const described = (of: Case["inputs"][number] | undefined) => {
      if (of === undefined) throw new Error("a case without a tensor");
      return tensorOf(of.dtype, of.shape, of.scale ?? null, of.zeroPoint ?? null);
    };

    it("quantises as its QUANTIZE kernel does, bit for bit", () => {
      let compared = 0;
      for (const { op, input, output, inputs, outputs, samples } of cases) {
        if (op !== "quantize" || inputs[0]?.dtype !== "float32") continue;
        const [from, to] = [described(inputs[0]), described(outputs[0])];
        const [given, wanted] = [readFileSync(join(suite, input)), readFileSync(join(suite, output))];
        for (let sample = 0; sample < samples; sample++) {
          const real = dequantise(given.subarray(sample * from.bytes, (sample + 1) * from.bytes), from);
          const bytes = Buffer.from(quantiseFrame(real, to));
          expect(bytes.equals(wanted.subarray(sample * to.bytes, (sample + 1) * to.bytes))).toBe(true);
          compared++;
        }
      }
      expect(compared).toBeGreaterThanOrEqual(6);
    });

    it("dequantises as its DEQUANTIZE kernel does, bit for bit", () => {
      let compared = 0;
      for (const { op, input, output, inputs, outputs, samples } of cases) {
        if (op !== "dequantize") continue;
        const [from, to] = [described(inputs[0]), described(outputs[0])];
        const [given, wanted] = [readFileSync(join(suite, input)), readFileSync(join(suite, output))];
        for (let sample = 0; sample < samples; sample++) {
          const real = dequantise(given.subarray(sample * from.bytes, (sample + 1) * from.bytes), from);
          const expected = dequantise(wanted.subarray(sample * to.bytes, (sample + 1) * to.bytes), to);
          expect(real).toEqual(expected);
          compared++;
        }
      }
      expect(compared).toBeGreaterThanOrEqual(30);
    });
  },
);
