/* The store as it stands: mounting it, what it holds, and what is done to a module that is stored. */
#include "store.h"

#include <string.h>

#include "refusal.h"
#include "sha256.h"
#include "store_flash.h"
#include "store_layout.h"

bool wamlet_same_bytes(struct wamlet_span one, struct wamlet_span other)
{
    return one.length == other.length && memcmp(one.bytes, other.bytes, one.length) == 0;
}

bool wamlet_store_retire_older(struct wamlet_store *store, uint32_t newer)
{
    struct wamlet_span name = wamlet_store_name(store, newer);
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        const struct wamlet_slot *older = &store->slots[slot];
        if (older->state != WAMLET_SLOT_STORED || older->sequence >= store->slots[newer].sequence
            || !wamlet_same_bytes(wamlet_store_name(store, slot), name))
            continue;
        if (wamlet_store_active(store) == slot && !wamlet_write_pointer(store, newer, store->slots[newer].sequence))
            return false;
        if (!wamlet_erase_header(store, slot))
            return false;
    }
    return true;
}

bool wamlet_store_mount(struct wamlet_store *store, const struct wamlet_flash *flash, uint8_t *scratch)
{
    memset(store, 0, sizeof *store);
    store->flash = flash;
    store->scratch = scratch;
    if (!wamlet_layout(store))
        return false;
    wamlet_read_pointer(store, 0, &store->pointers[0]);
    wamlet_read_pointer(store, 1, &store->pointers[1]);
    for (uint32_t slot = 0; slot < flash->slots; slot++)
        wamlet_read_slot(store, slot, &store->slots[slot]);
    for (uint32_t slot = 0; slot < flash->slots; slot++) {
        /* A flash that fails here fails again at the next deploy, which then says so. */
        if (store->slots[slot].state == WAMLET_SLOT_STORED)
            wamlet_store_retire_older(store, slot);
    }
    return true;
}

uint32_t wamlet_store_free_slots(const struct wamlet_store *store)
{
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < store->flash->slots; slot++)
        count += store->slots[slot].state != WAMLET_SLOT_STORED;
    return count;
}

struct wamlet_span wamlet_store_name(const struct wamlet_store *store, uint32_t slot)
{
    const uint8_t *bytes = store->flash->mapped + wamlet_slot_address(store, slot) + WAMLET_NAME_OFFSET;
    struct wamlet_span name = {bytes, 0};
    while (name.length <= WAMLET_NAME_BYTES && bytes[name.length] != 0)
        name.length++;
    return name;
}

void wamlet_store_manifest(const struct wamlet_store *store, uint32_t slot, struct wamlet_manifest *manifest)
{
    const uint8_t *bytes = store->flash->mapped + wamlet_slot_address(store, slot);
    /* It was read once, when the slot was found valid. */
    wamlet_manifest_read(manifest, bytes + WAMLET_SLOT_HEADER_BYTES, (size_t)bytes[6] | (size_t)bytes[7] << 8);
}

const uint8_t *wamlet_store_payload(const struct wamlet_store *store, uint32_t slot)
{
    return store->flash->mapped + wamlet_payload_address(store, slot);
}

uint32_t wamlet_store_active(const struct wamlet_store *store)
{
    uint32_t newest = wamlet_newest_pointer(store);
    if (newest == 2)
        return WAMLET_NO_SLOT;
    const struct wamlet_pointer *pointer = &store->pointers[newest];
    if (pointer->slot >= store->flash->slots)
        return WAMLET_NO_SLOT;
    const struct wamlet_slot *slot = &store->slots[pointer->slot];
    bool holds = slot->state == WAMLET_SLOT_STORED && slot->sequence == pointer->slot_sequence;
    return holds ? pointer->slot : WAMLET_NO_SLOT;
}

bool wamlet_store_find(const struct wamlet_store *store, struct wamlet_span name, uint32_t *found)
{
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        if (store->slots[slot].state == WAMLET_SLOT_STORED
            && wamlet_same_bytes(wamlet_store_name(store, slot), name)) {
            *found = slot;
            return true;
        }
    }
    return wamlet_refuse(WAMLET_UNKNOWN_MODULE, "");
}

bool wamlet_store_intact(const struct wamlet_store *store, uint32_t slot)
{
    struct wamlet_manifest manifest;
    uint8_t digest[WAMLET_SHA256_BYTES];
    wamlet_store_manifest(store, slot, &manifest);
    wamlet_sha256(wamlet_store_payload(store, slot), manifest.payload_bytes, digest);
    return memcmp(digest, manifest.payload_sha256, sizeof digest) == 0;
}

bool wamlet_store_activate(struct wamlet_store *store, uint32_t slot)
{
    return wamlet_store_active(store) == slot || wamlet_write_pointer(store, slot, store->slots[slot].sequence);
}

bool wamlet_store_remove(struct wamlet_store *store, uint32_t slot)
{
    if (wamlet_store_active(store) == slot && !wamlet_write_pointer(store, WAMLET_NO_SLOT, 0))
        return false;
    return wamlet_erase_header(store, slot);
}

bool wamlet_store_mark_faulted(struct wamlet_store *store, uint32_t slot)
{
    if (store->slots[slot].state != WAMLET_SLOT_STORED || store->slots[slot].faulted)
        return true;
    bool written = wamlet_set_mark(store, slot, WAMLET_MARK_FAULT);
    wamlet_read_slot(store, slot, &store->slots[slot]);
    return written;
}
