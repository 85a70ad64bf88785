/** Signals over time as images one pixel wide: the same bytes as one pixel high, finished several pixels at once. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import { randomInput } from "../reference/random_graph.js";
import { runReference } from "../reference/run_reference.js";
import { startModule } from "./run_module.js";

interface Signal {
  readonly length: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: "SAME" | "VALID";
  readonly batches?: number;
}

const channels = 12;

function signalModel(name: "CONV_2D" | "DEPTHWISE_CONV_2D", signal: Signal, seed: number): Uint8Array {
  const { length, taps, stride, dilation, padding, batches = 1 } = signal;
  const random = new Random(seed);
  const depthwise = name === "DEPTHWISE_CONV_2D";
  const outputs = Math.ceil((padding === "SAME" ? length : length - (taps - 1) * dilation) / stride);
  const shape = depthwise ? [1, taps, 1, channels] : [channels, taps, 1, channels];
  const weights = Int8Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.integer(-127, 127));
  const scales = Array.from({ length: channels }, (_, index) => 0.01 * (1 + (index % 5)));
  const image = (rows: number, scale: number) => ({
    type: "int8" as const,
    shape: [batches, rows, 1, channels],
    quantisation: { scales: [scale], zeroPoints: [-128] },
  });
  return buildModel({
    tensors: [
      image(length, 0.1),
      image(outputs, depthwise ? 0.8 : 3),
      {
        name: "weights",
        type: "int8",
        shape,
        data: new Uint8Array(weights.buffer),
        quantisation: { scales, zeroPoints: scales.map(() => 0), axis: depthwise ? 3 : 0 },
      },
    ],
    operators: [
      {
        name,
        inputs: [0, 2, null],
        outputs: [1],
        options: {
          padding,
          strideHeight: stride,
          strideWidth: 1,
          dilationHeight: dilation,
          dilationWidth: 1,
          ...(depthwise ? { depthMultiplier: 1 } : {}),
          fusedActivation: "RELU",
        },
      },
    ],
    inputs: [0],
    outputs: [1],
  });
}

describe("an image one pixel wide", () => {
  it.each([
    { length: 32, taps: 5, stride: 1, dilation: 1, padding: "SAME" },
    { length: 31, taps: 3, stride: 2, dilation: 1, padding: "SAME" },
    { length: 40, taps: 4, stride: 1, dilation: 3, padding: "VALID" },
    { length: 9, taps: 9, stride: 1, dilation: 1, padding: "VALID" },
    { length: 16, taps: 3, stride: 1, dilation: 1, padding: "SAME", batches: 2 },
  ] as const)("gives every byte of the reference: $length, $taps taps, $padding", async (signal) => {
    for (const name of ["CONV_2D", "DEPTHWISE_CONV_2D"] as const) {
      for (const optimize of ["speed", "balanced", "size"] as const) {
        const bytes = signalModel(name, signal, signal.length);
        const graph = readModel(bytes);
        const running = startModule(await compile(bytes, { optimize }));
        for (const seed of [1, 2]) {
          const input = randomInput(graph, seed)[0] as Uint8Array;
          const expected = runReference(graph, [input]).get(graph.outputs[0]?.index as number) as Uint8Array;
          expect(Buffer.from(running.infer(input)).equals(expected), `${name} ${optimize}`).toBe(true);
        }
      }
    }
  });

  it("is finished several pixels at once", async () => {
    // More weights than a kernel has in its code, which goes pixel by pixel.
    const signal = { length: 32, taps: 7, stride: 1, dilation: 1, padding: "SAME" } as const;
    const kernel = async (name: "CONV_2D" | "DEPTHWISE_CONV_2D") =>
      (await compile(signalModel(name, signal, 1), { optimize: "speed" })).description.layers[0]?.kernel;
    expect(await kernel("CONV_2D")).toMatch(/^(lanes|zero_skipping)_[2-9]/);
    expect(await kernel("DEPTHWISE_CONV_2D")).toMatch(/^depthwise_strip_([2-9]|1\d)/);
  });
});
