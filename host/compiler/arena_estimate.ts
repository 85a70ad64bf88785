/**
 * What TensorFlow Lite Micro would take for a model: the yardstick of `balanced`, which spends no more linear memory than
 * that arena and 4 KiB. Estimated: tensors as its greedy planner places them, 8 bytes for each output channel of a
 * convolution (multiplier and shift, `conv_common.cc`), and 160 bytes for an operator's structures and its tensors'. The
 * arenas measured for the conformance models are 2 to 16 % larger.
 */
import type { Operator } from "../model/graph.js";
import { arrangeGreedily } from "./arrange.js";
import type { Storage } from "./storage.js";

const channelBytes = 8;
const operatorBytes = 160;

/** Bytes of TensorFlow Lite Micro's arena for a model, estimated. @param storage of the plain kernels */
export function estimateArena(operators: readonly Operator[], { buffers }: Storage): number {
  const tensors = buffers.filter(({ kind }) => kind !== "scratch" && kind !== "weights");
  const channels = operators.reduce((sum, { name, outputs }) => {
    const convolves = name === "CONV_2D" || name === "DEPTHWISE_CONV_2D";
    return sum + (convolves ? (outputs[0]?.shape.at(-1) ?? 0) : 0);
  }, 0);
  return arrangeGreedily(tensors).bytes + channels * channelBytes + operators.length * operatorBytes;
}
