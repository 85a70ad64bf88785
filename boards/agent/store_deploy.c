/*
 * A deploy into the store: it takes a free slot, fills it sector by sector, and counts from its commit mark on. The
 * order of its erases and programs is what makes a power cut harmless.
 */
#include <string.h>

#include "refusal.h"
#include "store.h"
#include "store_flash.h"
#include "store_layout.h"

/*
 * A slot with the very same name and manifest, committed or partial. A partial one that is older than the committed
 * module of its name does not go on: its number would lose against that one's. Nor does a faulted one: deploying it
 * again is how its fault is forgiven.
 */
static uint32_t find_same(const struct wamlet_store *store, const struct wamlet_manifest *manifest,
                          struct wamlet_span name)
{
    uint32_t committed = 0;
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        if (store->slots[slot].state == WAMLET_SLOT_STORED && wamlet_same_bytes(wamlet_store_name(store, slot), name))
            committed = store->slots[slot].sequence;
    }
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        const struct wamlet_slot *content = &store->slots[slot];
        struct wamlet_manifest stored;
        if (content->state == WAMLET_SLOT_FREE || content->sequence < committed
            || !wamlet_same_bytes(wamlet_store_name(store, slot), name))
            continue;
        wamlet_store_manifest(store, slot, &stored);
        if (wamlet_same_bytes(stored.whole, manifest->whole)
            && (content->state == WAMLET_SLOT_PARTIAL || !content->faulted))
            return slot;
    }
    return WAMLET_NO_SLOT;
}

/*
 * The slot that a new deploy takes: the first free one after the one written last, which spreads the wear; where there
 * is none, that of the oldest deploy that was never committed.
 */
static uint32_t choose_slot(const struct wamlet_store *store)
{
    uint32_t slots = store->flash->slots;
    uint32_t last = slots - 1, partial = WAMLET_NO_SLOT;
    bool any = false;
    for (uint32_t slot = 0; slot < slots; slot++) {
        const struct wamlet_slot *content = &store->slots[slot];
        if (content->state == WAMLET_SLOT_FREE)
            continue;
        if (!any || content->sequence >= store->slots[last].sequence)
            last = slot;
        any = true;
        if (content->state == WAMLET_SLOT_PARTIAL
            && (partial == WAMLET_NO_SLOT || content->sequence < store->slots[partial].sequence))
            partial = slot;
    }
    for (uint32_t step = 1; step <= slots; step++) {
        uint32_t slot = (last + step) % slots;
        if (store->slots[slot].state == WAMLET_SLOT_FREE)
            return slot;
    }
    return partial;
}

static uint32_t next_sequence(const struct wamlet_store *store)
{
    uint32_t largest = 0;
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        if (store->slots[slot].state != WAMLET_SLOT_FREE && store->slots[slot].sequence > largest)
            largest = store->slots[slot].sequence;
    }
    for (uint32_t copy = 0; copy < 2; copy++) {
        if (store->pointers[copy].valid && store->pointers[copy].slot_sequence > largest)
            largest = store->pointers[copy].slot_sequence;
    }
    return largest + 1;
}

/* Takes a slot for a new deploy and writes its record. */
static bool write_record(struct wamlet_store *store, const struct wamlet_manifest *manifest,
                         struct wamlet_span name, uint32_t *taken)
{
    uint32_t slot = choose_slot(store);
    if (slot == WAMLET_NO_SLOT)
        return wamlet_refuse_number(WAMLET_STORE_FULL, store->flash->slots, "");
    uint32_t sequence = next_sequence(store);
    if (!wamlet_erase_header(store, slot))
        return false;
    uint32_t length = wamlet_write_slot_record(store->scratch, sequence, name, manifest->whole,
                                               store->flash->word_bytes);
    bool written = wamlet_flash_program(wamlet_slot_address(store, slot), store->scratch, length);
    wamlet_read_slot(store, slot, &store->slots[slot]);
    *taken = slot;
    return written;
}

bool wamlet_store_begin(struct wamlet_store *store, const struct wamlet_manifest *manifest, struct wamlet_span name)
{
    struct wamlet_deployment *deployment = &store->deployment;
    uint32_t sectors = 0;
    deployment->under_way = false;
    if (name.length == 0)
        name = manifest->name;
    if (!wamlet_is_module_name(name.bytes, name.length))
        return wamlet_refuse(WAMLET_INVALID_MANIFEST, "The name is not 1 to 31 of [a-z0-9_.-].");
    if (manifest->payload_bytes > store->payload_bytes)
        return wamlet_refuse_numbers(WAMLET_TOO_LARGE_FOR_SLOT, manifest->payload_bytes, store->payload_bytes, "");
    for (uint32_t slot = 0; slot < store->flash->slots; slot++) {
        /* A deploy that was under way since the mount has got further than what was read then. */
        if (store->slots[slot].state == WAMLET_SLOT_PARTIAL)
            wamlet_read_slot(store, slot, &store->slots[slot]);
    }
    uint32_t slot = find_same(store, manifest, name);
    if (slot != WAMLET_NO_SLOT)
        sectors = store->slots[slot].state == WAMLET_SLOT_STORED ? store->payload_sectors
                                                                 : store->slots[slot].sectors;
    else if (!write_record(store, manifest, name, &slot))
        return false;
    uint64_t received = (uint64_t)sectors * store->flash->sector_bytes;
    deployment->slot = slot;
    deployment->payload_bytes = manifest->payload_bytes;
    deployment->received = received < manifest->payload_bytes ? (uint32_t)received : manifest->payload_bytes;
    deployment->rest_bytes = 0;
    deployment->under_way = true;
    return true;
}

