/**
 * An open port of a virtual board, as serialport's streams drive it: reads that wait for bytes, writes that the
 * driver's buffer holds back, and the control lines that reset the board.
 */
import type {
  BindingPortInterface,
  OpenOptions,
  PortStatus,
  SetOptions,
  UpdateOptions,
} from "./serialport_types.js";
import type { VirtualBoard } from "./virtual_board.js";

/** A write returns while the line still carries this much: enough to keep it busy until the next one. */
const DRIVER_BUFFER_BYTES = 1024;
/** A host that does not read loses what the board sends beyond this, as a driver's buffer would. */
const UNREAD_LIMIT_BYTES = 1 << 22;
/** setInterval's longest pause; see `#keepAlive`. */
const LONGEST_PAUSE = 2 ** 31 - 1;

interface PendingRead {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
  readonly resolve: (result: { buffer: Buffer; bytesRead: number }) => void;
  readonly reject: (error: Error) => void;
}

export class EmulatorPort implements BindingPortInterface {
  isOpen = true;
  readonly #board: VirtualBoard;
  readonly #powerOff: () => Promise<void>;
  /** An open port keeps the process alive, as a real one does. */
  readonly #keepAlive = setInterval(() => {}, LONGEST_PAUSE);
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #pendingRead: PendingRead | undefined;
  #pendingWrites = new Set<(error: Error) => void>();
  #failure: Error | undefined;
  #baudRate: number;

  constructor(
    board: VirtualBoard,
    readonly openOptions: Required<OpenOptions>,
    powerOff: () => Promise<void>,
  ) {
    this.#board = board;
    this.#powerOff = powerOff;
    this.#baudRate = openOptions.baudRate;
    board.hostBaudRate = openOptions.baudRate;
    board.connect(
      (bytes) => this.#receive(bytes),
      (error) => this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async close(): Promise<void> {
    this.#check();
    this.isOpen = false;
    clearInterval(this.#keepAlive);
    this.#cancel(canceled());
    this.#board.disconnect();
    await this.#powerOff();
  }

  async read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }> {
    this.#check();
    if (this.#failure !== undefined) throw this.#failure;
    return new Promise((resolve, reject) => {
      this.#pendingRead = { buffer, offset, length, resolve, reject };
      this.#satisfyRead();
    });
  }

  async write(buffer: Buffer): Promise<void> {
    this.#check();
    if (this.#failure !== undefined) throw this.#failure;
    this.#board.send(buffer);
    await this.#orCanceled(this.#board.incoming.drainTo(DRIVER_BUFFER_BYTES));
  }

  async update({ baudRate }: UpdateOptions): Promise<void> {
    this.#check();
    this.#baudRate = baudRate;
    this.#board.hostBaudRate = baudRate;
  }

  /** RTS without DTR holds the board in reset, as on Espressif's boards; whatever follows releases it. */
  async set({ rts = true, dtr = true }: SetOptions): Promise<void> {
    this.#check();
    if (rts && !dtr) this.#board.holdInReset();
    else this.#board.releaseReset();
  }

  async get(): Promise<PortStatus> {
    this.#check();
    return { cts: true, dsr: true, dcd: false };
  }

  async getBaudRate(): Promise<{ baudRate: number }> {
    this.#check();
    return { baudRate: this.#baudRate };
  }

  async flush(): Promise<void> {
    this.#check();
    this.#unread = [];
    this.#unreadBytes = 0;
    this.#board.incoming.discard();
  }

  async drain(): Promise<void> {
    this.#check();
    await this.#orCanceled(this.#board.incoming.drainTo(0));
  }

  #receive(bytes: Uint8Array): void {
    if (this.#unreadBytes + bytes.length > UNREAD_LIMIT_BYTES) return;
    this.#unread.push(bytes);
    this.#unreadBytes += bytes.length;
    this.#satisfyRead();
  }

  #satisfyRead(): void {
    const read = this.#pendingRead;
    if (read === undefined || this.#unreadBytes === 0) return;
    this.#pendingRead = undefined;
    let filled = 0;
    while (filled < read.length) {
      const first = this.#unread.shift();
      if (first === undefined) break;
      const part = first.subarray(0, read.length - filled);
      read.buffer.set(part, read.offset + filled);
      filled += part.length;
      if (part.length < first.length) this.#unread.unshift(first.subarray(part.length));
    }
    this.#unreadBytes -= filled;
    read.resolve({ buffer: read.buffer, bytesRead: filled });
  }

  /** The simulation itself failed: to the host the board is gone. */
  #fail(error: Error): void {
    this.#failure = error;
    this.#cancel(error);
  }

  #cancel(error: Error): void {
    this.#pendingRead?.reject(error);
    this.#pendingRead = undefined;
    for (const reject of this.#pendingWrites) reject(error);
    this.#pendingWrites.clear();
  }

  async #orCanceled(done: Promise<void>): Promise<void> {
    let reject: (error: Error) => void = () => {};
    const gone = new Promise<never>((_, refuse) => {
      reject = refuse;
    });
    this.#pendingWrites.add(reject);
    try {
      await Promise.race([done, gone]);
    } finally {
      this.#pendingWrites.delete(reject);
    }
  }

  #check(): void {
    if (!this.isOpen) throw new Error("The port is not open.");
  }
}

/** What serialport expects of reads and writes that a close interrupts. */
function canceled(): Error {
  return Object.assign(new Error("The port was closed."), { canceled: true });
}
