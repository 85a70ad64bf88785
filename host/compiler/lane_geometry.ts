/**
 * How a convolution's windows lie in memory, and how its channels are cut into blocks of words: what the three-lane forms
 * share.
 */
import type { Argument } from "./layer.js";
import type { Convolution } from "./sliding_filter.js";

/** How the layer's windows lie in memory: rows of pixels, each window in contiguous segments. */
export interface Geometry {
  readonly rows: number;
  readonly columns: number;
  readonly pixelStep: number;
  readonly rowStep: number;
  readonly segments: number;
  readonly segment: number;
  readonly pitch: number;
  /**
   * Where windows reach into padding, the rows under one row of windows are gathered in a buffer with padded ends: a
   * padded copy of the whole image would cost more RAM than all else.
   */
  readonly padded: boolean;
}

const geometries = new WeakMap<Convolution, Geometry | null>();

/** null where windows do not lie in contiguous segments. */
export function geometry(layer: Convolution): Geometry | null {
  let found = geometries.get(layer);
  if (found === undefined) {
    found = computeGeometry(layer);
    geometries.set(layer, found);
  }
  return found;
}

function computeGeometry(layer: Convolution): Geometry | null {
  const { vertical, horizontal, inputChannels: channels, batches } = layer;
  if (layer.inputs[0]?.type !== "int8") return null;
  if (layer.filterChannels !== channels || (horizontal.dilation > 1 && horizontal.size > 1)) return null;
  const pointwise =
    vertical.size === 1 && horizontal.size === 1 && vertical.stride === 1 && horizontal.stride === 1;
  if (pointwise) {
    const columns = batches * layer.inputHeight * layer.inputWidth;
    return {
      rows: 1,
      columns,
      pixelStep: channels,
      rowStep: 0,
      segments: 1,
      segment: channels,
      pitch: channels,
      padded: false,
    };
  }
  if (batches !== 1) return null;
  const padded = vertical.padded || horizontal.padded;
  const reach = (horizontal.outputs - 1) * horizontal.stride + horizontal.size;
  const pitch = padded ? reach * channels : vertical.dilation * layer.inputWidth * channels;
  // Filter rows that follow each other without a gap are one segment.
  const whole = horizontal.size * channels === pitch && !padded;
  return {
    rows: vertical.outputs,
    columns: horizontal.outputs,
    pixelStep: horizontal.stride * channels,
    rowStep: vertical.stride * layer.inputWidth * channels,
    segments: whole ? 1 : vertical.size,
    segment: horizontal.size * channels * (whole ? vertical.size : 1),
    pitch,
    padded,
  };
}

/** How rows are gathered; `copyBytes` 0 says that they are not. */
export function paddingArguments(layer: Convolution, shape: Geometry, buffer: number): Argument[] {
  const channels = layer.inputChannels;
  const start = layer.horizontal.pad * channels;
  const rowBytes = layer.inputWidth * channels;
  return [
    ["buffer", buffer],
    ["copyBytes", shape.padded ? Math.min(rowBytes, shape.pitch - start) : 0],
    ["start", start],
    ["inputHeight", layer.inputHeight],
    ["rowBytes", rowBytes],
    ["stride", layer.vertical.stride],
    ["padTop", layer.vertical.pad],
    ["dilation", layer.vertical.dilation],
    ["zeroPoint", layer.inputZeroPoint],
  ];
}

/** Channels at which the blocks begin; the last one of several steps back. */
export function blockStarts(channels: number, size: number): number[] {
  const blocks = Math.ceil(channels / size);
  return Array.from({ length: blocks }, (_, block) => Math.max(0, Math.min(block * size, channels - size)));
}

/** Channels at which a block's words begin; the last word of the only block steps back where it would not be full. */
export function wordStarts(channels: number, words: number): number[] {
  return Array.from({ length: words }, (_, word) => Math.min(word * 3, channels - 3));
}
