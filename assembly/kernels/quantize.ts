/**
 * QUANTIZE and DEQUANTIZE, plain reference forms, and the requantisation that RELU shares with QUANTIZE between
 * integer types. May run in place where both types have the same size.
 */
import { clamp, multiplyByQuantizedMultiplier } from "../arithmetic";

/** value = clamp(multiplier · (x − inputZeroPoint) + outputZeroPoint); `left`, `right`: the multiplier's shift. */
export function requantize<TInput extends number, TOutput extends number>(
  input: usize, output: usize, elements: i32, inputZeroPoint: i32, outputZeroPoint: i32,
  multiplier: i32, left: i32, right: i32, minimum: i32, maximum: i32,
): void {
  const end: usize = input + <usize>elements * sizeof<TInput>();
  while (input < end) {
    const value: i32 = <i32>load<TInput>(input) - inputZeroPoint;
    const scaled: i32 = multiplyByQuantizedMultiplier(value, multiplier, left, right) + outputZeroPoint;
    store<TOutput>(output, <TOutput>clamp(scaled, minimum, maximum));
    input += sizeof<TInput>();
    output += sizeof<TOutput>();
  }
}

/** round(x / scale) + zeroPoint, ties away from zero; `scale` is the float32 scale's bits. */
export function quantize<TOutput extends number>(
  input: usize, output: usize, elements: i32, scale: i32, zeroPoint: i32, minimum: i32, maximum: i32,
): void {
  const divisor: f32 = reinterpret<f32>(scale);
  const end: usize = input + <usize>elements * 4;
  while (input < end) {
    const quotient: f32 = load<f32>(input) / divisor;
    // Not floor(q + ½): that sum rounds 0.49999997 up to 1.
    let whole: f32 = trunc<f32>(quotient);
    if (abs<f32>(quotient - whole) >= 0.5) whole += copysign<f32>(1, quotient);
    // The cast saturates: beyond int32 the clamp decides alone, so the zero point is added in 64 bits.
    const value: i64 = <i64>(<i32>whole) + <i64>zeroPoint;
    const low: i64 = select<i64>(<i64>minimum, value, value < <i64>minimum);
    store<TOutput>(output, <TOutput>select<i64>(<i64>maximum, low, low > <i64>maximum));
    input += 4;
    output += sizeof<TOutput>();
  }
}

/**
 * scale · (x − zeroPoint) as float32; `scale` is the float32 scale's bits. TFLite multiplies in double and rounds
 * once; both factors fit float32 exactly (|x − zeroPoint| < 2¹⁷), so one float32 product is the same number.
 */
export function dequantize<TInput extends number>(
  input: usize, output: usize, elements: i32, scale: i32, zeroPoint: i32,
): void {
  const factor: f32 = reinterpret<f32>(scale);
  const end: usize = input + <usize>elements * sizeof<TInput>();
  while (input < end) {
    store<f32>(output, factor * <f32>(<i32>load<TInput>(input) - zeroPoint));
    input += sizeof<TInput>();
    output += 4;
  }
}
