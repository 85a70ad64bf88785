/** Output bytes → classes: which answer is best, by how much, and how often it was right. */

import { WamletError } from "../errors.js";
import { dequantise, type FrameTensor, quantisedValues } from "../frames/quantise.js";

/** One class of an answer. */
export interface ClassScore {
  /** Position in the output tensor. */
  readonly index: number;
  /** Its name, or null where the module carries none. */
  readonly label: string | null;
  /** Dequantised. */
  readonly value: number;
  /** As the module gave it. */
  readonly quantised: number;
}

/**
 * The best classes of an answer, best first; of equal scores the lower index comes first, as in argmax.
 * @param bytes one output tensor
 * @param labels class names; empty or shorter than the tensor where unknown
 * @throws WamletError WAMLET_WRONG_SHAPE where the bytes are not as many as the tensor's
 */
export function topAnswers(
  bytes: Uint8Array,
  tensor: FrameTensor,
  labels: readonly string[],
  most: number,
): ClassScore[] {
  const quantised = quantisedValues(bytes, tensor);
  const real = dequantise(bytes, tensor);
  // Compared as the module's own integers: equal codes are equal scores. A float's NaN comes last.
  const order = Array.from(quantised.keys()).sort((one, other) => {
    const [a, b] = [quantised[one] as number, quantised[other] as number];
    if (Number.isNaN(a) || Number.isNaN(b))
      return Number(Number.isNaN(a)) - Number(Number.isNaN(b)) || one - other;
    return b - a || one - other;
  });
  return order.slice(0, most).map((index) => ({
    index,
    label: labels[index] ?? null,
    value: real[index] as number,
    quantised: quantised[index] as number,
  }));
}

/**
 * The best class alone: argmax, the lowest index among equals.
 * @throws WamletError WAMLET_WRONG_SHAPE where the bytes are not as many as the tensor's
 */
export function bestClass(bytes: Uint8Array, tensor: FrameTensor): number {
  const values = quantisedValues(bytes, tensor);
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    const [value, highest] = [values[index] as number, values[best] as number];
    if (value > highest || (Number.isNaN(highest) && !Number.isNaN(value))) best = index;
  }
  return best;
}

/** Frames of one expected class that got one answer. */
export interface ConfusionCell {
  readonly expected: number;
  readonly answered: number;
  readonly frames: number;
}

export interface Accuracy {
  /** Frames that came with a label. */
  readonly labelled: number;
  readonly correct: number;
  /** correct / labelled. */
  readonly fraction: number;
  /** Classes of the model. */
  readonly classes: number;
  /** Every pair that occurred, by expected class, then by answer. */
  readonly confusion: readonly ConfusionCell[];
}

/** Counts right and wrong answers. Takes memory for pairs that occur, not for all there could be. */
export class Confusion {
  readonly #classes: number;
  readonly #cells = new Map<number, number>();
  #labelled = 0;
  #correct = 0;

  constructor(classes: number) {
    this.#classes = classes;
  }

  /** @throws WamletError WAMLET_INVALID_LABELS where the model has no such class */
  add(expected: number, answered: number): void {
    if (!Number.isInteger(expected) || expected < 0 || expected >= this.#classes) {
      throw new WamletError(
        "WAMLET_INVALID_LABELS",
        `A frame's label is class ${expected}, but the model's output has ${this.#classes} classes, 0 to ${this.#classes - 1}.`,
        "Give labels that belong to this model.",
      );
    }
    const key = expected * this.#classes + answered;
    this.#cells.set(key, (this.#cells.get(key) ?? 0) + 1);
    this.#labelled++;
    if (expected === answered) this.#correct++;
  }

  /** null before the first labelled frame. */
  summary(): Accuracy | null {
    if (this.#labelled === 0) return null;
    const confusion = Array.from(this.#cells)
      .sort(([one], [other]) => one - other)
      .map(([key, frames]) => ({
        expected: Math.floor(key / this.#classes),
        answered: key % this.#classes,
        frames,
      }));
    const [labelled, correct] = [this.#labelled, this.#correct];
    return { labelled, correct, fraction: correct / labelled, classes: this.#classes, confusion };
  }
}

/** The confusion as a table: one row per expected class, one column per answer. */
export function confusionMatrix({ classes, confusion }: Accuracy): number[][] {
  const rows = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { expected, answered, frames } of confusion) {
    const row = rows[expected];
    if (row !== undefined) row[answered] = frames;
  }
  return rows;
}
