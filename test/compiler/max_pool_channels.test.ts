/** The largest of eight channels at once: every pair of bytes, and pools of every shape, against the plain reference. */
import { describe, expect, it } from "vitest";
import { compile } from "../../host/compiler/compile.js";
import { readModel } from "../../host/model/read_model.js";
import { randomInput } from "../reference/random_graph.js";
import { runReference } from "../reference/run_reference.js";
import { type Pool, poolModel } from "./pool_models.js";
import { startModule } from "./run_module.js";

async function check(pool: Pool, kernel: string, inputs?: readonly Uint8Array[]): Promise<void> {
  const bytes = poolModel("MAX_POOL_2D", pool);
  const graph = readModel(bytes);
  const module = await compile(bytes);
  expect(module.description.layers[0]?.kernel).toBe(kernel);
  const running = startModule(module);
  const random = [1, 2].map((seed) => randomInput(graph, seed)[0] as Uint8Array);
  for (const input of inputs ?? random) {
    const expected = runReference(graph, [input]).get(graph.outputs[0]?.index as number) as Uint8Array;
    expect(Buffer.from(running.infer(input)).equals(expected)).toBe(true);
  }
}

describe("MAX_POOL_2D, eight channels at once", () => {
  it("finds the larger of all 65 536 pairs of bytes, whatever lies beside them", async () => {
    const pairs = 65_536;
    const first = Uint8Array.from({ length: pairs }, (_, index) => index & 0xff);
    const second = Uint8Array.from({ length: pairs }, (_, index) => (index >> 8) & 0xff);
    // A step of seven through all pairs puts unlike ones side by side.
    const mixed = (bytes: Uint8Array) => bytes.map((_, index) => bytes[(index * 7) % pairs] as number);
    await check({ size: [2, pairs / 8, 8], filter: [2, 1] }, "max_pool_2d_channels", [
      Uint8Array.from([...first, ...second]),
      Uint8Array.from([...mixed(first), ...mixed(second)]),
    ]);
  });

  it.each([
    { size: [8, 8, 32], filter: [2, 2], stride: 2 },
    { size: [7, 5, 13], filter: [3, 3], stride: 2, padding: "SAME" },
    { size: [5, 9, 8], filter: [1, 4], padding: "SAME" },
    { size: [6, 1, 24], filter: [2, 1], stride: 2 },
    { size: [3, 3, 9], filter: [5, 5], padding: "SAME", activation: "RELU" },
  ] as const)("equals the reference: $size, $filter", async (pool) => {
    await check(pool, "max_pool_2d_channels");
  });

  it("leaves few channels, and a clamp with an upper end, to the plain kernel", async () => {
    await check({ size: [4, 4, 7], filter: [2, 2] }, "max_pool_2d_plain");
    await check({ size: [4, 4, 8], filter: [2, 2], activation: "RELU6" }, "max_pool_2d_plain");
  });
});
