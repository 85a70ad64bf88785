/** Which output is summed in which lane: what the kernels of `columns` take for granted of it. */
import { describe, expect, it } from "vitest";
import { type Demand, inOwnOrder, kindOf, sortIntoLanes } from "../../host/compiler/columns_lanes.js";
import { type ColumnsProof, proveColumns } from "../../host/compiler/columns_proof.js";
import {
  type ColumnsLayout,
  maskedLayout,
  shiftedLayout,
} from "../../host/compiler/generators/columns_layout.js";
import type { Convolution } from "../../host/compiler/sliding_filter.js";
import { Random } from "../model/random.js";

/** An output whose sums fill a range, with a bias of 0: from −least to range − least. */
const demand = (range: number, least = 0): Demand => ({
  range,
  interval: (width) => (range < 2 ** width ? { low: least, high: least + 2 ** width - 1 - range } : null),
});
const demands = (...ranges: readonly number[]) => ranges.map((range) => demand(range));

describe("outputs are sorted into lanes that hold them", () => {
  const narrow = 2 ** 18 - 1;
  const middle = 2 ** 19 - 1;
  const wide = 2 ** 26 - 1;

  it("fills each lane to its last value", () => {
    const order = sortIntoLanes(demands(wide, narrow, middle, middle, middle, middle), maskedLayout, 2);
    expect(order?.outputs[2]).toBe(0);
    expect(order?.outputs[5]).toBe(1);
  });

  it("refuses an output that is wider by one than the lane that is left for it", () => {
    const sets = [
      [wide + 1, narrow, middle, middle, middle, middle],
      [wide, narrow + 1, middle, middle, middle, middle],
      [wide, narrow, middle + 1, middle, middle, middle],
    ];
    for (const ranges of sets) expect(sortIntoLanes(demands(...ranges), maskedLayout, 2)).toBeNull();
  });

  it("puts one wide output of many, wherever it stands, in a wide lane", () => {
    for (let at = 0; at < 36; at++) {
      const all = Array.from({ length: 36 }, (_, index) => demand(index === at ? 2 ** 20 : 1000));
      const order = sortIntoLanes(all, maskedLayout, 6);
      expect(order && kindOf(order.outputs.indexOf(at), 6)).toBe(2);
      expect(new Set(order?.outputs).size).toBe(36);
    }
    expect(inOwnOrder(demands(2 ** 21 - 1, 2 ** 21), shiftedLayout, 2)).toBeNull();
    expect(inOwnOrder(demands(2 ** 21 - 1, 0, 2 ** 22 - 1), shiftedLayout, 1)).not.toBeNull();
  });

  it("refuses outputs whose constants cannot be the same", () => {
    const apart = [0, 1, 2, 3, 4, 5].map((index) => demand(narrow, index % 2));
    // Five may share a lane's constant with another's room to spare; the two of the narrow lane's kind may not.
    expect(sortIntoLanes([...apart, ...apart], maskedLayout, 4)).not.toBeNull();
    const all = Array.from({ length: 12 }, (_, index) => demand(narrow, index * 2 ** 20));
    expect(sortIntoLanes(all, maskedLayout, 4)).toBeNull();
  });

  it("repeats an output of the lane's kind where there are slots to spare", () => {
    for (let count = 4; count <= 40; count++) {
      const triples = Math.ceil(count / 3);
      const order = sortIntoLanes(
        Array.from({ length: count }, () => demand(999)),
        maskedLayout,
        triples,
      );
      expect(order?.outputs.length).toBe(triples * 3);
      expect(new Set(order?.outputs)).toEqual(new Set(Array.from({ length: count }, (_, index) => index)));
    }
  });
});

interface Shape {
  readonly depth: number;
  readonly outputs: number;
  readonly zeroPoint: number;
  readonly rectified: boolean;
  readonly own: boolean;
}

function makeLayer({ depth, outputs, zeroPoint, rectified, own }: Shape, random: Random): Convolution {
  const filters = Array.from({ length: outputs }, () => {
    const largest = random.pick([0, 1, 8, 60, 127]);
    return Int8Array.from({ length: depth }, () => random.integer(-largest, largest));
  });
  const layer = {
    inputs: [{ type: "int8" }],
    inputHeight: 1,
    inputChannels: depth,
    outputChannels: outputs,
    inputZeroPoint: zeroPoint,
    outputZeroPoint: rectified ? -128 : 10,
    clamp: { minimum: -128, maximum: 127 },
    filters,
    bias: filters.map(() => random.integer(-9000, 9000)),
    multipliers: filters.map((_, index) => ({ multiplier: 2 ** 30 + (own ? index : 7), shift: -7 })),
  };
  return layer as unknown as Convolution;
}

