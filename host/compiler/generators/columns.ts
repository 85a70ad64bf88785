/**
 * Writes the fully connected kernel for a single input vector as AssemblyScript: one input after the other, each
 * multiplied with its whole column of weights into sums that stay in locals. An input at its zero point adds nothing
 * and costs one comparison for the whole column; behind a rectifier half of them are.
 *
 * Weights are used once, so expanding them to lanes in RAM, as the convolutions do, would cost more than the product.
 * A word comes from flash with six weights: in each of its three lanes of 21 bits two bytes, u = w + 128,
 *     word = A + 2⁸·B,   A = Σ_l u_l·2^(21·l),   B = Σ_l u′_l·2^(21·l) = (word >>> 8) & M,   M = 0xff in each lane.
 * Two sums a word, a = Σ x·word and b = Σ x·B, are six MACs for seven opcodes: A needs no mask of its own, since
 * Σ x·A = a − 2⁸·b modulo 2⁶⁴. The 128 comes off for the whole vector: Σ x·W = Σ x·A − C·Σ x with
 * C = 128·(1 + 2²¹ + 2⁴²), again modulo 2⁶⁴. x is the input less its zero point. The words of sums that are right
 * modulo 2⁶⁴ and whose lanes are proved to end in [0, 2²¹) (`compiler/columns_proof.ts`) come apart by shift and mask.
 * Three outputs that are left over have a word of their own, with A alone.
 *
 * Columns come from flash many at a time or, where zeros are to be expected, one by one, so that a zero saves its column's
 * way to RAM, too, and the tile is a column.
 *
 * Where a lane could not hold a whole column's sum, the column is summed in parts and the lanes are added up in memory.
 *
 * Tried on paper and rejected: lanes packed in flash (2.7 times the bytes of the weights for 2 % fewer instructions),
 * four lanes of 16 bits (eight weights for seven opcodes, but parts of a dozen inputs), B without its shift in lanes of
 * 18 bits (6 % fewer instructions where a layer's weights are small enough, for another kernel's code).
 */

export interface ColumnsKernel {
  /** Words of three outputs that are summed up at once. */
  readonly triples: number;
  /** Whether sums are taken out of their lanes part by part. */
  readonly inParts: boolean;
  /** Whether all outputs have one multiplier; else each has its own constants. */
  readonly shared: boolean;
  /** Whether columns are brought in one by one, those of zeros not at all; else many at once. */
  readonly single: boolean;
}

/** Name of the generated file. */
export function columnsName({ triples, inParts, shared, single }: ColumnsKernel): string {
  return `columns_${triples}${inParts ? "_in_parts" : ""}${shared ? "" : "_each"}${single ? "_single" : ""}`;
}

/** Bytes of a column: a word for each six outputs, and one for three that are left over. */
export const columnBytes = (triples: number): number => Math.ceil(triples / 2) * 8;
/** Bytes of constants behind the starts: the shared k, or k, m, e and r of each output (`lane_constants.ts`). */
export const constantBytes = ({ triples, shared }: Pick<ColumnsKernel, "triples" | "shared">): number =>
  shared ? 8 : triples * 3 * 24;

/** Bytes of scratch: sums, then sums out of their lanes, then the outputs. */
export function scratchBytes({ triples, inParts }: ColumnsKernel): number {
  return triples * (8 + (inParts ? 12 : 0) + 3);
}

const each = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const indent = (lines: readonly string[], by: number) =>
  lines.map((line) => " ".repeat(by) + line).join("\n");

const inEachLane = (value: bigint) => `0x${((value << 42n) | (value << 21n) | value).toString(16)}`;
const lane = (word: string, index: number) =>
  index === 0 ? `(${word} & 0x1fffff)` : index === 1 ? `((${word} >>> 21) & 0x1fffff)` : `(${word} >>> 42)`;

