/** What several operators are limited to, in the words of docs/OPERATORS.md. */

import { fusedActivationNames } from "./activation.js";

export const fourDimensions = "four dimensions [batches, height, width, channels]";
export const fusedActivations = `fused activation ${fusedActivationNames.join(", ")}`;
export const broadcasting = "at most four separate dimensions broadcast";
export const sameQuantisation = "inputs and outputs quantised alike";
export const slidingWindow = "padding SAME or VALID";
export const filterQuantisation =
  "filter constant, int8, with zero point 0 and one scale or one per output channel";
export const int16Sums =
  "int16: zero points 0, a bias of int32 or int64 below 2⁴⁷, no channel amplified more than 128 times";
export const fiveLoops = "at most five separate dimensions move";
export const constantAxes = "axes constant; at most three separate dimensions stay, and three go";
