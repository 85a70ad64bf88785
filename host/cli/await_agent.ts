/** A board that was just flashed: waits until its agent is READY, and asks what it is. */
import type { BoardInfo } from "../board/board_session.js";
import { WamletError } from "../errors.js";
import { withBoard } from "./board_connection.js";
import type { Context } from "./verb.js";

/** A port of the chip's own USB goes away with the reset and comes back. */
const reappearMilliseconds = 5000;
const pauseMilliseconds = 200;
/** What no agent, or not yet one, looks like. */
const absent: readonly string[] = ["WAMLET_LINE_TIMEOUT", "WAMLET_LINE_CLOSED", "WAMLET_PORT_NOT_FOUND"];

/**
 * @param milliseconds to wait for the agent's first answer
 * @returns null where no agent answers
 * @throws WamletError as opening a board for any other reason
 */
export async function awaitAgent(
  url: string,
  milliseconds: number,
  context: Context,
): Promise<BoardInfo | null> {
  const reappearBy = Date.now() + reappearMilliseconds;
  for (;;) {
    try {
      return await withBoard({ port: url }, context, async ({ session }) => session.info, {
        connectTimeout: milliseconds,
      });
    } catch (error) {
      if (!(error instanceof WamletError) || !absent.includes(error.code)) throw error;
      context.signal.throwIfAborted();
      const gone = error.code === "WAMLET_PORT_NOT_FOUND" && Date.now() < reappearBy;
      if (!gone) return null;
      await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
    }
  }
}
