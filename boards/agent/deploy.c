/* DEPLOY_BEGIN, DEPLOY_CHUNK, DEPLOY_COMMIT: a module on its way into the store. */
#include "device.h"
#include "pool.h"

/* What this board could never run is refused before a byte of it is stored. */
static bool check_fits(const struct wamlet_device *device, const struct wamlet_manifest *manifest)
{
    uint32_t missing = manifest->features & ~WAMLET_OFFERED_FEATURES;
    uint32_t pool = wamlet_pool_total() - device->idle_bytes;
    uint64_t needed = (uint64_t)manifest->linear_memory_bytes + manifest->runtime_bytes;
    if (manifest->abi != WAMLET_ABI)
        return wamlet_refuse_numbers(WAMLET_UNSUPPORTED_ABI, manifest->abi, WAMLET_ABI, "");
    if (missing != 0)
        return wamlet_refuse_number(WAMLET_UNSUPPORTED_FEATURE, missing, "");
    if (manifest->linear_memory_bytes > pool)
        return wamlet_refuse_numbers(WAMLET_BLOCK_TOO_LARGE, manifest->linear_memory_bytes, pool, "");
    if (needed > pool)
        return wamlet_refuse_numbers(WAMLET_NOT_ENOUGH_MEMORY, needed, pool, "");
    return true;
}

bool wamlet_deploy_begin(struct wamlet_device *device, const struct wamlet_request *request)
{
    struct wamlet_span bytes = request->span[WAMLET_TAG_SUBJECT];
    struct wamlet_span name = request->span[WAMLET_TAG_BEGIN_NAME];
    struct wamlet_manifest manifest;
    if (!wamlet_manifest_read(&manifest, bytes.bytes, bytes.length) || !check_fits(device, &manifest))
        return false;
    if (!wamlet_refuse_while_loaded(device, name.length > 0 ? name : manifest.name)
        || !wamlet_store_begin(&device->store, &manifest, name))
        return false;
    const struct wamlet_deployment *deployment = &device->store.deployment;
    wamlet_log(device, WAMLET_LOG_INFORMATION, "deploy of ", wamlet_store_name(&device->store, deployment->slot));
    struct wamlet_writer *writer = wamlet_answer_begin(device, WAMLET_DEPLOY_READY);
    wamlet_write_integer(writer, 1, request->integer[WAMLET_TAG_REQUEST]);
    wamlet_write_integer(writer, 2, deployment->received);
    wamlet_write_integer(writer, 3, deployment->slot);
    return wamlet_answer_end(device);
}

bool wamlet_deploy_chunk(struct wamlet_device *device, const struct wamlet_request *request)
{
    struct wamlet_span data = request->span[WAMLET_TAG_CHUNK_DATA];
    return wamlet_store_write(&device->store, request->integer[WAMLET_TAG_SUBJECT], data.bytes,
                              (uint32_t)data.length);
}

bool wamlet_deploy_commit(struct wamlet_device *device, const struct wamlet_request *request)
{
    struct wamlet_manifest manifest;
    uint32_t slot;
    if (!wamlet_store_commit(&device->store, &slot))
        return false;
    wamlet_log(device, WAMLET_LOG_INFORMATION, "stored ", wamlet_store_name(&device->store, slot));
    wamlet_store_manifest(&device->store, slot, &manifest);
    struct wamlet_writer *writer = wamlet_answer_begin(device, WAMLET_DEPLOYED);
    wamlet_write_integer(writer, 1, request->integer[WAMLET_TAG_REQUEST]);
    wamlet_write_bytes(writer, 2, manifest.payload_sha256, 32);
    wamlet_write_integer(writer, 3, slot);
    return wamlet_answer_end(device);
}
