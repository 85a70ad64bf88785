/** How fast a stream went, and what held it up: the line or the computing. */

/** A stream, or the part of it so far. */
export interface StreamProgress {
  /** Frames that were answered. */
  readonly frames: number;
  /** Bytes on the line, with all that the protocol adds. */
  readonly bytesToBoard: number;
  readonly bytesFromBoard: number;
  /** From the first byte sent to the last answer: the virtual board's clock or the wall's. */
  readonly elapsedMicroseconds: number;
  /** The board's own time in inferences, all together. */
  readonly inferenceMicroseconds: number;
  /** null where the transport has no bit rate (TCP). */
  readonly baudRate: number | null;
}

export interface Rates {
  readonly framesPerSecond: number;
  readonly bytesPerSecondToBoard: number;
  readonly bytesPerSecondFromBoard: number;
  /** Share of what the line could carry, in each direction (a UART has two lines); null without a bit rate. */
  readonly lineUtilisation: { readonly toBoard: number; readonly fromBoard: number } | null;
  /** Share of the time that the board computed. */
  readonly computeUtilisation: number;
}

/** A byte on a UART, 8N1: start bit, eight bits, stop bit. */
const bitsPerByte = 10;

/** The rates of a stream; null before any time has gone by. */
export function rates(progress: StreamProgress): Rates | null {
  const { frames, bytesToBoard, bytesFromBoard, elapsedMicroseconds, inferenceMicroseconds, baudRate } =
    progress;
  if (!(elapsedMicroseconds > 0)) return null;
  const perSecond = (amount: number) => amount / (elapsedMicroseconds / 1e6);
  const ofLine = (bytes: number, baud: number) => (perSecond(bytes) * bitsPerByte) / baud;
  return {
    framesPerSecond: perSecond(frames),
    bytesPerSecondToBoard: perSecond(bytesToBoard),
    bytesPerSecondFromBoard: perSecond(bytesFromBoard),
    lineUtilisation:
      baudRate === null
        ? null
        : { toBoard: ofLine(bytesToBoard, baudRate), fromBoard: ofLine(bytesFromBoard, baudRate) },
    computeUtilisation: inferenceMicroseconds / elapsedMicroseconds,
  };
}
