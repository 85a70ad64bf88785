/** How three sums share a word: lanes of 21 bits, each begun so that it does not end below zero. */

/** Bits between lanes. */
export const laneBits = 21;

/** What each lane starts with, so that it does not end below zero. */
export const laneBias = 1 << 20;

/** The bias in all three lanes. */
export const startSum = `0x${((1n << 20n) | (1n << 41n) | (1n << 62n)).toString(16)}`;
