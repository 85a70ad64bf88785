/** `wamlet flash`: firmware onto an ESP32 board through its serial port, or a UF2 drive, with no other tool. */
import type { FlashEvent, FlashOptions } from "../../flash/flash_firmware.js";
import { formatBytes } from "../format.js";
import { boardOption, portOptions } from "../options.js";
import { type Context, defineVerb, type VerbArguments } from "../verb.js";

/** From reset to READY an agent takes about a second. */
const agentMilliseconds = 8000;
/** Somebody has to find the button first. */
const buttonMilliseconds = 60_000;

const positionals = {
  source: {
    type: "string",
    describe: "Build folder of ESP-IDF, firmware bundle or UF2 file; dump reads the flash",
  },
} as const;

const options = {
  port: portOptions.port,
  "baud-rate": {
    ...portOptions["baud-rate"],
    describe: "Speed for the work (default 460800; 115200 where the line is bad)",
  },
  ...boardOption,
  image: {
    type: "string",
    array: true,
    requiresArg: true,
    describe: "Single files with their offsets, 0x1000=boot.bin 0x10000=app.bin",
  },
  list: { type: "boolean", default: false, describe: "Show what would be flashed, and flash nothing" },
  "make-bundle": {
    type: "string",
    requiresArg: true,
    describe: "Write the images into one file, and flash nothing",
  },
  erase: {
    type: "boolean",
    default: false,
    describe: "Erase the whole flash first, stored modules and settings too",
  },
  stub: { type: "boolean", default: true, describe: "--no-stub has the chip's ROM do the work, slowly" },
  compress: { type: "boolean", default: true, describe: "--no-compress sends images as they are" },
  reset: {
    type: "boolean",
    default: true,
    describe: "--no-reset leaves DTR and RTS alone: the chip is in download mode and stays there",
  },
  drive: {
    type: "string",
    requiresArg: true,
    describe: "UF2 file: the boot loader's drive, if there are several",
  },
  output: { alias: "o", type: "string", requiresArg: true, describe: "dump: file to write" },
  offset: { type: "string", default: "0", requiresArg: true, describe: "dump: where to begin" },
  size: { type: "string", requiresArg: true, describe: "dump: bytes (default: to the end of the flash)" },
} as const;

type FlashArguments = VerbArguments<typeof positionals, typeof options>;

export const flash = defineVerb({
  description:
    "Writes firmware to an ESP32, ESP32-S2, S3, C3, C6 or H2 and has the chip verify it, then waits for the agent. " +
    "Images are checked before anything is erased. Whatever went wrong before, running it again mends it. " +
    "For a board that this computer emulates it builds what wamlet emulate starts.",
  positionals,
  options,
  examples: [
    ["flash build", "What idf.py build made, on the only attached board"],
    ["flash agent-esp32c3.wamfw --port /dev/ttyACM0", "A firmware bundle"],
    ["flash --image 0x10000=app.bin 0x9000=nvs.bin", "Single files"],
    ["flash agent-esp32c3.wamfw --list", "What a bundle holds"],
    ["flash agent.uf2", "A board with a UF2 boot loader, as RP2040"],
    ["flash --board qemu-riscv32", "Build the firmware of an emulated board"],
    ["flash build --make-bundle agent-esp32c3.wamfw", "One file for everybody else"],
    ["flash dump --offset 0x9000 --size 0x6000 -o nvs.bin", "Read a part of the flash"],
  ],
  async run(args, context) {
    checkBaudRate(args.baudRate, (await import("../../errors.js")).WamletError);
    const { hasAgent } = await import("../../emulator/agent_build.js");
    if (args.board !== undefined && hasAgent(args.board)) {
      const { installAgent } = await import("../install_agent.js");
      return installAgent(args.board, args, context);
    }
    if (args.source === "dump") return dump(args, context);
    if (/\.uf2$/i.test(args.source ?? "")) {
      const { readFileBytes } = await import("../read_file.js");
      const { flashUf2 } = await import("../flash_uf2.js");
      const path = args.source ?? "";
      await flashUf2(path, await readFileBytes(path, "a UF2 file"), args, context);
      return 0;
    }
    const { readFirmware } = await import("../flash_source.js");
    const { plainFirmware, showFirmware } = await import("../flash_report.js");
    const firmware = await readFirmware(args.source, args.image ?? []);
    const { output } = context;
    if (args.makeBundle !== undefined) {
      const { writeBundleFile } = await import("../write_bundle.js");
      await writeBundleFile(args.makeBundle, firmware);
    }
    if (args.list || args.makeBundle !== undefined) {
      output.result(plainFirmware(firmware), () => showFirmware(firmware, output));
      return 0;
    }
    const { chooseFlashPort } = await import("../flash_port.js");
    const { flashFirmware } = await import("../../flash/flash_firmware.js");
    const { awaitAgent } = await import("../await_agent.js");
    const { describeChip, plainChip, showInfo } = await import("../flash_report.js");
    const port = await chooseFlashPort(args, context);
    const total = firmware.images.reduce((sum, { data }) => sum + data.length, 0);
    const flashed = await flashFirmware(firmware, {
      ...port,
      ...loaderOptions(args, context),
      erase: args.erase,
      onEvent: progressOf(context, total, port.url),
    });
    const { progress } = context;
    if (!flashed.started && args.reset) {
      progress.note(
        progress.colors.yellow(`${port.url} cannot reset the board: press its RESET button now.`),
      );
    }
    progress.show("Waiting for the agent");
    const wait = flashed.started ? agentMilliseconds : buttonMilliseconds;
    const info = args.reset ? await awaitAgent(port.url, wait, context) : null;
    progress.clear();
    const { facts, loader, baudRate, started } = flashed;
    output.result(
      { port: port.url, ...plainChip(facts), loader, baudRate, started, ...plainFirmware(firmware), info },
      () => {
        const images = firmware.images.length === 1 ? "1 image" : `${firmware.images.length} images`;
        output.line(
          `${output.colors.green("✔")} ${images}, ${formatBytes(total)}, verified on ${describeChip(facts)}`,
        );
        if (info !== null) showInfo(info, output);
      },
    );
    if (info === null && args.reset) await noAgent(firmware.agentVersion, port.url, context);
    return 0;
  },
});

