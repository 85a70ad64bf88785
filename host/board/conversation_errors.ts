/** How a conversation with a board ends, in words. */
import { WamletError } from "../errors.js";

/** After `close()`. */
export function closed(): WamletError {
  return new WamletError("WAMLET_LINE_CLOSED", "The session is closed.", "Open the board again.");
}

/** A name that is far too long, or a board that takes far too little. */
export function tooLong(bytes: number, limit: number): WamletError {
  return new WamletError(
    "WAMLET_BOARD_REFUSED",
    `The request takes ${bytes} bytes; the board takes at most ${limit}.`,
    "Use a module name of at most 31 characters.",
  );
}

/** A board that does not obey RESET. */
export function stillRunning(): WamletError {
  return new WamletError(
    "WAMLET_LINE_TIMEOUT",
    "The board was asked to restart and has not.",
    "Press its reset button, or unplug it and plug it in again.",
  );
}

/** Whether an error only says that the board has restarted. */
export function isRestart(error: unknown): boolean {
  return error instanceof WamletError && error.code === "WAMLET_BOARD_RESTARTED";
}

/** What was under way is lost; the session itself goes on. */
export function restarted(): WamletError {
  return new WamletError(
    "WAMLET_BOARD_RESTARTED",
    "The board has restarted; what was under way is lost.",
    "Check its power supply; run the command again: a deploy goes on where it stopped.",
  );
}
