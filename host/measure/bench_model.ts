/** Measures a model here: opcodes counted exactly, and the instructions that a cost table makes of them. */
import type { CostTable } from "../descriptor/board.js";
import { ModuleRunner } from "../emulator/module_runner.js";
import { WamletError } from "../errors.js";
import type { Graph } from "../model/graph.js";
import { readModel } from "../model/read_model.js";
import { modelInstructions } from "../module/cost.js";
import type { MemoryDescription } from "../module/description.js";
import type { ExecutionCounts } from "../module/execution_counts.js";
import type { WamletModule } from "../module/layout.js";
import { type BenchRow, type BenchVariant, compileVariant, layerName, moduleBytes } from "./bench.js";
import { type BenchInput, benchInput } from "./bench_input.js";

export interface BenchRequest {
  /** How rows call it. */
  readonly model: string;
  /** Where it lies: goldens are looked for beside it. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly variants: readonly BenchVariant[];
  readonly layers: boolean;
  readonly costs: readonly CostTable[];
  readonly signal: AbortSignal;
  /** Told before each variant. */
  readonly onVariant?: (variant: BenchVariant) => void;
}

export interface BenchResult {
  readonly rows: readonly BenchRow[];
  /** The memory plan of each variant. */
  readonly memory: ReadonlyMap<BenchVariant, MemoryDescription>;
  /** What frame, and against what its answer was checked. */
  readonly input: Pick<BenchInput, "source" | "golden">;
}

/**
 * Runs one inference of each variant. Answers must equal the golden one or, where there is none, one another.
 * @throws WamletError what compiling throws; WAMLET_NOT_EXACT where an answer differs
 */
export async function benchModel(request: BenchRequest): Promise<BenchResult> {
  const { bytes, variants, layers, signal } = request;
  const graph: Graph = readModel(bytes);
  const input = await benchInput(request.path, graph);
  let expected = input.golden;
  const rows: BenchRow[] = [];
  const memory = new Map<BenchVariant, MemoryDescription>();
  for (const variant of variants) {
    request.onVariant?.(variant);
    const module = await compileVariant(bytes, variant, { profile: false, signal });
    const { counts, answer } = await inferOnce(module, input);
    expected ??= answer;
    requireEqual(`${request.model}, ${variant}`, answer, expected);
    memory.set(variant, module.description.memory);
    const macs = module.description.layers.reduce((sum, layer) => sum + layer.macs, 0);
    const fixed = { model: request.model, variant, ...moduleBytes(module) };
    rows.push(
      ...onEveryPort(counts, request.costs, true).map((port) => ({ ...fixed, ...port, layer: null, macs })),
    );
    if (!layers) continue;
    const profiled = await compileVariant(bytes, variant, { profile: true, signal });
    const profile = await inferOnce(profiled, input);
    for (const [index, layer] of profiled.description.layers.entries()) {
      const ports = onEveryPort(profile.layers[index] as ExecutionCounts, request.costs, false);
      rows.push(
        ...ports.map((port) => ({ ...fixed, ...port, layer: layerName(graph, layer), macs: layer.macs })),
      );
    }
  }
  return { rows, memory, input };
}

/** @param whole the host's call of `infer` belongs to it */
function onEveryPort(
  counts: ExecutionCounts,
  costs: readonly CostTable[],
  whole: boolean,
): Pick<BenchRow, "port" | "instructions">[] {
  return [
    { port: "virtual", instructions: counts.opcodes },
    ...costs.map((cost) => ({
      port: `modelled ${cost.name}`,
      instructions: Math.round(modelInstructions(counts, cost) + (whole ? cost.call : 0)),
    })),
  ];
}

async function inferOnce(module: WamletModule, { inputs }: BenchInput) {
  const runner = await ModuleRunner.load(module.payload, module.manifest);
  try {
    if (module.abi.state) await runner.reset();
    module.manifest.inputs.forEach(({ offset }, index) => {
      runner.write(offset, inputs[index] as Uint8Array);
    });
    const { counts, layers, outputs } = await runner.infer();
    return { counts, layers, answer: Uint8Array.from(Buffer.concat(outputs)) };
  } finally {
    await runner.close();
  }
}

/** @throws WamletError WAMLET_NOT_EXACT */
export function requireEqual(what: string, answer: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(answer, expected) === 0) return;
  const differing = answer.reduce((count, byte, index) => (byte === expected[index] ? count : count + 1), 0);
  throw new WamletError(
    "WAMLET_NOT_EXACT",
    `${what}: ${differing} of ${expected.length} bytes of the answer are not what they must be.`,
    "No figure of a wrong answer is worth anything: report this with the model.",
  );
}
