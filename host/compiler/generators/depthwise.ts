/**
 * Writes the shift-register kernel of a 3×3 depthwise convolution for strips of R output columns as AssemblyScript.
 *
 * It slides down the image. With stride 1 the three weights of a column of the filter share one word,
 * W_kx = w₀ + w₁·2²² + w₂·2⁴⁴: a row of the image adds w₀·x to the output that begins with it, w₁·x to the one that
 * began a row before, w₂·x to the one that ends with it. `sum = (sum << 22) + x₀·W₀ + x₁·W₁ + x₂·W₂` moves each output
 * up a lane, and the top lane is finished: nine MACs for seven opcodes. With stride 2 an output shares only its even
 * rows with its neighbours: E_kx = w₀ + w₂·2³² there and O_kx = w₁·2³² on odd rows, nine MACs for thirteen.
 *
 * Lanes are signed, so what lies below the top lane may borrow one from it; adding half of the top lane's unit before
 * the shift gives it back. A lane holds at most nine products, |sum| ≤ 9·128·127 < 2¹⁹: always exact.
 *
 * Padding is a value, the input's zero point, and a row of it adds a constant. So no padded copy is made: only whether
 * the first and the last column of a strip exist is asked, once a row. The pointer never stands left of the image: the
 * optimiser may fold a step to the right into a load's offset, and an address below zero then traps.
 */

export interface DepthwiseKernel {
  /** Output columns of a strip. */
  readonly columns: number;
  readonly stride: 1 | 2;
  /** As in `lanes.ts`. */
  readonly rectified: boolean;
}

/** Bytes of one channel's record: k i64, m i32, e i32, r i64, then three words (stride 1) or six (stride 2). */
export function depthwiseRecordBytes({ stride }: Pick<DepthwiseKernel, "stride">): number {
  return 24 + (stride === 1 ? 24 : 48);
}

/** Name of the generated file. */
export function depthwiseName({ columns, stride, rectified }: DepthwiseKernel): string {
  return `depthwise_${columns}${stride === 2 ? "_stride_2" : ""}${rectified ? "_relu" : ""}`;
}

const each = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const indent = (lines: readonly string[], by: number) =>
  lines.map((line) => " ".repeat(by) + line).join("\n");

/** The words that a row multiplies: W of stride 1; E on even and O on odd rows of stride 2. */
type Words = "W" | "E" | "O";

/** Loads a row of the image and adds its products; a row of padding adds its constant. */
function rowLines(kernel: DepthwiseKernel, words: Words): string[] {
  const { columns: R, stride } = kernel;
  const inputs = (R - 1) * stride + 3;
  const kept = (j: number) => (stride === 1 ? `(a${j} << 22)` : `a${j}`);
  return [
    "if (<u32>y < <u32>inputHeight) {",
    "  let p: usize = source;",
    "  if (inLeft) {",
    "    v0 = load<i8>(p);",
    "    p += channels;",
    "  }",
    "  const v1: i64 = load<i8>(p);",
    ...each(inputs - 3, (j) => ["  p += channels;", `  const v${j + 2}: i64 = load<i8>(p);`]).flat(),
    `  if (inRight) v${inputs - 1} = load<i8>(p + channels);`,
    ...each(R, (j) => {
      const products = each(3, (kx) => `v${j * stride + kx} * ${words}${kx}`).join(" + ");
      return `  a${j} = ${kept(j)} + ${products};`;
    }),
    "} else {",
    ...each(R, (j) => `  a${j} = ${kept(j)} + padding${words};`),
    "}",
    "y += 1;",
    "source += inputRow;",
  ];
}

/** Takes the finished sums out and stores them as clamped bytes. */
function finishLines({ columns: R, stride, rectified }: DepthwiseKernel): string[] {
  const sum = (j: number) =>
    stride === 1 ? `((a${j} + 0x80000000000) >> 44)` : `((a${j} + 0x80000000) >> 32)`;
  return each(R, (j) => [
    ...(rectified
      ? [`const y${j}: i32 = <i32>((${sum(j)} * m + k) >> e);`]
      : [
          `const t${j}: i64 = (${sum(j)} * m + k) >> 31;`,
          `const y${j}: i32 = <i32>((t${j} + r + (t${j} >> 63)) >> e);`,
        ]),
    `store<i8>(o, clamp(y${j}, minimum, maximum));`,
    j === R - 1 ? `o += outputRow;` : `o += channels;`,
  ]).flat();
}

