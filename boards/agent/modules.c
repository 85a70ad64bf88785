/* LIST, ACTIVATE, REMOVE: what lies in the store. */
#include <string.h>

#include "device.h"

bool wamlet_refuse_while_loaded(const struct wamlet_device *device, struct wamlet_span name)
{
    for (const struct wamlet_loaded *module = device->loaded; module != NULL; module = module->next) {
        struct wamlet_span loaded = wamlet_store_name(&device->store, module->slot);
        if (loaded.length == name.length && memcmp(loaded.bytes, name.bytes, name.length) == 0)
            return wamlet_refuse_number(WAMLET_MODULE_LOADED, module->handle, "");
    }
    return true;
}

enum state {
    STATE_COMPLETE,
    STATE_PARTIAL,
    STATE_FAULTED
};

static void write_module(struct wamlet_device *device, struct wamlet_writer *writer, uint32_t slot)
{
    const struct wamlet_slot *content = &device->store.slots[slot];
    struct wamlet_span name = wamlet_store_name(&device->store, slot);
    struct wamlet_manifest manifest;
    enum state state = content->state == WAMLET_SLOT_PARTIAL ? STATE_PARTIAL
                       : content->faulted                    ? STATE_FAULTED
                                                             : STATE_COMPLETE;
    wamlet_store_manifest(&device->store, slot, &manifest);
    size_t begun = wamlet_write_begin(writer, 3);
    wamlet_write_bytes(writer, 1, name.bytes, name.length);
    wamlet_write_bytes(writer, 2, manifest.version.bytes, manifest.version.length);
    wamlet_write_integer(writer, 3, manifest.payload_bytes);
    wamlet_write_bytes(writer, 4, manifest.payload_sha256, 32);
    wamlet_write_integer(writer, 5, slot);
    wamlet_write_integer(writer, 6, wamlet_store_active(&device->store) == slot);
    wamlet_write_integer(writer, 7, state);
    wamlet_write_end(writer, begun);
}

bool wamlet_list(struct wamlet_device *device, const struct wamlet_request *request)
{
    uint64_t index = 0, total = 0;
    struct wamlet_writer *writer = wamlet_answer_begin(device, WAMLET_MODULES);
    for (uint32_t slot = 0; slot < device->board->flash.slots; slot++)
        total += device->store.slots[slot].state != WAMLET_SLOT_FREE;
    wamlet_write_integer(writer, 1, request->integer[WAMLET_TAG_REQUEST]);
    wamlet_write_integer(writer, 2, total);
    for (uint32_t slot = 0; slot < device->board->flash.slots; slot++) {
        size_t before = writer->length;
        if (device->store.slots[slot].state == WAMLET_SLOT_FREE
            || index++ < request->integer[WAMLET_TAG_SUBJECT])
            continue;
        write_module(device, writer, slot);
        if (writer->full) {
            /* As many as one message holds; the host asks again for the rest. */
            writer->length = before;
            writer->full = false;
            break;
        }
    }
    return wamlet_answer_end(device);
}

bool wamlet_activate(struct wamlet_device *device, const struct wamlet_request *request)
{
    uint32_t slot;
    return wamlet_store_find(&device->store, request->span[WAMLET_TAG_SUBJECT], &slot)
           && wamlet_store_activate(&device->store, slot) && wamlet_answer_done(device, request);
}

bool wamlet_remove(struct wamlet_device *device, const struct wamlet_request *request)
{
    struct wamlet_span name = request->span[WAMLET_TAG_SUBJECT];
    uint32_t slot;
    return wamlet_store_find(&device->store, name, &slot) && wamlet_refuse_while_loaded(device, name)
           && wamlet_store_remove(&device->store, slot) && wamlet_answer_done(device, request);
}
