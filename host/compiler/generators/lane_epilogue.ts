/**
 * The last step of a three-lane tile: from sums in memory to clamped bytes, a word of three channels at a time.
 *
 * It is a third of a pointwise layer's opcodes, so: with one rounding all channels share one shift; the clamp is one
 * load from a table where RAM allows (`assembly/kernels/clamp_table.ts`), else two comparisons and two selects.
 *
 * Tried and rejected: clamping three lanes at once in their word (masks from a guard bit; as many opcodes as the
 * selects), gathering bytes for one wide store (a shift and an or cost more than a store).
 */

export interface LaneEpilogue {
  readonly pixels: number;
  readonly words: number;
  /** Words of partial sums per tile word, one of each segment; 1: the whole sum in one. */
  readonly parts: number;
  /** Whether the clamp cuts everything below the output's zero point: one rounding then does. */
  readonly rectified: boolean;
  /** Whether the clamp is a table. */
  readonly table: boolean;
  /** Whether the last word steps back, because its channels do not fill it. */
  readonly overlap: boolean;
  /** Output channels, where the kernel knows them. */
  readonly pixelBytes: number | null;
  /**
   * Whether the sums are taken from their locals, word by word in straight code: no store and load for each, but code for
   * each. One part, a table, and known output channels only.
   */
  readonly direct?: boolean;
}

/** Bits between lanes. */
export const laneBits = 21;

/** Bytes of one channel's constants: k i64 and m i64; with two roundings k i64, m i32, e i32 and r i64. */
export function recordBytes({ rectified }: Pick<LaneEpilogue, "rectified">): number {
  return rectified ? 16 : 24;
}

const each = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

function lane(word: string, index: number): string {
  if (index === 0) return `(${word} & 0x1fffff)`;
  return index === 1 ? `((${word} >>> ${laneBits}) & 0x1fffff)` : `(${word} >>> ${2 * laneBits})`;
}

/** Where a word's channels begin, and which of its lanes no word before it has done. */
function wordLanes({ words: Q, overlap, pixelBytes }: LaneEpilogue, word: number) {
  const start = overlap ? Math.min(3 * word, (pixelBytes ?? 3 * Q) - 3) : 3 * word;
  return { start, lanes: [0, 1, 2].filter((index) => start + index >= 3 * word) };
}

/** The same from locals `s<pixel>_<word>`, with all distances known. */
function directLines(kernel: LaneEpilogue): string[] {
  const { pixels: P, words: Q, rectified, pixelBytes } = kernel;
  const bytes = recordBytes(kernel);
  return each(Q, (q) => {
    const { start, lanes } = wordLanes(kernel, q);
    return lanes.flatMap((index) => {
      const at = (3 * q + index) * bytes;
      const name = `${q}_${index}`;
      const value = (p: number) => `${lane(`s${p}_${q}`, index)} * m${name} + k${name}`;
      return [
        `const k${name}: i64 = load<i64>(constants, ${at});`,
        ...(rectified
          ? [`const m${name}: i64 = load<i64>(constants, ${at + 8});`]
          : [
              `const m${name}: i64 = load<i32>(constants, ${at + 8});`,
              `const e${name}: i64 = load<i32>(constants, ${at + 12});`,
              `const r${name}: i64 = load<i64>(constants, ${at + 16});`,
            ]),
        ...each(P, (p) => {
          const byte = (index64: string) =>
            `store<u8>(o0, load<u8>(table + <usize>(<i32>(${index64}))), ${p * (pixelBytes ?? 0) + start + index});`;
          if (rectified) return [byte(`(${value(p)}) >> shift`)];
          const t = `t${p}_${name}`;
          return [
            `const ${t}: i64 = (${value(p)}) >> 31;`,
            byte(`(${t} + r${name} + (${t} >> 63)) >> e${name}`),
          ];
        }).flat(),
      ];
    });
  }).flat();
}