/** The file's text. Its one function is called by `compiler/depthwise_lanes.ts`, which names the arguments. */
export function depthwiseSource(kernel: DepthwiseKernel): string {
  const { columns: R, stride, rectified } = kernel;
  const inputs = (R - 1) * stride + 3;
  const words: Words[] = stride === 1 ? ["W"] : ["E", "O"];
  const wordLines = words.flatMap((name, group) => [
    ...each(3, (kx) => `const ${name}${kx}: i64 = load<i64>(tile, ${24 + (group * 3 + kx) * 8});`),
    `const padding${name}: i64 = zeroPoint * (${name}0 + ${name}1 + ${name}2);`,
  ]);
  const loop =
    stride === 1
      ? [
          "const end: i32 = y + outputHeight + 2;",
          "const first: i32 = y + 2;",
          "while (y < end) {",
          "  const finished: bool = y >= first;",
          ...rowLines(kernel, "W").map((line) => `  ${line}`),
          "  if (finished) {",
          ...finishLines(kernel).map((line) => `    ${line}`),
          "  }",
          "}",
        ]
      : [
          "for (let row: i32 = 0; row <= outputHeight; row++) {",
          ...rowLines(kernel, "E").map((line) => `  ${line}`),
          "  if (row > 0) {",
          ...finishLines(kernel).map((line) => `    ${line}`),
          "  }",
          ...each(R, (j) => `  a${j} <<= 32;`),
          ...rowLines(kernel, "O").map((line) => `  ${line}`),
          "}",
        ];
  return `/**
 * Depthwise 3×3 convolution with stride ${stride}, strips of ${R} columns.
 * Made by Wamlet (host/compiler/generators/depthwise.ts), which says how it works and why it is exact.
 */
import { clamp } from "../arithmetic";
import { fetchWeights } from "../weights";

export function ${depthwiseName(kernel)}(
  input: usize, output: usize, weights: i32, tile: usize, inputHeight: i32, inputWidth: i32, channels: i32,
  outputHeight: i32, outputWidth: i32, padTop: i32, padLeft: i32, inputZeroPoint: i32, minimum: i32, maximum: i32,
): void {
  const inputRow: i32 = inputWidth * channels;
  // From the last column of a strip to the first one of the next row.
  const outputRow: i32 = (outputWidth - ${R - 1}) * channels;
  const zeroPoint: i64 = inputZeroPoint;
  for (let channel: i32 = 0; channel < channels; channel++) {
    fetchWeights(tile, weights, ${depthwiseRecordBytes(kernel)});
    weights += ${depthwiseRecordBytes(kernel)};
    const k: i64 = load<i64>(tile);
    const m: i64 = load<i32>(tile, 8);
    const e: i64 = load<i32>(tile, 12);
${rectified ? "" : "    const r: i64 = load<i64>(tile, 16);\n"}${indent(wordLines, 4)}
    let column: i32 = 0;
    while (true) {
      const x: i32 = column * ${stride} - padLeft;
      const inLeft: bool = x >= 0;
      const inRight: bool = x + ${inputs - 1} < inputWidth;
      let v0: i64 = zeroPoint;
      let v${inputs - 1}: i64 = zeroPoint;
${indent(
  each(R, (j) => `let a${j}: i64 = 0;`),
  6,
)}
      let y: i32 = -padTop;
      let source: usize = input + <usize>(channel + y * inputRow + max<i32>(x, 0) * channels);
      let o: usize = output + <usize>(channel + column * channels);
${indent(loop, 6)}
      // The last strip steps back where ${R} do not divide the row: some columns are computed twice.
      if (column == outputWidth - ${R}) break;
      column = min<i32>(column + ${R}, outputWidth - ${R});
    }
  }
}
`;
}
