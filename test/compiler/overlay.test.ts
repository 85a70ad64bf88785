/** Outputs that lie over their inputs: no row is written over one that is still to come, and answers stay exact. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import type { BoundForm } from "../../host/compiler/layer.js";
import { overlayRows, type RowStep } from "../../host/compiler/overlay.js";
import type { SlidingFilter } from "../../host/compiler/sliding_filter.js";
import { readModel } from "../../host/model/read_model.js";
import { Random } from "../model/random.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";
import { type ConvolutionShape, convolutionModel, frame, pointwise } from "./zero_skipping_models.js";

/** A layer as far as its rows matter. */
function rowsOf(random: Random) {
  const [size, stride] = [random.integer(1, 5), random.integer(1, 3)];
  const pad = random.integer(0, size - 1);
  const inputHeight = random.integer(size, 20);
  const outputs = Math.max(1, Math.ceil(inputHeight / stride));
  return {
    inputs: [{}],
    inputWidth: random.integer(1, 6),
    inputChannels: random.integer(1, 9),
    outputChannels: random.integer(1, 9),
    inputHeight,
    vertical: { size, stride, dilation: 1, pad, outputs, padded: true },
    horizontal: { outputs: random.integer(1, 6) },
  } as unknown as SlidingFilter;
}

/** Whether every byte that a step gathers is still there. */
function keepsInput(layer: SlidingFilter, steps: readonly RowStep[], distance: number): boolean {
  const { vertical, horizontal, inputHeight, inputWidth, inputChannels, outputChannels } = layer;
  const inputRow = inputWidth * inputChannels;
  const outputRow = horizontal.outputs * outputChannels;
  let written = 0;
  for (const { first, end } of steps) {
    const row = Math.max(0, first * vertical.stride - vertical.pad);
    if (row < inputHeight && distance + row * inputRow < written) return false;
    written = Math.max(written, end * outputRow);
  }
  return true;
}

describe("an output over its input", () => {
  it("never reaches a row that is still to be gathered, and is no further away than it has to be", () => {
    const random = new Random(11);
    for (let round = 0; round < 2000; round++) {
      const layer = rowsOf(random);
      const together = Math.min(random.integer(1, 2), layer.vertical.outputs);
      const steps = Array.from({ length: Math.ceil(layer.vertical.outputs / together) }, (_, step) => {
        const first = Math.min(step * together, layer.vertical.outputs - together);
        return { first, end: first + together };
      });
      const { distance } = overlayRows(layer, steps);
      expect(keepsInput(layer, steps, distance)).toBe(true);
      const lastRow = (layer.vertical.outputs - 1) * layer.vertical.stride - layer.vertical.pad;
      if (distance > 0 && lastRow < layer.inputHeight)
        expect(keepsInput(layer, steps, distance - 8)).toBe(false);
    }
  });

  const image = {
    ...pointwise,
    size: 3,
    inputs: 6,
    outputs: 9,
    height: 12,
    width: 7,
    padding: "SAME",
  } as const;
  it.each([
    ["more channels than it had", image],
    ["as many channels", { ...image, inputs: 9 }],
    ["fewer channels", { ...image, inputs: 12, outputs: 5 }],
    ["a stride of two", { ...image, stride: 2 }],
    ["dilated rows", { ...image, dilation: 2, size: 2 }],
    ["no rectifier", { ...image, activation: "NONE", outputZeroPoint: 3 }],
  ] as const)("is exact with %s, in less memory than both", async (_, shape: ConvolutionShape) => {
    const bytes = convolutionModel(shape);
    const graph = readModel(bytes);
    let kernels = 0;
    for (const kind of [
      /^lanes_4x3$/,
      /^lanes_2x3_fixed_direct$/,
      /^zero_skipping_2x\d+_2$/,
      /sweep_2$/,
      /sweep_1_table$/,
    ]) {
      const words = Math.ceil(shape.outputs / 3);
      const fits = ({ name, overlay }: BoundForm) =>
        kind.test(name.replace(`x${words}`, "x3").replace(/x3_2$/, `x${words}_2`)) && overlay !== null;
      let taken: BoundForm | undefined;
      const module = await compile(bytes, {
        chooseForm: (forms) => {
          taken = forms.find(fits);
          return taken ?? (forms[0] as BoundForm);
        },
      });
      if (!taken) continue;
      kernels++;
      const [input, output] = [module.description.inputs[0], module.description.outputs[0]];
      if (!input || !output) throw new Error("A convolution has an input and an output.");
      expect(input.offset).toBeLessThan(output.offset + output.bytes);
      const running = startModule(module);
      for (const zeros of [0, 0.5]) {
        const values = frame(shape, zeros, 5);
        const expected = runReference(graph, [values]).get(graph.outputs[0]?.index as number) as Uint8Array;
        expect(Buffer.from(running.infer(values)).equals(expected), taken.name).toBe(true);
      }
    }
    expect(kernels).toBeGreaterThan(1);
  });
});
