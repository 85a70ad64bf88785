/**
 * Random graphs against the plain reference. `npm run fuzz:graphs` runs ten minutes of them, with other seeds each
 * day. WAMLET_GRAPH_SECONDS sets how long, WAMLET_GRAPH_FROM the first seed, WAMLET_GRAPH_SEED asks for one graph
 * alone.
 */

import { describe, expect, it } from "vitest";
import { supportedOperators } from "../../host/compiler/operators/table.js";
import { buildModel } from "../model/model_builder.js";
import { findFault, type Observed } from "./check_network.js";
import { type Network, randomNetwork } from "./random_network.js";
import { describeNetwork, shrink } from "./shrink.js";

const long = process.env.npm_lifecycle_event === "fuzz:graphs";
const seconds = Number(process.env.WAMLET_GRAPH_SECONDS ?? (long ? 600 : 0));
const day = Math.floor(Date.now() / 86_400_000);
const from = Number(process.env.WAMLET_GRAPH_FROM ?? (seconds > 0 ? day * 100_000 : 0));
const only = process.env.WAMLET_GRAPH_SEED;

/** Graphs of a short run. */
const graphs = 16;

/** The whole story of a fault: what, in which graph, how to see it again. */
async function report(network: Network, fault: string): Promise<string> {
  const smallest = await shrink(network, async (candidate) => (await findFault(candidate)) !== null);
  const found = await findFault(smallest);
  return [
    `Graph ${network.seed}: ${fault}`,
    `Again: WAMLET_GRAPH_SEED=${network.seed} npx vitest run test/graphs`,
    `Made smaller: ${found}`,
    describeNetwork(smallest),
  ].join("\n");
}

async function expectSound(seed: number, observed: Observed): Promise<void> {
  const network = randomNetwork(seed);
  const fault = await findFault(network, observed);
  if (fault) expect.fail(await report(network, fault));
}

describe("random graphs compute what the plain reference computes", () => {
  const nothing = (): Observed => ({ comparisons: 0, shared: 0 });

  it.runIf(only !== undefined)(`every tensor of graph ${only}`, async () => {
    const network = randomNetwork(Number(only));
    expect(await findFault(network), describeNetwork(network)).toBeNull();
  });

  it.runIf(only === undefined && seconds === 0)(
    `every tensor of ${graphs} graphs, in its place after each layer that it outlives`,
    async () => {
      const observed = nothing();
      for (let seed = from; seed < from + graphs; seed++) await expectSound(seed, observed);
      expect(observed.comparisons).toBeGreaterThan(20 * graphs);
      expect(observed.shared).toBeGreaterThan(graphs);
    },
  );

  it.runIf(only === undefined && seconds > 0)(
    `every tensor of graphs from seed ${from} on, for ${seconds} s`,
    { timeout: (seconds + 300) * 1000 },
    async () => {
      const observed = nothing();
      const end = performance.now() + seconds * 1000;
      let seed = from;
      for (; performance.now() < end; seed++) await expectSound(seed, observed);
      process.stdout.write(`${seed - from} graphs, ${observed.comparisons} tensors compared\n`);
      expect(observed.comparisons).toBeGreaterThan(0);
    },
  );
});

describe("random graphs", () => {
  const drawn = Array.from({ length: 160 }, (_, seed) => randomNetwork(seed).spec);

  it("are the same for the same seed", () => {
    const again = randomNetwork(7);
    expect(buildModel(again.spec)).toEqual(buildModel(randomNetwork(7).spec));
    expect(buildModel(again.spec)).not.toEqual(buildModel(randomNetwork(8).spec));
  });

  it("have every operator that can be compiled", () => {
    const names = new Set(drawn.flatMap(({ operators }) => operators.map(({ name }) => name)));
    expect([...names].sort()).toEqual(supportedOperators);
  });

  it("have several inputs and outputs, values read twice, outputs that are read, results that are not", () => {
    const count = (holds: (spec: (typeof drawn)[number]) => boolean) => drawn.filter(holds).length;
    const reads = ({ operators }: (typeof drawn)[number]) => operators.flatMap(({ inputs }) => inputs);
    const results = ({ operators }: (typeof drawn)[number]) => operators.flatMap(({ outputs }) => outputs);
    const few = drawn.length / 10;
    expect(count(({ inputs }) => inputs.length > 1)).toBeGreaterThan(few);
    expect(count(({ outputs }) => outputs.length > 1)).toBeGreaterThan(few);
    expect(count((spec) => new Set(reads(spec)).size < reads(spec).length)).toBeGreaterThan(few);
    expect(count((spec) => spec.outputs.some((output) => reads(spec).includes(output)))).toBeGreaterThan(few);
    const unread = (spec: (typeof drawn)[number]) =>
      results(spec).some((index) => !reads(spec).includes(index) && !spec.outputs.includes(index));
    expect(count(unread)).toBeGreaterThan(few);
    expect(count(({ inputs, outputs }) => inputs.some((input) => outputs.includes(input)))).toBeGreaterThan(
      0,
    );
    expect(count(({ tensors }) => tensors.some(({ isVariable }) => isVariable))).toBeGreaterThan(few / 4);
  });
});

