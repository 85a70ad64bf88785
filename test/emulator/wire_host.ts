/** A bare host on the line of a virtual board: any bytes as messages, none of the session's good manners. */
import type { VirtualBoard } from "../../host/emulator/virtual_board.js";
import { Link } from "../../host/wire/link.js";
import { decodeMessage, type Message, type UnknownMessage } from "../../host/wire/message.js";

export class WireHost {
  readonly received: (Message | UnknownMessage)[] = [];
  readonly log: string[] = [];
  readonly #board: VirtualBoard;
  readonly #link: Link;
  /** What went wrong in the simulation itself. */
  failure: unknown;

  constructor(board: VirtualBoard, maxPayload = 4096) {
    this.#board = board;
    this.#link = new Link({
      role: "host",
      bufferBytes: 65_000,
      maxPayload,
      baudRate: board.baudRate,
      silence: 60_000,
      patience: 60_000,
      random: () => 4711,
    });
    board.connect(
      (bytes) => this.#receive(bytes),
      (error) => {
        this.failure = error;
      },
    );
    this.#link.start(0);
    this.#go();
  }

  /** Sends a message and gives the next ones that come, until there are `answers`. */
  async ask(message: Uint8Array, answers = 1): Promise<(Message | UnknownMessage)[]> {
    await this.until(() => this.#link.isOpen);
    const before = this.received.length;
    this.#link.send(message);
    this.#go();
    await this.until(() => this.received.length >= before + answers);
    return this.received.slice(before);
  }

  /** Largest message that the board takes. */
  get maxPayload(): number {
    return this.#link.maxPayload;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.failure !== undefined) throw this.failure;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #receive(bytes: Uint8Array): void {
    this.#link.receive(bytes, performance.now());
    for (let event = this.#link.next(); event !== null; event = this.#link.next()) {
      if (event.type === "log") this.log.push(event.text);
      if (event.type === "message") this.received.push(decodeMessage(event.payload));
    }
    this.#go();
  }

  #go(): void {
    for (let bytes = this.#link.output(0); bytes !== null; bytes = this.#link.output(0))
      this.#board.send(bytes);
  }
}
