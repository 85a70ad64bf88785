/** Convolutions that skip zeros: exact whatever is zero, chosen behind rectifiers, and as costly as modelled. */
import { describe, expect, it } from "vitest";
import { type CompiledModule, compile } from "../../host/compiler/compile.js";
import type { BoundForm } from "../../host/compiler/layer.js";
import { collectCounts } from "../../host/module/execution_counts.js";
import { instrumentForCounting } from "../../host/module/instrument.js";
import { webAssembly } from "../../host/module/webassembly.js";
import { expectExact } from "./exact_convolution.js";
import {
  type ConvolutionShape,
  convolutionModel,
  frame,
  pointwise,
  randomShape,
} from "./zero_skipping_models.js";

const rounds = Number(process.env.WAMLET_RANDOM_MODELS ?? 6) * 2;

const isSkipping = ({ name }: BoundForm) => name.startsWith("zero_skipping") && !name.endsWith("_live");

/** Those whose block holds all channels: its last word steps back where they are not a multiple of three. */
function widest(forms: readonly BoundForm[]): readonly BoundForm[] {
  const words = ({ name }: BoundForm) => Number(/x(\d+)/.exec(name)?.[1]);
  const most = Math.max(...forms.map(words));
  return forms.filter((form) => words(form) === most);
}

async function checkExact(
  shape: ConvolutionShape,
  pick: (forms: readonly BoundForm[]) => BoundForm | undefined,
) {
  let name = "";
  await expectExact(
    shape,
    (forms) => {
      const form = pick(forms.filter(isSkipping)) ?? (forms[0] as BoundForm);
      name = form.generated ?? "";
      return form;
    },
    [0, 0.5, 0.9, 1],
  );
  return name;
}

/** Opcodes of an inference of a frame with this share of zeros. */
function count(module: CompiledModule, input: Uint8Array): number {
  const { wasm, plan } = instrumentForCounting(module.payload, { fuel: false });
  const instance = new webAssembly.Instance(new webAssembly.Module(wasm), {});
  const memory = new Uint8Array((instance.exports.memory as { buffer: ArrayBuffer }).buffer);
  memory.set(input, module.manifest.inputs[0]?.offset);
  (instance.exports.infer as () => number)();
  return collectCounts(instance.exports, plan).opcodes;
}

