/** What the boards run: each model in each variant, made once and run on every board. */
import { readFileBytes } from "../../host/cli/read_file.js";
import { operatorCompiler } from "../../host/compiler/operators/table.js";
import type { Board } from "../../host/descriptor/board.js";
import {
  type BenchBytes,
  type BenchVariant,
  benchVariants,
  compileVariant,
  moduleBytes,
} from "../../host/measure/bench.js";
import { type BenchInput, benchInput } from "../../host/measure/bench_input.js";
import type { Graph } from "../../host/model/graph.js";
import { readModel } from "../../host/model/read_model.js";
import type { WamletModule } from "../../host/module/layout.js";
import { runReference } from "../reference/run_reference.js";
import { type CModel, cModel, notCovered } from "./c_source.js";
import { clangModule } from "./clang_wasm.js";

/** Ours, then plain C under the same agent, then plain C without any. */
export const boardVariants = [...benchVariants, "clang-wasm", "native"] as const;
export type BoardVariant = (typeof boardVariants)[number];

/** A module with what it takes; `runtimeBytes` as modelled. */
export interface MadeModule {
  readonly module: WamletModule;
  readonly bytes: BenchBytes;
}

/** A model that is measured: read, its frame and the answer that every variant must give. */
export class BenchedModel {
  readonly graph: Graph;
  readonly macs: readonly number[];
  /** Operators that the C reference lacks. */
  readonly uncovered: readonly string[];
  #c: CModel | null = null;
  readonly #made = new Map<string, Promise<MadeModule>>();

  private constructor(
    readonly name: string,
    readonly file: Uint8Array,
    readonly input: BenchInput,
    readonly expected: Uint8Array,
    graph: Graph,
  ) {
    this.graph = graph;
    this.macs = graph.operators.map(
      (operator) => operatorCompiler(operator).bind(operator, { board: null }).macs,
    );
    this.uncovered = notCovered(graph);
  }

  /** Without a golden answer, the oracle of test/reference says what is right. */
  static async read(name: string, path: string): Promise<BenchedModel> {
    const file = await readFileBytes(path, "the model");
    const graph = readModel(file);
    const input = await benchInput(path, graph);
    return new BenchedModel(name, file, input, input.golden ?? oracle(graph, input), graph);
  }

  get totalMacs(): number {
    return this.macs.reduce((sum, macs) => sum + macs, 0);
  }

  /** The whole as one C file. @throws Error where it is not covered */
  get c(): CModel {
    this.#c ??= cModel(this.graph);
    return this.#c;
  }

  /** @param board the smallest that it must fit */
  module(variant: Exclude<BoardVariant, "native">, profile: boolean, board: Board): Promise<MadeModule> {
    const key = `${variant} ${profile}`;
    const made = this.#made.get(key) ?? this.#make(variant, profile, board);
    this.#made.set(key, made);
    return made;
  }

  async #make(variant: BenchVariant | "clang-wasm", profile: boolean, board: Board): Promise<MadeModule> {
    if (variant !== "clang-wasm") {
      const module = await compileVariant(this.file, variant, { profile, board });
      return { module, bytes: moduleBytes(module) };
    }
    const module = await clangModule(this.graph, this.c, this.macs, profile);
    const { payload, abi, manifest } = module;
    const weights = abi.weights?.bytes ?? 0;
    const [codeBytes, linearMemory] = [payload.length - weights, manifest.linearMemoryBytes];
    return {
      module,
      bytes: { moduleBytes: payload.length, codeBytes, linearMemory, runtimeBytes: manifest.runtimeBytes },
    };
  }
}

function oracle(graph: Graph, { inputs }: BenchInput): Uint8Array {
  const tensors = runReference(graph, inputs);
  return Uint8Array.from(
    Buffer.concat(graph.outputs.map(({ index }) => tensors.get(index) ?? new Uint8Array())),
  );
}
