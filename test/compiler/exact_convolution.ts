/** One convolution with a form of one's choice, held against the reference on frames of zeros and extremes. */
import { expect } from "vitest";
import { type CompiledModule, type CompileOptions, compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";
import { type ConvolutionShape, convolutionModel, frame } from "./zero_skipping_models.js";

/** @param zeros shares of the input that are at its zero point, a frame each */
export async function expectExact(
  shape: ConvolutionShape,
  chooseForm: NonNullable<CompileOptions["chooseForm"]>,
  zeros: readonly number[],
): Promise<CompiledModule> {
  const bytes = convolutionModel(shape);
  const graph = readModel(bytes);
  const module = await compile(bytes, { chooseForm });
  const kernel = module.description.layers[0]?.kernel;
  const running = startModule(module);
  for (const [sample, share] of zeros.entries()) {
    const input = frame(shape, share, sample + 1);
    const expected = runReference(graph, [input]).get(graph.outputs[0]?.index as number) as Uint8Array;
    expect(Buffer.from(running.infer(input)).equals(expected), `${kernel}, ${share} zero`).toBe(true);
  }
  return module;
}
