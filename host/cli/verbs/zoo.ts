/** `wamlet zoo`: well-known quantised models by name. */
import type { ZooModel } from "../../zoo/zoo_models.js";
import { formatBytes, wrapText } from "../format.js";
import type { Output } from "../output.js";
import { formatTable } from "../table.js";
import { defineVerb } from "../verb.js";

export const zoo = defineVerb({
  description:
    "Well-known quantised models, from MLPerf Tiny and TensorFlow Lite Micro. `pull NAME` downloads one, checks its " +
    "SHA-256 and keeps it; wherever a model is expected, zoo:NAME does the same. WAMLET_ZOO_MIRROR names a folder or " +
    "an address that has the files, for use without the internet.",
  positionals: {
    action: { choices: ["list", "info", "pull"], default: "list", describe: "What to do" },
    name: { type: "string", describe: "Name of a model" },
  },
  options: {},
  examples: [
    ["zoo", "What there is"],
    ["zoo info kws", "Where it comes from, what it takes and gives"],
    ["zoo pull kws", "Download it"],
    ["compile zoo:kws", "Download it where it is not kept yet, and compile it"],
  ],
  async run({ action, name }, context) {
    const { output } = context;
    const { WamletError } = await import("../../errors.js");
    const { findZooModel, listZoo } = await import("../../zoo/zoo_models.js");
    if ((action === "list") !== (name === undefined)) {
      throw new WamletError(
        "WAMLET_USAGE",
        action === "list" ? "list takes no name." : `${action} needs the name of a model.`,
        `Write it as: wamlet zoo ${action === "list" ? "list" : `${action} NAME`}.`,
      );
    }
    if (name === undefined) {
      const models = listZoo();
      output.result({ models }, () => showModels(models, output));
      return 0;
    }
    const model = findZooModel(name);
    if (action === "info") {
      output.result(model, () => showModel(model, output));
      return 0;
    }
    const { pullWithProgress } = await import("../model_file.js");
    const { path, from } = await pullWithProgress(model, context);
    output.result({ name: model.name, path, from, bytes: model.bytes, sha256: model.sha256 }, () => {
      const { bold, dim } = output.colors;
      const how = from === null ? "was here already" : `came from ${from}`;
      output.line(`${bold(path)}  ${formatBytes(model.bytes)}, SHA-256 as the zoo says`);
      output.line(dim(`It ${how}.`));
    });
    return 0;
  },
});

function showModels(models: readonly ZooModel[], output: Output): void {
  const rows = models.map(({ name, title, task, bytes, inputs, labels, licence }) => [
    output.colors.bold(name),
    title,
    task,
    formatBytes(bytes),
    inputs.map(({ shape }) => shape.join("×")).join(", "),
    labels.length > 0 ? `${labels.length} classes` : "",
    licence,
  ]);
  const columns = [
    { heading: "name" },
    { heading: "what it is" },
    { heading: "task" },
    { heading: "file", align: "right" },
    { heading: "input" },
    { heading: "output" },
    { heading: "licence" },
  ] as const;
  output.line(formatTable(columns, rows, output.colors));
}

/** Room for the longest label. */
const labelColumns = 11;

function showModel(model: ZooModel, output: Output): void {
  const { bold, dim } = output.colors;
  const line = (label: string, text: string) => {
    wrapText(text, output.columns - labelColumns - 2).forEach((part, index) => {
      output.line(`  ${(index === 0 ? label : "").padEnd(labelColumns)}${part}`);
    });
  };
  output.line(`${bold(model.name)}  ${model.title}`);
  line("task", model.task);
  for (const { type, shape, meaning } of model.inputs)
    line("input", `${type} ${shape.join("×")}: ${meaning}`);
  if (model.labels.length > 0) line("classes", model.labels.join(", "));
  if (model.quality) {
    line("accuracy", model.quality.text);
    line("", dim(model.quality.source));
  }
  line("checked", model.goldens);
  line("licence", model.licence);
  line("file", `${model.file}, ${formatBytes(model.bytes)}`);
  line("SHA-256", model.sha256);
  line("source", model.source);
}
