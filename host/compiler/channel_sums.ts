/** What pools and means that sum up eight channels at once share. Kernels: assembly/kernels/channel_sums.ts. */
import type { Loop } from "./dimensions.js";

/** Pixels that a lane of 16 bits can sum up. */
const lanePixels = 256;
/** Eight i32 sums. */
export const sumScratchBytes = 32;

/** Whether the kernels take so many channels and columns. */
export function sumsChannels(channels: number, width: number): boolean {
  return channels >= 8 && width <= lanePixels;
}

/** Elements that are summed up, as rows. */
export interface Rows {
  readonly rows: number;
  readonly width: number;
  readonly rowStep: number;
  readonly pixelStep: number;
}

/** Three reduced loops, of which two may be more than one element, as rows; a long one is cut into equal rows. */
export function rowsOf(reduced: readonly Loop[]): Rows | null {
  const [outer, row, pixel] = reduced as [Loop, Loop, Loop];
  const [rowStep, pixelStep] = [row.steps[0] as number, pixel.steps[0] as number];
  if (outer.size > 1) return null;
  if (row.size > 1) return { rows: row.size, width: pixel.size, rowStep, pixelStep };
  let width = Math.min(pixel.size, lanePixels);
  while (pixel.size % width !== 0) width--;
  return { rows: pixel.size / width, width, rowStep: width * pixelStep, pixelStep };
}

/**
 * Opcodes of a kernel's sums over all its windows, of one group of eight channels.
 * @param work windows, their rows and their pixels, all together
 */
export function sumEightOpcodes(work: {
  readonly windows: number;
  readonly rows: number;
  readonly pixels: number;
}): number {
  const chunks = Math.max(work.windows, work.pixels / lanePixels);
  return work.pixels * 10 + work.rows * 6 + chunks * 52 + work.windows * 10;
}
