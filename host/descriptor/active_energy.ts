/** Energy by the descriptor: a model, and labelled so wherever it is shown. */
import type { Board } from "./board.js";

/**
 * Nanojoules that a board takes while its processor is busy: current × voltage × time.
 * @param seconds of processor time
 */
export function activeNanojoules({ power }: Pick<Board, "power">, seconds: number): number {
  const watts = (power.activeMilliamperes.value / 1e3) * power.volts;
  return Math.round(watts * seconds * 1e9);
}
