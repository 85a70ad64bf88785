/**
 * The strip forms of a depthwise convolution, by strip width: each with or without a table for the clamp, and for any
 * distances between pixels or for the layer's own. Kernels: generated (`generators/depthwise.ts`), with
 * `assembly/kernels/channels.ts`.
 */
import type { Tensor } from "../model/graph.js";
import { fillClampTable, fillCost } from "./clamp_table.js";
import { type DepthwiseCall, depthwiseCodeBytes, depthwiseOpcodes } from "./depthwise_cost.js";
import { type Proof, padBehind, prove } from "./depthwise_proof.js";
import { depthwiseName, depthwiseSource, paddingBytes } from "./generators/depthwise.js";
import {
  type DepthwiseKernel,
  leastOffset,
  liftOffset,
  recordBytes,
  recordHeader,
} from "./generators/depthwise_strip.js";
import type { KernelCall, KernelForm, Places, Scratch } from "./layer.js";
import type { DepthwiseConvolution } from "./sliding_filter.js";
import { taps } from "./window.js";

/** What a form is made for; the rest of its kernel follows from the layer. */
interface Variant {
  readonly columns: number;
  /** Whether the kernel knows the distances between pixels. */
  readonly fixed: boolean;
  readonly table: boolean;
}

function kernelOf(layer: DepthwiseConvolution, { columns, fixed, table }: Variant): DepthwiseKernel {
  const { scheme, rectified, skipping, live } = prove(layer) as Proof;
  const { vertical, horizontal } = layer;
  const kernel: DepthwiseKernel = {
    scheme,
    columns,
    height: vertical.size,
    width: horizontal.size,
    stride: horizontal.stride,
    dilation: horizontal.dilation,
    padLeft: horizontal.pad,
    padRight: padBehind(horizontal, layer.inputWidth),
    padTop: vertical.pad,
    padBottom: padBehind(vertical, layer.inputHeight),
    single: fixed && columns === horizontal.outputs,
    step: fixed ? { input: layer.inputChannels, output: layer.outputChannels } : null,
    rectified,
    table,
    lifted: false,
    skipping,
  };
  if (scheme !== "register" || !live.every(({ lift }) => lift !== null)) return kernel;
  const lifted = { ...kernel, lifted: true };
  // Kernels for any distances are lifted wherever they can be, so that layers share them.
  const call = callOf(layer, kernel);
  return fixed && depthwiseOpcodes(kernel, call) <= depthwiseOpcodes(lifted, call) ? kernel : lifted;
}

/** What a kernel does for the layer, as the cost model sees it. */
function callOf(layer: DepthwiseConvolution, { columns }: DepthwiseKernel): DepthwiseCall {
  return {
    channels: (prove(layer) as Proof).live.length,
    strips: Math.ceil(layer.horizontal.outputs / columns),
    inputHeight: layer.inputHeight,
    outputHeight: layer.vertical.outputs,
    filterRows: taps(layer.vertical, layer.inputHeight).read,
  };
}

/** Products that a row of a strip may have: beyond that, code grows and nothing is gained. */
const mostProducts = 64;

/** Whether strips of `columns` can cover a row: only the first and the last one may reach beyond the image. */
function covers({ horizontal, inputWidth }: DepthwiseConvolution, columns: number): boolean {
  const { outputs, stride, size, dilation, pad } = horizontal;
  if (outputs < columns || columns * size > mostProducts) return false;
  const last = outputs - columns;
  const second = Math.min(columns, last);
  const beforeLast = Math.floor((last - 1) / columns) * columns;
  const reach = (columns - 1) * stride + (size - 1) * dilation - pad;
  return last === 0 || (second * stride >= pad && beforeLast * stride + reach < inputWidth);
}

function stripForm(variant: Variant): KernelForm<DepthwiseConvolution> {
  const { columns, fixed, table } = variant;
  return {
    name: `depthwise_strip_${columns}${fixed ? "_fixed" : ""}${table ? "_table" : ""}`,
    when: `int8, one batch, N output columns at least, and every channel proved to fit${table ? "; no rectifier, and the clamp is a table of at most 8 KB" : ""}${fixed ? "; code for this layer's distances alone" : ""}`,
    applies(layer) {
      if (!covers(layer, columns)) return false;
      const proof = prove(layer);
      return proof !== null && (!table || (!proof.skipping && proof.table !== null));
    },
    generated: (layer) => depthwiseName(kernelOf(layer, variant)),
    codeBytes: (layer) => depthwiseCodeBytes(kernelOf(layer, variant)),
    cost: (layer) => cost(layer, kernelOf(layer, variant)),
    scratch: (layer) => scratch(layer, kernelOf(layer, variant)),
    weights(layer) {
      const { row } = prove(layer) as Proof;
      return [packRecords(layer, kernelOf(layer, variant)), ...(row ? [row] : [])];
    },
    emit: (layer, places) => emit(layer, kernelOf(layer, variant), places),
  };
}

/** One record, a row of padding, the clamp's table. */
function scratch(layer: DepthwiseConvolution, kernel: DepthwiseKernel): Scratch[] {
  const { table } = prove(layer) as Proof;
  return [
    { kind: "weights", bytes: recordBytes(kernel) },
    { kind: "scratch", bytes: Math.max(1, paddingBytes(kernel, layer.inputChannels)) },
    ...(kernel.table && table ? [{ kind: "scratch" as const, bytes: table.bytes }] : []),
  ];
}

