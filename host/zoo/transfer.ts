/**
 * One HTTP request for what is still missing of a file. What arrives is written at its place at once, so that a
 * transfer that breaks off leaves a beginning to continue from.
 */
import type { FileHandle } from "node:fs/promises";

/** A transfer that did not succeed. */
export class TransferFault extends Error {
  /**
   * @param passing whether asking again may help
   * @param waitMilliseconds how long the server asks to be left alone
   */
  constructor(
    message: string,
    readonly passing: boolean,
    readonly waitMilliseconds = 0,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export interface Transfer {
  readonly url: string;
  readonly file: FileHandle;
  /** Bytes that are there already. */
  readonly from: number;
  /** Bytes of the whole file. */
  readonly total: number;
  /** Give up when nothing has come for so long. */
  readonly idleMilliseconds: number;
  readonly signal: AbortSignal | undefined;
  readonly onBytes: (received: number) => void;
}

/** Whoever asks to be left alone for longer is asked again after this time. */
const longestWait = 30_000;

/**
 * @returns whether the server continued from `from`; otherwise it sent the file from its start
 * @throws TransferFault where it refuses, breaks off, falls silent, or sends another file
 */
export async function transfer(request: Transfer): Promise<boolean> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), request.idleMilliseconds);
  const signals = [silence.signal, ...(request.signal ? [request.signal] : [])];
  try {
    const response = await fetch(request.url, {
      headers: {
        // Compressed on the way, neither ranges nor lengths would be those of the file.
        "accept-encoding": "identity",
        ...(request.from > 0 ? { range: `bytes=${request.from}-` } : {}),
      },
      signal: AbortSignal.any(signals),
    });
    try {
      const start = checkHead(response, request);
      let received = start;
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        if (received + chunk.length > request.total) throw otherFile("more", request);
        await writeAll(request.file, chunk, received);
        received += chunk.length;
        request.onBytes(received);
      }
      if (received < request.total) {
        throw new TransferFault(`the connection ended after ${received} of ${request.total} bytes`, true);
      }
      return start > 0;
    } finally {
      await response.body?.cancel().catch(() => {});
    }
  } catch (error) {
    request.signal?.throwIfAborted();
    if (error instanceof TransferFault) throw error;
    if (silence.signal.aborted) {
      throw new TransferFault(`nothing came for ${request.idleMilliseconds / 1000} s`, true);
    }
    // A fault of the disk has a code of its own; fetch's have theirs inside.
    if ((error as NodeJS.ErrnoException).syscall === "write") throw error;
    throw new TransferFault(`the connection failed (${reason(error)})`, true, 0, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Judges status and headers. @returns the position that the body starts at */
function checkHead(response: Response, request: Transfer): number {
  const { status, headers } = response;
  if (status === 416) throw new TransferFault("the server has no such range", true);
  if (status !== 200 && status !== 206) {
    const passing = status === 408 || status === 429 || status >= 500;
    const wait = Math.min(1000 * Number(headers.get("retry-after") ?? 0) || 0, longestWait);
    throw new TransferFault(`the server answered ${status} ${response.statusText}`.trim(), passing, wait);
  }
  const start = status === 206 ? rangeStart(headers.get("content-range"), request) : 0;
  const length = headers.get("content-length");
  if (length !== null && headers.get("content-encoding") === null) {
    if (Number(length) !== request.total - start) {
      throw otherFile(`${start + Number(length)} bytes`, request);
    }
  }
  return start;
}

/** The position in `bytes 100-199/200`. */
function rangeStart(header: string | null, request: Transfer): number {
  const [, first, whole] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header ?? "") ?? [];
  if (first === undefined || Number(first) > request.from) {
    throw new TransferFault(`the server sent the range "${header ?? ""}"`, false);
  }
  if (whole !== "*" && Number(whole) !== request.total) throw otherFile(`${whole} bytes`, request);
  return Number(first);
}

function otherFile(size: string, { total }: Transfer): TransferFault {
  return new TransferFault(`the server sends ${size} where the file has ${total}: it is another file`, false);
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written, position + written);
    written += bytesWritten;
  }
}

/** What fetch hides in the cause of its "fetch failed". */
function reason(error: unknown): string {
  const { cause, message } = error as Error;
  const inner = cause as NodeJS.ErrnoException | undefined;
  return inner?.code ?? inner?.message ?? message;
}