/* Bytes of one sector: erases it before its first word, marks it once it is complete. */
static bool write_in_sector(struct wamlet_store *store, const uint8_t *bytes, uint32_t length)
{
    struct wamlet_deployment *deployment = &store->deployment;
    uint32_t sector_bytes = store->flash->sector_bytes, word = store->flash->word_bytes;
    uint32_t start = wamlet_payload_address(store, deployment->slot);
    if (deployment->received % sector_bytes == 0 && !wamlet_flash_erase(start + deployment->received))
        return false;
    uint32_t programmed = deployment->received - deployment->rest_bytes;
    deployment->received += length;
    bool complete = deployment->received == deployment->payload_bytes;

    if (deployment->rest_bytes > 0) {
        uint32_t missing = word - deployment->rest_bytes;
        uint32_t taken = length < missing ? length : missing;
        memcpy(deployment->rest + deployment->rest_bytes, bytes, taken);
        deployment->rest_bytes += taken;
        bytes += taken;
        length -= taken;
        if (deployment->rest_bytes == word) {
            if (!wamlet_flash_program(start + programmed, deployment->rest, word))
                return false;
            programmed += word;
            deployment->rest_bytes = 0;
        }
    }
    if (deployment->rest_bytes == 0) {
        uint32_t whole = length - length % word;
        if (whole > 0 && !wamlet_flash_program(start + programmed, bytes, whole))
            return false;
        programmed += whole;
        deployment->rest_bytes = length - whole;
        memcpy(deployment->rest, bytes + whole, deployment->rest_bytes);
    }
    if (complete && deployment->rest_bytes > 0) {
        memset(deployment->rest + deployment->rest_bytes, 0xff, word - deployment->rest_bytes);
        deployment->rest_bytes = 0;
        if (!wamlet_flash_program(start + programmed, deployment->rest, word))
            return false;
    }
    if (complete || deployment->received % sector_bytes == 0)
        return wamlet_set_mark(store, deployment->slot,
                        WAMLET_MARK_SECTOR + wamlet_payload_sectors(store, deployment->received) - 1);
    return true;
}

bool wamlet_store_write(struct wamlet_store *store, uint64_t offset, const uint8_t *bytes, uint32_t length)
{
    struct wamlet_deployment *deployment = &store->deployment;
    if (!deployment->under_way)
        return wamlet_refuse(WAMLET_NO_DEPLOY, "A chunk came without a deploy.");
    if (offset != deployment->received || length > deployment->payload_bytes - deployment->received)
        return wamlet_refuse_numbers(WAMLET_WRONG_OFFSET, deployment->received, offset, "");
    while (length > 0) {
        uint32_t until_end = store->flash->sector_bytes - deployment->received % store->flash->sector_bytes;
        uint32_t piece = length < until_end ? length : until_end;
        if (!write_in_sector(store, bytes, piece)) {
            /* What stands there now is unknown: only a new beginning erases it. */
            deployment->under_way = false;
            return false;
        }
        bytes += piece;
        length -= piece;
    }
    return true;
}

bool wamlet_store_commit(struct wamlet_store *store, uint32_t *committed)
{
    struct wamlet_deployment *deployment = &store->deployment;
    uint32_t slot = deployment->slot;
    if (!deployment->under_way)
        return wamlet_refuse(WAMLET_NO_DEPLOY, "There is no deploy to commit.");
    if (deployment->received != deployment->payload_bytes)
        return wamlet_refuse_numbers(WAMLET_WRONG_OFFSET, deployment->received, deployment->payload_bytes, "");
    deployment->under_way = false;
    if (!wamlet_store_intact(store, slot))
        return wamlet_erase_header(store, slot) && wamlet_refuse(WAMLET_HASH_MISMATCH, "");
    if (store->slots[slot].state != WAMLET_SLOT_STORED) {
        if (!wamlet_set_mark(store, slot, WAMLET_MARK_COMMIT))
            return false;
        wamlet_read_slot(store, slot, &store->slots[slot]);
        if (store->slots[slot].state != WAMLET_SLOT_STORED)
            return wamlet_flash_failed(wamlet_slot_address(store, slot));
    }
    *committed = slot;
    return wamlet_store_retire_older(store, slot);
}
