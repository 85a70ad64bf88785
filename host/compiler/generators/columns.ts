/**
 * Writes the fully connected kernel for a single input vector as AssemblyScript: one input after the other, each
 * multiplied with its whole column of weights into sums that stay in locals. An input at its zero point adds nothing
 * and costs one comparison for the whole column; behind a rectifier half of them are.
 *
 * Weights are used once, so expanding them to lanes in RAM, as the convolutions do, would cost more than the product.
 * A word comes from flash with six weights: in each of its three lanes two bytes, u = w + 128,
 *     word = A + 2⁸·B,   A = Σ_l u_l·2^p_l,   B = Σ_l u′_l·2^p_l,   p the lanes' positions (`columns_layout.ts`).
 * Two sums a word are six MACs. The first is a = Σ x·word; A needs no mask of its own, Σ x·A = a − 2⁸·Σ x·B. The second:
 * - shifted, lanes of 21, 21 and 22 bits: b = Σ x·((word >>> 8) & M), M = 0xff in each lane. Seven opcodes. Σ x·B = b.
 * - masked in place, six opcodes: b = Σ x·(word & 2⁸·M). Σ x·A = a − b; and b = 2⁸·Σ x·B, so Σ x·B is (b >>> 8), of which
 *   56 bits are left: with lanes of 19 bits the last one has 18, the first triple's last one 26. Outputs are put where
 *   they fit (`compiler/columns_lanes.ts`), and their places in the output stand behind the constants.
 * Everything is exact modulo 2⁶⁴. The 128 comes off for the whole vector: Σ x·W = Σ x·A − C·Σ x, C = 128 in each lane.
 * x is the input less its zero point. Sums begin at `starts`, with which their lanes are proved to end inside their own
 * width (`compiler/columns_proof.ts`): neither borrowing nor carrying, they come apart by shift and mask.
 * Three outputs that are left over have a word of their own, with A alone.
 *
 * Columns come from flash many at a time or, where zeros are to be expected, one by one, so that a zero saves its column's
 * way to RAM, too, and the tile is a column.
 *
 * Where a lane could not hold a whole column's sum, the column is summed in parts, and what their lanes hold is added up
 * as an output is finished. With that, narrow lanes are cheap for columns of hundreds of inputs.
 *
 * Tried on paper and rejected: lanes packed in flash (2.7 times the bytes of the weights, and more instructions), four
 * lanes of 16 bits (parts of a dozen inputs), requantising in 32 bits (hardly a scale has constants that are exact).
 */
import { type ColumnsLayout, inEachLane } from "./columns_layout.js";
import { each, indent } from "./lines.js";

export interface ColumnsKernel {
  readonly layout: ColumnsLayout;
  /** Words of three outputs that are summed up at once. */
  readonly triples: number;
  /** Whether sums are taken out of their lanes part by part. */
  readonly inParts: boolean;
  /** With one multiplier for all outputs: TensorFlow Lite's two roundings, or one behind a rectifier. Else each its own. */
  readonly rounding: "once" | "twice" | "each";
  /** Whether columns are brought in one by one, those of zeros not at all; else many at once. */
  readonly single: boolean;
}

/** Name of the generated file. */
export function columnsName({ layout, triples, inParts, rounding, single }: ColumnsKernel): string {
  const parts = [
    `columns_${triples}`,
    ...(layout.masked ? ["masked"] : []),
    ...(inParts ? ["in_parts"] : []),
    ...(rounding === "twice" ? [] : [rounding]),
    ...(single ? ["single"] : []),
  ];
  return parts.join("_");
}

/** Bytes of a column: a word for each six outputs, and one for three that are left over. */
export const columnBytes = (triples: number): number => Math.ceil(triples / 2) * 8;
/** Bytes of one output's k, m, e, place and r (`lane_constants.ts`), where each has its own. */
export const eachBytes = 24;
/** How many sets of k and limit outputs of one multiplier have: one for each lane where outputs were sorted into lanes. */
export const constantSets = ({ layout, triples }: Pick<ColumnsKernel, "layout" | "triples">): number =>
  layout.masked ? (triples > 1 ? 6 : 3) : 1;
/** Bytes of constants: k and limit of each set, then the outputs' places; or what each output has. */
export function constantBytes({ layout, triples, rounding }: ColumnsKernel): number {
  if (rounding === "each") return triples * 3 * eachBytes;
  return constantSets({ layout, triples }) * 16 + (layout.masked ? (triples * 6 + 3) & ~3 : 0);
}

/** Bytes of scratch: sums, and offsets of parts; then the outputs, where they are not stored to their places. */
export function scratchBytes({ layout, triples, inParts }: ColumnsKernel, parts: number): number {
  return parts * (triples * 8 + (inParts ? 8 : 0)) + (layout.masked ? 0 : triples * 3);
}

const hex = (value: bigint) => `0x${value.toString(16)}`;

