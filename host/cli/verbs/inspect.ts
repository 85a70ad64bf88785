/** `wamlet inspect`: what is inside a model or a module. */
import { basename } from "node:path";
import type { CompiledModule } from "../../compiler/compile.js";
import type { Graph } from "../../model/graph.js";
import type { ModelDescription } from "../../module/description.js";
import type { WamletModule } from "../../module/layout.js";
import { formatBytes } from "../format.js";
import { showChoices, showLayers } from "../layer_costs.js";
import { boardOption, optimizeOption } from "../options.js";
import type { Output } from "../output.js";
import { formatTable } from "../table.js";
import { defineVerb } from "../verb.js";

export const inspect = defineVerb({
  description:
    "Shows what is inside a .tflite model or a compiled module: tensors, layers with their modelled cost, the " +
    "memory map, sections and manifest. Costs are modelled from the kernels' loops; `wamlet profile` counts them.",
  positionals: { file: { type: "string", demandOption: true, describe: "A .tflite or .wasm file" } },
  options: {
    ...boardOption,
    ...optimizeOption,
    tensors: { type: "boolean", default: false, describe: "List the model's tensors too" },
  },
  examples: [
    ["inspect kws.tflite", "Operators, cost by layer, why each kernel was chosen, memory map"],
    ["inspect kws.tflite --tensors", "Every tensor with shape and quantisation"],
    ["inspect kws.wasm --board esp32", "What it would take of an ESP32"],
    ["inspect kws.wasm --json", "The same for a program"],
  ],
  async run(args, context) {
    const { readModelFile } = await import("../model_file.js");
    const { isModule, loadModule } = await import("../compile_file.js");
    const bytes = await readModelFile(args.file, "the model or module", context);
    const graph = isModule(bytes) ? null : (await import("../../model/read_model.js")).readModel(bytes);
    const { WamletError } = await import("../../errors.js");
    // A model that cannot be compiled can still be looked at.
    const module = await loadModule(args.file, { optimize: args.optimize }, context).catch(
      (error: unknown) => {
        if (graph && error instanceof WamletError && error.code !== "WAMLET_INTERRUPTED") return error;
        throw error;
      },
    );
    const account =
      module instanceof Error || args.board === undefined
        ? null
        : (await import("../../compiler/account.js")).accountFor(
            module,
            (await import("../../descriptor/load_board.js")).loadBoard(args.board),
          );
    const { output } = context;
    const json = {
      file: args.file,
      model: graph ? graphJson(graph) : null,
      module: module instanceof Error ? null : inspectionJson(module),
      choices: module instanceof Error || !isCompiled(module) ? null : module.choices,
      problem: module instanceof Error ? module : null,
      account,
    };
    if (output.json) {
      output.result(json, () => undefined);
      return 0;
    }
    output.line(output.colors.bold(basename(args.file)));
    if (graph) showGraph(graph, args.tensors, output);
    if (module instanceof Error) {
      output.line();
      output.line(`${output.colors.yellow("Cannot be compiled:")} ${module.message} ${module.hint}`);
      return 0;
    }
    showTensors(module.description, output);
    showLayers(module.description, output);
    if (isCompiled(module)) showChoices(module, output);
    await showMemory(module.description, output);
    showSections(module, output);
    if (account) (await import("./compile.js")).showAccount(account, output);
    return 0;
  },
});

/** Whether it was compiled just now: a module's file does not say what else could have been chosen. */
const isCompiled = (module: WamletModule): module is CompiledModule => "choices" in module;

function graphJson(graph: Graph) {
  return {
    description: graph.description,
    bytes: graph.sourceBytes,
    sha256: graph.sourceSha256,
    tensors: graph.tensors.map(({ data, ...tensor }) => ({ ...tensor, constant: data !== null })),
    operators: graph.operators.map(({ index, name, version, inputs, outputs, options }) => ({
      index,
      name,
      version,
      options,
      inputs: inputs.map((tensor) => tensor?.index ?? null),
      outputs: outputs.map((tensor) => tensor.index),
    })),
  };
}

function inspectionJson({ manifest, description, sections, payload }: WamletModule) {
  return {
    payloadBytes: payload.length,
    manifest: { ...manifest, payloadSha256: Buffer.from(manifest.payloadSha256).toString("hex") },
    description,
    sections: sections.map(({ id, name, offset, body }) => ({ id, name, offset, bytes: body.length })),
  };
}

function showGraph(graph: Graph, withTensors: boolean, output: Output): void {
  const { dim } = output.colors;
  const counts = new Map<string, number>();
  for (const { name } of graph.operators) counts.set(name, (counts.get(name) ?? 0) + 1);
  const operators = [...counts].map(([name, count]) => (count > 1 ? `${name} ×${count}` : name)).join(", ");
  output.line(
    `  model      ${formatBytes(graph.sourceBytes)}  ${dim(`sha256 ${graph.sourceSha256.slice(0, 16)}…`)}`,
  );
  if (graph.description) output.line(`  made by    ${graph.description}`);
  output.line(`  operators  ${operators}`);
  if (!withTensors) return;
  const rows = graph.tensors.map((tensor) => [
    String(tensor.index),
    tensor.name.slice(0, 60),
    tensor.type,
    `[${tensor.shape.join(",")}]`,
    tensor.data ? "constant" : tensor.isVariable ? "state" : "",
    quantisationText(tensor.quantisation?.scales ?? [], tensor.quantisation?.zeroPoints ?? []),
  ]);
  output.line();
  output.line(
    formatTable(
      [
        { heading: "tensor", align: "right" },
        { heading: "name" },
        { heading: "type" },
        { heading: "shape" },
        { heading: "" },
        { heading: "quantisation" },
      ],
      rows,
      output.colors,
    ),
  );
}

