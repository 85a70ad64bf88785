/** The choice of kernels together: what sharing code is worth. */
import { describe, expect, it } from "vitest";
import type { BoundForm } from "../../host/compiler/layer.js";
import { type Costs, pickForms } from "../../host/compiler/pick_forms.js";
import { SeededRandom } from "../../host/emulator/seeded_random.js";

function form(name: string, opcodes: number, codeBytes = 0): BoundForm {
  return {
    name,
    generated: codeBytes > 0 ? name : null,
    codeBytes,
    cost: { opcodes, bytesMoved: 0 },
    scratch: [],
    overlay: null,
    weights: () => [],
    emit: () => [],
  };
}

const opcodes = (ofCodeByte: number): Costs => ({ ofForm: ({ cost }) => cost.opcodes, ofCodeByte });

/** Opcodes of all layers, and the price of each kernel once. */
function sumOf(forms: readonly BoundForm[], pricePerByte: number): number {
  const kernels = new Map(forms.map(({ generated, codeBytes }) => [generated, codeBytes]));
  const code = [...kernels.values()].reduce((sum, bytes) => sum + bytes, 0);
  return forms.reduce((sum, { cost }) => sum + cost.opcodes, 0) + code * pricePerByte;
}

describe("kernels chosen together", () => {
  it("shares one kernel among layers where a better one for each would cost more code", () => {
    const layers = [0, 1, 2].map((layer) => [form(`own_${layer}`, 90, 1000), form("shared", 100, 1000)]);
    const plain = layers.map(() => form("plain", 1000));
    expect(pickForms(layers, plain, opcodes(0.1)).map(({ name }) => name)).toEqual([
      "shared",
      "shared",
      "shared",
    ]);
    expect(pickForms(layers, plain, opcodes(0)).map(({ name }) => name)).toEqual(["own_0", "own_1", "own_2"]);
    expect(pickForms(layers, plain, opcodes(10)).map(({ name }) => name)).toEqual([
      "plain",
      "plain",
      "plain",
    ]);
  });

  it("takes a cheaper form without code of its own whatever code costs", () => {
    expect(
      pickForms([[form("free", 10)]], [form("plain", 20)], opcodes(1e9)).map(({ name }) => name),
    ).toEqual(["free"]);
  });

  it("comes within a tenth of the best of all choices on small random networks", () => {
    const random = new SeededRandom(11);
    for (let round = 0; round < 40; round++) {
      const kernels = Array.from(
        { length: 4 },
        (_, index) => [`k${index}`, 200 + random.below(2000)] as const,
      );
      const layers = Array.from({ length: 5 }, () =>
        kernels
          .filter(() => random.below(4) > 0)
          .map(([name, bytes]) => form(name, 100 + random.below(900), bytes)),
      );
      const plain = layers.map(() => form("plain", 1000));
      const all = layers.reduce<BoundForm[][]>(
        (choices, forms, layer) =>
          choices.flatMap((choice) => [plain[layer] as BoundForm, ...forms].map((one) => [...choice, one])),
        [[]],
      );
      const price = random.below(10) / 20;
      const best = Math.min(...all.map((choice) => sumOf(choice, price)));
      expect(sumOf(pickForms(layers, plain, opcodes(price)), price)).toBeLessThanOrEqual(best * 1.1);
    }
  });
});
