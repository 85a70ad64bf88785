/* LOAD, UNLOAD: a module of the store becomes one that runs, and its memory comes back. */
#include <string.h>

#include "device.h"
#include "pool.h"

/* Which slot a LOAD means: that of the name, or the active one. */
static bool choose_slot(const struct wamlet_device *device, struct wamlet_span name, uint32_t *slot)
{
    if (name.length > 0)
        return wamlet_store_find(&device->store, name, slot);
    *slot = wamlet_store_active(&device->store);
    return *slot != WAMLET_NO_SLOT || wamlet_refuse(WAMLET_NO_ACTIVE_MODULE, "");
}

static bool check_memory(const struct wamlet_manifest *manifest)
{
    uint32_t largest = wamlet_pool_largest();
    uint32_t available = wamlet_pool_total() - wamlet_pool_used();
    uint64_t needed = (uint64_t)manifest->linear_memory_bytes + manifest->runtime_bytes;
    if (manifest->linear_memory_bytes > largest)
        return wamlet_refuse_numbers(WAMLET_BLOCK_TOO_LARGE, manifest->linear_memory_bytes, largest, "");
    if (needed > available)
        return wamlet_refuse_numbers(WAMLET_NOT_ENOUGH_MEMORY, needed, available, "");
    return true;
}

/* A module's record, with what depends on the number of its layers and inputs behind it. */
static struct wamlet_loaded *allocate(const struct wamlet_manifest *manifest)
{
    uint32_t counts = manifest->layers * (uint32_t)sizeof(uint64_t);
    uint32_t progress = manifest->inputs * (uint32_t)sizeof(uint32_t);
    uint32_t record = (uint32_t)((sizeof(struct wamlet_loaded) + 7) / 8 * 8);
    uint8_t *bytes = wamlet_pool_allocate(record + counts + progress);
    if (bytes == NULL) {
        wamlet_refuse_numbers(WAMLET_BLOCK_TOO_LARGE, record + counts + progress, wamlet_pool_largest(), "");
        return NULL;
    }
    memset(bytes, 0, record + counts + progress);
    struct wamlet_loaded *module = (struct wamlet_loaded *)(void *)bytes;
    module->layer_counts = (uint64_t *)(void *)(bytes + record);
    module->received = (uint32_t *)(void *)(bytes + record + counts);
    return module;
}

static void write_tensors(struct wamlet_writer *writer, uint8_t tag, const struct wamlet_manifest *manifest)
{
    uint32_t count = tag == 6 ? manifest->inputs : manifest->outputs;
    for (uint32_t i = 0; i < count; i++) {
        struct wamlet_tensor tensor =
            tag == 6 ? wamlet_manifest_input(manifest, i) : wamlet_manifest_output(manifest, i);
        size_t begun = wamlet_write_begin(writer, tag);
        wamlet_write_integer(writer, 1, tensor.offset);
        wamlet_write_integer(writer, 2, tensor.bytes);
        wamlet_write_end(writer, begun);
    }
}

static bool answer_loaded(struct wamlet_device *device, const struct wamlet_request *request,
                          const struct wamlet_loaded *module)
{
    const struct wamlet_manifest *manifest = &module->manifest;
    struct wamlet_span name = wamlet_store_name(&device->store, module->slot);
    struct wamlet_writer *writer = wamlet_answer_begin(device, WAMLET_LOADED);
    wamlet_write_integer(writer, 1, request->integer[WAMLET_TAG_REQUEST]);
    wamlet_write_integer(writer, 2, module->handle);
    wamlet_write_bytes(writer, 3, name.bytes, name.length);
    wamlet_write_bytes(writer, 4, manifest->version.bytes, manifest->version.length);
    wamlet_write_bytes(writer, 5, manifest->payload_sha256, 32);
    write_tensors(writer, 6, manifest);
    write_tensors(writer, 7, manifest);
    wamlet_write_integer(writer, 8, manifest->layers);
    wamlet_write_integer(writer, 9, manifest->features);
    wamlet_write_integer(writer, 10, manifest->linear_memory_bytes);
    wamlet_write_integer(writer, 11, module->runtime_bytes);
    wamlet_write_integer(writer, 12, wamlet_pool_total());
    wamlet_write_integer(writer, 13, wamlet_pool_used());
    wamlet_write_integer(writer, 14, wamlet_pool_largest());
    return wamlet_answer_end(device);
}

static void release(struct wamlet_loaded *module)
{
    wamlet_runtime_unload(&module->instance);
    wamlet_pool_free(module);
}

bool wamlet_load(struct wamlet_device *device, const struct wamlet_request *request)
{
    struct wamlet_store *store = &device->store;
    struct wamlet_manifest manifest;
    uint32_t slot, before = wamlet_pool_used();
    if (!choose_slot(device, request->span[WAMLET_TAG_SUBJECT], &slot))
        return false;
    wamlet_store_manifest(store, slot, &manifest);
    if (store->slots[slot].faulted)
        return wamlet_refuse(WAMLET_LOAD_FAILED, "It was stopped for a fault in an earlier run.");
    if (!wamlet_store_intact(store, slot))
        return wamlet_refuse_number(WAMLET_STORE_CORRUPT, slot, "");
    if (!check_memory(&manifest))
        return false;
    struct wamlet_loaded *module = allocate(&manifest);
    if (module == NULL)
        return false;
    if (!wamlet_runtime_load(&module->instance, device->board, wamlet_store_payload(store, slot), &manifest,
                             module->layer_counts, before)) {
        wamlet_pool_free(module);
        return false;
    }
    module->handle = ++device->last_handle;
    module->slot = slot;
    module->manifest = manifest;
    module->runtime_bytes = wamlet_pool_used() - before - manifest.linear_memory_bytes;
    if (!answer_loaded(device, request, module)) {
        release(module);
        return false;
    }
    module->next = device->loaded;
    device->loaded = module;
    wamlet_log(device, WAMLET_LOG_INFORMATION, "loaded ", wamlet_store_name(store, slot));
    return true;
}

bool wamlet_unload(struct wamlet_device *device, const struct wamlet_request *request)
{
    uint64_t handle = request->integer[WAMLET_TAG_SUBJECT];
    for (struct wamlet_loaded **link = &device->loaded; *link != NULL; link = &(*link)->next) {
        struct wamlet_loaded *module = *link;
        if (module->handle != handle)
            continue;
        *link = module->next;
        release(module);
        return wamlet_answer_done(device, request);
    }
    return wamlet_refuse_number(WAMLET_UNKNOWN_HANDLE, handle, "");
}

void wamlet_unload_all(struct wamlet_device *device)
{
    device->results.module = NULL;
    while (device->loaded != NULL) {
        struct wamlet_loaded *module = device->loaded;
        device->loaded = module->next;
        release(module);
    }
}
