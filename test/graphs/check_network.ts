/**
 * Holds a compiled network against the plain reference, on every tensor: a profiling build stops after each layer,
 * and all that is alive there must be in its place with its right bytes. So a wrong lifetime, a place given twice or
 * a kernel that writes beyond its output is found at the layer that does it. The ordinary build, in which the
 * optimiser sees all layers at once, must give the same outputs.
 */

import type { Optimization } from "../../host/compiler/aims.js";
import { type CompiledModule, compile } from "../../host/compiler/compile.js";
import { fuseOperators } from "../../host/compiler/fuse_operators.js";
import type { Graph, Tensor } from "../../host/model/graph.js";
import { readModel } from "../../host/model/read_model.js";
import { buildModel, type ModelSpec } from "../model/model_builder.js";
import { Random } from "../model/random.js";
import { randomInput } from "../reference/random_graph.js";
import { initialState, runReference, type State } from "../reference/run_reference.js";
import { placesOf } from "./places.js";
import type { Network } from "./random_network.js";

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  infer(): number;
  reset?(): void;
}

/** @types/node knows no WebAssembly namespace without the DOM's types. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports?: object) => { readonly exports: unknown };
};

/** Inferences with one state; the later ones find what the earlier ones left in memory. */
const samples = 2;

/** In turn: small networks are worth no generated kernels to `balanced`, but to `speed`. */
const optimizations: readonly Optimization[] = ["speed", "balanced", "size"];

/** What the networks of a run had, to tell whether they were worth their time. */
export interface Observed {
  /** Tensors compared, after each layer that they outlive. */
  comparisons: number;
  /** Results that took over the place of an input, and results that are an input under another shape. */
  shared: number;
}

/**
 * @param compiled what is compiled instead of the network, to see that a difference is found
 * @returns what is wrong, as a sentence, or null
 */
export async function findFault(
  network: Network,
  observed?: Observed,
  compiled: ModelSpec = network.spec,
): Promise<string | null> {
  try {
    const file = buildModel(compiled);
    const graph = readModel(buildModel(network.spec));
    const optimize = optimizations[network.seed % optimizations.length] ?? "speed";
    // What the compiler fuses is no layer, and what is between two fused operators has no place.
    const layers = { ...graph, operators: fuseOperators(graph) };
    const stepped = new SteppedModule(layers, await compile(file, { profile: true, optimize }), network.seed);
    const ordinary = new SteppedModule(layers, await compile(file, { optimize: "speed" }), network.seed);
    const state = initialState(graph);
    for (let sample = 0; sample < samples; sample++) {
      const inputs = randomInput(graph, network.seed * 31 + sample);
      const expected = runReference(graph, inputs, state);
      const fault = stepped.compare(inputs, expected, state) ?? ordinary.compare(inputs, expected, state);
      if (fault) return `inference ${sample}: ${fault}`;
    }
    if (observed) {
      observed.comparisons += stepped.comparisons;
      observed.shared += stepped.shared();
    }
    return null;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

/** A module in V8 whose memory is watched after every layer that it reports. */
class SteppedModule {
  comparisons = 0;
  readonly #graph: Graph;
  readonly #module: CompiledModule;
  readonly #places: ReadonlyMap<number, number>;
  readonly #exports: Exports;
  readonly #memory: Uint8Array;
  readonly #random: Random;
  #expected: ReadonlyMap<number, Uint8Array> = new Map();
  #layers = 0;
  #fault: string | null = null;

  constructor(graph: Graph, module: CompiledModule, seed: number) {
    this.#graph = graph;
    this.#module = module;
    this.#places = placesOf(graph, module);
    this.#random = new Random(seed);
    const imports = { wamlet: { layer: (index: number) => this.#step(index) } };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(module.payload), imports);
    this.#exports = instance.exports as Exports;
    this.#memory = new Uint8Array(this.#exports.memory.buffer);
    // Whatever a board's memory held before: no kernel may count on zeros.
    this.#scramble(0, this.#memory.length);
    this.#exports.reset?.();
  }

  /** Results that share the place of another tensor. */
  shared(): number {
    return this.#places.size - this.#module.description.memory.buffers.filter(isTensor).length;
  }

  /** One inference. @returns the first difference from what is expected, or null */
  compare(
    inputs: readonly Uint8Array[],
    expected: ReadonlyMap<number, Uint8Array>,
    state: State,
  ): string | null {
    this.#expected = expected;
    this.#layers = 0;
    this.#fault = null;
    const { planBytes } = this.#module.description.memory;
    this.#scramble(planBytes, this.#memory.length);
    const above = this.#memory.slice(planBytes);
    this.#graph.inputs.forEach((tensor, position) => {
      const given = inputs[position];
      if (given) this.#memory.set(given, this.#place(tensor));
    });
    const result = this.#exports.infer();
    if (result !== 0) return `infer() returned ${result}`;
    const layers = this.#module.manifest.layers;
    if (this.#layers !== layers) return `${this.#layers} layers reported of ${layers}`;
    const hurt = this.#memory.subarray(planBytes).findIndex((byte, index) => byte !== above[index]);
    if (hurt >= 0) return `byte ${hurt} above the plan was written`;
    const variables = this.#graph.tensors.filter(({ index }) => state.has(index));
    return this.#fault ?? this.#differ([...this.#graph.outputs, ...variables], "at the end");
  }

  #place(tensor: Tensor): number {
    const place = this.#places.get(tensor.index);
    if (place === undefined) throw new Error(`tensor '${tensor.name}' has no place`);
    return place;
  }

  #scramble(from: number, to: number): void {
    for (let at = from; at < to; at++) this.#memory[at] = this.#random.integer(0, 255);
  }

  /** After a layer: its outputs, and all that a later layer or the caller reads. */
  #step(layer: number): void {
    if (layer !== this.#layers) this.#fault ??= `layer ${layer} reported where ${this.#layers} comes next`;
    this.#layers = layer + 1;
    const operator = this.#graph.operators[layer];
    if (!operator) return;
    const results = this.#differ(operator.outputs, "");
    this.#fault ??= results && `layer ${layer} (${operator.name}) computes ${results}`;
    const written = [
      ...this.#graph.inputs,
      ...this.#graph.operators.slice(0, layer).flatMap((each) => each.outputs),
    ];
    const later = new Set([
      ...this.#graph.outputs,
      ...this.#graph.operators.slice(layer + 1).flatMap((each) => each.inputs),
    ]);
    const alive = written.filter((tensor) => later.has(tensor));
    const kept = this.#differ(alive, "");
    this.#fault ??= kept && `layer ${layer} (${operator.name}) overwrites ${kept}`;
  }

  #differ(tensors: readonly Tensor[], when: string): string | null {
    for (const tensor of tensors) {
      const place = this.#place(tensor);
      const found = this.#memory.subarray(place, place + tensor.bytes);
      const wanted = this.#expected.get(tensor.index);
      this.comparisons++;
      const at = found.findIndex((byte, index) => byte !== wanted?.[index]);
      if (at < 0 && wanted?.length === tensor.bytes) continue;
      const shape = `${tensor.type} [${tensor.shape.join(",")}]`;
      return `tensor '${tensor.name}' ${shape} wrong ${when}: byte ${at} of ${tensor.bytes} is ${found[at]}, expected ${wanted?.[at]}`;
    }
    return null;
  }
}

function isTensor({ kind }: { readonly kind: string }): boolean {
  return kind === "input" || kind === "output" || kind === "activation" || kind === "state";
}
