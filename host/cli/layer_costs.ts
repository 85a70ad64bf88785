/** The tables of `wamlet inspect` about layers: what each costs, and why it has the kernel that it has. */
import type { CompiledModule } from "../compiler/compile.js";
import type { ModelDescription } from "../module/description.js";
import { aimText } from "./aim_text.js";
import { bar, formatBytes, formatCount } from "./format.js";
import type { Output } from "./output.js";
import { formatTable } from "./table.js";

/** Layers with their modelled cost. */
export function showLayers({ layers }: ModelDescription, output: Output): void {
  const total = layers.reduce((sum, layer) => sum + layer.opcodes, 0);
  const macs = layers.reduce((sum, layer) => sum + layer.macs, 0);
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0);
  output.line();
  output.line(
    formatTable(
      [
        { heading: "layer", align: "right" },
        { heading: "operator" },
        { heading: "output" },
        { heading: "kernel" },
        { heading: "MACs", align: "right" },
        { heading: "parameters", align: "right" },
        { heading: "opcodes", align: "right" },
        { heading: "per MAC", align: "right" },
        { heading: "share" },
      ],
      [
        ...layers.map((layer) => [
          String(layer.index),
          layer.operator,
          `[${layer.outputShape.join(",")}]`,
          layer.kernel,
          layer.macs ? formatCount(layer.macs) : "",
          layer.parameters ? formatCount(layer.parameters) : "",
          formatCount(layer.opcodes),
          layer.macs ? (layer.opcodes / layer.macs).toFixed(2) : "",
          bar(total === 0 ? 0 : layer.opcodes / total, 16),
        ]),
        [
          "",
          output.colors.bold("total"),
          "",
          "",
          formatCount(macs),
          formatCount(parameters),
          formatCount(total),
          macs ? (total / macs).toFixed(2) : "",
          "",
        ],
      ],
      output.colors,
    ),
  );
  output.line(output.colors.dim("Opcodes are modelled from the kernels' loops (WAMR's fast interpreter)."));
}

/** The choice of kernels: what each takes, why it is the one, and the next best. Two lines a layer: names are long. */
export function showChoices({ choices, aim }: CompiledModule, output: Output): void {
  const { dim } = output.colors;
  const made = choices.filter(({ runnerUp }) => runnerUp !== null);
  if (made.length === 0) return;
  output.line();
  output.line(`Kernels chosen for ${aimText(aim)}`);
  for (const { layer, kernel, opcodes, codeBytes, scratchBytes, weightBytes, runnerUp, reason } of made) {
    const takes = [
      ["code", codeBytes],
      ["RAM", scratchBytes],
      ["weights", weightBytes],
    ] as const;
    const parts = takes.flatMap(([what, bytes]) => (bytes > 0 ? [`${what} ${formatBytes(bytes)}`] : []));
    const next = runnerUp && `${runnerUp.kernel}, ${percent(runnerUp.opcodes, opcodes)} of the opcodes`;
    const taken = parts.length > 0 ? `  ${dim(parts.join(", "))}` : "";
    output.line(`${String(layer).padStart(5)}  ${kernel}${taken}`);
    output.line(`       ${reason}; ${dim(`next: ${next}`)}`);
  }
  output.line(dim("Code: the generated kernel, estimated. RAM: beside the tensors, while the layer runs."));
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${((100 * part) / whole).toFixed(0)} %`;
}
