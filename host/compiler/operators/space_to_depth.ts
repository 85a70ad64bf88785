/** SPACE_TO_DEPTH and DEPTH_TO_SPACE: blocks of pixels become channels and back. Kernels: copy.ts. */
import type { Operator, Tensor } from "../../model/graph.js";
import { denseSteps } from "../dimensions.js";
import { fourDimensions } from "../limits.js";
import { defineMovement, type Movement } from "../movement.js";
import { input, integerOption, malformed, nhwc, output, requireShape } from "../operands.js";

/** Both sides of the copies, `space` the larger picture with fewer channels. */
function rearrange(operator: Operator, space: Tensor, depth: Tensor) {
  const block = integerOption(operator, "blockSize", 1, 1 << 15);
  const [batches, height, width, channels] = nhwc(operator, depth);
  const own = channels / block ** 2;
  if (!Number.isInteger(own))
    throw malformed(operator, `${channels} channels do not split into blocks of ${block}`);
  requireShape(operator, space, [batches, height * block, width * block, own]);
  // A row of a block is contiguous on both sides.
  return {
    shape: [batches, height, block, width, block * own],
    spaceSteps: denseSteps([batches, height, block, width, block * own]),
    depthSteps: [height * width * channels, width * channels, block * own, channels, 1],
  };
}

function lowerSpaceToDepth(operator: Operator): Movement {
  const x = input(operator, 0);
  const y = output(operator);
  const { shape, spaceSteps, depthSteps } = rearrange(operator, x, y);
  const copy = {
    from: x,
    to: y,
    fromStart: 0,
    toStart: 0,
    shape,
    fromSteps: spaceSteps,
    toSteps: depthSteps,
  };
  return { inputs: [x], outputs: [y], copies: [copy] };
}

function lowerDepthToSpace(operator: Operator): Movement {
  const x = input(operator, 0);
  const y = output(operator);
  const { shape, spaceSteps, depthSteps } = rearrange(operator, y, x);
  const copy = {
    from: x,
    to: y,
    fromStart: 0,
    toStart: 0,
    shape,
    fromSteps: depthSteps,
    toSteps: spaceSteps,
  };
  return { inputs: [x], outputs: [y], copies: [copy] };
}

export const spaceToDepth = defineMovement("SPACE_TO_DEPTH", [fourDimensions], lowerSpaceToDepth);
export const depthToSpace = defineMovement("DEPTH_TO_SPACE", [fourDimensions], lowerDepthToSpace);
