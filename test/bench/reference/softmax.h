/*
 * SOFTMAX, int8, along the last dimension: reference_ops::Softmax in fixed point, with gemmlowp's exponential and
 * reciprocal. "Qm" is an int32 with m integer bits.
 */
#ifndef BENCH_SOFTMAX_H
#define BENCH_SOFTMAX_H

#include "fixed_point.h"

struct softmax {
    int32_t rows, depth;
    int32_t multiplier, shift;
    /* Differences below this are so negative that their exponential is nothing. */
    int32_t smallest;
};

/* x * 2^exponent, saturated. */
static inline int32_t saturating_shift(int32_t x, int32_t exponent)
{
    int64_t shifted = (int64_t)x * (1 << exponent);
    return shifted > INT32_MAX ? INT32_MAX : shifted < INT32_MIN ? INT32_MIN : (int32_t)shifted;
}

/* exp(x) in Q0 for x in Q0 of [-1/4, 0): a Taylor series about -1/8. */
static inline int32_t exp_within_quarter(int32_t a)
{
    const int32_t exp_of_minus_eighth = 1895147668, third = 715827883;
    int32_t x = a + (1 << 28);
    int32_t square = high_multiply(x, x);
    int32_t cube = high_multiply(square, x);
    int32_t fourth_by_4 = rounding_divide(high_multiply(square, square), 2);
    int32_t tail = rounding_divide(high_multiply(fourth_by_4 + cube, third) + square, 1);
    return exp_of_minus_eighth + high_multiply(exp_of_minus_eighth, x + tail);
}

/* exp(x) in Q0 for x in Q5, x <= 0. */
static inline int32_t exp_of_negative(int32_t x)
{
    /* exp(-2^exponent) in Q0 for the binary digits of the argument from 1/4 to 16. */
    static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t quarter = 1 << 24;
    if (x == 0)
        return INT32_MAX;
    int32_t within = (x & (quarter - 1)) - quarter;
    int32_t result = exp_within_quarter(saturating_shift(within, 5));
    int32_t remainder = within - x;
    for (int32_t digit = 0; digit < 7; digit++) {
        if ((remainder & (quarter << digit)) != 0)
            result = high_multiply(result, factors[digit]);
    }
    return result;
}

/* 1 / (1 + a) in Q0 for a in Q0 of [0, 1): three Newton steps. */
static inline int32_t one_over_one_plus(int32_t a)
{
    int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + high_multiply(half, -1010580540);
    for (int32_t step = 0; step < 3; step++) {
        int32_t one_minus = (1 << 29) - high_multiply(half, x);
        x += saturating_shift(high_multiply(x, one_minus), 2);
    }
    return saturating_shift(x, 1);
}

/* Integer bits of the sum of exponentials. */
#define SUM_BITS 12

static inline void softmax(const struct softmax *layer, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < layer->rows; row++, input += layer->depth, output += layer->depth) {
        int32_t largest = -128, sum = 0;
        for (int32_t i = 0; i < layer->depth; i++)
            largest = input[i] > largest ? input[i] : largest;
        for (int32_t i = 0; i < layer->depth; i++) {
            int32_t difference = input[i] - largest;
            if (difference >= layer->smallest) {
                int32_t scaled = high_multiply(shift_left(difference, layer->shift), layer->multiplier);
                sum += rounding_divide(exp_of_negative(scaled), SUM_BITS);
            }
        }
        int32_t headroom = __builtin_clz((uint32_t)sum);
        int32_t mantissa = one_over_one_plus((int32_t)(((uint32_t)sum << headroom) - (1u << 31)));
        int32_t bits = SUM_BITS - headroom + 31 - 8;
        for (int32_t i = 0; i < layer->depth; i++) {
            int32_t difference = input[i] - largest;
            if (difference < layer->smallest) {
                output[i] = -128;
                continue;
            }
            int32_t scaled = high_multiply(shift_left(difference, layer->shift), layer->multiplier);
            int32_t share = rounding_divide(high_multiply(mantissa, exp_of_negative(scaled)), bits);
            output[i] = (int8_t)clamp(share - 128, -128, 127);
        }
    }
}

#endif
