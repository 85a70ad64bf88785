/**
 * A queue between a source that gives frames when it likes and a board that takes them when it can. It never
 * holds more than its capacity: what comes to a full queue waits, or pushes the oldest out, or is not let in.
 */

export type WhenFull = "wait" | "drop-oldest" | "drop-newest";

export class FrameQueue<Item> {
  readonly #items: Item[] = [];
  #dropped = 0;
  #ended = false;
  #error: unknown = null;
  /** Who waits for an item, and who for room: one of each at most. */
  #taker: (() => void) | null = null;
  #giver: (() => void) | null = null;

  constructor(
    readonly capacity: number,
    readonly whenFull: WhenFull,
  ) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError(`a queue of ${capacity}`);
  }

  /** Items that were not let in or were pushed out. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds an item, at once unless the queue is full and waits; false once the queue is at its end. */
  async put(item: Item): Promise<boolean> {
    while (this.#items.length >= this.capacity && !this.#ended) {
      if (this.whenFull === "drop-newest") {
        this.#dropped++;
        return true;
      }
      if (this.whenFull === "drop-oldest") {
        this.#items.shift();
        this.#dropped++;
        break;
      }
      await new Promise<void>((resolve) => {
        this.#giver = resolve;
      });
    }
    if (this.#ended) return false;
    this.#items.push(item);
    this.#wake();
    return true;
  }

  /**
   * The oldest item, when there is one; undefined at the end.
   * @throws what the queue was ended with, after its items
   */
  async take(): Promise<Item | undefined> {
    while (this.#items.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#taker = resolve;
      });
    }
    const item = this.#items.shift();
    this.#giver?.();
    this.#giver = null;
    if (item === undefined && this.#error !== null) throw this.#error;
    return item;
  }

  /** Nothing is added any more; what is in the queue can still be taken. */
  end(error: unknown = null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake();
    this.#giver?.();
    this.#giver = null;
  }

  /** Ends the queue and forgets what is in it. */
  stop(): void {
    this.#items.length = 0;
    this.end();
  }

  #wake(): void {
    this.#taker?.();
    this.#taker = null;
  }
}
