/**
 * `npm run overhead`: what the agent takes around an inference, on each emulated board: instructions for a call of
 * `infer`, for the protocol by frame and by byte, and bytes a second on the line. Instructions are what QEMU counts while
 * the agent is awake (`machine_awake` in boards/ports/bare-metal/main.c, read through QEMU's monitor), less what it
 * counts for inferences. Bytes a second are in real time: an emulated UART has no rate of its own.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { openBoard } from "../../dist/host/board/board_session.js";
import { oneOf, runScript, scriptOptions } from "../../dist/host/cli/run_script.js";
import { loadBoard } from "../../dist/host/descriptor/load_board.js";
import { buildAgent } from "../../dist/host/emulator/agent_build.js";
import { startAgent } from "../../dist/host/emulator/agent_process.js";
import { readPort } from "../../dist/host/emulator/firmware_build.js";
import { returnModule } from "./measure.mjs";

const boards = ["qemu-cortex-m4", "qemu-cortex-m7", "qemu-riscv32"];
/** Bytes of a frame and of its answer. */
const lengths = [4, 2052];
const frames = 100;
const deployBytes = 128 * 1024;

await runScript(async () => {
  const { values } = scriptOptions(
    { options: { board: { type: "string", multiple: true, default: [] } } },
    "Write npm run overhead -- [--board NAME]….",
  );
  const asked = values.board.map((name) => oneOf("--board", name, boards));
  const rows = [];
  for (const name of asked.length > 0 ? asked : boards) rows.push(await measure(name));
  const lines = [
    "| Board | call of `infer` | protocol, a frame | protocol, a byte | deploy | stream, each way |",
    "|---|---|---|---|---|---|",
    ...rows,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
});

async function measure(name) {
  const board = loadBoard(name);
  const executable = await buildAgent(name, { environment: process.env });
  const folder = mkdtempSync(join(tmpdir(), "wamlet-overhead-"));
  const socket = join(folder, "monitor");
  const emulatorWords = ["-monitor", `unix:${socket},server=on,wait=off`];
  const running = await startAgent({ board, executable, listen: "tcp:0", emulatorWords });
  const monitor = await openMonitor(socket, addressOf(name, executable, "machine_awake"));
  const session = await openBoard(running.url, { connectTimeout: 60_000 });
  try {
    const [small, large] = lengths;
    const short = await overheadOf(session, monitor, small);
    const long = await overheadOf(session, monitor, large);
    const byte = (long.instructions - short.instructions) / (2 * (large - small));
    const started = performance.now();
    await session.deploy(returnModule(4, deployBytes));
    const deploy = deployBytes / (performance.now() - started);
    const figures = [
      `${short.call} instructions`,
      `${Math.round((short.instructions - 2 * small * byte) / 100) * 100}`,
      byte.toFixed(0),
      `${deploy.toFixed(0)} KB/s`,
      `${long.kilobytesPerSecond.toFixed(0)} KB/s`,
    ];
    return `| \`${name}\` | ${figures.join(" | ")} |`;
  } finally {
    await session.close();
    monitor.end();
    await running.close();
    rmSync(folder, { recursive: true });
  }
}

/**
 * Frames of this length, whose answers are as long, through a module that only returns: one at a time, as instructions
 * are counted, then as fast as they go.
 */
async function overheadOf(session, monitor, bytes) {
  const module = returnModule(bytes);
  await session.deploy(module);
  const loaded = await session.load(module.manifest.name);
  const input = [new Uint8Array(bytes)];
  await loaded.infer(input);
  const before = await monitor.awake();
  let counted = 0;
  for (let frame = 0; frame < frames; frame++) counted += (await loaded.infer(input)).count.value;
  const after = await monitor.awake();
  const started = performance.now();
  for await (const { outputs } of loaded.stream(Array.from({ length: frames }, () => input))) void outputs;
  const milliseconds = performance.now() - started;
  await loaded.unload();
  await session.remove(module.manifest.name);
  return {
    call: Math.round(counted / frames),
    instructions: (after - before - counted) / frames,
    kilobytesPerSecond: (bytes * frames) / milliseconds,
  };
}

function addressOf(name, executable, symbol) {
  const { stdout } = spawnSync(readPort(name).compiler.replace(/gcc$/, "nm"), [executable], {
    encoding: "utf8",
  });
  const line = stdout.split("\n").find((text) => text.endsWith(` ${symbol}`));
  if (line === undefined) throw new Error(`${executable} has no ${symbol}`);
  return Number.parseInt(line, 16);
}

/** QEMU's monitor, asked for one integer of 64 bits. */
async function openMonitor(path, address) {
  const socket = connect(path);
  socket.setEncoding("utf8");
  let said = "";
  socket.on("data", (text) => {
    said += text;
  });
  const ask = async () => {
    said = "";
    socket.write(`xp /2xw 0x${address.toString(16)}\n`);
    for (;;) {
      const found = /: (0x[0-9a-f]{8}) (0x[0-9a-f]{8})/.exec(said);
      if (found !== null) return Number(found[1]) + Number(found[2]) * 2 ** 32;
      await setTimeout(10);
    }
  };
  return {
    /** Once the agent is asleep: the same twice. */
    async awake() {
      for (let last = -1; ; ) {
        const now = await ask();
        if (now === last) return now;
        last = now;
        await setTimeout(200);
      }
    },
    end: () => socket.destroy(),
  };
}
