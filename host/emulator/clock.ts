/**
 * The virtual board's time: a queue of events in virtual nanoseconds. Line, flash and CPU of the board take virtual
 * time; how long the simulation of them takes does not show.
 *
 * Two paces. `fast` runs events as soon as the host has had its turn: whenever bytes were handed to the host, the
 * clock stands still until the host has answered what it answers at once. Equal inputs then give equal virtual times.
 * `real` never runs ahead of real time, as a board on a desk does.
 */

export type Pace = "fast" | "real";

export type Action = () => void | Promise<void>;

interface ScheduledEvent {
  readonly time: number;
  readonly action: Action;
}

/** Macrotask turns in which a host answers what it answers at once: stream callbacks, promises, their writes. */
const HOST_TURNS = 4;

const NANOSECONDS_PER_MILLISECOND = 1e6;

export class VirtualClock {
  readonly pace: Pace;
  /** In order of time, then of scheduling. Short: a board has a handful of events under way. */
  readonly #events: ScheduledEvent[] = [];
  readonly #onError: (error: unknown) => void;
  readonly #realStart = performance.now();
  /** Real milliseconds that passed while the clock was paused. */
  #standstill = 0;
  #pausedAt = 0;
  #now = 0;
  #running = false;
  #inAction = false;
  #paused = false;
  #stopped = false;
  #hostHasTurn = false;
  /** Ends the wait for real time early. */
  #wake: (() => void) | undefined;

  /**
   * @param pace see above
   * @param onError told of an error in an event, after which the clock stands still for good
   */
  constructor(pace: Pace, onError: (error: unknown) => void) {
    this.pace = pace;
    this.#onError = onError;
  }

  /** Virtual nanoseconds since the clock was made. */
  get now(): number {
    if (this.pace === "real" && !this.#inAction && !this.#paused) {
      const next = this.#events[0]?.time ?? Number.POSITIVE_INFINITY;
      this.#now = Math.max(this.#now, Math.min(this.#realNow(), next));
    }
    return this.#now;
  }

  /**
   * Runs an action at a virtual time (now, if that has passed). Time stands still until a promise that the action
   * returns is settled.
   * @returns a function that calls it off
   */
  at(time: number, action: Action): () => void {
    const event = { time: Math.max(Math.round(time), this.now), action };
    let index = this.#events.length;
    while (index > 0 && (this.#events[index - 1] as ScheduledEvent).time > event.time) index--;
    this.#events.splice(index, 0, event);
    this.#wake?.();
    void this.#run();
    return () => {
      const position = this.#events.indexOf(event);
      if (position >= 0) this.#events.splice(position, 1);
    };
  }

  /** Runs an action after a virtual delay in nanoseconds. */
  after(delay: number, action: Action): () => void {
    return this.at(this.now + delay, action);
  }

  /** Says that the host was handed something, so that it gets its turn before time goes on. */
  yieldToHost(): void {
    this.#hostHasTurn = true;
  }

  /** Lets time stand still: nobody is connected, and what waits must not keep the process alive. */
  pause(): void {
    if (this.#paused) return;
    this.#pausedAt = performance.now();
    this.#paused = true;
    this.#wake?.();
  }

  /** Lets time go on where it stood. */
  resume(): void {
    if (!this.#paused) return;
    this.#standstill += performance.now() - this.#pausedAt;
    this.#paused = false;
    void this.#run();
  }

  /** Calls everything off for good. */
  stop(): void {
    this.#stopped = true;
    this.#events.length = 0;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    // What scheduled the first event may schedule or hand over more before time moves.
    this.#hostHasTurn = true;
    try {
      while (!this.#stopped && !this.#paused) {
        if (this.#hostHasTurn) {
          this.#hostHasTurn = false;
          await turns(HOST_TURNS);
          continue;
        }
        const event = this.#events[0];
        if (event === undefined) break;
        if (this.pace === "real" && (await this.#wait(event.time))) continue;
        this.#events.shift();
        this.#now = Math.max(this.#now, event.time);
        this.#inAction = true;
        await event.action();
        this.#inAction = false;
      }
    } catch (error) {
      this.stop();
      this.#onError(error);
    } finally {
      this.#inAction = false;
      this.#running = false;
    }
  }

  /** Waits for real time to come up to `time`, or for a change. @returns whether it waited */
  async #wait(time: number): Promise<boolean> {
    const milliseconds = (time - this.#realNow()) / NANOSECONDS_PER_MILLISECOND;
    if (milliseconds <= 0) return false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(Math.ceil(milliseconds), 1000));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
    return true;
  }

  #realNow(): number {
    const milliseconds = performance.now() - this.#realStart - this.#standstill;
    return Math.round(milliseconds * NANOSECONDS_PER_MILLISECOND);
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
