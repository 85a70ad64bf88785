/** Values of frames that lie outside what the model's input can hold: many of them mean a wrong scale. */
import { formatCount, formatShare } from "./format.js";

/** The peaks of a good recording stay well below this share. */
const many = 0.01;

export interface ClampedValues {
  readonly inputValues: number;
  readonly clampedValues: number;
}

/** Whether so many values were clamped that the answers mean little. */
export function isMuchClamped({ inputValues, clampedValues }: ClampedValues): boolean {
  return clampedValues > many * inputValues;
}

/** A sentence about the clamped values, or null where there are none. */
export function clampedText(values: ClampedValues): string | null {
  const { inputValues, clampedValues } = values;
  if (clampedValues === 0) return null;
  const share = formatShare(clampedValues / inputValues);
  const advice = isMuchClamped(values) ? " Check the scale of the frames." : "";
  return `${formatCount(clampedValues)} of ${formatCount(inputValues)} input values (${share}) did not fit the range of the model's input and were clamped.${advice}`;
}
