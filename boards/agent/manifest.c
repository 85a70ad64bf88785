/* Reads a manifest and refuses whatever cannot be; what is true of the payload, the runtime finds out. */
#include "manifest.h"

#include <string.h>

#include "refusal.h"

enum tag {
    TAG_KIND = 1,
    TAG_ABI,
    TAG_NAME,
    TAG_VERSION,
    TAG_PAYLOAD_BYTES,
    TAG_PAYLOAD_SHA256,
    TAG_LINEAR_MEMORY,
    TAG_RUNTIME_MEMORY,
    TAG_INPUT,
    TAG_OUTPUT,
    TAG_FEATURES,
    TAG_OPCODE_BUDGET,
    TAG_LAYERS
};

#define KIND_WASM 1u
#define TEXT_LIMIT 31u
#define SHA256_BYTES 32u
#define TENSOR_BYTES 8u

bool wamlet_is_module_name(const uint8_t *bytes, size_t length)
{
    if (length < 1 || length > WAMLET_NAME_BYTES)
        return false;
    for (size_t i = 0; i < length; i++) {
        uint8_t c = bytes[i];
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
        if (!allowed)
            return false;
    }
    return true;
}

static uint32_t read32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool read_integer(const struct wamlet_field *field, uint64_t least, uint64_t most, uint64_t *value)
{
    return wamlet_field_integer(field, value) && *value >= least && *value <= most;
}

static bool read32_within(const struct wamlet_field *field, uint32_t least, uint32_t most, uint32_t *value)
{
    uint64_t wide;
    if (!read_integer(field, least, most, &wide))
        return false;
    *value = (uint32_t)wide;
    return true;
}

/* Returns false where the field's value cannot be. */
static bool read_field(struct wamlet_manifest *manifest, const struct wamlet_field *field, uint32_t *kind)
{
    const struct wamlet_span span = {field->value, field->length};
    switch (field->tag) {
    case TAG_KIND:
        return read32_within(field, 0, UINT32_MAX, kind);
    case TAG_ABI:
        return read32_within(field, 1, 0xffff, &manifest->abi);
    case TAG_NAME:
        manifest->name = span;
        return wamlet_is_module_name(field->value, field->length);
    case TAG_VERSION:
        manifest->version = span;
        return field->length <= TEXT_LIMIT && wamlet_is_utf8(field->value, field->length);
    case TAG_PAYLOAD_BYTES:
        return read32_within(field, 8, UINT32_MAX, &manifest->payload_bytes);
    case TAG_PAYLOAD_SHA256:
        manifest->payload_sha256 = field->value;
        return field->length == SHA256_BYTES;
    case TAG_LINEAR_MEMORY:
        return read32_within(field, 1, UINT32_MAX, &manifest->linear_memory_bytes);
    case TAG_RUNTIME_MEMORY:
        return read32_within(field, 0, UINT32_MAX, &manifest->runtime_bytes);
    case TAG_INPUT:
        manifest->inputs++;
        return field->length == TENSOR_BYTES;
    case TAG_OUTPUT:
        manifest->outputs++;
        return field->length == TENSOR_BYTES;
    case TAG_FEATURES:
        return read32_within(field, 0, UINT32_MAX, &manifest->features);
    case TAG_OPCODE_BUDGET:
        return read_integer(field, 1, (1ull << 53) - 1, &manifest->opcode_budget);
    case TAG_LAYERS:
        return read32_within(field, 0, 0xffff, &manifest->layers);
    default:
        /* Of a later release: not ours to judge. */
        return true;
    }
}

static bool tensor_at(const struct wamlet_manifest *manifest, uint8_t tag, uint32_t index,
                      struct wamlet_tensor *tensor)
{
    struct wamlet_fields fields;
    struct wamlet_field field;
    wamlet_fields_start(&fields, manifest->whole.bytes, manifest->whole.length);
    while (wamlet_fields_next(&fields, &field)) {
        if (field.tag != tag || index-- > 0)
            continue;
        tensor->offset = read32(field.value);
        tensor->bytes = read32(field.value + 4);
        return true;
    }
    return false;
}

static bool tensors_fit(const struct wamlet_manifest *manifest, uint8_t tag)
{
    struct wamlet_tensor tensor;
    for (uint32_t i = 0; tensor_at(manifest, tag, i, &tensor); i++) {
        if (tensor.bytes == 0 || (uint64_t)tensor.offset + tensor.bytes > manifest->linear_memory_bytes)
            return false;
    }
    return true;
}

bool wamlet_manifest_read(struct wamlet_manifest *manifest, const uint8_t *bytes, size_t length)
{
    const uint32_t single = ~((1u << TAG_INPUT) | (1u << TAG_OUTPUT));
    const uint32_t needed = (1u << (TAG_LAYERS + 1)) - 2;
    struct wamlet_fields fields;
    struct wamlet_field field;
    uint32_t seen = 0, kind = 0;
    memset(manifest, 0, sizeof *manifest);
    manifest->whole.bytes = bytes;
    manifest->whole.length = length;
    if (length > WAMLET_MANIFEST_BYTES)
        return wamlet_refuse(WAMLET_INVALID_MANIFEST, "The manifest is longer than 512 bytes.");
    wamlet_fields_start(&fields, bytes, length);
    while (wamlet_fields_next(&fields, &field)) {
        uint32_t bit = field.tag <= TAG_LAYERS ? 1u << field.tag : 0;
        if (seen & bit & single)
            return wamlet_refuse(WAMLET_INVALID_MANIFEST, "A field of the manifest comes twice.");
        if (!read_field(manifest, &field, &kind))
            return wamlet_refuse(WAMLET_INVALID_MANIFEST, "A field of the manifest holds what cannot be.");
        seen |= bit;
    }
    if (fields.malformed)
        return wamlet_refuse(WAMLET_INVALID_MANIFEST, "The manifest's fields are cut off.");
    if ((seen & 1u << TAG_KIND) && kind != KIND_WASM)
        return wamlet_refuse_number(WAMLET_UNSUPPORTED_KIND, kind, "");
    if ((seen & needed) != needed)
        return wamlet_refuse(WAMLET_INVALID_MANIFEST, "A field of the manifest is missing.");
    if (!tensors_fit(manifest, TAG_INPUT) || !tensors_fit(manifest, TAG_OUTPUT))
        return wamlet_refuse(WAMLET_INVALID_MANIFEST, "A tensor is not inside linear memory.");
    return true;
}

struct wamlet_tensor wamlet_manifest_input(const struct wamlet_manifest *manifest, uint32_t index)
{
    struct wamlet_tensor tensor = {0, 0};
    tensor_at(manifest, TAG_INPUT, index, &tensor);
    return tensor;
}

struct wamlet_tensor wamlet_manifest_output(const struct wamlet_manifest *manifest, uint32_t index)
{
    struct wamlet_tensor tensor = {0, 0};
    tensor_at(manifest, TAG_OUTPUT, index, &tensor);
    return tensor;
}