/** @throws WamletError WAMLET_LINE_TIMEOUT where the firmware holds an agent */
async function noAgent(agentVersion: string | null, url: string, { progress }: Context): Promise<void> {
  const { WamletError } = await import("../../errors.js");
  if (agentVersion === null) {
    progress.note(
      progress.colors.dim(`No agent answers; "wamlet monitor --port ${url}" shows what the firmware says.`),
    );
    return;
  }
  throw new WamletError(
    "WAMLET_LINE_TIMEOUT",
    `The firmware is verified, but its agent ${agentVersion} does not answer at ${url}.`,
    `Press the board's RESET button and run "wamlet monitor --port ${url}"; docs/FLASHING.md names the usual causes.`,
  );
}

async function dump(args: FlashArguments, context: Context): Promise<0> {
  const { WamletError } = await import("../../errors.js");
  const { parseOffset } = await import("../../flash/build_folder.js");
  const { dumpFlash } = await import("../../flash/flash_firmware.js");
  const { chooseFlashPort } = await import("../flash_port.js");
  const { describeChip, hex, plainChip } = await import("../flash_report.js");
  const { writeFileWhole } = await import("../write_file.js");
  const [offset, bytes] = [parseOffset(args.offset), args.size === undefined ? null : parseOffset(args.size)];
  if (args.output === undefined || offset === null || (args.size !== undefined && bytes === null)) {
    throw new WamletError(
      "WAMLET_USAGE",
      args.output === undefined ? "dump needs a file to write." : "--offset and --size are numbers of bytes.",
      "Write it as: wamlet flash dump --offset 0x9000 --size 0x6000 --output nvs.bin.",
    );
  }
  const port = await chooseFlashPort(args, context);
  const { facts, data } = await dumpFlash(
    { offset, bytes },
    { ...port, ...loaderOptions(args, context), onEvent: progressOf(context, 0, port.url) },
  );
  await writeFileWhole(args.output, data);
  const { output } = context;
  output.result(
    { port: port.url, ...plainChip(facts), offset, bytes: data.length, output: args.output },
    () => {
      output.line(
        `${output.colors.green("✔")} ${formatBytes(data.length)} from ${hex(offset)} of ${describeChip(facts)}`,
      );
    },
  );
  return 0;
}

function loaderOptions(
  { baudRate, stub, compress, reset }: FlashArguments,
  { signal }: Context,
): Pick<FlashOptions, "baudRate" | "stub" | "compress" | "reset" | "signal"> {
  return { ...(baudRate === undefined ? {} : { baudRate }), stub, compress, reset, signal };
}

function checkBaudRate(
  baudRate: number | undefined,
  WamletError: typeof import("../../errors.js").WamletError,
): void {
  if (baudRate === undefined || (Number.isInteger(baudRate) && baudRate >= 9600 && baudRate <= 5_000_000))
    return;
  throw new WamletError(
    "WAMLET_USAGE",
    `--baud-rate is ${baudRate}.`,
    "Usual rates are 115200, 460800, 921600.",
  );
}

/** Shows what is being done. */
function progressOf({ progress }: Context, total: number, url: string): (event: FlashEvent) => void {
  let before = 0;
  return (event) => {
    if (event.type === "connecting") progress.show(`Looking for a chip at ${url}`);
    else if (event.type === "erasing") progress.show("Erasing the whole flash");
    else if (event.type === "connected") {
      const { facts, loaderKind, baudRate } = event.chip;
      const rate = baudRate === null ? "" : ` at ${baudRate} baud`;
      progress.note(progress.colors.dim(`${facts.description}, MAC ${facts.mac}, ${loaderKind}${rate}`));
    } else if (event.type === "again") {
      progress.note(progress.colors.yellow(`${event.error.message} Trying again at 115200 baud.`));
    } else if (event.type === "verified") {
      before += event.image.data.length;
    } else if (event.type === "writing") {
      const share = total === 0 ? event.share : (before + event.share * event.image.data.length) / total;
      progress.show(`${event.image.name} at 0x${event.image.offset.toString(16)}`, share);
    }
  };
}