/** The file's text. Its one function is called by `compiler/columns.ts`, which names the arguments. */
export function columnsSource(kernel: ColumnsKernel): string {
  const { layout, triples: T, inParts, rounding } = kernel;
  const body = [
    "let x: usize = input;",
    ...(inParts ? partsLoop(kernel) : ["const partEnd: usize = inputEnd;", ...summing(kernel, "sums")]),
    ...finish(kernel),
  ];
  return `/**
 * Fully connected, one vector, ${T * 3} outputs at a time.
 * Made by Wamlet (host/compiler/generators/columns.ts), which says how it works and why it is exact.
 */
import { clamp } from "../arithmetic";
import { fetchWeights } from "../weights";

export function ${columnsName(kernel)}(
  input: usize, output: usize, weights: i32, tile: usize, sums: usize, depth: i32, part: i32, offsets: usize, chunk: i32,
  outputs: i32, zeroPoint: i32, multiplier: i32, rounding: i32, right: i32, minimum: i32, maximum: i32,
): void {
  const inputEnd: usize = input + depth;
${layout.masked && rounding !== "each" ? "  memory.fill(output, <u8>minimum, outputs);\n" : ""}  let channel: i32 = 0;
  do {
${indent(body, 4).join("\n")}
    channel += ${T * 3};
  } while (channel < outputs);
}
`;
}

/** From starts to sums of the inputs up to \`partEnd\`, stored at \`to\`, and their offset. */
function summing(kernel: ColumnsKernel, to: string): string[] {
  const { layout, triples: T, single } = kernel;
  const names = each(T, (index) => `s${index}`);
  const column = columnBytes(T);
  const mask = inEachLane(layout, () => 0xffn);
  const second = layout.masked ? `(w & ${hex(mask << 8n)})` : `((w >>> 8) & ${hex(mask)})`;
  const words = each(Math.ceil(T / 2), (q) => {
    const [a, b] = [names[2 * q], names[2 * q + 1]];
    const load = `load<i64>(${single ? "tile" : "t"}, ${q * 8})`;
    if (b === undefined) return [`${a} += v * ${load};`];
    return [`w = ${load};`, `${a} += v * w;`, `${b} += v * ${second};`];
  }).flat();
  return [
    `fetchWeights(tile, weights, ${T * 8});`,
    `weights += ${T * 8};`,
    ...names.map((name, index) => `let ${name}: i64 = load<i64>(tile, ${index * 8});`),
    "let total: i32 = 0;",
    "let w: i64;",
    ...(single ? oneByOne(column, words) : manyAtOnce(column, words)),
    ...names.map((name, index) => `store<i64>(${to}, ${name}, ${index * 8});`),
    `const offset: i64 = <i64>total * ${hex(inEachLane(layout, () => 128n))};`,
  ];
}

/** What is done with one input; the test is in 32 bits, where it is cheapest. */
const oneInput = (words: readonly string[]) => [
  "  const difference: i32 = <i32>load<i8>(x) - zeroPoint;",
  "  if (difference) {",
  "    const v: i64 = difference;",
  "    total += difference;",
  ...indent(words, 4),
  "  }",
  "  x += 1;",
];

function oneByOne(column: number, words: readonly string[]): string[] {
  return [
    "do {",
    ...oneInput([`fetchWeights(tile, weights, ${column});`, ...words]),
    `  weights += ${column};`,
    "} while (x < partEnd);",
  ];
}

function manyAtOnce(column: number, words: readonly string[]): string[] {
  return [
    "do {",
    "  const end: usize = min<usize>(x + chunk, partEnd);",
    `  const bytes: i32 = <i32>(end - x) * ${column};`,
    "  fetchWeights(tile, weights, bytes);",
    "  weights += bytes;",
    "  let t: usize = tile;",
    "  do {",
    ...indent(oneInput(words), 2),
    `    t += ${column};`,
    "  } while (x < end);",
    "} while (x < partEnd);",
  ];
}

/** Each part's sums behind those of the part before, its offset at \`q\`. */
function partsLoop(kernel: ColumnsKernel): string[] {
  return [
    "let s: usize = sums;",
    "let q: usize = offsets;",
    "do {",
    "  const partEnd: usize = min<usize>(x + part, inputEnd);",
    ...indent(summing(kernel, "s"), 2),
    "  store<i64>(q, offset);",
    `  s += ${kernel.triples * 8};`,
    "  q += 8;",
    "} while (x < inputEnd);",
  ];
}