/** The file's text. Its one function is called by `compiler/columns.ts`, which names the arguments. */
export function columnsSource(kernel: ColumnsKernel): string {
  const { triples: T, inParts, single } = kernel;
  const names = each(T, (index) => `s${index}`);
  const column = columnBytes(T);
  const words = each(Math.ceil(T / 2), (q) => {
    const [a, b] = [names[2 * q], names[2 * q + 1]];
    const load = `load<i64>(${single ? "tile" : "t"}, ${q * 8})`;
    if (b === undefined) return [`${a} += v * ${load};`];
    return [`w = ${load};`, `${a} += v * w;`, `${b} += v * ((w >>> 8) & ${inEachLane(0xffn)});`];
  }).flat();
  const summing = [
    ...names.map((name) => `let ${name}: i64 = 0;`),
    "let total: i32 = 0;",
    "let w: i64;",
    ...(single ? oneByOne(column, words) : manyAtOnce(column, words)),
    ...names.map((name, index) => `store<i64>(sums, ${name}, ${index * 8});`),
    `const offset: i64 = <i64>total * ${inEachLane(128n)};`,
    `fetchWeights(tile, weights, ${T * 8 + (inParts ? 0 : constantBytes(kernel))});`,
    `weights += ${T * 8 + (inParts ? 0 : constantBytes(kernel))};`,
  ];
  return `/**
 * Fully connected, one vector, ${T * 3} outputs at a time.
 * Made by Wamlet (host/compiler/generators/columns.ts), which says how it works and why it is exact.
 */
import { clamp } from "../arithmetic";
import { fetchWeights } from "../weights";

export function ${columnsName(kernel)}(
  input: usize, output: usize, weights: i32, tile: usize, sums: usize, depth: i32, part: i32, chunk: i32,
  outputs: i32, zeroPoint: i32, multiplier: i32, rounding: i32, right: i32, threshold: i32, minimum: i32,
  maximum: i32,
): void {
  const inputEnd: usize = input + depth;
  const out: usize = sums + ${T * (inParts ? 20 : 8)};
  let channel: i32 = 0;
  do {
    let x: usize = input;
${inParts ? partsLoop(T, summing) : `${indent(["const partEnd: usize = inputEnd;", ...summing], 4)}`}
${indent(inParts ? finishParts(kernel) : finish(kernel), 4)}
    memory.copy(output + channel, out, min<i32>(${T * 3}, outputs - channel));
    channel += ${T * 3};
  } while (channel < outputs);
}
`;
}

/** What is done with one input; the test is in 32 bits, where it is cheapest. */
const oneInput = (words: readonly string[]) => [
  "  const difference: i32 = <i32>load<i8>(x) - zeroPoint;",
  "  if (difference) {",
  "    const v: i64 = difference;",
  "    total += difference;",
  ...words.map((line) => `    ${line}`),
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
    ...oneInput(words).map((line) => `  ${line}`),
    `    t += ${column};`,
    "  } while (x < end);",
    "} while (x < partEnd);",
  ];
}

/** Two words of three lanes from a pair's sums at \`at\` and its starts at \`c\`. */
const pairWords = [
  "const second: i64 = load<i64>(at, 8);",
  "const other: i64 = second + load<i64>(c, 8) - offset;",
  "const first: i64 = load<i64>(at) - (second << 8) + load<i64>(c) - offset;",
];
const singleWord = "const first: i64 = load<i64>(at) + load<i64>(c) - offset;";

/**
 * Over the pairs of sums, and the one left over: from words to what `store` does with a lane.
 * @param step what steps on by six outputs
 */
