/** Where an emulated board listens: a TCP port, or a socket in the file system. */
import { lstat, rm } from "node:fs/promises";
import { connect, type NetConnectOpts, type Server } from "node:net";
import { resolve } from "node:path";
import { WamletError } from "../errors.js";

export type ListenAddress =
  /** Port 0 takes a free one. */
  | { readonly type: "tcp"; readonly host: string; readonly port: number }
  /** An absolute path. */
  | { readonly type: "unix"; readonly path: string };

const LOOPBACK = "127.0.0.1";
/** What the kernel has room for, the zero at the end not counted: Linux 107 bytes, BSD and macOS 103. */
const LONGEST_PATH = 103;

/**
 * `tcp:7070` for this machine alone, `tcp:0.0.0.0:7070`, `unix:/run/board.sock`.
 * @throws WamletError WAMLET_INVALID_PORT
 */
export function parseListen(text: string): ListenAddress {
  const path = /^unix:(?:\/\/(?=\/))?(.+)$/.exec(text)?.[1];
  if (path !== undefined && Buffer.byteLength(resolve(path)) <= LONGEST_PATH) {
    return { type: "unix", path: resolve(path) };
  }
  if (path !== undefined) {
    throw new WamletError(
      "WAMLET_INVALID_PORT",
      `The path of a socket has at most ${LONGEST_PATH} bytes: ${resolve(path)}.`,
      "Put it in another folder, as in --listen unix:/tmp/board.sock.",
    );
  }
  const match = /^tcp:(?:\/\/)?(?:(.*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  const host = (match?.[1] ?? LOOPBACK).replace(/^\[(.*)\]$/, "$1");
  if (match !== null && port <= 65535 && host !== "") return { type: "tcp", host, port };
  throw new WamletError(
    "WAMLET_INVALID_PORT",
    `${JSON.stringify(text)} is no address to listen at.`,
    "Write tcp:7070 for this machine alone, tcp:0.0.0.0:7070 for the network, or unix:/tmp/board.sock.",
  );
}

/** What a client names as its port. */
export function listenUrl(address: ListenAddress): string {
  if (address.type === "unix") return `unix:${address.path}`;
  const { host, port } = address;
  return `tcp://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/**
 * Listens there. A socket that a process has left behind when it was killed makes room.
 * @returns the address with the port that it got
 * @throws WamletError WAMLET_PORT_BUSY, WAMLET_PORT_PERMISSION, WAMLET_INVALID_PORT
 */
export async function listenAt(server: Server, address: ListenAddress): Promise<ListenAddress> {
  if (address.type === "unix") await clearSocket(address.path);
  await new Promise<void>((done, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(cannotListen(address, cause)));
    server.listen(connectOptions(address), done);
  });
  const bound = server.address();
  if (address.type === "unix" || typeof bound !== "object" || bound === null) return address;
  return { ...address, port: bound.port };
}

/**
 * Removes a socket that nobody listens at any more.
 * @throws WamletError WAMLET_PORT_BUSY where somebody does, WAMLET_INVALID_PORT where something else is there
 */
export async function clearSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket()) {
    throw new WamletError(
      "WAMLET_INVALID_PORT",
      `${path} is there already, and no socket.`,
      "Name a path that is free with --listen unix:PATH.",
    );
  }
  if (await isAnswered({ type: "unix", path })) {
    throw cannotListen({ type: "unix", path }, { name: "Error", message: "busy", code: "EADDRINUSE" });
  }
  await rm(path, { force: true });
}

/** Whether somebody listens there. */
export function isAnswered(address: ListenAddress): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(connectOptions(address));
    const settle = (answered: boolean) => {
      socket.destroy();
      done(answered);
    };
    socket.on("connect", () => settle(true));
    socket.on("error", () => settle(false));
  });
}

function connectOptions(address: ListenAddress): NetConnectOpts {
  return address.type === "unix" ? { path: address.path } : { host: address.host, port: address.port };
}

function cannotListen(address: ListenAddress, cause: NodeJS.ErrnoException): WamletError {
  const codes = { EADDRINUSE: "WAMLET_PORT_BUSY", EACCES: "WAMLET_PORT_PERMISSION" } as const;
  const code = codes[cause.code as keyof typeof codes] ?? "WAMLET_INVALID_PORT";
  const where = address.type === "unix" ? address.path : `${address.host}:${address.port}`;
  return new WamletError(
    code,
    `Cannot listen at ${where}: ${cause.code ?? cause.message}.`,
    address.type === "unix"
      ? "Choose another path with --listen unix:PATH."
      : "Choose another port with --listen tcp:PORT; 0 takes a free one.",
    { cause },
  );
}
