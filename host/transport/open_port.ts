/** Ports are URLs; this is the list of what they may be. A new transport is a file of its own and a line here. */
import { WamletError } from "../errors.js";
import { interrupted } from "./abort.js";
import type { ByteStream, OpenPortOptions, Transport } from "./byte_stream.js";
import { emulatorTransport } from "./emulator_transport.js";
import { serialTransport } from "./serial_transport.js";
import { tcpTransport } from "./tcp_transport.js";
import { unixTransport } from "./unix_transport.js";

export type { ByteStream, OpenPortOptions, Transport } from "./byte_stream.js";

export const transports: readonly Transport[] = [
  serialTransport,
  tcpTransport,
  unixTransport,
  emulatorTransport,
];

/**
 * Opens a port.
 * @param url `/dev/ttyUSB0`, `COM3`, `tcp://host:port`, `unix:/path`, `emulator:esp32`
 * @throws WamletError WAMLET_INVALID_PORT, WAMLET_PORT_NOT_FOUND, WAMLET_PORT_BUSY, WAMLET_PORT_PERMISSION,
 *   WAMLET_LINE_TIMEOUT, WAMLET_UNKNOWN_BOARD, WAMLET_INTERRUPTED
 */
export async function openPort(url: string, options: OpenPortOptions = {}): Promise<ByteStream> {
  const transport = transports.find((candidate) => candidate.accepts(url));
  if (transport === undefined) {
    throw new WamletError(
      "WAMLET_INVALID_PORT",
      `"${url}" is no port.`,
      `A port is ${transports.map(({ name, example }) => `${example} (${name})`).join(", ")}.`,
    );
  }
  const { baudRate } = options;
  if (baudRate !== undefined && !(Number.isSafeInteger(baudRate) && baudRate > 0)) {
    throw new WamletError(
      "WAMLET_INVALID_PORT",
      `${baudRate} is no baud rate.`,
      "Usual rates are 115200, 460800, 921600.",
    );
  }
  if (options.signal?.aborted) throw interrupted();
  return transport.open(url, options);
}
