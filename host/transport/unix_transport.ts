/** A serial line behind a socket in the file system: `unix:/tmp/board.sock`, a board that runs on this machine. */
import { WamletError } from "../errors.js";
import type { ByteStream, OpenPortOptions, Transport } from "./byte_stream.js";
import { connectedSocket, socketStream } from "./socket.js";

export const unixTransport: Transport = {
  name: "socket of this machine",
  example: "unix:/tmp/board.sock",
  accepts: (url) => /^unix:/i.test(url),
  open: openSocket,
};

async function openSocket(url: string, options: OpenPortOptions): Promise<ByteStream> {
  // unix:///path is the same as unix:/path.
  const path = url.replace(/^unix:(\/\/(?=\/))?/i, "");
  if (path === "") {
    throw new WamletError(
      "WAMLET_INVALID_PORT",
      `"${url}" names no socket.`,
      `Write it as ${unixTransport.example}.`,
    );
  }
  const socket = await connectedSocket({ path }, url, options, (cause) => explain(url, path, cause));
  return socketStream(socket, url, options);
}

function explain(url: string, path: string, cause: NodeJS.ErrnoException): WamletError {
  if (cause.code === "EACCES" || cause.code === "EPERM") {
    return new WamletError(
      "WAMLET_PORT_PERMISSION",
      `You are not allowed to use the socket ${path}.`,
      "Run both sides as the same user, or start the board with a socket in a folder that both may use.",
      { cause },
    );
  }
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "there is no such socket",
    ECONNREFUSED: "nothing listens there",
    ENOTSOCK: "it is no socket",
  };
  return new WamletError(
    "WAMLET_PORT_NOT_FOUND",
    `No connection to ${url}: ${reasons[cause.code ?? ""] ?? cause.message}.`,
    'Check the path; "wamlet emulate --listen unix:PATH" starts a board to connect to.',
    { cause },
  );
}
