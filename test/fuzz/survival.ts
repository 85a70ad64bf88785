/**
 * The promise of every reader, as tests that each room applies to its own: whatever the input, a valid result or a
 * WamletError with code and hint; in bounded memory, and in less than two seconds.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { WamletError } from "../../host/errors.js";
import { isLongRun, type Mutate, mutated, patience, rounds, seeded } from "./mutations.js";

export type Outcome = "read" | "refused";

/** Runs a reader; rejects where it ends in anything but a result or a WamletError with a hint. */
export async function survives(read: () => unknown): Promise<Outcome> {
  try {
    await read();
    return "read";
  } catch (error) {
    if (error instanceof WamletError && error.code.length > 0 && error.hint.length > 0) return "refused";
    throw error;
  }
}

/** What came of many inputs. */
export interface Tally {
  read: number;
  refused: number;
  /** Inputs that took more than two seconds of processor time, by their number. */
  readonly slow: number[];
  /** Bytes that stay allocated after the last input and were not after the first fifth. */
  grown: number;
}

/** Processor time that one input may take, in microseconds. */
const mostMicroseconds = 2_000_000;
/** Places at which a short run cuts a file off. */
const mostCuts = 2000;
/** What may stay: compiled code, caches of a bounded size. */
const mostGrowth = 32 * 1024 * 1024;

/** @param input reads the input of this number */
export async function endure(count: number, input: (round: number) => unknown): Promise<Tally> {
  const tally: Tally = { read: 0, refused: 0, slow: [], grown: 0 };
  let before = 0;
  for (let round = 0; round < count; round++) {
    if (round % 100 === 0) await turn();
    if (round === Math.floor(count / 5)) before = await allocated();
    const start = process.cpuUsage();
    try {
      tally[await survives(() => input(round))]++;
    } catch (error) {
      throw new Error(`Input ${round} is neither read nor refused: ${String(error)}`, { cause: error });
    }
    const { user, system } = process.cpuUsage(start);
    if (user + system > mostMicroseconds) tally.slow.push(round);
  }
  tally.grown = (await allocated()) - before;
  return tally;
}

/** Fails where inputs let memory grow, or (long runs alone: others share the machine) took too long. */
export function expectEndured({ slow, grown }: Tally): void {
  expect(grown).toBeLessThan(mostGrowth);
  if (isLongRun) expect(slow).toEqual([]);
}

setFlagsFromString("--expose_gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Lets the event loop go round once: zlib's handles are given back there alone. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function allocated(): Promise<number> {
  for (let round = 0; round < 2; round++) {
    collectGarbage();
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export interface Reader {
  readonly name: string;
  /** A file that it reads. */
  readonly file: Uint8Array;
  /** Reads, and checks what a result promises. */
  readonly read: (bytes: Uint8Array) => unknown;
  /** Makes checksums right again: every other copy is repaired, so that the damage gets past them. */
  readonly repair?: (bytes: Uint8Array) => Uint8Array;
  /** Other kinds of damage than to bytes, in turn with it. */
  readonly mutate?: Mutate;
  /** What comes of the file as it is; `read`. */
  readonly whole?: Outcome;
  /** Where a part of the file is never a file: every cut is refused. */
  readonly wholeOnly?: boolean;
  /** Whether some damage must be refused; false for readers that take anything, or skip what they do not know. */
  readonly refuses?: boolean;
}

/** The tests of one reader: the whole file, the file cut off at every byte, and damaged copies. */
export function describeSurvival(reader: Reader): void {
  const { name, file, read, repair = (bytes: Uint8Array) => bytes, refuses = true } = reader;
  const kinds = reader.mutate ? [mutated, reader.mutate] : [mutated];
  // Short runs cut long files more coarsely.
  const step = isLongRun ? 1 : Math.ceil(file.length / mostCuts);
  describe(`the reader of ${name}`, () => {
    it("reads the file as it is", async () => {
      expect(await survives(() => read(file))).toBe(reader.whole ?? "read");
    });

    it(
      `${reader.wholeOnly ? "refuses" : "survives"} the file cut off at every ${step > 1 ? `${step}th ` : ""}byte`,
      async () => {
        const tally = await endure(Math.ceil(file.length / step), (cut) => read(file.slice(0, cut * step)));
        expectEndured(tally);
        if (reader.wholeOnly) expect(tally.read).toBe(0);
      },
      patience(file.length),
    );

    it(
      `survives ${rounds} damaged copies`,
      async () => {
        const below = seeded(2026);
        const tally = await endure(rounds, (round) => {
          const damaged = (kinds[(round >> 1) % kinds.length] ?? mutated)(file, below);
          return read(round % 2 === 0 ? damaged : repair(damaged));
        });
        expectEndured(tally);
        if (refuses) expect(tally.refused).toBeGreaterThan(0);
      },
      patience(rounds),
    );
  });
}
