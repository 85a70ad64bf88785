/*
 * What a generated C file of a model includes: plain int8 kernels as TensorFlow Lite's reference has them, and how
 * its layers are reported.
 */
#ifndef BENCH_KERNELS_H
#define BENCH_KERNELS_H

#include "convolution.h"
#include "elementwise.h"
#include "softmax.h"

/* A build with -DBENCH_LAYERS reports each layer after it has run. */
#ifndef BENCH_LAYERS
#define LAYER(index) ((void)0)
#else
#ifdef __wasm__
__attribute__((import_module("wamlet"), import_name("layer")))
#endif
void bench_layer(uint32_t index);
#define LAYER(index) bench_layer(index)
#endif

/* Of the model: tensors that are computed, and one inference over them. */
extern int8_t arena[];
int32_t infer(void);

/* Where in the arena inputs and outputs lie; a place of 0 bytes ends each list. */
struct bench_tensor {
    uint32_t offset, bytes;
};
extern const struct bench_tensor bench_inputs[], bench_outputs[];

#endif
