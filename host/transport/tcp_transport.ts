/** A serial line behind a socket: `tcp://host:port`, a virtual board of another terminal or a serial server. */
import { connect, type Socket } from "node:net";
import { WamletError } from "../errors.js";
import { interrupted } from "./abort.js";
import type { ByteStream, OpenPortOptions, Transport } from "./byte_stream.js";
import { DuplexStream } from "./duplex_stream.js";

const usualTimeout = 5000;

export const tcpTransport: Transport = {
  name: "TCP",
  example: "tcp://localhost:7070",
  accepts: (url) => /^tcp:/i.test(url),
  open: openSocket,
};

async function openSocket(url: string, options: OpenPortOptions): Promise<ByteStream> {
  const socket = await connectSocket(url, options);
  return new DuplexStream(socket, url, options.baudRate ?? null, () => end(socket));
}

/** The connected socket itself. @throws WamletError WAMLET_INVALID_PORT, WAMLET_PORT_NOT_FOUND, WAMLET_LINE_TIMEOUT */
export async function connectSocket(url: string, options: OpenPortOptions): Promise<Socket> {
  const { host, port } = parse(url);
  const timeout = options.connectTimeout ?? usualTimeout;
  // Small frames must not wait for a full segment.
  const socket = connect({ host, port, noDelay: true });
  try {
    await connected(socket, url, timeout, options.signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

function connected(
  socket: Socket,
  url: string,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => reject(tooLate(url, timeout))), timeout);
    const abort = () => settle(() => reject(interrupted()));
    const refuse = (error: Error) => settle(() => reject(explain(url, error)));
    const settle = (then: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      // An error that comes later, of a socket given up, interests nobody.
      socket.off("error", refuse).on("error", () => {});
      then();
    };
    socket.once("connect", () => settle(resolve));
    socket.once("error", refuse);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort);
  });
}

/** Closes politely, and for good if the other side does not answer. */
function end(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const timer = setTimeout(() => socket.destroy(), 500);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.end();
    // What is not read keeps a socket from closing.
    return void socket.resume();
  });
}

function parse(url: string): { host: string; port: number } {
  const found = /^tcp:\/\/(\[[0-9a-f:.]+\]|[^:/?#\s]+):(\d{1,5})\/?$/i.exec(url);
  const host = found?.[1]?.replace(/^\[|\]$/g, "");
  const port = Number(found?.[2]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new WamletError(
      "WAMLET_INVALID_PORT",
      `"${url}" is no address of a TCP port.`,
      `Write it as ${tcpTransport.example}.`,
    );
  }
  return { host, port };
}

function explain(url: string, cause: NodeJS.ErrnoException): WamletError {
  const why =
    cause.code === "ECONNREFUSED" ? "nothing listens there" : cause.message || cause.code || "unreachable";
  return new WamletError(
    "WAMLET_PORT_NOT_FOUND",
    `No connection to ${url}: ${why}.`,
    'Check host and port; "wamlet emulate --listen" starts a virtual board to connect to.',
    { cause },
  );
}

function tooLate(url: string, timeout: number): WamletError {
  return new WamletError(
    "WAMLET_LINE_TIMEOUT",
    `${url} has not accepted a connection within ${timeout / 1000} s.`,
    "Check host, port and firewall.",
  );
}
