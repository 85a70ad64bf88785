/*
 * ADD, PAD, MEAN, RESHAPE and pools, int8, as in TensorFlow Lite's reference kernels. Tensors have four dimensions,
 * leading ones where the model's have fewer.
 */
#ifndef BENCH_ELEMENTWISE_H
#define BENCH_ELEMENTWISE_H

#include "convolution.h"

/* An input brought to a scale that both inputs of ADD have. */
struct addend {
    /* Elements to the next one along each dimension; 0 where it is broadcast. */
    int32_t strides[4];
    int32_t zero_point, multiplier, shift;
};

struct add {
    int32_t sizes[4];
    struct addend left, right;
    int32_t multiplier, shift, output_zero_point, low, high;
};

/* Bits to spare in front of the common scale. */
#define ADD_SHIFT 20

static inline int32_t scaled(const struct addend *by, int8_t value)
{
    return requantise((value - by->zero_point) * (1 << ADD_SHIFT), by->multiplier, by->shift);
}

static inline int32_t offset4(const int32_t *strides, int32_t a, int32_t b, int32_t c, int32_t d)
{
    return a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3];
}

static inline void add(const struct add *layer, const int8_t *left, const int8_t *right, int8_t *output)
{
    for (int32_t a = 0; a < layer->sizes[0]; a++) {
        for (int32_t b = 0; b < layer->sizes[1]; b++) {
            for (int32_t c = 0; c < layer->sizes[2]; c++) {
                for (int32_t d = 0; d < layer->sizes[3]; d++) {
                    int32_t sum = scaled(&layer->left, left[offset4(layer->left.strides, a, b, c, d)])
                                  + scaled(&layer->right, right[offset4(layer->right.strides, a, b, c, d)]);
                    int32_t result = requantise(sum, layer->multiplier, layer->shift) + layer->output_zero_point;
                    *output++ = (int8_t)clamp(result, layer->low, layer->high);
                }
            }
        }
    }
}

struct pad {
    int32_t sizes[4], before[4], output_sizes[4];
    int8_t value;
};

static inline void pad(const struct pad *layer, const int8_t *input, int8_t *output)
{
    const int32_t *sizes = layer->sizes, *before = layer->before, *limits = layer->output_sizes;
    for (int32_t a = 0; a < limits[0]; a++) {
        for (int32_t b = 0; b < limits[1]; b++) {
            for (int32_t c = 0; c < limits[2]; c++) {
                for (int32_t d = 0; d < limits[3]; d++) {
                    int inside = a >= before[0] && a < before[0] + sizes[0] && b >= before[1]
                                 && b < before[1] + sizes[1] && c >= before[2] && c < before[2] + sizes[2]
                                 && d >= before[3] && d < before[3] + sizes[3];
                    *output++ = inside ? *input++ : layer->value;
                }
            }
        }
    }
}

struct mean {
    /* A dimension is either kept or reduced; its size in the other is 1. */
    int32_t kept[4], reduced[4], strides[4];
    /* Elements under a sum, times the input's zero point. */
    int32_t offset;
    int32_t multiplier, shift, output_zero_point;
};

static inline int32_t reduced_sum(const struct mean *layer, const int8_t *input)
{
    int32_t sum = 0;
    for (int32_t a = 0; a < layer->reduced[0]; a++)
        for (int32_t b = 0; b < layer->reduced[1]; b++)
            for (int32_t c = 0; c < layer->reduced[2]; c++)
                for (int32_t d = 0; d < layer->reduced[3]; d++)
                    sum += input[offset4(layer->strides, a, b, c, d)];
    return sum;
}

static inline void mean(const struct mean *layer, const int8_t *input, int8_t *output)
{
    for (int32_t a = 0; a < layer->kept[0]; a++) {
        for (int32_t b = 0; b < layer->kept[1]; b++) {
            for (int32_t c = 0; c < layer->kept[2]; c++) {
                for (int32_t d = 0; d < layer->kept[3]; d++) {
                    int32_t sum = reduced_sum(layer, input + offset4(layer->strides, a, b, c, d)) - layer->offset;
                    int32_t result = requantise(sum, layer->multiplier, layer->shift) + layer->output_zero_point;
                    *output++ = (int8_t)clamp(result, -128, 127);
                }
            }
        }
    }
}

static inline void reshape(const int8_t *input, int8_t *output, int32_t bytes)
{
    /* No header: wasm32 comes without a C library. */
    __builtin_memcpy(output, input, (size_t)bytes);
}

struct pool {
    int32_t batches, height, width, depth;
    int32_t output_height, output_width;
    struct window rows, columns;
    int32_t low, high;
};

/* Where a pool's window lies in its image, cut at the border. */
struct area {
    int32_t top, bottom, left, right;
};

static inline struct area area_of(const struct pool *layer, int32_t out_y, int32_t out_x)
{
    int32_t y = out_y * layer->rows.stride - layer->rows.pad;
    int32_t x = out_x * layer->columns.stride - layer->columns.pad;
    return (struct area){
        .top = y > 0 ? y : 0,
        .bottom = y + layer->rows.size < layer->height ? y + layer->rows.size : layer->height,
        .left = x > 0 ? x : 0,
        .right = x + layer->columns.size < layer->width ? x + layer->columns.size : layer->width,
    };
}

static inline int32_t average_of(const struct pool *layer, const int8_t *image, struct area area)
{
    int32_t sum = 0, count = (area.bottom - area.top) * (area.right - area.left);
    for (int32_t y = area.top; y < area.bottom; y++)
        for (int32_t x = area.left; x < area.right; x++)
            sum += image[(y * layer->width + x) * layer->depth];
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static inline int32_t largest_of(const struct pool *layer, const int8_t *image, struct area area)
{
    int32_t largest = -128;
    for (int32_t y = area.top; y < area.bottom; y++) {
        for (int32_t x = area.left; x < area.right; x++) {
            int32_t value = image[(y * layer->width + x) * layer->depth];
            largest = value > largest ? value : largest;
        }
    }
    return largest;
}

#define POOL(name, summary)                                                                                   \
    static inline void name(const struct pool *layer, const int8_t *input, int8_t *output)                   \
    {                                                                                                         \
        for (int32_t batch = 0; batch < layer->batches; batch++) {                                           \
            const int8_t *image = input + batch * layer->height * layer->width * layer->depth;               \
            for (int32_t out_y = 0; out_y < layer->output_height; out_y++) {                                 \
                for (int32_t out_x = 0; out_x < layer->output_width; out_x++) {                              \
                    struct area area = area_of(layer, out_y, out_x);                                          \
                    for (int32_t c = 0; c < layer->depth; c++)                                                \
                        *output++ = (int8_t)clamp(summary(layer, image + c, area), layer->low, layer->high); \
                }                                                                                             \
            }                                                                                                 \
        }                                                                                                     \
    }

POOL(average_pool_2d, average_of)
POOL(max_pool_2d, largest_of)

#endif
