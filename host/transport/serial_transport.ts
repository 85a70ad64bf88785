/**
 * Serial ports: `/dev/ttyUSB0`, `/dev/cu.usbmodem1`, `COM3`. The lines DTR and RTS stay as the system opens
 * them, and are not dropped at the end, so that opening and closing do not reset an ESP32.
 */
import { readFile, stat } from "node:fs/promises";
import type { SerialPort } from "serialport";
import { WamletError } from "../errors.js";
import { interrupted } from "./abort.js";
import type { ByteStream, OpenPortOptions, Transport } from "./byte_stream.js";
import { DuplexStream } from "./duplex_stream.js";

/** What agents are built with, and what a microcontroller's console has by habit. */
export const usualBaudRates = [921_600, 115_200] as const;
const resetMilliseconds = 100;

export const serialTransport: Transport = {
  name: "serial port",
  example: process.platform === "win32" ? "COM3" : "/dev/ttyUSB0",
  accepts: (url) => /^(\/|\\\\\.\\|COM\d+$)/i.test(url),
  open: openSerialPort,
};

async function openSerialPort(path: string, options: OpenPortOptions): Promise<ByteStream> {
  const port = await connectSerialPort(path, options);
  return new DuplexStream(port, path, port.baudRate, () => closePort(port));
}

/** The opened port itself. @throws WamletError as `explainOpening` says, WAMLET_INTERRUPTED */
export async function connectSerialPort(path: string, options: OpenPortOptions): Promise<SerialPort> {
  const baudRate = options.baudRate ?? usualBaudRates[0];
  // Loaded here because the native binding costs start-up time that most commands need not spend.
  const { SerialPort } = await import("serialport");
  const port = new SerialPort({ path, baudRate, autoOpen: false, hupcl: false });
  const failed = await new Promise<Error | null>((resolve) => port.open(resolve));
  if (failed !== null) throw await explainOpening(path, failed);
  if (options.signal?.aborted) {
    await closePort(port);
    throw interrupted();
  }
  if (options.reset === true) await pulseReset(port);
  return port;
}

/** Espressif's circuit: EN is low, the chip in reset, while RTS is asserted and DTR is not. */
async function pulseReset(port: SerialPort): Promise<void> {
  await setLines(port, { dtr: false, rts: true });
  await new Promise((resolve) => setTimeout(resolve, resetMilliseconds));
  await setLines(port, { dtr: false, rts: false });
}

function setLines(port: SerialPort, lines: { dtr: boolean; rts: boolean }): Promise<void> {
  return new Promise((resolve, reject) => {
    port.set(lines, (error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}

export function closePort(port: SerialPort): Promise<void> {
  return new Promise((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()));
}

/** What a failed opening means. serialport's errors have no codes, and their words differ between systems. */
export async function explainOpening(path: string, cause: Error): Promise<WamletError> {
  const words = cause.message;
  // Windows denies access to a port that is open elsewhere, and to no other.
  if (/lock|busy|temporarily unavailable|access denied/i.test(words)) {
    return new WamletError(
      "WAMLET_PORT_BUSY",
      `Another program uses ${path}.`,
      "Close the other terminal, monitor or IDE that has the port open.",
      { cause },
    );
  }
  if (/permission denied|EACCES|operation not permitted/i.test(words)) {
    const group = await groupOf(path);
    return new WamletError(
      "WAMLET_PORT_PERMISSION",
      `You are not allowed to open ${path}; it belongs to the group ${group}.`,
      `Run "sudo usermod -aG ${group} $USER", then log out and in again.`,
      { cause },
    );
  }
  if (/no such (file|device)|file not found|ENOENT|ENXIO/i.test(words)) {
    return new WamletError(
      "WAMLET_PORT_NOT_FOUND",
      `There is no port ${path}.`,
      'Plug the board in; "wamlet boards" lists what is attached.',
      { cause },
    );
  }
  return new WamletError(
    "WAMLET_INVALID_PORT",
    `${path} cannot be opened as a serial port: ${words.replace(/^Error:? */, "")}.`,
    'Check path and baud rate; "wamlet boards" lists what is attached.',
    { cause },
  );
}

/** The name of the group that may use a device, `dialout` where it cannot be found out. */
async function groupOf(path: string): Promise<string> {
  try {
    const { gid } = await stat(path);
    const lines = (await readFile("/etc/group", "utf8")).split("\n");
    return lines.map((line) => line.split(":")).find((parts) => parts[2] === String(gid))?.[0] ?? "dialout";
  } catch {
    return "dialout";
  }
}
