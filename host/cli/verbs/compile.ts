/** `wamlet compile`: a quantised .tflite becomes a module. */
import { basename, join } from "node:path";
import type { Account } from "../../compiler/account.js";
import type { CompiledModule } from "../../compiler/compile.js";
import { aimText } from "../aim_text.js";
import { formatBytes, formatCount } from "../format.js";
import { boardOption, labelsOption, optimizeOption } from "../options.js";
import type { Output } from "../output.js";
import { defineVerb } from "../verb.js";

export const compile = defineVerb({
  description:
    "Compiles a quantised .tflite model into a WebAssembly module that runs on every board. With --board it is " +
    "refused here, not on the desk of a customer, if it does not fit.",
  positionals: {
    model: { type: "string", demandOption: true, describe: "The .tflite file, or zoo:NAME" },
  },
  options: {
    output: {
      alias: "o",
      type: "string",
      requiresArg: true,
      describe: "Module file (default: <model>.wasm)",
    },
    ...boardOption,
    ...labelsOption,
    ...optimizeOption,
    name: { type: "string", requiresArg: true, describe: "Name to deploy by (default: the file's name)" },
    "module-version": { type: "string", requiresArg: true, describe: "Version, free text" },
    profile: { type: "boolean", default: false, describe: "Report layers, for profile --layers" },
    "emit-source": {
      type: "string",
      requiresArg: true,
      describe: "Also write the AssemblyScript to this folder",
    },
  },
  examples: [
    ["compile kws.tflite", "Write kws.wasm"],
    ["compile kws.tflite --board esp32", "Refuse it if it does not fit an ESP32"],
    ["compile kws.tflite -o kws_profile.wasm --profile", "A build that tells layers apart"],
    ["compile kws.tflite --optimize size", "The smallest module"],
    ["compile kws.tflite --emit-source build/", "Read what runs on the board"],
    ["compile zoo:kws", "A well-known model, downloaded once (wamlet zoo list)"],
  ],
  async run(args, context) {
    const { output } = context;
    const { compileFile, defaultOutput } = await import("../compile_file.js");
    const started = performance.now();
    const module = await compileFile(args.model, args, context);
    const seconds = (performance.now() - started) / 1000;
    const { writeFileWhole } = await import("../write_file.js");
    const path = args.output ?? defaultOutput(args.model);
    if (args["emit-source"] !== undefined) await writeSources(args["emit-source"], module);
    await writeFileWhole(path, module.bytes);
    output.result(moduleJson(module, path, seconds), () => showModule(module, path, seconds, output));
    return 0;
  },
});

/** The entry and the kernels, so that `asc module.ts` in that folder reads what was compiled. */
async function writeSources(folder: string, module: CompiledModule): Promise<void> {
  const { mkdir } = await import("node:fs/promises");
  const { dirname } = await import("node:path");
  const { moduleSources } = await import("../../compiler/assembler.js");
  const { writeFileWhole } = await import("../write_file.js");
  for (const [path, text] of Object.entries(moduleSources(module.sources))) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFileWhole(join(folder, path), text);
  }
}

function moduleJson(module: CompiledModule, path: string, seconds: number) {
  const { manifest, description } = module;
  return {
    path,
    name: manifest.name,
    fileBytes: module.bytes.length,
    moduleBytes: module.payload.length,
    weightBytes: module.weightBytes,
    codeBytes: module.payload.length - module.weightBytes,
    sha256: Buffer.from(manifest.payloadSha256).toString("hex"),
    memory: { ...description.memory, buffers: undefined },
    macs: description.layers.reduce((sum, layer) => sum + layer.macs, 0),
    layers: description.layers.length,
    profile: manifest.layers > 0,
    kernelsFor: module.aim,
    account: module.account,
    seconds,
  };
}

function showModule(module: CompiledModule, path: string, seconds: number, output: Output): void {
  const { bold, dim } = output.colors;
  const { description } = module;
  const { memory, layers } = description;
  const macs = layers.reduce((sum, layer) => sum + layer.macs, 0);
  const code = module.payload.length - module.weightBytes;
  output.line(
    `${bold(basename(path))}  ${layers.length} layers, ${formatCount(macs)} MACs, ${seconds.toFixed(1)} s`,
  );
  output.line(
    `  module         ${formatBytes(module.payload.length)}  (code ${formatBytes(code)}, weights ${formatBytes(module.weightBytes)})`,
  );
  output.line(
    `  linear memory  ${formatBytes(memory.linearMemoryBytes)}  (plan ${memory.planBytes} bytes, lower bound ${memory.lowerBoundBytes}, greedy ${memory.greedyBytes})`,
  );
  output.line(`  kernels        for ${aimText(module.aim)}`);
  if (module.account) showAccount(module.account, output);
  else output.line(dim("  Give --board to see whether it fits."));
}

/** The account of a module on a board, part by part. */
export function showAccount(account: Account, output: Output): void {
  const { dim, green, red } = output.colors;
  output.line();
  output.line(`On ${account.board}:`);
  for (const { resource, parts, usedBytes, availableBytes, leftBytes } of account.lines) {
    const left =
      leftBytes >= 0 ? green(`${formatBytes(leftBytes)} left`) : red(`${formatBytes(-leftBytes)} too many`);
    output.line(
      `  ${resource.padEnd(14)} ${formatBytes(usedBytes)} of ${formatBytes(availableBytes)}, ${left}`,
    );
    for (const part of parts)
      output.line(dim(`    ${part.name.padEnd(26)} ${formatBytes(part.bytes).padStart(9)}  ${part.source}`));
  }
  const arrival = account.overlaps
    ? "the next frame arrives while one is computed"
    : "a frame is larger than the buffer: the host sends it between two inferences";
  output.line(
    `  receive buffer ${formatBytes(account.receiveBufferBytes)}, input ${formatBytes(account.inputBytes)}: ${arrival}`,
  );
}