describe("the check of a graph", () => {
  /** x + constant, then RELU of it: the second can take over the place of the first. */
  const quantisation = { scales: [0.5], zeroPoints: [3] };
  const tensor = (name: string) => ({ name, type: "int8" as const, shape: [1, 6], quantisation });
  const spec = (outputs: readonly number[], constant: number): Network["spec"] => ({
    tensors: [
      tensor("x"),
      { ...tensor("constant"), data: new Uint8Array(6).fill(constant) },
      tensor("sum"),
      tensor("end"),
    ],
    operators: [
      { name: "ADD", inputs: [0, 1], outputs: [2] },
      { name: "RELU", inputs: [2], outputs: [3] },
    ],
    inputs: [0],
    outputs,
  });

  it("finds a constant that is off by one at the layer that reads it", async () => {
    const network = { seed: 1, spec: spec([3], 9) };
    expect(await findFault(network)).toBeNull();
    expect(await findFault(network, undefined, spec([3], 10))).toMatch(/layer 0 \(ADD\) computes tensor/);
  });

  it("says what the compiler refuses", async () => {
    const network = {
      seed: 1,
      spec: { ...spec([3], 9), operators: [{ name: "COS", inputs: [0], outputs: [3] }] },
    };
    expect(await findFault(network)).toMatch(/COS/);
  });

  it("makes a graph that fails small", async () => {
    const seeds = Array.from({ length: 40 }, (_, seed) => randomNetwork(seed));
    const network = seeds.find((one) => one.spec.operators.length >= 8);
    const last = network?.spec.operators.at(-1)?.name;
    if (!network || !last) throw new Error("no graph of eight operators");
    const smallest = await shrink(network, async (candidate) =>
      candidate.spec.operators.some(({ name }) => name === last),
    );
    expect(smallest.spec.operators.length).toBeLessThan(network.spec.operators.length / 2);
    expect(describeNetwork(smallest)).toContain(last);
    expect(await findFault(smallest)).toBeNull();
  });
});

describe("found by random graphs", () => {
  const quantisation = { scales: [0.5], zeroPoints: [3] };
  const tensor = (name: string, shape: readonly number[]) => ({
    name,
    type: "int8" as const,
    shape,
    quantisation,
  });

  it("an output that the last operator reads keeps its place", async () => {
    const network: Network = {
      seed: 21,
      spec: {
        tensors: [tensor("x", [1, 6]), tensor("first", [1, 6]), tensor("second", [1, 6])],
        operators: [
          { name: "RELU", inputs: [0], outputs: [1] },
          { name: "ELU", inputs: [1], outputs: [2] },
        ],
        inputs: [0],
        outputs: [1, 2],
      },
    };
    expect(await findFault(network)).toBeNull();
  });

  it("so does an output that the last operator reads under another shape", async () => {
    const network: Network = {
      seed: 22,
      spec: {
        tensors: [tensor("x", [1, 6]), tensor("first", [1, 6]), tensor("flat", [6]), tensor("second", [6])],
        operators: [
          { name: "RELU", inputs: [0], outputs: [1] },
          { name: "RESHAPE", inputs: [1], outputs: [2], options: { newShape: [6] } },
          { name: "ELU", inputs: [2], outputs: [3] },
        ],
        inputs: [0],
        outputs: [1, 3],
      },
    };
    expect(await findFault(network)).toBeNull();
  });

  it("and a variable that the last operator reads", async () => {
    const network: Network = {
      seed: 23,
      spec: {
        tensors: [
          tensor("x", [1, 6]),
          { ...tensor("state", [1, 6]), isVariable: true },
          tensor("sum", [1, 6]),
        ],
        operators: [{ name: "ADD", inputs: [1, 0], outputs: [2] }],
        inputs: [0],
        outputs: [2],
      },
    };
    expect(await findFault(network)).toBeNull();
  });
});