/** The record of every live channel, as `recordHeader` describes it. */
function packRecords(layer: DepthwiseConvolution, kernel: DepthwiseKernel): Uint8Array {
  const { live, table } = prove(layer) as Proof;
  const base = kernel.table ? BigInt(table?.base ?? 0) : 0n;
  const size = recordBytes(kernel);
  const bytes = new Uint8Array(size * live.length);
  const view = new DataView(bytes.buffer);
  live.forEach(({ channel, constants: { k, m, e }, lift, least }, index) => {
    const at = index * size;
    // With one rounding the zero point is in k, and what the table begins with goes there, too.
    view.setBigInt64(at, kernel.rectified ? k - (base << BigInt(e)) : k, true);
    view.setInt32(at + 8, m, true);
    view.setUint16(at + 12, channel, true);
    view.setUint8(at + 14, e);
    bytes.set(new Uint8Array(Int8Array.from(layer.filters[channel] ?? []).buffer), at + recordHeader);
    if (kernel.lifted) view.setUint8(at + liftOffset(kernel), lift ?? 0);
    if (!kernel.skipping) return;
    view.setUint16(at + leastOffset(kernel), least & 0xffff, true);
    view.setUint8(at + leastOffset(kernel) + 2, (least >> 16) & 0xff);
  });
  return bytes;
}

/** Filling a row of constants into all pixels: a copy that doubles. */
const repeatOpcodes = (pixels: number) => 14 + 9 * Math.ceil(Math.log2(pixels));

function cost(layer: DepthwiseConvolution, kernel: DepthwiseKernel) {
  const { live, row, table } = prove(layer) as Proof;
  const { vertical, horizontal } = layer;
  const pixels = vertical.outputs * horizontal.outputs;
  const fill = kernel.table && table ? fillCost(table) : { opcodes: 0, bytesMoved: 0 };
  const opcodes = depthwiseOpcodes(kernel, callOf(layer, kernel));
  return {
    opcodes: Math.round(opcodes + fill.opcodes + (row ? repeatOpcodes(pixels) : 0)),
    bytesMoved:
      live.length * recordBytes(kernel) +
      fill.bytesMoved +
      (row || kernel.skipping ? pixels * layer.outputChannels : 0),
  };
}

function emit(layer: DepthwiseConvolution, kernel: DepthwiseKernel, places: Places): KernelCall[] {
  const { live, row, table } = prove(layer) as Proof;
  const { vertical, horizontal, clamp } = layer;
  const [tile, padding, entries] = places.scratch as [number, number, number?];
  const output = places.address(layer.outputs[0] as Tensor);
  const inputRow = layer.inputWidth * layer.inputChannels;
  const name = depthwiseName(kernel);
  const calls: KernelCall[] = [];
  if (row) calls.push(...fillRow(layer, row, output, places.weights[1] as number));
  if (live.length === 0) return calls;
  if (kernel.table && table) calls.push(fillClampTable(table, entries ?? 0));
  calls.push({
    file: `generated/${name}`,
    function: name,
    source: () => depthwiseSource(kernel),
    arguments: [
      ["input", places.address(layer.inputs[0] as Tensor)],
      ["output", output],
      ["weights", places.weights[0] as number],
      ["tile", tile],
      ["padding", padding],
      ["table", entries ?? 0],
      ["minimum", clamp.minimum],
      ["maximum", clamp.maximum],
      ["records", live.length],
      ["copies", layer.depthMultiplier],
      ["inputPixel", layer.inputChannels],
      ["inputRow", inputRow],
      ["outputPixel", layer.outputChannels],
      ["outputRow", horizontal.outputs * layer.outputChannels],
      ["extent", layer.inputHeight * inputRow],
      ["outputHeight", vertical.outputs],
      ["lastColumn", horizontal.outputs - kernel.columns],
      ["padTop", vertical.pad],
      ["rowStep", vertical.stride * inputRow],
      ["rowPitch", vertical.dilation * inputRow],
      ["inputZeroPoint", layer.inputZeroPoint],
      ["offset", layer.outputZeroPoint - (kernel.table ? (table?.base ?? 0) : 0)],
      // The row of constants holds the minimum for all channels that are computed.
      ...(kernel.skipping
        ? [["filled", row ? 0 : vertical.outputs * horizontal.outputs * layer.outputChannels] as const]
        : []),
    ],
  });
  return calls;
}

/** Every pixel of the output becomes the row of constants. */
function fillRow(
  layer: DepthwiseConvolution,
  row: Uint8Array,
  output: number,
  weights: number,
): KernelCall[] {
  return [
    {
      file: "weights",
      function: "fetchWeights",
      arguments: [
        ["destination", output],
        ["offset", weights],
        ["length", row.length],
      ],
    },
    {
      file: "kernels/channels",
      function: "repeatRow",
      arguments: [
        ["start", output],
        ["bytes", row.length],
        ["total", row.length * layer.vertical.outputs * layer.horizontal.outputs],
      ],
    },
  ];
}

const widths = Array.from({ length: 12 }, (_, index) => index + 1);

/** The forms: per strip width with and without a table, for any distances and for the layer's own. */
export const depthwiseForms: readonly KernelForm<DepthwiseConvolution>[] = widths.flatMap((columns) =>
  [false, true].flatMap((fixed) => [false, true].map((table) => stripForm({ columns, fixed, table }))),
);
