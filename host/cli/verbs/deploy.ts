/** `wamlet deploy`: a model or module becomes one of the modules that a board stores. */
import type { Account } from "../../compiler/account.js";
import type { WamletModule } from "../../module/layout.js";
import type { Deployment } from "../deploy_module.js";
import { formatBytes, formatTime } from "../format.js";
import { boardOption, labelsOption, optimizeOption, portOptions } from "../options.js";
import type { Output } from "../output.js";
import { defineVerb } from "../verb.js";

export const deploy = defineVerb({
  description:
    "Stores a module on a board and has it read back from flash. A .tflite is compiled first, for the board that " +
    "answers. A deploy that was interrupted goes on where it stopped; the active module is never written over.",
  positionals: {
    file: { type: "string", demandOption: true, describe: "A .tflite model or a .wasm module" },
  },
  options: {
    ...portOptions,
    ...boardOption,
    name: { type: "string", requiresArg: true, describe: "Name to store it by (default: the file's name)" },
    activate: {
      type: "boolean",
      default: true,
      describe: "Make it the active module; --no-activate only stores it",
    },
    ...labelsOption,
    ...optimizeOption,
    profile: { type: "boolean", default: false, describe: "Compile a build that tells layers apart" },
  },
  examples: [
    ["deploy kws.tflite", "Compile for the attached board, store, verify, activate"],
    ["deploy kws.wasm --port /dev/ttyUSB0 --no-activate", "Store a compiled module beside the active one"],
    ["deploy kws.tflite --port 'emulator:esp32?flash=board.flash'", "A virtual board that remembers"],
    ["deploy kws.tflite --port tcp://localhost:7070", 'The board of a running "wamlet emulate"'],
  ],
  async run(args, context) {
    const { whichBoard, withBoard } = await import("../board_connection.js");
    const { loadModule } = await import("../compile_file.js");
    const { deployWithProgress } = await import("../deploy_module.js");
    const { accountFor } = await import("../../compiler/account.js");
    const { output, progress } = context;
    await withBoard(args, context, async (connection) => {
      const { session, board } = connection;
      const { labels, name, profile, optimize } = args;
      const module = await loadModule(
        args.file,
        { labels, name, profile, optimize, board: board ?? undefined },
        context,
      );
      const deployment = await deployWithProgress(
        connection,
        module,
        { name, activate: args.activate },
        context,
      );
      const account = board === null ? null : accountFor(module, board);
      const { info, url } = session;
      const active = (await session.modules()).some(
        (stored) => stored.active && stored.name === deployment.name,
      );
      const where = { name: info.board, chip: info.chip, port: url };
      output.result({ ...deployment, active, board: where, account }, () => {
        showDeployment(module, deployment, active, whichBoard(connection), output);
        if (account !== null) showRam(account, output);
      });
      if (url.startsWith("emulator:") && !url.includes("flash=")) {
        progress.note(
          `note: this virtual board forgets when the command ends; keep it with --port '${url}${url.includes("?") ? "&" : "?"}flash=board.flash'.`,
        );
      }
    });
    return 0;
  },
});

function showDeployment(
  module: WamletModule,
  deployment: Deployment,
  active: boolean,
  where: string,
  output: Output,
): void {
  const { bold, dim, green } = output.colors;
  const { name, slot, payloadBytes, sentBytes, resumedAt, microseconds, bytesPerSecond, clock } = deployment;
  const line = (label: string, text: string) => output.line(`  ${label.padEnd(11)}${text}`);
  output.line(`${bold(name)} is on ${where}`);
  const weights = module.abi.weights?.bytes ?? 0;
  line(
    "module",
    `${formatBytes(payloadBytes)}: code ${formatBytes(payloadBytes - weights)}, weights ${formatBytes(weights)}`,
  );
  const there = `the ${formatBytes(resumedAt)} that were there already`;
  const pace = `in ${formatTime(microseconds)}, ${formatBytes(Math.round(bytesPerSecond))}/s ${dim(`(${clock}, flash included)`)}`;
  if (sentBytes === 0) line("sent", "nothing: the board had all of it");
  else line("sent", `${formatBytes(sentBytes)} ${pace}${resumedAt > 0 ? `, after ${there}` : ""}`);
  line("read back", `${green("SHA-256 matches")}  ${dim(deployment.sha256.slice(0, 32))}…`);
  line("slot", `${slot}, ${active ? "active" : "not active"}`);
}

/** What it takes of the board's memory when it is loaded, in a line each. */
export function showRam(account: Account, output: Output): void {
  const { dim } = output.colors;
  const pool = account.lines.find(({ resource }) => resource === "RAM pool");
  const [linear, ...runtime] = pool?.parts ?? [];
  if (pool === undefined || linear === undefined) return;
  const runtimeBytes = runtime.reduce((sum, { bytes }) => sum + bytes, 0);
  output.line(
    `  RAM        linear memory ${formatBytes(linear.bytes)}, runtime ${formatBytes(runtimeBytes)} ${dim("(modelled)")}: ${formatBytes(pool.leftBytes)} of ${formatBytes(pool.availableBytes)} left`,
  );
  const overlap = account.overlaps
    ? "the next frame arrives while one is computed"
    : "a frame is larger: the host sends it between two inferences";
  output.line(
    `             receive buffer ${formatBytes(account.receiveBufferBytes)}, frame ${formatBytes(account.inputBytes)}: ${overlap}`,
  );
}
