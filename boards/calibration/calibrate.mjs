/**
 * `npm run calibrate`: measures what each class of opcodes takes and writes cost tables (boards/costs).
 *
 *     npm run calibrate                                     every table that an emulated board gives
 *     npm run calibrate -- --board qemu-riscv32             one of them
 *     npm run calibrate -- --port /dev/ttyUSB0 --out FILE   of a board that is attached; it needs a free slot
 *
 * Counts of emulated boards are exact: running it again writes the same bytes.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { openBoard } from "../../dist/host/board/board_session.js";
import { oneOf, runScript, scriptOptions } from "../../dist/host/cli/run_script.js";
import { loadBoard } from "../../dist/host/descriptor/load_board.js";
import { buildAgent } from "../../dist/host/emulator/agent_build.js";
import { startAgent } from "../../dist/host/emulator/agent_process.js";
import { readPort } from "../../dist/host/emulator/firmware_build.js";
import { WamletError } from "../../dist/host/errors.js";
import { calibrate } from "./measure.mjs";

/** Boards that a table of this repository comes from. */
const emulated = ["qemu-cortex-m4", "qemu-cortex-m7", "qemu-riscv32"];

await runScript(async () => {
  const { values } = scriptOptions(
    { options: { board: { type: "string" }, port: { type: "string" }, out: { type: "string" } } },
    "Write npm run calibrate --, then nothing, --board NAME, or --port PORT --out FILE.",
  );
  const { board, port, out } = values;
  if (port !== undefined) await ofPort(port, out);
  else await ofEmulated(board === undefined ? emulated : [oneOf("--board", board, emulated)], out);
});

async function ofPort(port, out) {
  if (out === undefined)
    throw new WamletError("WAMLET_USAGE", "--port needs --out.", "Give the file where the table goes.");
  const session = await openBoard(port);
  try {
    write(out, await tableOf(session, basename(out, ".json"), "the same"));
  } finally {
    await session.close();
  }
}

async function ofEmulated(names, out) {
  for (const name of names) {
    const board = loadBoard(name);
    const executable = await buildAgent(name, { environment: process.env });
    const running = await startAgent({ board, executable, listen: "tcp:0" });
    try {
      const session = await openBoard(running.url, { connectTimeout: 60_000 });
      const { compiler } = readPort(name);
      const { stdout } = spawnSync(compiler, ["-dumpfullversion"], { encoding: "utf8" });
      write(
        out ?? costs(board.cost.name),
        await tableOf(session, board.cost.name, `${compiler} ${stdout.trim()} -O2`),
      );
      await session.close();
    } finally {
      await running.close();
    }
  }
  // Nothing emulates an Xtensa with WAMR here: its table is made of the two that were measured.
  if (out === undefined) write(costs("xtensa"), xtensa(read("rv32imac"), read("armv7em")));
}

async function tableOf(session, name, compiler) {
  const { board, runtimeName, runtimeVersion, countSource } = session.info;
  const figures = await calibrate(session, (what) => process.stderr.write(`${board}: ${what}\n`));
  return {
    $schema: "../schema.json#/$defs/costTable",
    name,
    source: `measured: npm run calibrate on ${board} (${runtimeName} ${runtimeVersion}, ${compiler}); ${countSource}`,
    ...figures,
  };
}

/** A load-store machine with base-plus-offset addressing, like rv32imac; but ESP32 and ESP32-S3 have an FPU for f32. */
function xtensa(rv32imac, armv7em) {
  return {
    ...rv32imac,
    name: "xtensa",
    source:
      "assumed: the figures of rv32imac (a load-store machine with base-plus-offset addressing, like Xtensa; costs/rv32imac.json), but f32Arithmetic as on Cortex-M4, because the chip has a single-precision FPU. Instructions, not cycles.",
    notes: {
      f32Arithmetic: "assumed: as armv7em",
      others: "assumed: as rv32imac, measured there",
    },
    opcode: { ...rv32imac.opcode, f32Arithmetic: armv7em.opcode.f32Arithmetic },
  };
}

function costs(name) {
  return fileURLToPath(new URL(`../costs/${name}.json`, import.meta.url));
}

function read(name) {
  return JSON.parse(readFileSync(costs(name), "utf8"));
}

/** Whole or not at all. */
function write(path, table) {
  writeFileSync(`${path}.part`, `${JSON.stringify(table, null, 2)}\n`);
  renameSync(`${path}.part`, path);
  process.stdout.write(`${path}\n`);
}
