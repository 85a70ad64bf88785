/**
 * The network as one AssemblyScript module that a person can read: a memory map, then one kernel call per layer
 * with every argument named.
 */
import type { PlannedBuffer } from "../module/description.js";
import type { BoundLayer, KernelCall } from "./layer.js";

/** A layer with its calls, ready to print. */
export interface EmittedLayer {
  readonly layer: BoundLayer;
  readonly form: string;
  readonly calls: readonly KernelCall[];
}

/** A buffer of the plan that keeps its content between inferences, and the byte it starts with. */
export interface InitialState {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  readonly value: number;
}

export interface ModuleSource {
  readonly name: string;
  readonly layers: readonly EmittedLayer[];
  readonly buffers: readonly PlannedBuffer[];
  /** What `reset()` fills; without any there is no `reset`. */
  readonly states: readonly InitialState[];
  readonly planBytes: number;
  readonly linearMemoryBytes: number;
  /** Calls `wamlet.layer(i)` after each layer. */
  readonly profile: boolean;
}

/** The text of `module.ts`. Names from the model go into comments only, cut to plain printable characters. */
export function emitModule(module: ModuleSource): string {
  const lines = [
    `// ${comment(module.name)}: ${module.layers.length} layers, made by Wamlet from a .tflite model.`,
    "//",
    `// Linear memory: ${module.linearMemoryBytes} bytes, of which the plan uses ${module.planBytes}.`,
    "//   from      to  layers  buffer",
    ...module.buffers.map(
      ({ offset, bytes, first, last, kind, name }) =>
        `// ${pad(offset, 6)}  ${pad(offset + bytes - 1, 6)}  ${pad(first, 3)}-${last}  ${kind}: ${comment(name)}`,
    ),
    "",
    ...imports(module),
    "",
    "/** One inference: the inputs are in their places, the outputs will be. Returns 0. */",
    "export function infer(): i32 {",
  ];
  module.layers.forEach(({ layer, form, calls }, index) => {
    const shape = layer.outputs.map((tensor) => `[${tensor.shape.join(",")}]`).join(" ");
    lines.push(`  // ${index}: ${comment(layer.operator.name)} → ${shape}, ${form}, ${layer.macs} MACs`);
    for (const call of calls) lines.push(...callLines(call));
    if (module.profile) lines.push(`  layer(${index});`);
  });
  return `${[...lines, "  return 0;", "}", ...resetLines(module.states)].join("\n")}\n`;
}

function resetLines(states: readonly InitialState[]): string[] {
  if (states.length === 0) return [];
  return [
    "",
    "/** Begins a new sequence: every state as it is before the first inference. Called once after loading, too. */",
    "export function reset(): void {",
    ...states.map(
      ({ name, offset, bytes, value }) => `  memory.fill(${offset}, ${value}, ${bytes}); // ${comment(name)}`,
    ),
    "}",
  ];
}

function imports(module: ModuleSource): string[] {
  const functions = new Map<string, Set<string>>();
  for (const { calls } of module.layers) {
    for (const call of calls) {
      const names = functions.get(call.file) ?? new Set();
      functions.set(call.file, names.add(call.function));
    }
  }
  if (module.profile) functions.set("layer", new Set(["layer"]));
  return [...functions.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, names]) => `import { ${[...names].sort().join(", ")} } from "./${file}";`);
}

function callLines(call: KernelCall): string[] {
  const types = call.types ? `<${call.types.join(", ")}>` : "";
  return [
    `  ${call.function}${types}(`,
    ...call.arguments.map(([name, value]) => `    ${value}, // ${name}`),
    "  );",
  ];
}

const pad = (value: number, width: number) => String(value).padStart(width);

/** A model's own text, harmless in a comment: a line end in it would start a line of code. */
function comment(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 80);
}
