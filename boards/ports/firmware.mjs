/**
 * `npm run firmware -- qemu-cortex-m4`: builds a board's firmware, prints what it takes, and fails where that is more
 * than the budget in its port.json. `npm run firmware -- esp-idf` is told in esp-idf/firmware.mjs.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { buildAgent } from "../../dist/host/emulator/agent_build.js";
import { espIdfFirmware } from "./esp-idf/firmware.mjs";

const board = process.argv[2] ?? "";
if (board === "esp-idf") {
  await espIdfFirmware(process.argv.slice(3));
  process.exit();
}
const port = JSON.parse(readFileSync(new URL(`./${board}/port.json`, import.meta.url), "utf8"));
const image = await buildAgent(board, { environment: process.env });
const tool = (name) => port.compiler.replace(/gcc$/, name);
const output = (name, ...words) => spawnSync(tool(name), [...words, image], { encoding: "utf8" }).stdout;

const [text, data, staticBytes] = output("size").split("\n")[1].trim().split(/\s+/).map(Number);
const symbols = new Map(
  output("nm")
    .split("\n")
    .map((line) => line.split(" "))
    .map(([address, , name]) => [name, Number.parseInt(address, 16)]),
);
const span = (from, to) => symbols.get(to) - symbols.get(from);
const taken = {
  flashBytes: text + data,
  // .bss as `size` counts it holds the stack, which is an area of its own here.
  ramBytes: data + staticBytes,
};
const pool = span("machine_pool_start", "machine_pool_end");
const stack = span("machine_stack_bottom", "machine_stack_top");
const lines = [
  `image  ${image}`,
  `flash  ${text} B text, ${data} B data; budget ${port.budget.flashBytes} B`,
  `RAM    ${taken.ramBytes} B, ${stack} B of them stack; budget ${port.budget.ramBytes} B`,
  `pool   ${pool} B for WAMR and modules`,
];
for (const [name, bytes] of Object.entries(taken)) {
  if (bytes <= port.budget[name]) continue;
  lines.push(`${name}: ${bytes} exceed the budget of ${port.budget[name]}`);
  process.exitCode = 1;
}
process.stdout.write(`${lines.join("\n")}\n`);
