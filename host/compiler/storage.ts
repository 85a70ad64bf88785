/**
 * Which tensors share memory, and from when to when: the buffers that the planner has to place. A reshape's
 * output is its input's memory; an elementwise operator takes over an input that ends with it; a convolution may lie over
 * one, at some distance.
 */

import { WamletError } from "../errors.js";
import type { Graph, Tensor } from "../model/graph.js";
import type { PlannedBuffer } from "../module/description.js";
import { type BoundForm, type BoundLayer, where } from "./layer.js";

/** A buffer without its place: alive from layer `first` to layer `last`, both included. */
export type Buffer = Omit<PlannedBuffer, "offset">;

/** Buffers, and how to find a tensor's or a request's among them (indices into `buffers`). */
export interface Storage {
  readonly buffers: readonly Buffer[];
  /** By tensor index, for activations. */
  readonly ofTensor: ReadonlyMap<number, number>;
  /** By tensor index: how many bytes into its buffer it begins, where that is not at once. */
  readonly within: ReadonlyMap<number, number>;
  /** Per layer: the form's scratch requests in their order. */
  readonly ofScratch: readonly (readonly number[])[];
  /** Per layer: constant inputs that are brought in before it, by tensor index. */
  readonly ofConstant: readonly ReadonlyMap<number, number>[];
  /** Buffers that keep their content from inference to inference, and the byte that `reset()` fills them with. */
  readonly states: readonly { readonly buffer: number; readonly value: number }[];
}

interface OpenBuffer {
  name: string;
  kind: PlannedBuffer["kind"];
  bytes: number;
  first: number;
  last: number;
  /** What it holds is read after the last layer: an output of the model, or state. */
  kept: boolean;
}

/** The last layer that needs each tensor; graph outputs are needed at the end. */
function lastUses(graph: Graph, layers: readonly BoundLayer[]): Map<number, number> {
  const last = new Map<number, number>();
  layers.forEach((layer, index) => {
    for (const tensor of [...layer.inputs, ...layer.outputs]) last.set(tensor.index, index);
  });
  for (const tensor of graph.outputs) last.set(tensor.index, layers.length - 1);
  return last;
}

/**
 * @param layers in execution order, with the chosen form of each in `forms`
 * @param overlaid whether outputs may lie over inputs
 * @throws WamletError where an output is neither computed nor an input
 */