describe("a convolution that skips zeros", () => {
  it("gives every byte of the reference: random shapes, extreme weights, none to all of the input zero", async () => {
    const tried = new Set<string>();
    for (let seed = 1; seed <= rounds; seed++) {
      const name = await checkExact(
        randomShape(seed),
        (forms) => (seed % 3 === 0 ? widest(forms) : forms)[(seed * 131) % Math.max(1, forms.length)],
      );
      if (name.startsWith("zero_skipping")) tried.add(name);
    }
    expect(tried.size, "kernels that applied").toBeGreaterThan(rounds / 2);
    const names = [...tried].join(" ");
    for (const kind of ["starts", "_in_", "overlap", "relu", "table", "from_"]) expect(names).toContain(kind);
  });

  it.each([
    ["stride 2 over padding", { ...pointwise, size: 3, stride: 2, inputs: 8 }],
    [
      "vertical dilation",
      { ...pointwise, size: 3, height: 9, dilation: 2, width: 6, inputs: 4, padding: "VALID" },
    ],
    ["one column", { ...pointwise, width: 1, height: 1 }],
    ["sums that need starts of their own", { ...pointwise, inputs: 64, weight: () => 127 }],
    ["the zero point at the top", { ...pointwise, zeroPoint: 127, activation: "NONE" }],
  ] as const)("is exact with %s", async (_, shape) => {
    const words = [1, 3, 7, 22];
    for (const word of words) {
      await checkExact(shape, (forms) => {
        const some = forms.filter(({ name }) => name.includes(`x${word}_`));
        return some[(word * 5) % Math.max(1, some.length)];
      });
    }
  });

  it.each([
    ["where the lanes tell what is above the minimum", { ...pointwise }, true],
    ["where their range leaves no room for that", { ...pointwise, inputs: 50, weight: () => 120 }, false],
    ["with an upper end", { ...pointwise, activation: "RELU6", outputZeroPoint: 5 }, true],
  ] as const)(
    "finishes two to five pixels at once, from memory and in straight code, %s",
    async (_, shape, gated) => {
      for (const together of [2, 3, 4, 5]) {
        for (const finish of ["", "_fixed_direct"]) {
          const form = new RegExp(`^zero_skipping_${together}x11_${together}${finish}$`);
          const name = await checkExact(shape, (forms) => forms.find((one) => form.test(one.name)));
          expect(name.startsWith(`zero_skipping_${together}x11_${together}`)).toBe(true);
          expect(name.includes("gated")).toBe(gated);
          expect(name.includes("direct")).toBe(finish !== "");
        }
      }
    },
  );

  it("puts the output over the input, whatever number of pixels is left at the end", async () => {
    for (const [height, width] of [
      [5, 5],
      [3, 2],
      [1, 4],
      [7, 1],
    ] as const) {
      const shape = { ...pointwise, height, width, inputs: 31, outputs: 31 };
      for (const suffix of [/_2_in_place$/, /_2_fixed_direct_in_place$/, /_4_fixed_direct_in_place$/]) {
        if (suffix.test("_4_fixed_direct_in_place") && height * width < 4) continue;
        const name = await checkExact(shape, (forms) => forms.findLast(({ name: one }) => suffix.test(one)));
        expect(name).toMatch(/in_place$/);
      }
      const planned = async (inPlace: boolean) =>
        (
          await compile(convolutionModel(shape, true), {
            chooseForm: (forms) =>
              forms.find((one) => isSkipping(one) && one.name.endsWith("_in_place") === inPlace) ??
              (forms[0] as BoundForm),
          })
        ).description.memory.buffers.filter(({ kind }) => kind === "output" || kind === "activation").length;
      expect(await planned(true)).toBe((await planned(false)) - 1);
    }
  });

  it.each([
    ["channels that fill words", { outputs: 15, padding: "SAME" }],
    ["one channel left", { outputs: 16, padding: "SAME", zeroPoint: 0 }],
    ["two channels left", { outputs: 5, padding: "VALID", outputZeroPoint: 3, activation: "NONE" }],
    [
      "sums at their limits",
      { outputs: 4, inputs: 7, padding: "SAME", weight: (index: number) => [127, -128][index % 2] },
    ],
  ] as const)("sweeps over columns: %s", async (_, special) => {
    const shape = { ...pointwise, size: 3, inputs: 6, height: 5, width: 4, ...special } as ConvolutionShape;
    for (const rows of [1, 2]) {
      for (const height of [5, 3 + rows, 4]) {
        const name = await checkExact({ ...shape, height }, (forms) =>
          forms.findLast(({ name: one }) => one.startsWith(`zero_skipping_sweep_${rows}`)),
        );
        expect(name).toMatch(/sweep/);
      }
    }
  });

  it("is taken behind a rectifier, and not for a frame that nothing is known of", async () => {
    const kernels = async (rectified: boolean) =>
      (await compile(convolutionModel({ ...pointwise, inputs: 64 }, rectified))).description.layers.map(
        ({ kernel }) => kernel,
      );
    expect((await kernels(true)).at(-1)).toMatch(/^zero_skipping/);
    expect((await kernels(false)).at(-1)).toMatch(/^lanes/);
  });

  it.each([pointwise, { ...pointwise, size: 3, inputs: 8 }])(
    "costs what the model says where half is zero, and less than 1.5 times the dense form where nothing is",
    async (shape) => {
      const rectified = convolutionModel(shape, true);
      const module = await compile(rectified, { optimize: "speed" });
      expect(module.description.layers.at(-1)?.kernel).toMatch(/^zero_skipping/);
      const modelled = module.description.layers.reduce((sum, { opcodes }) => sum + opcodes, 0);
      expect(Math.abs(modelled / count(module, frame(shape, 0.5, 1)) - 1)).toBeLessThan(0.1);
      const dense = await compile(rectified, {
        chooseForm: (forms) => forms.find(({ name }) => name.startsWith("lanes")) ?? (forms[0] as BoundForm),
      });
      const full = frame(shape, 0, 1);
      expect(count(module, full) / count(dense, full)).toBeLessThan(1.5);
    },
  );
});
