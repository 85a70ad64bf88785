/**
 * A virtual board on a TCP port or a socket in the file system, for `wamlet emulate --listen`: a second terminal
 * reaches it as `tcp://127.0.0.1:PORT` or `unix:PATH`. One client at a time has the line, as with a serial port; the board lives on when a client goes away.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { Board } from "../descriptor/board.js";
import type { Pace } from "./clock.js";
import { Flash } from "./flash.js";
import { FlashFile } from "./flash_file.js";
import { flashGeometry } from "./flash_geometry.js";
import { type ListenAddress, listenAt, listenUrl, parseListen } from "./listen_address.js";
import { VirtualBoard } from "./virtual_board.js";

export interface ServeOptions {
  readonly board: Board;
  /** `tcp:PORT` for this machine alone, `tcp:HOST:PORT` for who reaches that address, or `unix:PATH`. */
  readonly listen: string;
  /** File that keeps the flash; in memory where it is not given. */
  readonly flash?: string | undefined;
  /** `real` where it is not given: a client over TCP expects a board that takes its time. */
  readonly pace?: Pace | undefined;
  readonly baudRate?: number | undefined;
  readonly seed?: number | undefined;
  /** Told who comes, goes and is turned away, and if the board itself fails. */
  readonly onEvent?: ((event: ServeEvent) => void) | undefined;
}

export type ServeEvent =
  | { readonly type: "connected" | "left" | "refused"; readonly peer: string }
  | { readonly type: "failed"; readonly error: unknown };

export interface ServedBoard {
  /** With the port that it got. */
  readonly address: ListenAddress;
  /** What a client names as its port. */
  readonly url: string;
  readonly board: VirtualBoard;
  /** Sends the client away and takes the power away. */
  close(): Promise<void>;
}

/** Bytes that wait for the simulated line before the client is held back. */
const WAITING_BYTES = 4096;
/** A client that leaves this much unread has stopped reading. */
const UNREAD_BYTES = 1 << 22;
/** Readable text between delimiters is shown by every host. */
const BUSY_TEXT = "\0This virtual board is in use by another client.\r\n\0";

/**
 * Starts a board and serves it.
 * @throws WamletError WAMLET_INVALID_PORT, WAMLET_PORT_BUSY, WAMLET_PORT_PERMISSION, or those of a flash file
 */
export async function serveBoard(options: ServeOptions): Promise<ServedBoard> {
  const wanted = parseListen(options.listen);
  const { board: descriptor, flash: path, pace = "real", baudRate, seed } = options;
  const geometry = flashGeometry(descriptor.store);
  const server = createServer({ noDelay: true });
  const address = await listenAt(server, wanted);
  let file: FlashFile | undefined;
  let board: VirtualBoard;
  try {
    file = path === undefined ? undefined : FlashFile.open(path, geometry);
    board = new VirtualBoard({
      board: descriptor,
      flash: new Flash(geometry, file),
      pace,
      ...(baudRate === undefined ? {} : { baudRate }),
      ...(seed === undefined ? {} : { seed }),
    });
  } catch (error) {
    file?.close();
    await closeServer(server);
    throw error;
  }
  const clients = new Clients(board, options.onEvent ?? (() => {}));
  server.on("connection", (socket) => clients.take(socket));
  return {
    address,
    url: listenUrl(address),
    board,
    async close() {
      clients.end();
      await closeServer(server);
      await board.close();
      file?.close();
    },
  };
}

/** Hands the line to one client at a time. */
class Clients {
  readonly #board: VirtualBoard;
  readonly #onEvent: (event: ServeEvent) => void;
  #current: Socket | undefined;
  /** Every connection that is not closed, those that are being turned away included. */
  readonly #sockets = new Set<Socket>();

  constructor(board: VirtualBoard, onEvent: (event: ServeEvent) => void) {
    this.#board = board;
    this.#onEvent = onEvent;
    this.#listen(undefined);
  }

  take(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    // A socket in the file system has no address at its other end.
    const peer = remoteAddress === undefined ? "a client" : `${remoteAddress}:${remotePort}`;
    // What goes wrong with a connection ends it; "close" follows.
    socket.on("error", () => {});
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    if (this.#current !== undefined) {
      this.#onEvent({ type: "refused", peer });
      // Only a socket that is read notices its end.
      socket.resume();
      socket.end(BUSY_TEXT);
      return;
    }
    this.#current = socket;
    this.#onEvent({ type: "connected", peer });
    this.#listen(socket);
    socket.on("data", (bytes) => {
      const { incoming } = this.#board;
      this.#board.send(bytes);
      if (incoming.underWay <= WAITING_BYTES) return;
      socket.pause();
      void incoming.drainTo(WAITING_BYTES).then(() => socket.resume());
    });
    socket.on("close", () => {
      this.#current = undefined;
      this.#board.disconnect();
      this.#listen(undefined);
      this.#onEvent({ type: "left", peer });
    });
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Sends what the board says to the client, or nowhere. */
  #listen(socket: Socket | undefined): void {
    this.#board.connect(
      (bytes) => {
        if (socket === undefined) return;
        if (socket.writableLength > UNREAD_BYTES) socket.destroy();
        else socket.write(bytes);
      },
      (error) => {
        this.#onEvent({ type: "failed", error });
        socket?.destroy();
      },
    );
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