function overWords(
  triples: number,
  step: string,
  store: (value: string, index: number) => string[],
): string[] {
  const pairs = Math.floor(triples / 2);
  const lines: string[] = [];
  const lanesOf = (word: string, first: number) =>
    each(3, (index) => store(lane(word, index), first + index)).flat();
  if (pairs > 0) {
    lines.push(
      `const last: usize = sums + ${pairs * 16};`,
      "do {",
      ...[...pairWords, ...lanesOf("first", 0), ...lanesOf("other", 3)].map((line) => `  ${line}`),
      "  at += 16;",
      "  c += 16;",
      `  ${step}`,
      "} while (at < last);",
    );
  }
  if (triples % 2 === 1) lines.push("{", ...[singleWord, ...lanesOf("first", 0)].map((l) => `  ${l}`), "}");
  return lines;
}

function partsLoop(triples: number, summing: readonly string[]): string {
  return indent(
    [
      `memory.fill(sums + ${triples * 8}, 0, ${triples * 12});`,
      "do {",
      "  const partEnd: usize = min<usize>(x + part, inputEnd);",
      ...summing.map((line) => `  ${line}`),
      "  let at: usize = sums;",
      "  let c: usize = tile;",
      `  let o: usize = sums + ${triples * 8};`,
      ...overWords(triples, "o += 24;", (value, index) => [
        `store<i32>(o, load<i32>(o, ${index * 4}) + <i32>${value}, ${index * 4});`,
      ]).map((line) => `  ${line}`),
      "} while (x < inputEnd);",
    ],
    4,
  );
}

/** One output's value to its byte; \`v\` is TensorFlow Lite's sum plus a constant that k takes off again. */
function requantise(shared: boolean, value: string, index: number): string[] {
  const to = `v${index}`;
  if (shared) {
    // All outputs are at the minimum already.
    return [
      `const ${to}: i64 = ${value};`,
      `if (${to} > limit) {`,
      `  const t: i32 = <i32>((${to} * m + k) >> 31);`,
      `  store<i8>(o, min<i32>((t + rounding + (t >> 31)) >> right, maximum), ${index});`,
      "}",
    ];
  }
  const at = index * 24;
  return [
    `const t${index}: i64 = (${value} * <i64>load<i32>(d, ${at + 8}) + load<i64>(d, ${at})) >> 31;`,
    `store<i8>(o, clamp(<i32>((t${index} + load<i64>(d, ${at + 16}) + (t${index} >> 63)) >> <i64>load<i32>(d, ${at + 12})), minimum, maximum), ${index});`,
  ];
}

/** What the outputs' loop begins with. @param constants where the constants lie */
function beforeOutputs({ triples, shared }: ColumnsKernel, constants: string): string[] {
  return [
    "let o: usize = out;",
    ...(shared
      ? [
          `const k: i64 = load<i64>(${constants});`,
          "const m: i64 = multiplier;",
          "const limit: i64 = threshold;",
          `memory.fill(out, <u8>minimum, ${triples * 3});`,
        ]
      : [`let d: usize = ${constants};`]),
  ];
}

function finish(kernel: ColumnsKernel): string[] {
  const { triples, shared } = kernel;
  const step = shared ? "o += 6;" : `o += 6; d += ${6 * 24};`;
  return [
    "let at: usize = sums;",
    "let c: usize = tile;",
    ...beforeOutputs(kernel, `tile + ${triples * 8}`),
    ...overWords(triples, step, (value, index) => requantise(shared, value, index)),
  ];
}

function finishParts(kernel: ColumnsKernel): string[] {
  const { triples, shared } = kernel;
  const bytes = constantBytes(kernel);
  return [
    `fetchWeights(tile, weights, ${bytes});`,
    `weights += ${bytes};`,
    ...beforeOutputs(kernel, "tile"),
    `let at: usize = sums + ${triples * 8};`,
    "do {",
    ...each(3, (index) => requantise(shared, `<i64>load<i32>(at, ${index * 4})`, index))
      .flat()
      .map((line) => `  ${line}`),
    "  at += 12;",
    ...(shared ? [] : [`  d += ${3 * 24};`]),
    "  o += 3;",
    "} while (at < out);",
  ];
}
