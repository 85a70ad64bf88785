/** Which chip is behind a port. Asking resets it. */
import { romBaudRate } from "./chip_loader.js";
import { type ChipFacts, type ConnectOptions, connectChip } from "./connected_chip.js";

/**
 * Asks the chip's ROM, uploads nothing, and lets the chip start its firmware again.
 * @throws WamletError as `connectChip`
 */
export async function probeChip(options: ConnectOptions): Promise<ChipFacts> {
  const chip = await connectChip({ ...options, stub: false, baudRate: romBaudRate });
  try {
    await chip.reset();
    return chip.facts;
  } finally {
    await chip.close();
  }
}
