/*
 * TensorFlow Lite's fixed point with double rounding, as its reference kernels have it (gemmlowp's fixedpoint.h and
 * kernels/internal/common.h).
 */
#ifndef BENCH_FIXED_POINT_H
#define BENCH_FIXED_POINT_H

#include <stdint.h>

static inline int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* SaturatingRoundingDoublingHighMul; no caller multiplies INT32_MIN by itself. */
static inline int32_t high_multiply(int32_t a, int32_t b)
{
    int64_t product = (int64_t)a * b;
    int32_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
    return (int32_t)((product + nudge) / ((int64_t)1 << 31));
}

/* RoundingDivideByPOT: halves away from zero; 0 <= exponent <= 31. */
static inline int32_t rounding_divide(int32_t x, int32_t exponent)
{
    int32_t mask = (int32_t)((1u << exponent) - 1);
    int32_t remainder = x & mask;
    int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + (remainder > threshold);
}

/* Wraps, as it does on every target that TensorFlow Lite Micro runs on. */
static inline int32_t shift_left(int32_t x, int32_t bits)
{
    return (int32_t)((uint32_t)x << bits);
}

/* MultiplyByQuantizedMultiplier; a positive shift goes to the left. */
static inline int32_t requantise(int32_t x, int32_t multiplier, int32_t shift)
{
    int32_t left = shift > 0 ? shift : 0;
    int32_t right = shift > 0 ? 0 : -shift;
    return rounding_divide(high_multiply(shift_left(x, left), multiplier), right);
}

#endif
