/** Numbers for people: three significant digits (none after the point where there is nothing) and a fitting unit. */

/** In the place of a figure that nobody knows. */
export const unknown = "–";

/** `640 B`, `49.2 KiB`, `384 KiB`, `4 MiB`. */
export function formatBytes(bytes: number): string {
  return Math.abs(bytes) < 1024 ? `${bytes} B` : scaled(bytes / 1024, 1024, ["KiB", "MiB", "GiB", "TiB"]);
}

/** @param nanojoules `812 nJ`, `38.2 µJ`, `1.40 mJ`, `2 J` */
export function formatEnergy(nanojoules: number): string {
  return scaled(nanojoules, 1000, ["nJ", "µJ", "mJ", "J", "kJ"]);
}

/** @param microseconds `740 µs`, `12.5 ms`, `3.10 s`; under a microsecond in nanoseconds */
export function formatTime(microseconds: number): string {
  if (microseconds !== 0 && Math.abs(microseconds) < 1) return scaled(microseconds * 1000, 1000, ["ns"]);
  return scaled(microseconds, 1000, ["µs", "ms", "s"]);
}

/** Cycles, instructions, MACs: `981`, `58.4 k`, `2.66 M`. */
export function formatCount(count: number): string {
  if (Math.abs(count) < 1000) return Number.isInteger(count) ? String(count) : digits(count);
  return scaled(count / 1000, 1000, ["k", "M", "G", "T"]);
}

/** `240 MHz`, `32.8 kHz`. */
export function formatFrequency(hertz: number): string {
  return scaled(hertz, 1000, ["Hz", "kHz", "MHz", "GHz"]);
}

/** @param share 0 to 1: `93.4 %` */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A figure with its sign, unit or none: `11.0`, `0.530`. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const magnitude = Math.abs(value);
  return value.toFixed(magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : 2);
}

/**
 * A bar of `columns` cells, in eighths of a cell.
 * @param share 0 to 1; beyond it is cut
 */
export function bar(share: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)) * columns * 8);
  const partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8] ?? "";
  return ("█".repeat(Math.floor(eighths / 8)) + partial).padEnd(columns, " ");
}

/** Breaks text at spaces into lines of at most `columns` characters; a longer word stays whole. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Divides by `step` until at most three digits stand before the point, or the units end. */
function scaled(value: number, step: number, units: readonly string[]): string {
  let rest = value;
  let unit = 0;
  // 999.5 would be written 1000.
  while (Math.abs(rest) >= step - 0.5 && unit < units.length - 1) {
    rest /= step;
    unit++;
  }
  return `${Number.isInteger(rest) ? rest : digits(rest)} ${units[unit]}`;
}
