/**
 * SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: every `block`-th pixel becomes a picture of its own, and back (the way
 * TensorFlow once wrote dilated convolutions). Kernels: copy.ts.
 *
 * Along an axis the pixels, counted with the padding in front, fall into blocks. All whole blocks are one strided
 * copy; a block that the border cuts is another: at most three pieces an axis.
 */
import type { Operator, Tensor } from "../../model/graph.js";
import { denseSteps } from "../dimensions.js";
import { defineMovement, type Movement, type StridedCopy, zeroByte } from "../movement.js";
import { constantIntegers, input, malformed, output, requireShape, unsupported } from "../operands.js";
import { productOf } from "../slabs.js";

/** Pixels of one axis that one copy moves: `blocks` blocks, `phases` neighbours of each. */
interface Piece {
  /** First pixel, without the padding. */
  readonly pixel: number;
  readonly block: number;
  readonly phase: number;
  readonly blocks: number;
  readonly phases: number;
}

/** The pieces of `pixels` pixels behind `before` pixels of padding. */
function pieces(pixels: number, before: number, size: number): Piece[] {
  const found: Piece[] = [];
  let pixel = 0;
  while (pixel < pixels) {
    const position = pixel + before;
    const phase = position % size;
    const left = pixels - pixel;
    const whole = phase === 0 && left >= size;
    const piece = {
      pixel,
      block: Math.floor(position / size),
      phase,
      blocks: whole ? Math.floor(left / size) : 1,
      phases: whole ? size : Math.min(size - phase, left),
    };
    found.push(piece);
    pixel += piece.blocks * piece.phases;
  }
  return found;
}

/** Both sides: `space` the picture, `batch` the pictures made of it, `borders` the padding or what is cropped. */
interface Sides {
  readonly space: Tensor;
  readonly batch: Tensor;
  readonly padded: boolean;
  /** One copy each, as seen from the picture. */
  readonly copies: readonly {
    readonly spaceStart: number;
    readonly batchStart: number;
    readonly shape: readonly number[];
    readonly spaceSteps: readonly number[];
    readonly batchSteps: readonly number[];
  }[];
}

/** A picture's shape with two spatial axes, the channels joined: [batches, height, width, channels]. */
function picture(
  operator: Operator,
  tensor: Tensor,
  spatial: number,
): readonly [number, number, number, number] {
  const { shape } = tensor;
  const [batches] = shape;
  if (batches === undefined || shape.length <= spatial) {
    throw malformed(
      operator,
      `tensor '${tensor.name}' has ${shape.length} dimensions, of which ${spatial} are spatial`,
    );
  }
  const [height, width] = spatial === 2 ? [shape[1] as number, shape[2] as number] : [1, shape[1] as number];
  return [batches, height, width, productOf(shape, 1 + spatial, shape.length)];
}

function rearrange(operator: Operator, space: Tensor, batch: Tensor): Sides {
  const sizes = constantIntegers(operator, input(operator, 1));
  const borders = constantIntegers(operator, input(operator, 2));
  if (sizes.length < 1 || sizes.length > 2) {
    throw unsupported(
      operator,
      `blocks in ${sizes.length} dimensions`,
      "Blocks in one or two are supported.",
    );
  }
  if (
    borders.length !== 2 * sizes.length ||
    borders.some((border) => border < 0) ||
    sizes.some((size) => size < 1)
  ) {
    throw malformed(operator, `blocks of [${sizes.join(",")}] with borders [${borders.join(",")}]`);
  }
  const single = sizes.length === 1;
  const [blockHeight, blockWidth] = (single ? [1, ...sizes] : sizes) as [number, number];
  const [top, bottom, left, right] = (single ? [0, 0, ...borders] : borders) as [
    number,
    number,
    number,
    number,
  ];
  const [batches, height, width, channels] = picture(operator, space, sizes.length);
  const rows = (height + top + bottom) / blockHeight;
  const columns = (width + left + right) / blockWidth;
  const channelShape = space.shape.slice(1 + sizes.length);
  const blocks = blockHeight * blockWidth;
  requireShape(operator, batch, [
    blocks * batches,
    ...(single ? [columns] : [rows, columns]),
    ...channelShape,
  ]);

  const spaceDense = denseSteps([batches, height, width, channels]) as [number, number, number, number];
  const batchDense = denseSteps([blocks * batches, rows, columns, channels]) as [
    number,
    number,
    number,
    number,
  ];
  const copies = pieces(height, top, blockHeight).flatMap((y) =>
    pieces(width, left, blockWidth).map((x) => ({
      spaceStart: y.pixel * spaceDense[1] + x.pixel * spaceDense[2],
      batchStart:
        (y.phase * blockWidth + x.phase) * batches * batchDense[0] +
        y.block * batchDense[1] +
        x.block * batchDense[2],
      shape: [y.phases, x.phases, batches, y.blocks, x.blocks, channels],
      spaceSteps: [
        spaceDense[1],
        spaceDense[2],
        spaceDense[0],
        blockHeight * spaceDense[1],
        blockWidth * spaceDense[2],
        1,
      ],
      batchSteps: [
        blockWidth * batches * batchDense[0],
        batches * batchDense[0],
        batchDense[0],
        batchDense[1],
        batchDense[2],
        1,
      ],
    })),
  );
  return { space, batch, padded: top + bottom + left + right > 0, copies };
}

/**
 * The padding is the zero point, as TensorFlow Lite has it; TensorFlow Lite Micro reads an uninitialised value
 * there, which is no behaviour to follow.
 */
function lowerSpaceToBatch(operator: Operator): Movement {
  const { space, batch, padded, copies } = rearrange(operator, input(operator, 0), output(operator));
  return {
    inputs: [space],
    outputs: [batch],
    ...(padded ? { fill: zeroByte(batch) } : {}),
    copies: copies.map(
      (copy): StridedCopy => ({
        from: space,
        to: batch,
        fromStart: copy.spaceStart,
        toStart: copy.batchStart,
        shape: copy.shape,
        fromSteps: copy.spaceSteps,
        toSteps: copy.batchSteps,
      }),
    ),
  };
}

/** What is cropped is never copied: it lies where the other direction has its padding. */
function lowerBatchToSpace(operator: Operator): Movement {
  const { space, batch, copies } = rearrange(operator, output(operator), input(operator, 0));
  return {
    inputs: [batch],
    outputs: [space],
    copies: copies.map(
      (copy): StridedCopy => ({
        from: batch,
        to: space,
        fromStart: copy.batchStart,
        toStart: copy.spaceStart,
        shape: copy.shape,
        fromSteps: copy.batchSteps,
        toSteps: copy.spaceSteps,
      }),
    ),
  };
}

const borders = ["blocks and borders constant, in one or two dimensions"];

export const spaceToBatchNd = defineMovement("SPACE_TO_BATCH_ND", borders, lowerSpaceToBatch);
export const batchToSpaceNd = defineMovement("BATCH_TO_SPACE_ND", borders, lowerBatchToSpace);