/** Lines that read `constants`, `sums` and `o0` (and move it on), and the clamp's parameters. */
export function epilogueLines(kernel: LaneEpilogue): string[] {
  if (kernel.direct) return directLines(kernel);
  const { pixels: P, words: Q, parts, rectified, table, overlap, pixelBytes } = kernel;
  const bytes = recordBytes(kernel);
  const sum = (p: number, index: number) => each(parts, (part) => lane(`b${p}_${part}`, index)).join(" + ");
  const requantise = (p: number, index: number) =>
    rectified
      ? [`const y${p}_${index}: i32 = <i32>(((${sum(p, index)}) * m${index} + k${index}) >> shift);`]
      : [
          `const t${p}_${index}: i64 = ((${sum(p, index)}) * m${index} + k${index}) >> 31;`,
          `const y${p}_${index}: i32 = <i32>((t${p}_${index} + r${index} + (t${p}_${index} >> 63)) >> e${index});`,
        ];
  const clamped = (name: string) =>
    table ? `load<u8>(table + <usize>${name})` : `clamp(${name}, minimum, maximum)`;
  const store = (p: number, index: number) => {
    const value = clamped(`y${p}_${index}`);
    return pixelBytes === null
      ? `store<u8>(o${p}, ${value}, ${index});`
      : `store<u8>(o0, ${value}, ${p * pixelBytes + index});`;
  };
  const outputs = pixelBytes === null ? P : 1;
  const step = overlap ? "step" : "3";
  return [
    "let c: usize = constants;",
    "let a: usize = sums;",
    ...(pixelBytes === null
      ? each(P - 1, (p) => `let o${p + 1}: usize = o${p} + <usize>outputChannels;`)
      : []),
    ...(overlap ? [`const last: usize = o0 + <usize>(outputChannels - 3);`] : []),
    "do {",
    ...each(P, (p) =>
      each(parts, (part) => `  const b${p}_${part}: i64 = load<i64>(a, ${(part * P * Q + p) * 8});`),
    ).flat(),
    ...each(3, (index) => [
      `  const k${index}: i64 = load<i64>(c, ${index * bytes});`,
      ...(rectified
        ? [`  const m${index}: i64 = load<i64>(c, ${index * bytes + 8});`]
        : [
            `  const m${index}: i64 = load<i32>(c, ${index * bytes + 8});`,
            `  const e${index}: i64 = load<i32>(c, ${index * bytes + 12});`,
            `  const r${index}: i64 = load<i64>(c, ${index * bytes + 16});`,
          ]),
      ...each(P, (p) => [...requantise(p, index), store(p, index)].map((line) => `  ${line}`)).flat(),
    ]).flat(),
    ...(overlap ? ["  const step: usize = min<usize>(3, last - o0);"] : []),
    ...each(outputs, (p) => `  o${p} += ${step};`),
    `  a += ${P * 8};`,
    `  c += ${3 * bytes};`,
    `} while (c < constants + ${Q * 3 * bytes});`,
  ];
}

/** Opcodes of the lines, a tile. */
export function epilogueOpcodes(kernel: LaneEpilogue): number {
  const { pixels: P, words: Q, parts, rectified, table, overlap, pixelBytes } = kernel;
  const outputs = pixelBytes === null ? P : 1;
  if (kernel.direct) {
    const channels = each(Q, (q) => wordLanes(kernel, q).lanes.length).reduce((sum, lanes) => sum + lanes, 0);
    return channels * ((rectified ? 2 : 4) + P * (4 / 3 + 4 + (rectified ? 0 : 3) + 2));
  }
  // Lane, product, k, shift, wrap; a second rounding; clamp and store.
  const perOutput = (5 / 3 - 1 / 3) * parts + (parts - 1) + 4 + (rectified ? 0 : 3) + (table ? 2 : 5);
  const perWord = P * parts + 3 * (rectified ? 2 : 4) + 3 * P * perOutput + outputs + (overlap ? 3 : 0) + 4;
  return Q * perWord + outputs + (overlap ? 1 : 0) + 2;
}

/** Bytes of the lines' code, estimated. */
export function epilogueCodeBytes({
  pixels: P,
  words: Q,
  parts,
  rectified,
  table,
  direct,
}: LaneEpilogue): number {
  if (direct) return 3 * Q * ((rectified ? 12 : 24) + P * (28 + (rectified ? 0 : 12)));
  return (
    60 +
    P * 9 * parts +
    3 * (rectified ? 22 : 44) +
    3 * P * (25 + 10 * parts + (rectified ? 0 : 12) + (table ? 0 : 16))
  );
}
