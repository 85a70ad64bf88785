/**
 * At which speed a board's line is opened. The descriptor's `line.baudRate` is what its agent is built with; so
 * whoever names the board, or plugs one in that only certain descriptors know, needs to know no speed. Of any other
 * serial port the usual ones are tried (docs/RATIONALE.md).
 */
import { loadBoard } from "../descriptor/load_board.js";
import { serialTransport, usualBaudRates } from "../transport/serial_transport.js";
import { listPorts } from "./ports.js";

export interface LineWishes {
  /** What the user says. */
  readonly baudRate?: number | undefined;
  /** Name or path of the board's descriptor. */
  readonly board?: string | undefined;
}

/**
 * The speeds to try, in their order; none where the transport has its own, or no speed at all.
 * @param url of the port
 * @throws WamletError WAMLET_UNKNOWN_BOARD, WAMLET_INVALID_DESCRIPTOR
 */
export async function lineRates(url: string, { baudRate, board }: LineWishes): Promise<readonly number[]> {
  if (baudRate !== undefined) return [baudRate];
  if (!serialTransport.accepts(url)) return [];
  if (board !== undefined) return [loadBoard(board).line.baudRate];
  const attached = await listPorts().catch(() => []);
  const boards = attached.find(({ path }) => path === url)?.boards ?? [];
  return ratesOf(boards);
}

/** @param boards that the port may be; a bridge is used by many */
export function ratesOf(boards: readonly string[]): readonly number[] {
  return [...new Set([...boards.map((name) => loadBoard(name).line.baudRate), ...usualBaudRates])];
}