/** Ends of an output's sums over a part, whatever the input. */
function ends(layer: Convolution, output: number, from: number, to: number) {
  const corners = [-128 - layer.inputZeroPoint, 127 - layer.inputZeroPoint];
  let [least, most] = [0, 0];
  for (const weight of (layer.filters[output] as Int8Array).subarray(from, to)) {
    least += Math.min(...corners.map((x) => x * weight));
    most += Math.max(...corners.map((x) => x * weight));
  }
  return { least, most };
}

function check(layer: Convolution, layout: ColumnsLayout, triples: number, proof: ColumnsProof): void {
  const { multiplier } = layer.multipliers[0] as { multiplier: number };
  const seen = new Set<number>();
  const constantOf = new Map<number, number>();
  for (const [slot, output] of proof.outputs.entries()) {
    if (output < 0) continue;
    seen.add(output);
    const kind = kindOf(slot, triples);
    const starts = proof.starts[slot] as readonly number[];
    expect(starts.length).toBe(proof.parts);
    for (const [index, start] of starts.entries()) {
      const { least, most } = ends(layer, output, index * proof.part, (index + 1) * proof.part);
      expect(start + least).toBeGreaterThanOrEqual(0);
      expect(start + most).toBeLessThan(2 ** (layout.widths[kind] as number));
    }
    if (proof.requantisations[0]?.rounding === "each") continue;
    const constant = starts.reduce((sum, start) => sum + start, -(layer.bias[output] as number));
    expect(constantOf.get(kind) ?? constant).toBe(constant);
    constantOf.set(kind, constant);
  }
  expect(seen.size).toBe(layer.outputChannels);
  // k takes the constant off again; what is left is of the rounding alone, and the same for all.
  for (const { constants } of proof.requantisations) {
    const left = [...constantOf].map(
      ([kind, constant]) => (constants[kind]?.k ?? 0n) + BigInt(constant) * BigInt(multiplier),
    );
    expect(new Set(left).size).toBeLessThanOrEqual(1);
  }
  if (!layout.masked) expect(new Set(constantOf.values()).size).toBeLessThanOrEqual(1);
}

describe("columns' sums stay in their lanes", () => {
  for (const layout of [shiftedLayout, maskedLayout]) {
    it(`${layout.masked ? "masked" : "shifted"}, random layers`, () => {
      const random = new Random(77);
      let proved = 0;
      for (let round = 0; round < 50; round++) {
        const layer = makeLayer(
          {
            depth: random.integer(1, 700),
            outputs: random.integer(1, 90),
            zeroPoint: random.pick([-128, -1, 0, 89, 127]),
            rectified: random.chance(0.5),
            own: random.chance(0.3),
          },
          random,
        );
        const triples = random.integer(2, 20);
        const proof = proveColumns(layer, layout, triples);
        if (!proof) continue;
        proved += 1;
        check(layer, layout, triples, proof);
      }
      expect(proved).toBeGreaterThan(40);
    });
  }

  it("takes more parts, or none, where lanes are narrower", () => {
    const random = new Random(5);
    const layer = makeLayer({ depth: 640, outputs: 128, zeroPoint: 89, rectified: true, own: false }, random);
    for (const filter of layer.filters) filter.fill(127);
    const parts = (layout: ColumnsLayout) => proveColumns(layer, layout, 43)?.parts ?? 0;
    expect(parts(shiftedLayout)).toBe(Math.ceil((640 * 255 * 127) / 2 ** 21));
    // The narrow lanes of 18 bits hold eight inputs: more parts than are offered.
    expect(parts(maskedLayout)).toBe(0);
  });

  it("is exact at the bounds: one input more takes a part more", () => {
    const layer = (depth: number) => {
      const made = makeLayer(
        { depth, outputs: 6, zeroPoint: -128, rectified: true, own: false },
        new Random(1),
      );
      for (const filter of made.filters) filter.fill(1);
      return Object.assign(made, { bias: made.bias.map(() => 0) });
    };
    // 1028 · 255 = 2¹⁸ − 4, 1029 · 255 ≥ 2¹⁸.
    expect(proveColumns(layer(1028), maskedLayout, 2)?.parts).toBe(1);
    expect(proveColumns(layer(1029), maskedLayout, 2)?.parts).toBe(2);
    expect(proveColumns(layer(8224), shiftedLayout, 2)?.parts).toBe(1);
    expect(proveColumns(layer(8225), shiftedLayout, 2)?.parts).toBe(2);
  });
});
