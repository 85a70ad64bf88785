/* The manifest: what the agent needs to know of a module, read where it lies in flash (docs/MODULE.md, "Manifest"). */
#ifndef WAMLET_MANIFEST_H
#define WAMLET_MANIFEST_H

#include "tlv.h"

#define WAMLET_MANIFEST_BYTES 512u
#define WAMLET_NAME_BYTES 31u
#define WAMLET_ABI 1u

enum wamlet_feature {
    WAMLET_FEATURE_BULK_MEMORY = 1,
    WAMLET_FEATURE_SIGN_EXTENSION = 2,
    WAMLET_FEATURE_CONVERSION = 4,
    WAMLET_FEATURE_LAYERS = 8,
    WAMLET_FEATURE_STATE = 16
};

/* All that the fast interpreter runs. */
#define WAMLET_OFFERED_FEATURES 31u

/* Spans and tensors point into the bytes that were read. */
struct wamlet_manifest {
    struct wamlet_span whole;
    uint32_t abi;
    struct wamlet_span name;
    struct wamlet_span version;
    uint32_t payload_bytes;
    const uint8_t *payload_sha256;
    uint32_t linear_memory_bytes;
    uint32_t runtime_bytes;
    uint32_t features;
    uint64_t opcode_budget;
    uint32_t layers;
    uint32_t inputs;
    uint32_t outputs;
};

/* A tensor's place in linear memory. */
struct wamlet_tensor {
    uint32_t offset;
    uint32_t bytes;
};

/* Whether bytes are 1 to 31 of [a-z0-9_.-]. */
bool wamlet_is_module_name(const uint8_t *bytes, size_t length);

/* Returns false where the bytes are no manifest, and says why in the latest refusal. */
bool wamlet_manifest_read(struct wamlet_manifest *manifest, const uint8_t *bytes, size_t length);

/* The tensor with this index, which must exist. */
struct wamlet_tensor wamlet_manifest_input(const struct wamlet_manifest *manifest, uint32_t index);
struct wamlet_tensor wamlet_manifest_output(const struct wamlet_manifest *manifest, uint32_t index);

#endif
