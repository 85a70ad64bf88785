/** Asks the chips behind ports what they are, one after another. */
import type { AttachedPort } from "../board/ports.js";
import { loadBoard } from "../descriptor/load_board.js";
import { WamletError } from "../errors.js";
import type { ChipFacts } from "../flash/connected_chip.js";
import { probeChip } from "../flash/probe_chip.js";
import { flashPort } from "./flash_port.js";
import type { Context } from "./verb.js";

export interface ProbedPort {
  readonly port: string;
  readonly facts: ChipFacts | null;
  /** Why there is no answer; null where there is one. */
  readonly error: string | null;
}

/**
 * @param named a port that is probed alone, whatever is attached; otherwise those that may be ESP32 boards, as other
 *   devices may take a reset amiss
 * @throws WamletError WAMLET_INTERRUPTED
 */
export async function probePorts(
  attached: readonly AttachedPort[],
  named: string | undefined,
  { progress, signal }: Context,
): Promise<ProbedPort[]> {
  const candidates = attached.filter(({ boards }) =>
    boards.some((name) => /^esp32/i.test(loadBoard(name).chip)),
  );
  const probed: ProbedPort[] = [];
  for (const port of named === undefined ? candidates.map(({ path }) => path) : [named]) {
    progress.show(`Asking the chip at ${port}`);
    try {
      const facts = await probeChip({ ...(await flashPort(port, signal)), signal });
      probed.push({ port, facts, error: null });
    } catch (error) {
      if (!(error instanceof WamletError) || signal.aborted) throw error;
      probed.push({ port, facts: null, error: error.message });
    }
  }
  progress.clear();
  return probed;
}
