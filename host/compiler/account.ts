/**
 * Does it fit? Every part that a module takes of a board, named, against what the board has, before anything is
 * deployed.
 */
import type { Board } from "../descriptor/board.js";
import { WamletError } from "../errors.js";
import type { WamletModule } from "../module/layout.js";
import { runtimeMemory } from "../module/runtime_memory.js";

/** One part of an account, bytes. */
export interface AccountPart {
  readonly name: string;
  readonly bytes: number;
  /** `exact`, or what the figure is modelled from. */
  readonly source: string;
}

/** A resource of the board and what the module takes of it. */
export interface AccountLine {
  readonly resource: "flash slot" | "largest block" | "RAM pool";
  readonly parts: readonly AccountPart[];
  readonly usedBytes: number;
  readonly availableBytes: number;
  /** Where the available figure comes from. */
  readonly source: string;
  /** Negative where it does not fit. */
  readonly leftBytes: number;
}

export interface Account {
  readonly board: string;
  readonly lines: readonly AccountLine[];
  /** The agent's buffer for frames that arrive during an inference; it is not taken from the pool. */
  readonly receiveBufferBytes: number;
  readonly inputBytes: number;
  /** Whether the next frame can arrive while one is computed; otherwise the host sends it afterwards. */
  readonly overlaps: boolean;
  readonly fits: boolean;
}

/** Bytes around a frame's payload in the receive buffer: headers, fields, checksum, stuffing, a few chunks. */
const frameOverheadBytes = 64;

/** The account of a module on a board. Flash and linear memory are exact, the runtime's part is modelled. */
export function accountFor(module: WamletModule, board: Board): Account {
  const runtime = runtimeMemory(module.abi.module, module.manifest);
  const linear: AccountPart = {
    name: "linear memory",
    bytes: module.manifest.linearMemoryBytes,
    source: "exact",
  };
  const line = (
    resource: AccountLine["resource"],
    parts: readonly AccountPart[],
    availableBytes: number,
    source: string,
  ): AccountLine => {
    const usedBytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    return { resource, parts, usedBytes, availableBytes, source, leftBytes: availableBytes - usedBytes };
  };
  const lines = [
    line(
      "flash slot",
      [
        { name: "module", bytes: module.payload.length, source: "exact" },
        { name: "manifest", bytes: module.manifestBytes.length, source: "exact" },
      ],
      board.store.slotBytes,
      `${board.store.slots} slots in ${board.name}'s module store`,
    ),
    line(
      "largest block",
      [linear],
      board.memory.largestBlockBytes.value,
      board.memory.largestBlockBytes.source,
    ),
    line(
      "RAM pool",
      [
        linear,
        ...runtime.parts.map(({ owner, name, bytes, source }) => ({
          name: `${owner} ${name}`,
          bytes,
          source,
        })),
      ],
      board.memory.poolBytes.value,
      board.memory.poolBytes.source,
    ),
  ];
  const inputBytes = module.manifest.inputs.reduce((sum, place) => sum + place.bytes, 0);
  return {
    board: board.name,
    lines,
    receiveBufferBytes: board.memory.receiveBufferBytes,
    inputBytes,
    overlaps: inputBytes + frameOverheadBytes <= board.memory.receiveBufferBytes,
    fits: lines.every(({ leftBytes }) => leftBytes >= 0),
  };
}

/** @throws WamletError WAMLET_DOES_NOT_FIT, naming each part of what is too large */
export function requireFit(account: Account): void {
  const over = account.lines.filter(({ leftBytes }) => leftBytes < 0);
  if (over.length === 0) return;
  const sentences = over.map(({ resource, parts, usedBytes, availableBytes, leftBytes }) => {
    const named = parts.map(({ name, bytes }) => `${name} ${bytes}`).join(" + ");
    return `${resource}: ${named} = ${usedBytes} bytes of ${availableBytes}, ${-leftBytes} too many`;
  });
  throw new WamletError(
    "WAMLET_DOES_NOT_FIT",
    `The module does not fit ${account.board}: ${sentences.join("; ")}.`,
    "Choose a board with more memory (`wamlet boards`) or a smaller model; `wamlet inspect` shows where the bytes go.",
  );
}
