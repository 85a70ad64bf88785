/** HARD_SWISH: x · min(max(x + 3, 0), 6) / 6, in TFLite's 16-bit arithmetic. Kernel: lookup.ts. */
import { roundingDivideByPowerOfTwo } from "../exponential.js";
import { type QuantizedMultiplier, quantizeMultiplier } from "../fixed_point.js";
import { unsupported } from "../operands.js";
import { defineUnary } from "../unary.js";

const saturate16 = (value: number) => Math.min(Math.max(value, -32768), 32767);

/** High half of 2·a·b of 16-bit numbers, halves up (as SaturatingRoundingDoublingHighMul's nudge and division). */
const highMultiply16 = (a: number, b: number) => saturate16(Math.floor((a * b + 2 ** 14) / 2 ** 15));

/** DownScaleInt32ToInt16Multiplier. */
function to16({ multiplier, shift }: QuantizedMultiplier): QuantizedMultiplier {
  return { multiplier: Math.min(Math.floor((multiplier + 2 ** 15) / 2 ** 16), 32767), shift };
}

/** HardSwishPrepare and HardSwish (reference/hard_swish.h), scales in float32 as there. */
export const hardSwish = defineUnary(
  "HARD_SWISH",
  ["the output's scale from 1/128 of the input's to 512 times it"],
  (operator, from, to) => {
    const fineScale = Math.fround(from.scale / 128);
    const output = to16(quantizeMultiplier(Math.fround(fineScale / to.scale)));
    const reluish = to16(quantizeMultiplier(Math.fround(fineScale / Math.fround(3 / 32768))));
    // TFLite refuses the first; its 16-bit shifts mean something else beyond 15 bits.
    if (output.shift > 0 || output.shift < -15 || reluish.shift < -15) {
      throw unsupported(
        operator,
        `the scales ${from.scale} of the input and ${to.scale} of the output are too far apart`,
        "Quantise the operator's output over the range that it has.",
      );
    }
    return (value) => {
      const fine = (value - from.zeroPoint) * 128;
      const onOutputScale = highMultiply16(fine, output.multiplier);
      // The last bit of a left shift comes after the multiplication, where its saturation is wanted.
      const early = reluish.shift > 0 ? saturate16(fine * 2 ** (reluish.shift - 1)) : fine;
      const multiplied = highMultiply16(early, reluish.multiplier);
      const shifted =
        reluish.shift > 0
          ? saturate16(multiplied * 2)
          : roundingDivideByPowerOfTwo(multiplied, -reluish.shift);
      const fraction = (shifted + 2 ** 15) >> 1;
      const product = Math.trunc((fraction * onOutputScale) / 2 ** 15);
      return roundingDivideByPowerOfTwo(product, -output.shift) + to.zeroPoint;
    };
  },
);
