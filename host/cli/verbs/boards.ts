/** `wamlet boards`: the descriptors that Wamlet knows and the serial devices that are attached. */

import type { AttachedPort } from "../../board/ports.js";
import type { Board, Sourced } from "../../descriptor/board.js";
import { usbText } from "../../descriptor/usb_id.js";
import { digits, formatBytes, formatEnergy, formatFrequency, wrapText } from "../format.js";
import { portOptions } from "../options.js";
import type { Output } from "../output.js";
import { type Context, defineVerb } from "../verb.js";

export const boards = defineVerb({
  description:
    "Lists the boards that Wamlet has a descriptor of, and the attached serial devices with the boards that they " +
    "may be. With a name or the path of a descriptor: every figure of that board, and where it comes from. --probe " +
    "asks each attached ESP32 board which chip it has, which resets it.",
  positionals: { name: { type: "string", describe: "A board, or the path of a descriptor" } },
  options: {
    probe: { type: "boolean", default: false, describe: "Ask the chips themselves; resets the boards" },
    port: { ...portOptions.port, describe: "Port to probe, listed or not" },
  },
  examples: [
    ["boards", "What is known, and what is attached"],
    ["boards esp32", "Every figure of a board with its source"],
    ["boards ./myboard.json", "Check a descriptor of your own"],
    ["boards --probe", "Which chips, not only which ports"],
    ["boards --json", "The same for a program"],
  ],
  async run({ name, probe, port }, context) {
    const { output } = context;
    const { listBoards, loadBoard } = await import("../../descriptor/load_board.js");
    if (name !== undefined) {
      const board = loadBoard(name);
      output.result(board, () => showBoard(board, output));
      return 0;
    }
    const { listPorts } = await import("../../board/ports.js");
    const known = listBoards().map((each) => loadBoard(each));
    const attached = await listPorts();
    const probed = probe || port !== undefined ? await probeChips(attached, port, context) : [];
    const { formatTable } = await import("../table.js");
    const chips = probed.map(({ plain }) => plain);
    output.result({ boards: known, attached, ...(probe || port !== undefined ? { chips } : {}) }, () => {
      output.line(formatTable(knownColumns, known.map(knownRow), output.colors));
      output.line();
      if (attached.length === 0) {
        output.line(
          "No serial device is attached. The built-in virtual board needs none: --port emulator:esp32.",
        );
      } else {
        output.line(formatTable(attachedColumns, attached.map(attachedRow), output.colors));
      }
      for (const { line } of probed) output.line(line);
    });
    // Of ports that were found, some may be no boards; one that was named should have answered.
    return port !== undefined && probed.some(({ plain }) => "error" in plain) ? 1 : 0;
  },
});

/** What the chips behind ports say of themselves, for people and for programs. The loader is loaded only by this. */
async function probeChips(
  attached: readonly AttachedPort[],
  named: string | undefined,
  context: Context,
): Promise<{ line: string; plain: object }[]> {
  const { probePorts } = await import("../probe_ports.js");
  const { describeChip, plainChip } = await import("../flash_report.js");
  const { bold, yellow } = context.output.colors;
  return (await probePorts(attached, named, context)).map(({ port, facts, error }) => ({
    line: `${bold(port)}  ${facts === null ? yellow(error ?? "") : describeChip(facts)}`,
    plain: facts === null ? { port, error } : { port, ...plainChip(facts) },
  }));
}

const knownColumns = [
  { heading: "board" },
  { heading: "what it is" },
  { heading: "clock", align: "right" },
  { heading: "RAM for modules", align: "right" },
  { heading: "largest block", align: "right" },
  { heading: "store", align: "right" },
] as const;

function knownRow({ name, title, clockHertz, memory, store }: Board): string[] {
  return [
    name,
    title,
    formatFrequency(clockHertz.value),
    formatBytes(memory.poolBytes.value),
    formatBytes(memory.largestBlockBytes.value),
    `${store.slots} × ${formatBytes(store.slotBytes)}`,
  ];
}

const attachedColumns = [
  { heading: "attached" },
  { heading: "device" },
  { heading: "USB" },
  { heading: "serial number" },
  { heading: "may be" },
] as const;

function attachedRow({
  path,
  description,
  manufacturer,
  usb,
  serialNumber,
  boards: names,
}: AttachedPort): string[] {
  const id =
    usb === null ? "" : [usb.vendor, usb.product].map((part) => part.toString(16).padStart(4, "0")).join(":");
  return [path, description ?? manufacturer ?? "", id, serialNumber ?? "", names.join(", ") || "unknown"];
}

/** Room for the longest label. */
const labelColumns = 25;

/** Every figure of a board, a line each, its source beneath. */
function showBoard(board: Board, output: Output): void {
  const { bold, dim } = output.colors;
  const plain = (label: string, value: string) => output.line(`  ${label.padEnd(labelColumns)}${value}`);
  const source = (text: string) => {
    for (const line of wrapText(text, output.columns - labelColumns - 2)) plain("", dim(line));
  };
  const sourced = (label: string, figure: Sourced, value: string) => {
    plain(label, value);
    source(figure.source);
  };
  const bytes = (label: string, figure: Sourced) => sourced(label, figure, formatBytes(figure.value));
  const { memory, store, power } = board;
  output.line(`${bold(board.name)}  ${board.title}`);
  plain("chip", `${board.chip}, ${board.architecture}`);
  sourced("clock", board.clockHertz, formatFrequency(board.clockHertz.value));
  bytes("RAM for modules", memory.poolBytes);
  bytes("largest block", memory.largestBlockBytes);
  bytes("RAM of the agent", memory.agentBytes);
  plain("receive buffer", formatBytes(memory.receiveBufferBytes));
  bytes("flash", memory.flashBytes);
  plain("module store", `${store.slots} slots of ${formatBytes(store.slotBytes)}`);
  plain("serial line", `${board.line.baudRate} baud`);
  plain("runtime", `${board.runtime.name} ${board.runtime.version}`);
  plain("instructions per opcode", `table ${board.cost.name}`);
  source(board.cost.source);
  sourced("cycles per instruction", board.cyclesPerInstruction, digits(board.cyclesPerInstruction.value));
  sourced(
    "current, busy",
    power.activeMilliamperes,
    `${power.activeMilliamperes.value} mA at ${power.volts} V`,
  );
  sourced(
    "current, asleep",
    power.sleepMilliamperes,
    `${power.sleepMilliamperes.value} mA at ${power.volts} V`,
  );
  for (const { name, messageNanojoules, byteNanojoules, messageBytes } of board.radios) {
    const message = `${formatEnergy(messageNanojoules.value)} a message of up to ${formatBytes(messageBytes)}`;
    sourced(name, messageNanojoules, message);
    sourced("", byteNanojoules, `and ${formatEnergy(byteNanojoules.value)} a byte`);
  }
  for (const usb of board.usb) plain("USB", `${usbText(usb)}  ${usb.description}`);
}
