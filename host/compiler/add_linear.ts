/**
 * Sums of two int8 operands as one straight line: table[(leftFactor·left + rightFactor·right + offset) >> shift].
 *
 * TensorFlow Lite rounds six times on the way of an ADD; seen from outside, its result is a staircase over the plane of
 * both operands whose edges are straight but for rounding errors far below one step. So some line has the very same
 * steps. Factors are tried near the real ones; for given factors every pair of operands bounds the offset from one side
 * (its line may not reach the next step) or the other, and where all 65 536 leave an interval, any offset in it is exact
 * for all of them. Ties, which go away from zero, are met by factors that are a little larger. Where no factors are
 * found (not seen yet), the plain kernel is taken. Kernel: add_linear.ts.
 *
 * Not for MUL: its first rounding leaves so few bits that ties come at every scale, and no line breaks them by sign.
 */
import type { ClampRange } from "./activation.js";
import { type CommonScale, type Elementwise, elementwiseArguments } from "./elementwise.js";
import { multiplyByQuantizedMultiplier, type QuantizedMultiplier } from "./fixed_point.js";
import type { Argument, KernelForm, Places } from "./layer.js";

/** ADD, or SUB. */
export interface Sum extends Elementwise, CommonScale {
  /** 1, or −1 where the right operand is subtracted. */
  readonly rightSign: number;
  /** Bits by which both operands are scaled up before they are added. */
  readonly headroom: number;
  readonly clamp: ClampRange;
}

export interface Line {
  readonly leftFactor: number;
  readonly rightFactor: number;
  /** Modulo 2³². */
  readonly offset: number;
  readonly shift: number;
  /** The clamped result by the line's whole part. */
  readonly table: Uint8Array;
}

/** What a line has to meet. */
export interface Staircase {
  /** The result of every pair of operands, at 256·(left + 128) + right + 128; only what the clamp keeps matters. */
  readonly results: Int32Array;
  readonly clamp: ClampRange;
  /** Real factors of left and right, in steps of the result. */
  readonly slopes: readonly [left: number, right: number];
}

const pairs = 256 * 256;
/** A longer table would cost more RAM than it is worth. */
const longestTable = 2048;
/** Factors tried around the real ones, and how many shifts from the largest down. */
const reach = 4;
const mostShifts = 4;

const around = Array.from({ length: 2 * reach + 1 }, (_, index) => index - reach);
/** The nearest first. */
const neighbours = around
  .flatMap((left) => around.map((right) => [left, right] as const))
  .sort((p, q) => Math.abs(p[0]) + Math.abs(p[1]) - Math.abs(q[0]) - Math.abs(q[1]));

/** @returns null where no line was found */
export function findLine(staircase: Staircase): Line | null {
  const [left, right] = staircase.slopes;
  const entries = Math.ceil((Math.abs(left) + Math.abs(right)) * 255) + 4;
  if (!(entries <= longestTable)) return null;
  const largest = Math.floor(Math.log2(2 ** 32 / entries));
  for (let shift = largest; shift > largest - mostShifts; shift--) {
    for (const [leftStep, rightStep] of neighbours) {
      const leftFactor = Math.round(left * 2 ** shift) + leftStep;
      const rightFactor = Math.round(right * 2 ** shift) + rightStep;
      const line = tryFactors(staircase, leftFactor, rightFactor, shift);
      if (line) return line;
    }
  }
  return null;
}

/** The line with these factors, if an offset makes it exact for every pair. */
function tryFactors(
  { results, clamp }: Staircase,
  leftFactor: number,
  rightFactor: number,
  shift: number,
): Line | null {
  const step = 2 ** shift;
  let least = Number.NEGATIVE_INFINITY;
  let most = Number.POSITIVE_INFINITY;
  for (let index = 0; index < pairs; index++) {
    // Far apart one after the other, so that wrong factors are found out soon.
    const pair = (index * 40503) % pairs;
    const result = results[pair] as number;
    const value = ((pair >> 8) - 128) * leftFactor + ((pair & 255) - 128) * rightFactor;
    // Beyond the clamp only one side matters.
    if (result > clamp.minimum) least = Math.max(least, result * step - value);
    if (result < clamp.maximum) most = Math.min(most, (result + 1) * step - 1 - value);
    if (least > most) return null;
  }
  // With a single result for all there is no bound on one side.
  const middle = Number.isFinite(least) && Number.isFinite(most) ? Math.floor((least + most) / 2) : null;
  const offset = middle ?? (Number.isFinite(least) ? least : most);
  const corners = [-128, 127].flatMap((a) =>
    [-128, 127].map((b) => a * leftFactor + b * rightFactor + offset),
  );
  const bottom = Math.floor(Math.min(...corners) / step);
  const entries = Math.floor(Math.max(...corners) / step) - bottom + 1;
  if (entries > longestTable || entries * step > 2 ** 32) return null;
  return {
    leftFactor,
    rightFactor,
    offset: Number(BigInt.asIntN(32, BigInt(offset) - BigInt(bottom) * BigInt(step))),
    shift,
    table: Uint8Array.from(
      { length: entries },
      (_, entry) => Math.min(Math.max(bottom + entry, clamp.minimum), clamp.maximum) & 0xff,
    ),
  };
}

