/**
 * What this room takes of an answer. The session's `Answer` (host/board) has all of it, so either can be
 * measured: answers that came over a line and answers of an inference in Node.
 */

/** What counted, and in what: cycles of a chip's counter are not instructions of an emulator. */
export interface MeasuredCount {
  readonly value: number;
  readonly unit: "cycles" | "instructions";
  /** `CCOUNT`, `modelled: …`: as the board says. */
  readonly source: string;
}

export interface MeasuredAnswer {
  /** Position of the frame in its file. */
  readonly frame: number;
  /** Bytes of each output tensor. */
  readonly outputs: readonly Uint8Array[];
  readonly count: MeasuredCount;
  readonly microseconds: number;
  /** null where nothing is known of it: never 0 for that. */
  readonly nanojoules: number | null;
  readonly energySource: "none" | "measured" | "modelled";
  /** Memory of the module while it ran: the RAM account of the board. */
  readonly memoryBytes: number;
  /** Count of each layer, of a profiling build; null for any other. */
  readonly layers: readonly number[] | null;
}
