/*
 * CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED, int8: the loops of TensorFlow Lite's reference_integer_ops
 * (conv.h, depthwise_conv.h, fully_connected.h), with indices counted up by rows instead of computed anew for each
 * element, as any C programmer would.
 */
#ifndef BENCH_CONVOLUTION_H
#define BENCH_CONVOLUTION_H

#include <stddef.h>

#include "fixed_point.h"

/* One dimension of a sliding window. */
struct window {
    int32_t size, stride, dilation, pad;
};

/* What every layer with weights ends with. A multiplier for each output channel. */
struct requantisation {
    const int32_t *bias;
    const int32_t *multipliers;
    const int32_t *shifts;
    int32_t output_zero_point, low, high;
};

static inline int8_t finish(const struct requantisation *by, int32_t sum, int32_t channel)
{
    if (by->bias != NULL)
        sum = (int32_t)((uint32_t)sum + (uint32_t)by->bias[channel]);
    int32_t scaled = requantise(sum, by->multipliers[channel], by->shifts[channel]);
    return (int8_t)clamp(scaled + by->output_zero_point, by->low, by->high);
}

struct convolution {
    int32_t batches, height, width, depth;
    int32_t output_height, output_width, channels;
    /* Input channels that an output channel reads. */
    int32_t filter_depth;
    /* Output channels that read the same input channels (CONV_2D), or come from the same one (DEPTHWISE_CONV_2D). */
    int32_t group;
    int32_t input_zero_point;
    struct window rows, columns;
    const int8_t *filter;
    struct requantisation by;
};

static inline void conv_2d(const struct convolution *layer, const int8_t *input, int8_t *output)
{
    for (int32_t batch = 0; batch < layer->batches; batch++) {
        const int8_t *image = input + batch * layer->height * layer->width * layer->depth;
        for (int32_t out_y = 0; out_y < layer->output_height; out_y++) {
            for (int32_t out_x = 0; out_x < layer->output_width; out_x++) {
                int32_t top = out_y * layer->rows.stride - layer->rows.pad;
                int32_t left = out_x * layer->columns.stride - layer->columns.pad;
                for (int32_t channel = 0; channel < layer->channels; channel++) {
                    int32_t first = channel / layer->group * layer->filter_depth;
                    const int8_t *weights = layer->filter
                                            + channel * layer->rows.size * layer->columns.size * layer->filter_depth;
                    int32_t sum = 0;
                    for (int32_t fy = 0; fy < layer->rows.size; fy++) {
                        int32_t y = top + fy * layer->rows.dilation;
                        if (y < 0 || y >= layer->height)
                            continue;
                        for (int32_t fx = 0; fx < layer->columns.size; fx++) {
                            int32_t x = left + fx * layer->columns.dilation;
                            if (x < 0 || x >= layer->width)
                                continue;
                            const int8_t *values = image + (y * layer->width + x) * layer->depth + first;
                            const int8_t *taps = weights + (fy * layer->columns.size + fx) * layer->filter_depth;
                            for (int32_t c = 0; c < layer->filter_depth; c++)
                                sum += (values[c] - layer->input_zero_point) * taps[c];
                        }
                    }
                    *output++ = finish(&layer->by, sum, channel);
                }
            }
        }
    }
}

static inline void depthwise_conv_2d(const struct convolution *layer, const int8_t *input, int8_t *output)
{
    for (int32_t batch = 0; batch < layer->batches; batch++) {
        const int8_t *image = input + batch * layer->height * layer->width * layer->depth;
        for (int32_t out_y = 0; out_y < layer->output_height; out_y++) {
            for (int32_t out_x = 0; out_x < layer->output_width; out_x++) {
                int32_t top = out_y * layer->rows.stride - layer->rows.pad;
                int32_t left = out_x * layer->columns.stride - layer->columns.pad;
                for (int32_t channel = 0; channel < layer->channels; channel++) {
                    const int8_t *values = image + channel / layer->group;
                    int32_t sum = 0;
                    for (int32_t fy = 0; fy < layer->rows.size; fy++) {
                        int32_t y = top + fy * layer->rows.dilation;
                        if (y < 0 || y >= layer->height)
                            continue;
                        for (int32_t fx = 0; fx < layer->columns.size; fx++) {
                            int32_t x = left + fx * layer->columns.dilation;
                            if (x < 0 || x >= layer->width)
                                continue;
                            int32_t value = values[(y * layer->width + x) * layer->depth] - layer->input_zero_point;
                            sum += value * layer->filter[(fy * layer->columns.size + fx) * layer->channels + channel];
                        }
                    }
                    *output++ = finish(&layer->by, sum, channel);
                }
            }
        }
    }
}

struct fully_connected {
    int32_t rows, depth, channels;
    int32_t input_zero_point;
    const int8_t *filter;
    struct requantisation by;
};

static inline void fully_connected(const struct fully_connected *layer, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < layer->rows; row++) {
        const int8_t *values = input + row * layer->depth;
        for (int32_t channel = 0; channel < layer->channels; channel++) {
            const int8_t *weights = layer->filter + channel * layer->depth;
            int32_t sum = 0;
            for (int32_t i = 0; i < layer->depth; i++)
                sum += (values[i] - layer->input_zero_point) * weights[i];
            *output++ = finish(&layer->by, sum, channel);
        }
    }
}

#endif