/** value · multiplier · 2^(shift − 31) as TensorFlow Lite rounds it, for |value| < 2³¹ and a shift ≤ 0. */
export function rescale(value: number, { multiplier, shift }: QuantizedMultiplier): number {
  // The product has up to 62 bits, a double 53: in two parts. Nested floors are one floor.
  const low = Math.floor((value * (multiplier % 65536) + 2 ** 30) / 65536);
  const high = Math.floor((value * Math.floor(multiplier / 65536) + low) / 32768);
  if (shift === 0) return high;
  return Math.floor((high + 2 ** (-shift - 1) - (high < 0 ? 1 : 0)) / 2 ** -shift);
}

/** What TensorFlow Lite gives for every pair, or null where a shift to the left could wrap. */
function staircaseOf(layer: Sum): Staircase | null {
  const { outputMultiplier, headroom, rightSign, clamp } = layer;
  if (outputMultiplier.shift > 0) return null;
  const scaled = (zeroPoint: number, multiplier: QuantizedMultiplier) =>
    Array.from({ length: 256 }, (_, byte) =>
      multiplyByQuantizedMultiplier((byte - 128 - zeroPoint) * 2 ** headroom, multiplier),
    );
  const left = scaled(layer.leftZeroPoint, layer.leftMultiplier);
  const right = scaled(layer.rightZeroPoint, layer.rightMultiplier);
  const results = Int32Array.from({ length: pairs }, (_, pair) => {
    const sum = (left[pair >> 8] as number) + rightSign * (right[pair & 255] as number);
    return rescale(sum, outputMultiplier) + layer.outputZeroPoint;
  });
  const real = ({ multiplier, shift }: QuantizedMultiplier) => multiplier * 2 ** (shift - 31);
  const unit = 2 ** headroom * real(outputMultiplier);
  const slopes = [unit * real(layer.leftMultiplier), rightSign * unit * real(layer.rightMultiplier)] as const;
  return { results, clamp, slopes };
}

const lines = new WeakMap<Sum, Line | null>();

function lineOf(layer: Sum): Line | null {
  let line = lines.get(layer);
  if (line === undefined) {
    const inner = layer.loops[3];
    const fullRows = inner?.steps[0] === 1 && inner.steps[1] === 1;
    const staircase = layer.output.type === "int8" && fullRows ? staircaseOf(layer) : null;
    line = staircase && findLine(staircase);
    lines.set(layer, line);
  }
  return line;
}

export const addLinear: KernelForm<Sum> = {
  name: "add_linear",
  when: "int8, both operands' rows in full, and one line proved equal for every pair of values",
  applies: (layer) => lineOf(layer) !== null,
  cost(layer) {
    const row = layer.loops[3]?.size ?? 1;
    const rows = layer.output.elements / row;
    const perRow = 24 + row * 10 + (Math.floor(row / 8) + (row % 8)) * 5;
    return { opcodes: 24 + rows * perRow, bytesMoved: lineOf(layer)?.table.length ?? 0 };
  },
  scratch: (layer) => [{ kind: "weights", bytes: lineOf(layer)?.table.length ?? 0 }],
  weights: (layer) => [(lineOf(layer) as Line).table],
  emit(layer, places) {
    const line = lineOf(layer) as Line;
    return [
      {
        file: "kernels/add_linear",
        function: "addLinear",
        arguments: [
          ...walk(layer, places),
          ["weights", places.weights[0] as number],
          ["tile", places.scratch[0] as number],
          ["tableBytes", line.table.length],
          ["leftFactor", line.leftFactor],
          ["rightFactor", line.rightFactor],
          ["offset", line.offset],
          ["shift", line.shift],
        ],
      },
    ];
  },
};

/** Without the innermost steps, which are 1. */
function walk(layer: Elementwise, places: Places): Argument[] {
  return elementwiseArguments(layer, places).filter(([name]) => !name.endsWith("Step3"));
}
