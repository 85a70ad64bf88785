/** A connected socket, as TCP and sockets in the file system share it. */
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { WamletError } from "../errors.js";
import { interrupted } from "./abort.js";
import type { ByteStream, OpenPortOptions } from "./byte_stream.js";
import { DuplexStream } from "./duplex_stream.js";

const usualTimeout = 5000;

/**
 * @param url for messages
 * @param explain what a failure to connect means
 * @throws WamletError what `explain` gives, WAMLET_LINE_TIMEOUT, WAMLET_INTERRUPTED
 */
export async function connectedSocket(
  where: NetConnectOpts,
  url: string,
  options: OpenPortOptions,
  explain: (cause: NodeJS.ErrnoException) => WamletError,
): Promise<Socket> {
  const timeout = options.connectTimeout ?? usualTimeout;
  const socket = connect(where);
  try {
    await connected(socket, url, timeout, options.signal, explain);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

/** The stream over a socket; its line has no speed of its own unless the options give it one. */
export function socketStream(socket: Socket, url: string, { baudRate }: OpenPortOptions): ByteStream {
  return new DuplexStream(socket, url, baudRate ?? null, () => end(socket));
}

function connected(
  socket: Socket,
  url: string,
  timeout: number,
  signal: AbortSignal | undefined,
  explain: (cause: NodeJS.ErrnoException) => WamletError,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => reject(tooLate(url, timeout))), timeout);
    const abort = () => settle(() => reject(interrupted()));
    const refuse = (error: Error) => settle(() => reject(explain(error)));
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

function tooLate(url: string, timeout: number): WamletError {
  return new WamletError(
    "WAMLET_LINE_TIMEOUT",
    `${url} has not accepted a connection within ${timeout / 1000} s.`,
    "Check host, port and firewall.",
  );
}
