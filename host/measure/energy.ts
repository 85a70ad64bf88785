/**
 * Energy of an answer whose board has no sensor. Where the board counts cycles of its own clock, the descriptor's
 * current and voltage make a model of it; instructions of an emulator and time of a process say nothing about energy.
 */
import { activeNanojoules } from "../descriptor/active_energy.js";
import type { Board } from "../descriptor/board.js";
import type { MeasuredAnswer, MeasuredCount } from "./answer.js";

/**
 * The answer with its energy modelled, where the board gives none and it can be modelled; else as it is.
 * @param board the descriptor, with the clock as the board says it; null where none is known
 */
export function withEnergy<Answer extends MeasuredAnswer>(
  answer: Answer,
  board: Pick<Board, "power" | "clockHertz"> | null,
): Answer {
  if (answer.energySource !== "none" || board === null || !countsCycles(answer.count)) return answer;
  const nanojoules = activeNanojoules(board, answer.count.value / board.clockHertz.value);
  return { ...answer, nanojoules, energySource: "modelled" };
}

/** Whether a count is of a chip's cycles. A board that counts something else in the place of cycles says so in its source (docs/PROTOCOL.md, INFO). */
export function countsCycles({ unit, source }: Omit<MeasuredCount, "value">): boolean {
  return unit === "cycles" && !/\bnot cycles\b/.test(source);
}