function quantisationText(scales: readonly number[], zeroPoints: readonly number[]): string {
  if (scales.length === 0) return "";
  if (scales.length > 1) return `${scales.length} scales`;
  return `scale ${(scales[0] as number).toPrecision(6)}, zero point ${zeroPoints[0] ?? 0}`;
}

function showTensors({ inputs, outputs, labels }: ModelDescription, output: Output): void {
  for (const [kind, tensors] of [
    ["input", inputs],
    ["output", outputs],
  ] as const) {
    for (const tensor of tensors) {
      const quantisation =
        tensor.scale === null ? "" : quantisationText([tensor.scale], [tensor.zeroPoint ?? 0]);
      output.line(
        `  ${kind.padEnd(10)} ${tensor.type} [${tensor.shape.join(",")}]  ${output.colors.dim(`${quantisation}  at ${tensor.offset}`)}`,
      );
    }
  }
  if (labels.length > 0) output.line(`  labels     ${labels.join(", ")}`);
}

const mapColumns = 64;

async function showMemory({ memory, layers }: ModelDescription, output: Output): Promise<void> {
  const { aliveBytes, bufferLetter, memoryRows } = await import("../memory_map.js");
  const { dim } = output.colors;
  const alive = aliveBytes(memory, layers.length);
  output.line();
  output.line(
    `Linear memory ${formatBytes(memory.linearMemoryBytes)}: plan ${memory.planBytes} bytes, lower bound ${memory.lowerBoundBytes}, greedy planner ${memory.greedyBytes}`,
  );
  memoryRows(memory, layers.length, mapColumns).forEach((row, layer) => {
    const cells = row.map((buffer) => (buffer === null ? dim("·") : bufferLetter(buffer))).join("");
    output.line(`  ${String(layer).padStart(3)} ${cells} ${formatBytes(alive[layer] ?? 0).padStart(9)}`);
  });
  const named = memory.buffers
    .map((buffer, index) => ({ buffer, index }))
    .filter(({ buffer }) => buffer.kind !== "weights" && buffer.kind !== "scratch");
  output.line(
    formatTable(
      [
        { heading: "" },
        { heading: "buffer" },
        { heading: "kind" },
        { heading: "bytes", align: "right" },
        { heading: "at", align: "right" },
        { heading: "layers" },
      ],
      named.map(({ buffer, index }) => [
        `  ${bufferLetter(index)}`,
        buffer.name.slice(0, 48),
        buffer.kind,
        String(buffer.bytes),
        String(buffer.offset),
        `${buffer.first}–${buffer.last}`,
      ]),
      output.colors,
    ),
  );
}

const sectionNames = [
  "custom",
  "type",
  "import",
  "function",
  "table",
  "memory",
  "global",
  "export",
  "start",
  "element",
  "code",
  "data",
  "data count",
];

function showSections({ manifest, payload, bytes, sections }: WamletModule, output: Output): void {
  const { dim } = output.colors;
  output.line();
  output.line(`Module ${formatBytes(payload.length)} to deploy, ${formatBytes(bytes.length)} in the file`);
  output.line(
    formatTable(
      [{ heading: "  section" }, { heading: "bytes", align: "right" }, { heading: "at", align: "right" }],
      sections.map(({ id, name, offset, body }) => [
        `  ${id === 0 ? name || "(alignment)" : (sectionNames[id] ?? String(id))}`,
        String(body.length),
        String(offset),
      ]),
      output.colors,
    ),
  );
  output.line();
  output.line(`Manifest ${dim("(what a board is told before it stores the module)")}`);
  const places = (tensors: readonly { offset: number; bytes: number }[]) =>
    tensors.map(({ offset, bytes: length }) => `${length} bytes at ${offset}`).join(", ");
  const figures: [string, string][] = [
    ["name", `${manifest.name}${manifest.version ? ` ${manifest.version}` : ""}`],
    ["kind, ABI", `${manifest.kind}, ${manifest.abi}`],
    [
      "payload",
      `${manifest.payloadBytes} bytes, sha256 ${Buffer.from(manifest.payloadSha256).toString("hex").slice(0, 16)}…`,
    ],
    ["linear memory", `${manifest.linearMemoryBytes} bytes`],
    ["runtime", `${manifest.runtimeBytes} bytes (modelled)`],
    ["inputs", places(manifest.inputs)],
    ["outputs", places(manifest.outputs)],
    ["opcode budget", String(manifest.opcodeBudget)],
    ["layers", manifest.layers === 0 ? "not reported (compile with --profile)" : String(manifest.layers)],
  ];
  for (const [name, value] of figures) output.line(`  ${name.padEnd(14)} ${value}`);
}
