/** SLICE and STRIDED_SLICE with constant bounds. Kernels: copy.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { denseSteps } from "../dimensions.js";
import { defineMovement, type Movement } from "../movement.js";
import { constantIntegers, input, malformed, output, requireShape, unsupported } from "../operands.js";

/** What is taken of one axis: `count` elements from `begin` on, `stride` apart (negative: backwards). */
interface AxisSlice {
  readonly begin: number;
  readonly stride: number;
  readonly count: number;
  /** The axis is no axis of the output. */
  readonly dropped: boolean;
}

function take(operator: Operator, x: Tensor, slices: readonly AxisSlice[]): Movement {
  const y = output(operator);
  const shape = slices.map(({ count }) => count);
  requireShape(
    operator,
    y,
    slices.filter(({ dropped }) => !dropped).map(({ count }) => count),
  );
  const steps = denseSteps(x.shape);
  const copy = {
    from: x,
    to: y,
    fromStart: slices.reduce((sum, { begin }, axis) => sum + begin * (steps[axis] as number), 0),
    toStart: 0,
    shape,
    fromSteps: slices.map(({ stride }, axis) => stride * (steps[axis] as number)),
    toSteps: denseSteps(shape),
  };
  return { inputs: [x], outputs: [y], copies: [copy] };
}

function lowerSlice(operator: Operator): Movement {
  const x = input(operator, 0);
  const begins = constantIntegers(operator, input(operator, 1));
  const sizes = constantIntegers(operator, input(operator, 2));
  if (begins.length !== x.shape.length || sizes.length !== x.shape.length) {
    throw malformed(
      operator,
      `${begins.length} begins and ${sizes.length} sizes for ${x.shape.length} dimensions`,
    );
  }
  const slices = x.shape.map((length, axis) => {
    const begin = begins[axis] as number;
    const size = sizes[axis] as number;
    const count = size === -1 ? length - begin : size;
    if (begin < 0 || count < 1 || begin + count > length) {
      throw malformed(operator, `${count} elements from ${begin} on of the ${length} along axis ${axis}`);
    }
    return { begin, stride: 1, count, dropped: false };
  });
  return take(operator, x, slices);
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/**
 * One axis of a STRIDED_SLICE, as StartForAxis and StopForAxis in kernels/internal/strided_slice_logic.h have it:
 * negative positions count from the end, positions outside are brought to the border, masks mean "from the border".
 */
function stridedAxis(
  operator: Operator,
  axis: number,
  length: number,
  [begin, end, stride]: readonly [number, number, number],
): AxisSlice {
  const masked = (name: string) => ((Number(operator.options.fields[name]) >> axis) & 1) === 1;
  if (stride === 0) throw malformed(operator, `a stride of 0 along axis ${axis}`);
  const [low, high] = stride > 0 ? [0, length] : [-1, length - 1];
  const [firstEnd, lastEnd] = stride > 0 ? [low, high] : [high, low];
  const position = (value: number) => clamp(value < 0 ? value + length : value, low, high);
  const start = masked("beginMask") ? firstEnd : position(begin);
  const dropped = masked("shrinkAxisMask");
  const stop = masked("endMask") ? lastEnd : position(end);
  const count = dropped ? 1 : Math.ceil((stop - start) / stride);
  if (count < 1 || start < 0 || start >= length) {
    throw malformed(operator, `nothing is left of the ${length} elements along axis ${axis}`);
  }
  return { begin: start, stride, count, dropped };
}

function lowerStridedSlice(operator: Operator): Movement {
  const x = input(operator, 0);
  const { fields } = operator.options;
  if (fields.ellipsisMask || fields.newAxisMask || fields.offset) {
    throw unsupported(
      operator,
      "an ellipsis, a new axis or offsets",
      "Write the slice with one begin, end and stride an axis.",
    );
  }
  const [begins, ends, strides] = [1, 2, 3].map((index) =>
    constantIntegers(operator, input(operator, index)),
  );
  if (
    !begins ||
    begins.length > x.shape.length ||
    ends?.length !== begins.length ||
    strides?.length !== begins.length
  ) {
    throw malformed(operator, `begins, ends and strides do not fit ${x.shape.length} dimensions`);
  }
  const slices = x.shape.map((length, axis): AxisSlice => {
    const [begin, end, stride] = [begins[axis], ends[axis], strides[axis]];
    // Axes behind the last one named are taken whole.
    if (begin === undefined || end === undefined || stride === undefined) {
      return { begin: 0, stride: 1, count: length, dropped: false };
    }
    return stridedAxis(operator, axis, length, [begin, end, stride]);
  });
  return take(operator, x, slices);
}

export const slice = defineMovement("SLICE", ["bounds constant"], lowerSlice);
export const stridedSlice = defineMovement(
  "STRIDED_SLICE",
  ["bounds and strides constant", "no ellipsis, no new axis, no offsets"],
  lowerStridedSlice,
);
