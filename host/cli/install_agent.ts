/**
 * `wamlet flash --board qemu-riscv32`: the boards of this computer. Their firmware is not sent anywhere: it is built,
 * and `wamlet emulate` starts what was built.
 */
import { stat } from "node:fs/promises";
import { type AgentBoard, buildAgent } from "../emulator/agent_build.js";
import { locateFirmware } from "../emulator/firmware_build.js";
import { type FirmwareSize, firmwareSize } from "../emulator/firmware_size.js";
import { WamletError } from "../errors.js";
import { formatBytes } from "./format.js";
import type { Output } from "./output.js";
import type { Context } from "./verb.js";

/** What of the verb's arguments decides. */
export interface InstallArguments {
  readonly source: string | undefined;
  readonly image: readonly string[] | undefined;
  readonly port: string | undefined;
  readonly list: boolean;
}

/**
 * Builds the agent of a board that this computer emulates, or says with `--list` what is there.
 * @throws WamletError WAMLET_USAGE, WAMLET_MISSING_TOOL, WAMLET_BUILD_FAILED, WAMLET_INTERRUPTED
 */
export async function installAgent(board: AgentBoard, args: InstallArguments, context: Context): Promise<0> {
  const { source, image, port, list } = args;
  if (source !== undefined || image !== undefined || port !== undefined) {
    throw new WamletError(
      "WAMLET_USAGE",
      `${board} is emulated: it has no port, and runs the firmware that is built for it.`,
      `Write it as: wamlet flash --board ${board}.`,
    );
  }
  if (list) await showBuilt(board, context);
  else await build(board, context);
  return 0;
}

async function build(board: AgentBoard, { output, progress, signal, environment }: Context): Promise<void> {
  const onLine = (line: string) => progress.show(`building the agent: ${line}`);
  const image = await buildAgent(board, { environment, signal, onLine });
  progress.clear();
  const size = board === "linux" ? null : await firmwareSize(board, image);
  const bytes = (await stat(image)).size;
  output.result({ board, image, bytes, built: true, size }, () => {
    const { bold, green } = output.colors;
    output.line(`${green("✔")} The agent for ${bold(board)} is built`);
    output.line(`  image  ${image}`);
    if (size === null) output.line(`  size   ${formatBytes(bytes)}`);
    else showSize(size, output);
    output.line(`Start it: ${bold(`wamlet emulate --board ${board}`)}`);
  });
}

async function showBuilt(board: AgentBoard, { output, signal, environment }: Context): Promise<void> {
  if (board === "linux") {
    output.result({ board, image: null, built: null, size: null }, () => {
      output.line("linux is built by cargo, which finds out by itself what has changed.");
    });
    return;
  }
  const { path: image, built } = await locateFirmware(board, { environment, signal });
  const size = built ? await firmwareSize(board, image) : null;
  output.result({ board, image, built, size }, () => {
    output.line(`${output.colors.bold(board)}: ${built ? "built" : "not built yet"}`);
    output.line(`  image  ${image}`);
    if (size !== null) showSize(size, output);
  });
}

function showSize(
  { flashBytes, ramBytes, stackBytes, poolBytes, budget }: FirmwareSize,
  output: Output,
): void {
  const of = (bytes: number) => output.colors.dim(`(budget ${formatBytes(bytes)})`);
  output.line(`  flash  ${formatBytes(flashBytes)} ${of(budget.flashBytes)}`);
  output.line(
    `  RAM    ${formatBytes(ramBytes)}, stack ${formatBytes(stackBytes)} of it ${of(budget.ramBytes)}`,
  );
  output.line(`  pool   ${formatBytes(poolBytes)} for modules`);
}
