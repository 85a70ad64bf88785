/**
 * The memory plan as a picture: a row per layer, the address space from left to right, a letter where a buffer
 * lies while the layer runs. What is alive at once and where the peak comes from can be seen at a glance.
 */
import type { MemoryDescription, PlannedBuffer } from "../module/description.js";

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** A buffer's letter; they repeat after 52. */
export function bufferLetter(index: number): string {
  return letters[index % letters.length] as string;
}

/**
 * Rows of the picture, one per layer.
 * @param columns cells that the plan's bytes are spread over
 * @returns for each layer its cells: a buffer's index, or null where nothing lives
 */
export function memoryRows(
  memory: MemoryDescription,
  layers: number,
  columns: number,
): readonly (readonly (number | null)[])[] {
  const scale = columns / Math.max(1, memory.planBytes);
  return Array.from({ length: layers }, (_, layer) => {
    const row = new Array<number | null>(columns).fill(null);
    memory.buffers.forEach((buffer, index) => {
      if (layer < buffer.first || layer > buffer.last) return;
      const from = Math.floor(buffer.offset * scale);
      const to = Math.max(from + 1, Math.ceil((buffer.offset + buffer.bytes) * scale));
      // A tile of a few bytes must not hide the activation that it shares a cell with.
      for (let cell = from; cell < Math.min(to, columns); cell++) {
        if (row[cell] === null || larger(memory.buffers, index, row[cell] as number)) row[cell] = index;
      }
    });
    return row;
  });
}

function larger(buffers: readonly PlannedBuffer[], a: number, b: number): boolean {
  return (buffers[a]?.bytes ?? 0) > (buffers[b]?.bytes ?? 0);
}

/** Bytes alive while each layer runs. */
export function aliveBytes(memory: MemoryDescription, layers: number): number[] {
  return Array.from({ length: layers }, (_, layer) =>
    memory.buffers
      .filter(({ first, last }) => first <= layer && layer <= last)
      .reduce((sum, { bytes }) => sum + bytes, 0),
  );
}
