/**
 * `npm run firmware -- qemu-cortex-m4`: builds a board's firmware, prints what it takes, and fails where that is more
 * than the budget in its port.json. `npm run firmware -- esp-idf` is told in esp-idf/firmware.mjs.
 */
import { existsSync, readdirSync } from "node:fs";
import { runScript } from "../../dist/host/cli/run_script.js";
import { buildFirmware } from "../../dist/host/emulator/firmware_build.js";
import { firmwareSize } from "../../dist/host/emulator/firmware_size.js";
import { WamletError } from "../../dist/host/errors.js";
import { packagePath } from "../../dist/host/package_root.js";
import { espIdfFirmware } from "./esp-idf/firmware.mjs";

const [board, ...words] = process.argv.slice(2);
await runScript(async () => (board === "esp-idf" ? espIdfFirmware(words) : buildAndSay(portNamed(board))));

function portNamed(name) {
  const ports = readdirSync(packagePath("boards", "ports")).filter((port) =>
    existsSync(packagePath("boards", "ports", port, "port.json")),
  );
  if (ports.includes(name)) return name;
  throw new WamletError(
    "WAMLET_USAGE",
    name === undefined ? "No port is named." : `No firmware is built for "${name}".`,
    `Write npm run firmware -- with one of ${ports.join(", ")}, esp-idf.`,
  );
}

async function buildAndSay(port) {
  const image = await buildFirmware(port, { environment: process.env });
  const size = await firmwareSize(port, image);
  const { budget } = size;
  const lines = [
    `image  ${image}`,
    `flash  ${size.textBytes} B text, ${size.dataBytes} B data; budget ${budget.flashBytes} B`,
    `RAM    ${size.ramBytes} B, ${size.stackBytes} B of them stack; budget ${budget.ramBytes} B`,
    `pool   ${size.poolBytes} B for WAMR and modules`,
  ];
  const exceeded = ["flashBytes", "ramBytes"].filter((name) => size[name] > budget[name]);
  for (const name of exceeded) lines.push(`${name}: ${size[name]} exceed the budget of ${budget[name]}`);
  process.stdout.write(`${lines.join("\n")}\n`);
  return exceeded.length > 0 ? 1 : 0;
}