export function assignStorage(
  graph: Graph,
  layers: readonly BoundLayer[],
  forms: readonly BoundForm[],
  overlaid = true,
): Storage {
  const last = lastUses(graph, layers);
  const buffers: OpenBuffer[] = [];
  const ofTensor = new Map<number, number>();
  const within = new Map<number, number>();
  const outputs = new Set(graph.outputs.map((tensor) => tensor.index));

  const open = (buffer: Omit<OpenBuffer, "kept">, kept = false) => buffers.push({ ...buffer, kept }) - 1;
  const openTensor = (tensor: Tensor, kind: PlannedBuffer["kind"], first: number) => {
    const lastUse = last.get(tensor.index) ?? first;
    const { name, bytes } = tensor;
    const buffer = open({ name, kind, bytes, first, last: lastUse }, outputs.has(tensor.index));
    ofTensor.set(tensor.index, buffer);
  };
  const join = (tensor: Tensor, index: number) => {
    const buffer = buffers[index] as OpenBuffer;
    buffer.last = Math.max(buffer.last, last.get(tensor.index) ?? 0);
    if (outputs.has(tensor.index)) {
      buffer.kept = true;
      if (buffer.kind === "activation") buffer.kind = "output";
    }
    ofTensor.set(tensor.index, index);
  };
  /** What lies in the buffer moves up, and the output takes its beginning. */
  const layOver = (tensor: Tensor, index: number, distance: number) => {
    const buffer = buffers[index] as OpenBuffer;
    for (const [other, place] of ofTensor)
      if (place === index) within.set(other, (within.get(other) ?? 0) + distance);
    buffer.bytes = Math.max(distance + buffer.bytes, tensor.bytes);
    join(tensor, index);
  };

  for (const tensor of graph.inputs) openTensor(tensor, "input", 0);
  const variables = new Set(layers.flatMap((layer) => layer.inputs).filter((tensor) => tensor.isVariable));
  const states = [...variables].map(({ index, name, bytes, type, quantisation }) => {
    const buffer = open({ name, kind: "state", bytes, first: 0, last: layers.length - 1 }, true);
    ofTensor.set(index, buffer);
    // As in TensorFlow Lite Micro's ResetVariableTensors: int8 starts at its zero point, all else at 0.
    return { buffer, value: type === "int8" ? (quantisation?.zeroPoints[0] ?? 0) & 0xff : 0 };
  });
  const ofScratch: number[][] = [];
  const ofConstant: Map<number, number>[] = [];
  layers.forEach((layer, index) => {
    const constants = new Map<number, number>();
    for (const tensor of layer.inputs) {
      if (!tensor.data || layer.alias) continue;
      constants.set(
        tensor.index,
        open({ name: tensor.name, kind: "weights", bytes: tensor.bytes, first: index, last: index }),
      );
    }
    ofConstant.push(constants);
    const alias = layer.alias && !layer.alias.data ? layer.alias : null;
    const taken = alias ?? overwritable(layer, forms[index] as BoundForm, index, ofTensor, buffers);
    const over =
      taken || !overlaid ? null : overlayable(layer, forms[index] as BoundForm, index, ofTensor, buffers);
    for (const tensor of layer.outputs) {
      const place = taken ? ofTensor.get(taken.index) : undefined;
      if (taken && place !== undefined) {
        join(tensor, place);
        const shift = within.get(taken.index);
        if (shift !== undefined) within.set(tensor.index, shift);
      } else if (over) layOver(tensor, over.buffer, over.distance);
      else openTensor(tensor, outputs.has(tensor.index) ? "output" : "activation", index);
    }
    ofScratch.push(
      (forms[index] as BoundForm).scratch.map(({ kind, bytes }) =>
        open({ name: `${where(layer.operator)} ${kind}`, kind, bytes, first: index, last: index }),
      ),
    );
  });
  for (const tensor of graph.outputs) {
    if (ofTensor.has(tensor.index)) continue;
    throw new WamletError(
      "WAMLET_UNSUPPORTED_OPTION",
      `The model's output '${tensor.name}' is a constant, nothing computes it.`,
      "Remove that output from the model.",
    );
  }
  const planned = buffers.map(({ kept, ...buffer }) => buffer);
  return { buffers: planned, ofTensor, within, ofScratch, ofConstant, states };
}

/** Where a tensor lies. @param offsets of the buffers */
export function placeOf(
  { ofTensor, within }: Storage,
  offsets: readonly number[],
  tensor: Pick<Tensor, "index">,
): number {
  const buffer = ofTensor.get(tensor.index) as number;
  return (offsets[buffer] as number) + (within.get(tensor.index) ?? 0);
}

/**
 * The buffer over which the layer's output may lie. One that has lived longer than since the layer before would be as large
 * as both all that time.
 */
function overlayable(
  layer: BoundLayer,
  { overlay }: BoundForm,
  index: number,
  ofTensor: ReadonlyMap<number, number>,
  buffers: readonly OpenBuffer[],
): { readonly buffer: number; readonly distance: number } | null {
  if (!overlay || layer.outputs.length > 1) return null;
  const place = ofTensor.get(overlay.input.index);
  const buffer = place === undefined ? undefined : buffers[place];
  if (place === undefined || !buffer || buffer.kept || buffer.last !== index) return null;
  return buffer.first >= index - 1 ? { buffer: place, distance: overlay.distance } : null;
}

/** The input whose memory the layer's output may take over: nobody reads it later, and it has the same size. */
function overwritable(
  layer: BoundLayer,
  form: BoundForm,
  index: number,
  ofTensor: ReadonlyMap<number, number>,
  buffers: readonly OpenBuffer[],
): Tensor | undefined {
  const [output, ...more] = layer.outputs;
  if (more.length > 0) return undefined;
  return [...(layer.inPlace ?? []), ...(form.inPlace ?? [])].find((tensor) => {
    const place = ofTensor.get(tensor.index);
    const buffer = place === undefined ? undefined : buffers[place];
    return !tensor.data && buffer?.last === index && !buffer.kept && tensor.bytes === output?.bytes;
  });
}
