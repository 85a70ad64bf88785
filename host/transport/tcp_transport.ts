/** A serial line behind a socket: `tcp://host:port`, a virtual board of another terminal or a serial server. */
import type { Socket } from "node:net";
import { WamletError } from "../errors.js";
import type { ByteStream, OpenPortOptions, Transport } from "./byte_stream.js";
import { connectedSocket, socketStream } from "./socket.js";

export const tcpTransport: Transport = {
  name: "TCP",
  example: "tcp://localhost:7070",
  accepts: (url) => /^tcp:/i.test(url),
  open: openSocket,
};

async function openSocket(url: string, options: OpenPortOptions): Promise<ByteStream> {
  return socketStream(await connectSocket(url, options), url, options);
}

/** The connected socket itself. @throws WamletError WAMLET_INVALID_PORT, WAMLET_PORT_NOT_FOUND, WAMLET_LINE_TIMEOUT */
export async function connectSocket(url: string, options: OpenPortOptions): Promise<Socket> {
  // Small frames must not wait for a full segment.
  const where = { ...parse(url), noDelay: true };
  return connectedSocket(where, url, options, (cause) => explain(url, cause));
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
