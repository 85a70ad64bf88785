/**
 * Where two triples of outputs lie in a word of six weights, for `columns.ts`: a triple's lanes begin at `positions` in
 * its word of sums, and the last of them ends with the word.
 */

export interface ColumnsLayout {
  /** Whether the second triple stays at its place, eight bits above the first, under a mask; else it is shifted down. */
  readonly masked: boolean;
  /** Bit at which each lane of a triple begins. */
  readonly positions: readonly [number, number, number];
  /** Bits of the lanes of the first triple, then of the second. */
  readonly widths: readonly number[];
}

/** The second triple takes part as (word >>> 8) & mask: a whole word of sums, lanes as wide as those of the first. */
export const shiftedLayout: ColumnsLayout = {
  masked: false,
  positions: [0, 21, 42],
  widths: [21, 21, 22, 21, 21, 22],
};

/** It takes part as word & mask: its sums lack the eight lowest bits, and the last lane the eight highest. */
export const maskedLayout: ColumnsLayout = {
  masked: true,
  positions: [0, 19, 38],
  widths: [19, 19, 26, 19, 19, 18],
};

/** A word with a value in each lane. */
export const inEachLane = ({ positions }: ColumnsLayout, value: (lane: number) => bigint): bigint =>
  positions.reduce((word, position, lane) => word + (value(lane) << BigInt(position)), 0n);
