/**
 * `npm run firmware -- qemu-cortex-m4`: builds a board's firmware, prints what it takes, and fails where that is more
 * than the budget in its port.json. `npm run firmware -- esp-idf` is told in esp-idf/firmware.mjs.
 */
import { buildFirmware } from "../../dist/host/emulator/firmware_build.js";
import { firmwareSize } from "../../dist/host/emulator/firmware_size.js";
import { espIdfFirmware } from "./esp-idf/firmware.mjs";

const board = process.argv[2] ?? "";
if (board === "esp-idf") {
  await espIdfFirmware(process.argv.slice(3));
  process.exit();
}
const image = await buildFirmware(board, { environment: process.env });
const size = await firmwareSize(board, image);
const { budget } = size;
const lines = [
  `image  ${image}`,
  `flash  ${size.textBytes} B text, ${size.dataBytes} B data; budget ${budget.flashBytes} B`,
  `RAM    ${size.ramBytes} B, ${size.stackBytes} B of them stack; budget ${budget.ramBytes} B`,
  `pool   ${size.poolBytes} B for WAMR and modules`,
];
for (const name of ["flashBytes", "ramBytes"]) {
  if (size[name] <= budget[name]) continue;
  lines.push(`${name}: ${size[name]} exceed the budget of ${budget[name]}`);
  process.exitCode = 1;
}
process.stdout.write(`${lines.join("\n")}\n`);