/** From sums to outputs, over the pairs of triples and the triple that is left over. */
function finish(kernel: ColumnsKernel): string[] {
  const { layout, triples: T, inParts, rounding } = kernel;
  const bytes = constantBytes(kernel);
  const sets = constantSets(kernel);
  const pairs = Math.floor(T / 2);
  const own = rounding === "each";
  const placed = layout.masked;
  const sorted = placed && !own;
  const shared = each(sets, (set) => [
    `const k${set}: i64 = load<i64>(tile, ${set * 16});`,
    inParts
      ? `const limit${set}: i32 = load<i32>(tile, ${set * 16 + 8});`
      : `const limit${set}: i64 = load<i64>(tile, ${set * 16 + 8});`,
  ]).flat();
  const steps = [
    "at += 16;",
    ...(own ? [`d += ${6 * eachBytes};`] : []),
    ...(sorted ? ["places += 12;"] : []),
    ...(placed ? [] : ["o += 6;"]),
  ];
  const six = [...lanes(kernel, 6), ...each(6, (index) => requantise(kernel, index)).flat()];
  const three = [...lanes(kernel, 3), ...each(3, (index) => requantise(kernel, index)).flat()];
  return [
    `fetchWeights(tile, weights, ${bytes});`,
    `weights += ${bytes};`,
    ...(own
      ? ["let d: usize = tile;"]
      : [
          "const m: i64 = multiplier;",
          ...(rounding === "once" ? ["const shift: i64 = right;"] : []),
          ...shared,
        ]),
    ...(sorted ? [`let places: usize = tile + ${sets * 16};`] : []),
    ...(placed ? [] : [`let o: usize = ${inParts ? "q" : `sums + ${T * 8}`};`, "const out: usize = o;"]),
    ...(placed || own ? [] : [`memory.fill(out, <u8>minimum, ${T * 3});`]),
    ...(inParts ? ["const last: usize = q;"] : []),
    ...(layout.masked && !inParts ? ["const offset8: i64 = offset << 8;"] : []),
    "let at: usize = sums;",
    ...(pairs > 0
      ? [
          `const pairsEnd: usize = sums + ${pairs * 16};`,
          "do {",
          ...indent([...six, ...steps], 2),
          "} while (at < pairsEnd);",
        ]
      : []),
    ...(T % 2 === 1 ? ["{", ...indent(three, 2), "}"] : []),
    ...(placed ? [] : [`memory.copy(output + channel, out, min<i32>(${T * 3}, outputs - channel));`]),
  ];
}

/** Values v0, v1, … of the lanes of six outputs, or of three, whose sums begin at \`at\`. */
function lanes({ layout, triples, inParts }: ColumnsKernel, count: number): string[] {
  const { masked, positions } = layout;
  const words = (at: string) =>
    count === 3
      ? [`const first: i64 = load<i64>(${at}) - offset;`]
      : [
          `const second: i64 = load<i64>(${at}, 8);`,
          `const first: i64 = load<i64>(${at}) - ${masked ? "second" : "(second << 8)"} - offset;`,
          masked
            ? `const other: i64 = (second - ${inParts ? "(offset << 8)" : "offset8"}) >>> 8;`
            : "const other: i64 = second - offset;",
        ];
  const value = (index: number) => {
    const lane = index % 3;
    const word = index < 3 ? "first" : "other";
    const down = lane === 0 ? word : `(${word} >>> ${positions[lane]})`;
    const lower = inParts ? `<i32>${down}` : down;
    if (lane === 2) return lower;
    return `${lower} & ${hex((1n << BigInt((positions[lane + 1] ?? 0) - (positions[lane] ?? 0))) - 1n)}`;
  };
  if (!inParts) return [...words("at"), ...each(count, (index) => `const v${index}: i64 = ${value(index)};`)];
  return [
    ...each(count, (index) => `let v${index}: i32 = 0;`),
    "let p: usize = at;",
    "q = offsets;",
    "do {",
    "  const offset: i64 = load<i64>(q);",
    ...indent(words("p"), 2),
    ...each(count, (index) => `  v${index} += ${value(index)};`),
    `  p += ${triples * 8};`,
    "  q += 8;",
    "} while (q < last);",
  ];
}

/** One output's value to its byte; \`v\` is TensorFlow Lite's sum plus a constant that k takes off again. */
function requantise(kernel: ColumnsKernel, index: number): string[] {
  const { layout, inParts, rounding } = kernel;
  const v = inParts ? `<i64>v${index}` : `v${index}`;
  const at = index * eachBytes;
  const place = rounding === "each" ? `load<u16>(d, ${at + 14})` : `load<u16>(places, ${index * 2})`;
  const store = (value: string) =>
    layout.masked ? `store<i8>(output + <usize>${place}, ${value});` : `store<i8>(o, ${value}, ${index});`;
  if (rounding === "each") {
    return [
      `const t${index}: i64 = (${v} * <i64>load<i32>(d, ${at + 8}) + load<i64>(d, ${at})) >> 31;`,
      store(
        `clamp(<i32>((t${index} + load<i64>(d, ${at + 16}) + (t${index} >> 63)) >> <i64>load<u16>(d, ${at + 12})), minimum, maximum)`,
      ),
    ];
  }
  const set = layout.masked ? index : 0;
  return [
    // All outputs are at the minimum already.
    `if (v${index} > limit${set}) {`,
    ...(rounding === "once"
      ? [`  const y: i32 = <i32>((${v} * m + k${set}) >> shift);`]
      : [
          `  const t: i32 = <i32>((${v} * m + k${set}) >> 31);`,
          "  const y: i32 = (t + rounding + (t >> 31)) >> right;",
        ]),
    `  ${store("min<i32>(y, maximum)")}`,
    "}",
  ];
}
