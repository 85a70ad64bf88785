/**
 * Bytes that come from somewhere else than a board: a socket or another serial port that a program reads frames
 * from. Unlike a board's `ByteStream` it is read at the reader's pace: what is not asked for waits in the system's
 * buffers, and slows the sender down.
 */
import { WamletError } from "../errors.js";
import type { OpenPortOptions } from "./byte_stream.js";
import { closePort, connectSerialPort, serialTransport } from "./serial_transport.js";
import { connectSocket, tcpTransport } from "./tcp_transport.js";

export interface LiveSource {
  /** As the user named it. */
  readonly name: string;
  /** Ends when the other side does; can be gone through once. */
  readonly bytes: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Whether a text names a live source, and not a file. */
export function isLiveSource(text: string): boolean {
  return tcpTransport.accepts(text) || /^serial:/i.test(text);
}

/**
 * Opens `tcp://host:port`, `serial:/dev/ttyUSB1` or `serial:COM4?baud-rate=9600` for reading.
 * @throws WamletError WAMLET_INVALID_PORT, WAMLET_PORT_NOT_FOUND, WAMLET_PORT_BUSY, WAMLET_PORT_PERMISSION,
 *   WAMLET_LINE_TIMEOUT, WAMLET_INTERRUPTED
 */
export async function openLiveSource(
  name: string,
  options: Pick<OpenPortOptions, "signal"> = {},
): Promise<LiveSource> {
  if (tcpTransport.accepts(name)) {
    const socket = await connectSocket(name, options);
    return { name, bytes: socket, close: async () => void socket.destroy() };
  }
  const [, path = "", speed] = /^serial:([^?]*)(?:\?baud-rate=([1-9]\d{0,8}))?$/i.exec(name) ?? [];
  if (!serialTransport.accepts(path)) {
    throw new WamletError(
      "WAMLET_INVALID_PORT",
      `"${name}" names no serial port to read from.`,
      `Write serial:${serialTransport.example} or serial:${serialTransport.example}?baud-rate=9600.`,
    );
  }
  const port = await connectSerialPort(path, {
    ...options,
    // A sensor is no agent: it speaks as consoles do.
    baudRate: speed === undefined ? 115_200 : Number(speed),
  });
  return { name, bytes: port, close: () => closePort(port) };
}
